// `crypto.*` of the cell against what is published: NIST and RFC 4231 for hashes, RFC 8032, RFC 8037 and RFC 7515 for signatures; and what no key may be.

import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { CryptoKeyFormat, CryptoSignatureAlgorithm } from "../../host/core/wit.ts";
import { digest, equal, hmac, verifySignature } from "../../host/engine/guest/crypto.ts";
import { utf8 } from "../support/scripted-cell.ts";

const LIMITS = { payloadBytes: 65_536 };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const fromBase64Url = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "base64url"));
const refusal = (message: RegExp, code = "invalid-message"): unknown =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

interface Signed {
  readonly key: Uint8Array | object;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

function verified(algorithm: CryptoSignatureAlgorithm, { key, message, signature }: Signed): boolean {
  const isRaw = key instanceof Uint8Array;
  const format: CryptoKeyFormat = isRaw ? "raw" : "jwk";
  return verifySignature(LIMITS, { algorithm, format, key: isRaw ? key : utf8(JSON.stringify(key)), message, signature });
}

/** It is one, and as soon as message or signature is another it is none. */
function expectOnlyThis(algorithm: CryptoSignatureAlgorithm, signed: Signed): void {
  const flipped = (bytes: Uint8Array, at = bytes.length - 1): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
  const { message, signature } = signed;
  expect(verified(algorithm, signed)).toBe(true);
  expect(verified(algorithm, { ...signed, signature: flipped(signature) })).toBe(false);
  expect(verified(algorithm, { ...signed, signature: flipped(signature, 0) })).toBe(false);
  expect(verified(algorithm, { ...signed, message: Uint8Array.of(...message, 0) })).toBe(false);
  for (const length of [0, 1, signature.length - 1])
    expect(verified(algorithm, { ...signed, signature: signature.subarray(0, length) })).toBe(false);
  expect(verified(algorithm, { ...signed, signature: Uint8Array.of(...signature, 0) })).toBe(false);
  expect(verified(algorithm, { ...signed, signature: new Uint8Array(signature.length) })).toBe(false);
  expect(verified(algorithm, { ...signed, signature: new Uint8Array(signature.length).fill(0xff) })).toBe(false);
}

const JWS_PAYLOAD = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/** RFC 7515, appendix A.2. */
const RS256 = {
  key: {
    kty: "RSA",
    n: "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
    e: "AQAB",
  },
  message: utf8(`eyJhbGciOiJSUzI1NiJ9.${JWS_PAYLOAD}`),
  signature: fromBase64Url(
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
  ),
};
/** RFC 7515, appendix A.3. */
const ES256 = {
  key: {
    kty: "EC",
    crv: "P-256",
    x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
  },
  message: utf8(`eyJhbGciOiJFUzI1NiJ9.${JWS_PAYLOAD}`),
  signature: fromBase64Url("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"),
};
/** RFC 8037, appendix A.4. */
const ED25519 = {
  key: { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
  message: utf8("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"),
  signature: fromBase64Url("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"),
};

const rsaKeys = (modulusLength: number, publicExponent = 65_537): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } =>
  generateKeyPairSync("rsa", { modulusLength, publicExponent });

const signedWithPss = (saltLength: number, hash = "sha256"): Signed => {
  const { publicKey, privateKey } = rsaKeys(2_048);
  const message = utf8("PSS");
  const signature = sign(hash, message, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
  return { key: publicKey.export({ format: "jwk" }), message, signature };
};

describe("hashes in the cell", () => {
  it("are those of FIPS 180-4", () => {
    expect(hex(digest(LIMITS, "sha256", utf8("abc")))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(hex(digest(LIMITS, "sha256", utf8("")))).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(hex(digest(LIMITS, "sha384", utf8("abc")))).toBe(
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    );
    expect(hex(digest(LIMITS, "sha512", utf8("abc")))).toBe(
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    );
  });

  it("authenticate as RFC 4231 has it", () => {
    const [key, message] = [fromHex("0b".repeat(20)), utf8("Hi There")];
    expect(hex(hmac(LIMITS, "sha256", key, message))).toBe("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    expect(hex(hmac(LIMITS, "sha512", key, message))).toBe(
      "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
    );
    expect(hex(hmac(LIMITS, "sha384", utf8("Jefe"), utf8("what do ya want for nothing?")))).toBe(
      "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
    );
    // Test case 6: a key longer than a block.
    expect(hex(hmac(LIMITS, "sha256", fromHex("aa".repeat(131)), utf8("Test Using Larger Than Block-Size Key - Hash Key First")))).toBe(
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    );
  });

  it("refuse keys that authenticate everybody, and what is too long", () => {
    for (const length of [0, 4_097]) expect(() => hmac(LIMITS, "sha256", new Uint8Array(length), utf8("m"))).toThrow(refusal(/1 to 4096/));
    const tooLong = new Uint8Array(LIMITS.payloadBytes + 1);
    const limit = refusal(/65537 bytes; the limit is 65536 \(limits\.payloadMiB\)/, "quota-exceeded");
    expect(() => digest(LIMITS, "sha256", tooLong)).toThrow(limit);
    expect(() => hmac(LIMITS, "sha256", utf8("k"), tooLong)).toThrow(limit);
    expect(() => equal(LIMITS, tooLong, utf8(""))).toThrow(limit);
    expect(() => equal(LIMITS, utf8(""), tooLong)).toThrow(limit);
    expect(() => verified("ed25519", { ...ED25519, message: tooLong })).toThrow(limit);
    expect(digest(LIMITS, "sha256", tooLong.subarray(1))).toHaveLength(32);
  });

  it("compare bytes", () => {
    expect(equal(LIMITS, utf8("secret"), utf8("secret"))).toBe(true);
    expect(equal(LIMITS, utf8("secret"), utf8("secres"))).toBe(false);
    expect(equal(LIMITS, utf8("secret"), utf8("secretx"))).toBe(false);
    expect(equal(LIMITS, utf8(""), utf8(""))).toBe(true);
  });
});

describe("signatures in the cell", () => {
  it("are those of the RFCs, and no others", () => {
    expectOnlyThis("ed25519", ED25519);
    expectOnlyThis("es256", ES256);
    expectOnlyThis("rs256", RS256);
    // RFC 8032, test 3.
    expectOnlyThis("ed25519", {
      key: fromHex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
      message: fromHex("af82"),
      signature: fromHex(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
      ),
    });
    const point = Uint8Array.of(4, ...fromBase64Url(ES256.key.x), ...fromBase64Url(ES256.key.y));
    expectOnlyThis("es256", { ...ES256, key: point });
  });

  it("of PSS have a salt of 32 bytes and SHA-256", () => {
    expectOnlyThis("ps256", signedWithPss(32));
    expect(verified("ps256", signedWithPss(20))).toBe(false);
    expect(verified("ps256", signedWithPss(32, "sha512"))).toBe(false);
    expect(verified("rs256", signedWithPss(32))).toBe(false);
    expect(verified("ps256", RS256)).toBe(false);
  });

  it("are not those of another algorithm", () => {
    expect(() => verified("es256", ED25519)).toThrow(refusal(/kty of a JWK for es256 is "EC"/));
    expect(() => verified("rs256", ES256)).toThrow(refusal(/kty of a JWK for rs256 is "RSA"/));
    expect(() => verified("ed25519", RS256)).toThrow(refusal(/"OKP"/));
    expect(() => verified("ed25519", { ...ED25519, key: { ...ED25519.key, crv: "X25519" } })).toThrow(refusal(/crv/));
    expect(() => verified("es256", { ...ES256, key: { ...ES256.key, crv: "P-384" } })).toThrow(refusal(/"P-256"/));
  });

  it("need a key that may be used for them", () => {
    const ed = (members: object): Signed => ({ ...ED25519, key: { ...ED25519.key, ...members } });
    for (const alg of ["EdDSA", "Ed25519"])
      expect(verified("ed25519", ed({ alg, use: "sig", key_ops: ["verify"], kid: "7", d: "private" }))).toBe(true);
    expect(() => verified("ed25519", ed({ alg: "HS256" }))).toThrow(refusal(/its alg is "HS256"/));
    expect(() => verified("ed25519", ed({ alg: 7 }))).toThrow(refusal(/its alg is no text/));
    expect(() => verified("ps256", { ...RS256, key: { ...RS256.key, alg: "RS256" } })).toThrow(refusal(/not PS256/));
    expect(() => verified("ed25519", ed({ use: "enc" }))).toThrow(refusal(/its use is "enc"/));
    expect(() => verified("ed25519", ed({ key_ops: ["sign"] }))).toThrow(refusal(/key_ops/));
  });
});

describe("a stranger's key", () => {
  const jwk =
    (text: string, algorithm: CryptoSignatureAlgorithm = "ed25519") =>
    (): boolean =>
      verifySignature(LIMITS, { algorithm, format: "jwk", key: utf8(text), message: utf8("m"), signature: new Uint8Array(64) });
  const rsa = (n: string, e: string) => jwk(JSON.stringify({ kty: "RSA", n, e }), "rs256");

  it("is bounded before it is parsed", () => {
    const { x } = ED25519.key;
    const padded = (length: number): string => {
      const rest = `{"kty":"OKP","crv":"Ed25519","x":"${x}","pad":""}`.length;
      return `{"kty":"OKP","crv":"Ed25519","x":"${x}","pad":"${"a".repeat(length - rest)}"}`;
    };
    expect(jwk(padded(8_192))()).toBe(false);
    expect(jwk(padded(8_193))).toThrow(refusal(/8193 bytes; the limit is 8192/));
    expect(jwk("[".repeat(8_000))).toThrow(refusal(/nests deeper than 4/));
    expect(jwk(`{"a":[${"0,".repeat(2_000)}0]}`)).toThrow(refusal(/more than 128 values/));
  });

  it("is a JSON object with members of its own", () => {
    for (const text of ["", "{", "[]", "null", '"x"', "7"]) expect(jwk(text)).toThrow(refusal(/the key is not taken: the JWK/));
    expect(jwk('{"__proto__":{"kty":"OKP","crv":"Ed25519"}}')).toThrow(refusal(/kty/));
    expect(jwk("{}")).toThrow(refusal(/kty/));
    expect(() =>
      verifySignature(LIMITS, {
        algorithm: "ed25519",
        format: "jwk",
        key: Uint8Array.of(0x22, 0xff, 0x22),
        message: utf8(""),
        signature: utf8(""),
      }),
    ).toThrow(refusal(/no JSON text/));
  });

  it("has coordinates of a point", () => {
    const { x, y } = ES256.key;
    const nist = (members: object) => jwk(JSON.stringify({ ...ES256.key, ...members }), "es256");
    expect(nist({ y: x })).toThrow(refusal(/not on the curve/));
    expect(nist({ x: `${x}AA` })).toThrow(refusal(/x has 33 bytes; it has 32/));
    expect(nist({ y: [y] })).toThrow(refusal(/y is no text in base64url/));
    expect(nist({ y: `${y} ` })).toThrow(refusal(/y is no text in base64url/));
    const raw =
      (algorithm: CryptoSignatureAlgorithm, length: number, first = 4) =>
      (): boolean =>
        verified(algorithm, { key: new Uint8Array(length).fill(first, 0, 1), message: utf8(""), signature: new Uint8Array(64) });
    expect(raw("es256", 64)).toThrow(refusal(/an uncompressed point: 65 bytes/));
    expect(raw("es256", 65, 2)).toThrow(refusal(/an uncompressed point/));
    expect(raw("es256", 65)).toThrow(refusal(/not on the curve/));
    expect(raw("ed25519", 33)).toThrow(refusal(/has 33 bytes; a raw key of ed25519 has 32/));
    expect(raw("rs256", 256)).toThrow(refusal(/has no raw form; write a JWK/));
  });

  it("of RSA has 2,048 to 4,096 bits and a small odd exponent", () => {
    const modulus = (bits: number, last = 1): string => {
      const bytes = Buffer.alloc(Math.ceil(bits / 8));
      bytes[0] = 1 << ((bits - 1) % 8);
      bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) | last;
      return bytes.toString("base64url");
    };
    for (const bits of [1_024, 2_047, 4_097, 16_384])
      expect(rsa(modulus(bits), "AQAB")).toThrow(refusal(new RegExp(`it has ${bits} bits`)));
    expect(rsa("AAAA", "AQAB")).toThrow(refusal(/it has 0 bits/));
    for (const bits of [2_048, 4_096]) expect(rsa(modulus(bits), "AQAB")()).toBe(false);
    expect(rsa(modulus(2_048, 0), "AQAB")).toThrow(refusal(/even/));
    const exponent = (...bytes: number[]): string => Buffer.from(bytes).toString("base64url");
    for (const bytes of [[0], [1], [2], [1, 0, 0], [1, 0, 0, 0, 1], Array<number>(256).fill(0xff)])
      expect(rsa(modulus(2_048), exponent(...bytes)), String(bytes)).toThrow(refusal(/its exponent e/));
    for (const bytes of [[3], [0, 0, 0, 3], [255, 255, 255, 255]]) expect(rsa(modulus(2_048), exponent(...bytes))()).toBe(false);
    const message = utf8("m");
    for (const bits of [2_056, 4_096]) {
      const { publicKey, privateKey } = rsaKeys(bits, 3);
      expectOnlyThis("rs256", { key: publicKey.export({ format: "jwk" }), message, signature: sign("sha256", message, privateKey) });
    }
  });
});
