// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Hashes, signatures and passwords. `digest`, `hmac`, `verify` and `equal` are computed where the plugin runs and cost it CPU time; the others are
// answered by the host, which keeps the keys that plugins sign with. Random bytes come from `random`. A message has at most `limits.payloadMiB`.

import * as abi from "../imports";
import { bytesFrom, jsonFrom, textFrom } from "../answers";
import { jsonBlock } from "../json";
import { bytesBlock, textBlock } from "../memory";
import { Result } from "../result";

export abstract class HashAlgorithm {
  static readonly sha256: string = "sha256";
  static readonly sha384: string = "sha384";
  static readonly sha512: string = "sha512";
}

/** How a signature is made, by the names of JSON Web Signatures. */
export abstract class SignatureAlgorithm {
  /** 64 bytes. */
  static readonly ed25519: string = "ed25519";
  /** ECDSA with P-256 and SHA-256: 64 bytes, r and s one after the other. */
  static readonly es256: string = "es256";
  /** RSA with PKCS #1 v1.5 and SHA-256: as many bytes as the key. */
  static readonly rs256: string = "rs256";
  /** RSA with PSS, MGF1, SHA-256 and a salt of 32 bytes: as many bytes as the key. */
  static readonly ps256: string = "ps256";
}

export abstract class KeyFormat {
  /** A JSON Web Key, as a JSON text of at most 8,192 bytes. Private members are passed over. */
  static readonly jwk: string = "jwk";
  /** The bytes of the key: 32 for ed25519, the 65 of the uncompressed point for es256. Keys of RSA have no such form. */
  static readonly raw: string = "raw";
}

/**
 * The hash of a message.
 *
 * Fails with quota-exceeded (size).
 */
export function digest(algorithm: string, message: Uint8Array): Result<Uint8Array> {
  return bytesFrom(abi.crypto_digest(jsonBlock<string>(algorithm), bytesBlock(message)));
}

/**
 * The authentication code (HMAC) of a message under a secret key of 1 to 4,096 bytes. Compare it with `equal`.
 *
 * Fails with invalid-message (key), quota-exceeded (size).
 */
export function hmac(algorithm: string, key: Uint8Array, message: Uint8Array): Result<Uint8Array> {
  return bytesFrom(abi.crypto_hmac(jsonBlock<string>(algorithm), bytesBlock(key), bytesBlock(message)));
}

/**
 * Whether a public key's owner has signed the message. A signature that is malformed, or has another length, is none. Whose the key is, the plugin has to know:
 * never take it from what was signed. Keys of RSA have 2,048 to 4,096 bits and an odd exponent from 3 to 4,294,967,295. Where a JWK has `alg`,
 * `use` or `key_ops`, they must fit.
 *
 * Fails with invalid-message (key), quota-exceeded (size).
 */
export function verify(algorithm: string, format: string, key: Uint8Array, message: Uint8Array, signature: Uint8Array): Result<bool> {
  return jsonFrom<bool>(abi.crypto_verify(jsonBlock<string>(algorithm), jsonBlock<string>(format), bytesBlock(key), bytesBlock(message), bytesBlock(signature)));
}

/**
 * Whether both are the same bytes, in a time that depends on their lengths only.
 *
 * Fails with quota-exceeded (size).
 */
export function equal(one: Uint8Array, other: Uint8Array): Result<bool> {
  return jsonFrom<bool>(abi.crypto_equal(bytesBlock(one), bytesBlock(other)));
}

/**
 * What to store of a password of 1 to 1,024 bytes of UTF-8: argon2id with a salt of its own and the host's parameters, in the form
 * `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`. It takes tens of milliseconds, which count as the host's work for this plugin.
 *
 * Fails with invalid-message (password), rate-limited (8 of this plugin wait; `retry-after-ms` says for how long), deadline-exceeded (it could not
 * begin within the turn).
 */
export function passwordHash(password: string): Result<string> {
  return textFrom(abi.crypto_password_hash(textBlock(password)));
}

/**
 * Whether `phc` was made of this password, by `password-hash` or by anybody else's argon2id. Takes as long for a wrong one as for the right one.
 *
 * Fails with invalid-message (password; `phc` is no argon2id in that form, or asks for more than the operator allows), rate-limited,
 * deadline-exceeded.
 */
export function passwordVerify(password: string, phc: string): Result<bool> {
  return jsonFrom<bool>(abi.crypto_password_verify(textBlock(password), textBlock(phc)));
}

export abstract class KeyAlgorithm {
  static readonly ed25519: string = "ed25519";
  static readonly es256: string = "es256";
}

/**
 * Signs the message, as it is, with a key that the host made for this plugin under this name and shows to nobody: 1 to 63 lower-case letters, digits and
 * hyphens, with a letter first. The first use of a name makes its key, of `algorithm` or ed25519. A signature is as `verify` takes it. The message has at most
 * 65,536 bytes; of more, sign the digest. Needs `keys.sign` on the name.
 *
 * Fails with permission-denied, invalid-message (name), conflict (the key is of another algorithm), quota-exceeded (size), storage-failed.
 */
export function sign(key: string, algorithm: string | null, message: Uint8Array): Result<Uint8Array> {
  return bytesFrom(abi.crypto_sign(textBlock(key), jsonBlock<string | null>(algorithm), bytesBlock(message)));
}

/**
 * The public half of what `sign` signs with, as a JWK with `kid`, `alg` and `use`. Makes the key like `sign`. Needs `keys.sign` on the name.
 *
 * Fails like `sign`.
 */
export function publicKey(key: string, algorithm: string | null = null): Result<string> {
  return textFrom(abi.crypto_public_key(textBlock(key), jsonBlock<string | null>(algorithm)));
}

/**
 * The JWKs of all keys that had this name, the one that signs first: the operator rotates keys, and what an earlier one has signed is to be
 * verified until the operator removes it. None while nobody has used the name. Needs `keys.sign` on the name.
 *
 * Fails with permission-denied, invalid-message (name), storage-failed.
 */
export function publicKeys(key: string): Result<string[]> {
  return jsonFrom<string[]>(abi.crypto_public_keys(textBlock(key)));
}
