// What of `crypto.*` in wit/ is answered where the guest runs: hashes and signatures, computed by Node at the cost of the turn that asks. Everything is counted
// before OpenSSL sees it. Keys that sign, and passwords, are the host's (capabilities/crypto).

import type { KeyObject } from "node:crypto";
import { HostError } from "../../core/errors.ts";
import type { Bytes, Limits } from "../../core/types.ts";
import type { CryptoHashAlgorithm, CryptoKeyFormat, CryptoSignatureAlgorithm } from "../../core/wit.ts";
import { publicJwk } from "./public-jwk.ts";

const MAX_HMAC_KEY_BYTES = 4_096;

/** What Node has for it takes 0.8 MB of each process, so only of those whose plugin asks. */
const ofNode = (): typeof import("node:crypto") => process.getBuiltinModule("node:crypto");

type PayloadLimit = Pick<Limits, "payloadBytes">;

/** How each algorithm is told to Node; a padding by its name in `constants`. */
const SIGNATURES: Readonly<Record<CryptoSignatureAlgorithm, SignatureRule>> = {
  ed25519: { hash: null },
  es256: { hash: "sha256", how: { dsaEncoding: "ieee-p1363" } },
  rs256: { hash: "sha256", padding: "RSA_PKCS1_PADDING" },
  ps256: { hash: "sha256", padding: "RSA_PKCS1_PSS_PADDING", how: { saltLength: 32 } },
};

interface SignatureRule {
  readonly hash: "sha256" | null;
  readonly padding?: "RSA_PKCS1_PADDING" | "RSA_PKCS1_PSS_PADDING";
  readonly how?: { readonly dsaEncoding?: "ieee-p1363"; readonly saltLength?: number };
}

export function digest(limits: PayloadLimit, algorithm: CryptoHashAlgorithm, message: Bytes): Bytes {
  requireSize(limits, "the message", message);
  return ofNode().hash(algorithm, message, "buffer");
}

/** Throws HostError `invalid-message` for a key that is empty, which would authenticate everybody's messages, or too long. */
export function hmac(limits: PayloadLimit, algorithm: CryptoHashAlgorithm, key: Bytes, message: Bytes): Bytes {
  if (key.length < 1 || key.length > MAX_HMAC_KEY_BYTES)
    throw new HostError("invalid-message", `the key has ${key.length} bytes; write 1 to ${MAX_HMAC_KEY_BYTES}`);
  requireSize(limits, "the message", message);
  return ofNode().createHmac(algorithm, key).update(message).digest();
}

export function equal(limits: PayloadLimit, one: Bytes, other: Bytes): boolean {
  requireSize(limits, "one side", one);
  requireSize(limits, "the other side", other);
  return one.length === other.length && ofNode().timingSafeEqual(one, other);
}

export interface SignedMessage {
  readonly algorithm: CryptoSignatureAlgorithm;
  readonly format: CryptoKeyFormat;
  readonly key: Bytes;
  readonly message: Bytes;
  readonly signature: Bytes;
}

/** Throws HostError `invalid-message` for a key that is none, or is one that is not taken. */
export function verifySignature(limits: PayloadLimit, { algorithm, format, key, message, signature }: SignedMessage): boolean {
  requireSize(limits, "the message", message);
  const { jwk, signatureBytes } = publicJwk(algorithm, format, key);
  if (signature.length !== signatureBytes) return false;
  const { hash, padding, how } = SIGNATURES[algorithm];
  const { constants, verify } = ofNode();
  const padded = padding && { padding: constants[padding] };
  return verify(hash, message, { key: keyObject(jwk), ...padded, ...how }, signature);
}

function keyObject(jwk: Readonly<Record<string, string>>): KeyObject {
  try {
    return ofNode().createPublicKey({ key: jwk, format: "jwk" });
  } catch {
    throw new HostError("invalid-message", "the key is no public key: its point is not on the curve");
  }
}

function requireSize({ payloadBytes }: PayloadLimit, what: string, { length }: Bytes): void {
  if (length > payloadBytes)
    throw new HostError("quota-exceeded", `${what} has ${length} bytes; the limit is ${payloadBytes} (limits.payloadMiB)`);
}
