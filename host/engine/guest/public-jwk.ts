// Public keys as guests write them. Of a stranger's JWK nothing is handed on: the members that a key consists of are read and checked here, and written anew.

import { isJsonWithin } from "../../bounds/json.ts";
import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { Bytes } from "../../core/types.ts";
import type { CryptoKeyFormat, CryptoSignatureAlgorithm } from "../../core/wit.ts";

const MAX_JWK_BYTES = 8_192;
/** Of certificates and other members that nobody here reads. */
const JWK_LIMITS = { maxValues: 128, maxDepth: 4 };
const [MIN_RSA_BITS, MAX_RSA_BITS] = [2_048, 4_096];
const MIN_EXPONENT = 3;
const MAX_EXPONENT_BYTES = 4;
const CURVE_BYTES = 32;
const UNCOMPRESSED = 0x04;
const BASE64URL = /^[A-Za-z0-9_-]+$/;
/** Names of `alg`; Ed25519 has an older one. */
const JOSE_NAMES: Readonly<Record<CryptoSignatureAlgorithm, readonly string[]>> = {
  ed25519: ["Ed25519", "EdDSA"],
  es256: ["ES256"],
  rs256: ["RS256"],
  ps256: ["PS256"],
};

export interface PublicJwk {
  readonly jwk: Readonly<Record<string, string>>;
  /** How long its signatures are. */
  readonly signatureBytes: number;
}

const decoder = new TextDecoder("utf-8", { fatal: true });
const base64url = (bytes: Bytes): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
const refused = (why: string): HostError => new HostError("invalid-message", `the key is not taken: ${why}`);

/** Throws HostError `invalid-message`. Whether a point is on its curve is not looked at. */
export function publicJwk(algorithm: CryptoSignatureAlgorithm, format: CryptoKeyFormat, key: Bytes): PublicJwk {
  return format === "raw" ? rawKey(algorithm, key) : jwkOf(algorithm, key);
}

function rawKey(algorithm: CryptoSignatureAlgorithm, key: Bytes): PublicJwk {
  if (algorithm === "ed25519") {
    if (key.length !== CURVE_BYTES) throw refused(`it has ${key.length} bytes; a raw key of ed25519 has ${CURVE_BYTES}`);
    return edwards(key);
  }
  if (algorithm !== "es256") throw refused(`a key of ${algorithm} has no raw form; write a JWK`);
  if (key.length !== 1 + 2 * CURVE_BYTES || key[0] !== UNCOMPRESSED)
    throw refused(
      `it has ${key.length} bytes; a raw key of es256 is an uncompressed point: ${1 + 2 * CURVE_BYTES} bytes, of which the first is 4`,
    );
  return nist(key.subarray(1, 1 + CURVE_BYTES), key.subarray(1 + CURVE_BYTES));
}

function jwkOf(algorithm: CryptoSignatureAlgorithm, key: Bytes): PublicJwk {
  const given = parsed(key);
  const member = (name: string): unknown => (Object.hasOwn(given, name) ? given[name] : undefined);
  requirePurpose(algorithm, member);
  const require = (name: string, value: string): void => {
    if (member(name) !== value) throw refused(`${name} of a JWK for ${algorithm} is "${value}"`);
  };
  const bytes = (name: string): Bytes => {
    const text = member(name);
    if (typeof text === "string" && BASE64URL.test(text)) return Buffer.from(text, "base64url");
    throw refused(`${name} is no text in base64url`);
  };
  const coordinate = (name: string): Bytes => {
    const read = bytes(name);
    if (read.length !== CURVE_BYTES) throw refused(`${name} has ${read.length} bytes; it has ${CURVE_BYTES}`);
    return read;
  };
  if (algorithm === "ed25519") {
    require("kty", "OKP");
    require("crv", "Ed25519");
    return edwards(coordinate("x"));
  }
  if (algorithm === "es256") {
    require("kty", "EC");
    require("crv", "P-256");
    return nist(coordinate("x"), coordinate("y"));
  }
  require("kty", "RSA");
  return rsa(bytes("n"), bytes("e"));
}

function parsed(key: Bytes): Readonly<Record<string, unknown>> {
  if (key.length > MAX_JWK_BYTES) throw refused(`the JWK has ${key.length} bytes; the limit is ${MAX_JWK_BYTES}`);
  const { maxValues, maxDepth } = JWK_LIMITS;
  if (!isJsonWithin(key, JWK_LIMITS)) throw refused(`the JWK has more than ${maxValues} values or nests deeper than ${maxDepth}`);
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(key));
  } catch {
    throw refused("the JWK is no JSON text");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refused("the JWK is no JSON object");
  return value as Readonly<Record<string, unknown>>;
}

// A key that says what it is for is for nothing else.
function requirePurpose(algorithm: CryptoSignatureAlgorithm, member: (name: string) => unknown): void {
  const alg = member("alg");
  if (alg !== undefined && !(typeof alg === "string" && JOSE_NAMES[algorithm].includes(alg)))
    throw refused(`its alg is ${shown(alg)}, not ${JOSE_NAMES[algorithm].join(" or ")}`);
  const use = member("use");
  if (use !== undefined && use !== "sig") throw refused(`its use is ${shown(use)}, not "sig"`);
  const operations = member("key_ops");
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify")))
    throw refused('its key_ops do not have "verify"');
}

const shown = (value: unknown): string => (typeof value === "string" ? `"${printable(value)}"` : "no text");

const edwards = (x: Bytes): PublicJwk => ({ jwk: { kty: "OKP", crv: "Ed25519", x: base64url(x) }, signatureBytes: 2 * CURVE_BYTES });

const nist = (x: Bytes, y: Bytes): PublicJwk => ({
  jwk: { kty: "EC", crv: "P-256", x: base64url(x), y: base64url(y) },
  signatureBytes: 2 * CURVE_BYTES,
});

function rsa(n: Bytes, e: Bytes): PublicJwk {
  const [modulus, exponent] = [withoutZeros(n), withoutZeros(e)];
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS)
    throw refused(`it has ${Math.max(0, bits)} bits; keys of RSA have ${MIN_RSA_BITS} to ${MAX_RSA_BITS}`);
  const value = exponent.length > MAX_EXPONENT_BYTES ? 0 : exponent.reduce((sum, byte) => sum * 256 + byte, 0);
  if (value < MIN_EXPONENT || value % 2 === 0) throw refused("its exponent e is not odd, below 3 or above 4294967295");
  if ((modulus.at(-1) ?? 0) % 2 === 0) throw refused("its modulus n is even");
  return { jwk: { kty: "RSA", n: base64url(modulus), e: base64url(exponent) }, signatureBytes: modulus.length };
}

function withoutZeros(bytes: Bytes): Bytes {
  const first = bytes.findIndex((byte) => byte !== 0);
  return bytes.subarray(first === -1 ? bytes.length : first);
}
