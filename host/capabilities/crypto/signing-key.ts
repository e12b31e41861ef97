// A key that signs: what is told of it, how it is made and how it comes back from what was kept. Where it is kept is whoever keeps it.

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { HostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import type { CryptoKeyAlgorithm } from "../../core/wit.ts";
import type { SigningKey } from "../../seams.ts";

export type { SigningKey };

/** With what it is kept as: PKCS #8 in DER, unencrypted. */
export interface NewKey extends SigningKey {
  readonly pkcs8: Buffer;
}

/** Names of JSON Web Signatures; the older one of Ed25519, which more libraries know. */
const JOSE_NAMES: Readonly<Record<CryptoKeyAlgorithm, string>> = { ed25519: "EdDSA", es256: "ES256" };

export function makeKey(algorithm: CryptoKeyAlgorithm): NewKey {
  const { privateKey } = algorithm === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...keyOf(algorithm, privateKey), pkcs8: privateKey.export({ format: "der", type: "pkcs8" }) };
}

/** Throws what Node says for bytes that are no such key. */
export const openKey = (algorithm: CryptoKeyAlgorithm, pkcs8: Buffer): SigningKey =>
  keyOf(algorithm, createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" }));

/** Throws HostError `conflict` for a key of another algorithm. */
export function requireAlgorithm(key: SigningKey, name: string, algorithm: SigningKey["algorithm"] | undefined): SigningKey {
  if (algorithm === undefined || algorithm === key.algorithm) return key;
  throw new HostError("conflict", `the key ${name} is of ${key.algorithm}, not ${algorithm}; leave the algorithm out, or use another name`);
}

function keyOf(algorithm: CryptoKeyAlgorithm, privateKey: KeyObject): SigningKey {
  const { kid, jwk } = publicJwk(algorithm, privateKey);
  const hash = algorithm === "ed25519" ? null : "sha256";
  return {
    algorithm,
    kid,
    jwk,
    sign: (message: Bytes) => sign(hash, message, { key: privateKey, dsaEncoding: "ieee-p1363" }),
  };
}

// The members that a thumbprint (RFC 7638) is made of, in its order, are all that a public key has.
function publicJwk(algorithm: CryptoKeyAlgorithm, privateKey: KeyObject): Pick<SigningKey, "kid" | "jwk"> {
  const { crv, kty, x, y } = createPublicKey(privateKey).export({ format: "jwk" });
  const members = { crv, kty, x, ...(algorithm === "es256" ? { y } : {}) };
  const kid = createHash("sha256").update(JSON.stringify(members)).digest("base64url");
  return { kid, jwk: JSON.stringify({ ...members, kid, alg: JOSE_NAMES[algorithm], use: "sig" }) };
}
