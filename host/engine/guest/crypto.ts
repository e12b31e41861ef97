// What of `crypto.*` in wit/ is answered where the guest runs: hashes and signatures, computed by Node at the cost of the turn that asks. Everything is counted
// before OpenSSL sees it. Keys that sign, and passwords, are the host's (capabilities/crypto).

import { constants, createHmac, createPublicKey, hash, type KeyObject, timingSafeEqual, verify } from "node:crypto";
import { HostError } from "../../core/errors.ts";
import type { Bytes, Limits } from "../../core/types.ts";
import type { CryptoHashAlgorithm, CryptoKeyFormat, CryptoSignatureAlgorithm } from "../../core/wit.ts";
import { publicJwk } from "./public-jwk.ts";

const MAX_HMAC_KEY_BYTES = 4_096;

type PayloadLimit = Pick<Limits, "payloadBytes">;

/** How each algorithm is told to Node. */
const SIGNATURES = {
  ed25519: { hash: null, how: {} },
  es256: { hash: "sha256", how: { dsaEncoding: "ieee-p1363" } },
  rs256: { hash: "sha256", how: { padding: constants.RSA_PKCS1_PADDING } },
  ps256: { hash: "sha256", how: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } },
} as const satisfies Record<CryptoSignatureAlgorithm, object>;

export function digest(limits: PayloadLimit, algorithm: CryptoHashAlgorithm, message: Bytes): Bytes {
  requireSize(limits, "the message", message);
  return hash(algorithm, message, "buffer");
}

/** Throws HostError `invalid-message` for a key that is empty, which would authenticate everybody's messages, or too long. */
export function hmac(limits: PayloadLimit, algorithm: CryptoHashAlgorithm, key: Bytes, message: Bytes): Bytes {
  if (key.length < 1 || key.length > MAX_HMAC_KEY_BYTES)
    throw new HostError("invalid-message", `the key has ${key.length} bytes; write 1 to ${MAX_HMAC_KEY_BYTES}`);
  requireSize(limits, "the message", message);
  return createHmac(algorithm, key).update(message).digest();
}

export function equal(limits: PayloadLimit, one: Bytes, other: Bytes): boolean {
  requireSize(limits, "one side", one);
  requireSize(limits, "the other side", other);
  return one.length === other.length && timingSafeEqual(one, other);
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
  const { hash, how } = SIGNATURES[algorithm];
  return verify(hash, message, { key: keyObject(jwk), ...how }, signature);
}

function keyObject(jwk: Readonly<Record<string, string>>): KeyObject {
  try {
    return createPublicKey({ key: jwk, format: "jwk" });
  } catch {
    throw new HostError("invalid-message", "the key is no public key: its point is not on the curve");
  }
}

function requireSize({ payloadBytes }: PayloadLimit, what: string, { length }: Bytes): void {
  if (length > payloadBytes)
    throw new HostError("quota-exceeded", `${what} has ${length} bytes; the limit is ${payloadBytes} (limits.payloadMiB)`);
}
