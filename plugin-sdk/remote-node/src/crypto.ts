// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Hashes, signatures and passwords. `digest`, `hmac`, `verify` and `equal` are computed where the plugin runs and cost it CPU time; the others are

import { asking } from "./asking.ts";
import type { Shape } from "./blocks.ts";

const cryptoHashAlgorithm: Shape = { enum: ["sha256", "sha384", "sha512"] };
const cryptoSignatureAlgorithm: Shape = { enum: ["ed25519", "es256", "rs256", "ps256"] };
const cryptoKeyFormat: Shape = { enum: ["jwk", "raw"] };
const cryptoKeyAlgorithm: Shape = { enum: ["ed25519", "es256"] };

export type HashAlgorithm = "sha256" | "sha384" | "sha512";

/**
 * How a signature is made, by the names of JSON Web Signatures.
 */
export type SignatureAlgorithm = "ed25519" | "es256" | "rs256" | "ps256";

export type KeyFormat = "jwk" | "raw";

/**
 * The hash of a message.
 *
 * Fails with quota-exceeded (size).
 */
export function digest(algorithm: HashAlgorithm, message: Uint8Array): Promise<Uint8Array> {
  return asking("crypto.digest", [[cryptoHashAlgorithm, algorithm], ["bytes", message]], "bytes");
}

/**
 * The authentication code (HMAC) of a message under a secret key of 1 to 4,096 bytes. Compare it with `equal`.
 *
 * Fails with invalid-message (key), quota-exceeded (size).
 */
export function hmac(algorithm: HashAlgorithm, key: Uint8Array, message: Uint8Array): Promise<Uint8Array> {
  return asking("crypto.hmac", [[cryptoHashAlgorithm, algorithm], ["bytes", key], ["bytes", message]], "bytes");
}

/**
 * Whether a public key's owner has signed the message. A signature that is malformed, or has another length, is none. Whose the key is, the plugin has to know:
 * never take it from what was signed. Keys of RSA have 2,048 to 4,096 bits and an odd exponent from 3 to 4,294,967,295. Where a JWK has `alg`,
 * `use` or `key_ops`, they must fit.
 *
 * Fails with invalid-message (key), quota-exceeded (size).
 */
export function verify(algorithm: SignatureAlgorithm, format: KeyFormat, key: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  return asking("crypto.verify", [[cryptoSignatureAlgorithm, algorithm], [cryptoKeyFormat, format], ["bytes", key], ["bytes", message], ["bytes", signature]], "bool");
}

/**
 * Whether both are the same bytes, in a time that depends on their lengths only.
 *
 * Fails with quota-exceeded (size).
 */
export function equal(one: Uint8Array, other: Uint8Array): Promise<boolean> {
  return asking("crypto.equal", [["bytes", one], ["bytes", other]], "bool");
}

/**
 * What to store of a password of 1 to 1,024 bytes of UTF-8: argon2id with a salt of its own and the host's parameters, in the form
 * `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`. It takes tens of milliseconds, which count as the host's work for this plugin.
 *
 * Fails with invalid-message (password), rate-limited (8 of this plugin wait; `retry-after-ms` says for how long), deadline-exceeded (it could not
 * begin within the turn).
 */
export function passwordHash(password: string): Promise<string> {
  return asking("crypto.password-hash", [["string", password]], "string");
}

/**
 * Whether `phc` was made of this password, by `password-hash` or by anybody else's argon2id. Takes as long for a wrong one as for the right one.
 *
 * Fails with invalid-message (password; `phc` is no argon2id in that form, or asks for more than the operator allows), rate-limited,
 * deadline-exceeded.
 */
export function passwordVerify(password: string, phc: string): Promise<boolean> {
  return asking("crypto.password-verify", [["string", password], ["string", phc]], "bool");
}

export type KeyAlgorithm = "ed25519" | "es256";

/**
 * Signs the message, as it is, with a key that the host made for this plugin under this name and shows to nobody: 1 to 63 lower-case letters, digits and
 * hyphens, with a letter first. The first use of a name makes its key, of `algorithm` or ed25519. A signature is as `verify` takes it. The message has at most
 * 65,536 bytes; of more, sign the digest. Needs `keys.sign` on the name.
 *
 * Fails with permission-denied, invalid-message (name), conflict (the key is of another algorithm), quota-exceeded (size), storage-failed.
 */
export function sign(key: string, algorithm: KeyAlgorithm | undefined, message: Uint8Array): Promise<Uint8Array> {
  return asking("crypto.sign", [["string", key], [{ option: cryptoKeyAlgorithm }, algorithm], ["bytes", message]], "bytes");
}

/**
 * The public half of what `sign` signs with, as a JWK with `kid`, `alg` and `use`. Makes the key like `sign`. Needs `keys.sign` on the name.
 *
 * Fails like `sign`.
 */
export function publicKey(key: string, algorithm?: KeyAlgorithm | undefined): Promise<string> {
  return asking("crypto.public-key", [["string", key], [{ option: cryptoKeyAlgorithm }, algorithm]], "string");
}

/**
 * The JWKs of all keys that had this name, the one that signs first: the operator rotates keys, and what an earlier one has signed is to be
 * verified until the operator removes it. None while nobody has used the name. Needs `keys.sign` on the name.
 *
 * Fails with permission-denied, invalid-message (name), storage-failed.
 */
export function publicKeys(key: string): Promise<string[]> {
  return asking("crypto.public-keys", [["string", key]], { list: "string" });
}
