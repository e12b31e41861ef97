// Public keys that sign packages, policies and revocations: Ed25519 or P-256, one line of base64, known by the SHA-256 of it.

import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";

export type Algorithm = "ed25519" | "p256";

export interface PublicKey {
  /** SHA-256 of the key as SPKI, in hexadecimal. */
  readonly keyid: string;
  /** SPKI in base64. */
  readonly publicKey: string;
  readonly algorithm: Algorithm;
}

export interface ParsedKey extends PublicKey {
  readonly key: KeyObject;
}

/** Of a key in base64; more is none of ours. */
export const MAX_KEY_LENGTH = 512;
export const KEYID: RegExp = /^[0-9a-f]{64}$/;

/** `text` is SPKI in base64, or the same as PEM. Throws HostError `invalid-message` for what is no key, or one of another kind. */
export function parsePublicKey(text: string): ParsedKey {
  const refuse = (cause?: unknown): HostError =>
    new HostError(
      "invalid-message",
      `"${printable(text.slice(0, 80))}" is no public key; write what "bulkhead key export" prints, of Ed25519 or P-256`,
      { cause },
    );
  const base64 = text.replace(/-----(?:BEGIN|END) PUBLIC KEY-----|\s/g, "");
  if (base64.length > MAX_KEY_LENGTH) throw refuse();
  const der = Buffer.from(base64, "base64");
  let key: KeyObject;
  try {
    key = createPublicKey({ key: der, format: "der", type: "spki" });
  } catch (cause) {
    throw refuse(cause);
  }
  const parsed = describeKey(key);
  // Two spellings of one key would be two keys of a threshold.
  if (parsed === undefined || parsed.publicKey !== base64) throw refuse();
  return parsed;
}

/** Of the public half; undefined for one of another kind. */
export function describeKey(key: KeyObject): ParsedKey | undefined {
  const algorithm = algorithmOf(key);
  if (algorithm === undefined) return undefined;
  const der = key.export({ format: "der", type: "spki" });
  return { keyid: createHash("sha256").update(der).digest("hex"), publicKey: der.toString("base64"), algorithm, key };
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): Algorithm | undefined {
  if (asymmetricKeyType === "ed25519") return "ed25519";
  return asymmetricKeyType === "ec" && asymmetricKeyDetails?.namedCurve === "prime256v1" ? "p256" : undefined;
}

/** What OpenSSL wants to know beside the key. */
export const digestFor = (algorithm: Algorithm): "sha256" | null => (algorithm === "p256" ? "sha256" : null);
