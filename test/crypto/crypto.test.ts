// `crypto.*` as a guest has it, in every kind of cell: what is computed where it runs, and what the host answers.

import { createHash, createHmac, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { locksmith, type Step } from "../support/crypto.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const MIB = 1_048_576;

describe.each(["inline", "thread", "process"])("cryptography of a plugin in a cell of kind %s", (isolation) => {
  let folder: TemporaryFolder;
  let host: RunningHost;
  const start = async (): Promise<void> => {
    // On a busy machine a hash takes long, and what it takes is billed.
    const limits = { deadlineMs: 60_000, hostMsPerSecond: 1_000 };
    const plugin = { path: "locksmith", isolation, limits, grants: "all" };
    const text = JSON.stringify({ adapters: { http: false }, plugins: { locksmith: plugin } });
    host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
  };
  beforeEach(async () => {
    folder = temporaryFolder();
    await locksmith(folder.path, "locksmith");
    await start();
  });
  afterEach(async () => {
    await host.stop();
    folder.remove();
  });
  const run = (...steps: readonly Step[]): Promise<string[]> => host.call<string[]>("locksmith.run", steps);
  const one = async (step: Step): Promise<string> => (await run(step)).join();

  it("hashes, authenticates, compares and verifies where the plugin runs", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const signature = sign(null, Buffer.from("message"), privateKey).toString("base64");
    const verified = { op: "verify", algorithm: "ed25519", key: JSON.stringify(publicKey.export({ format: "jwk" })), signature };
    expect(
      await run(
        { op: "digest", message: "héllo" },
        { op: "digest", algorithm: "sha512", zeros: 4 * MIB },
        { op: "hmac", key: "key", message: "message" },
        { op: "equal", key: "a", message: "a" },
        { op: "equal", key: "a", message: "b" },
        { ...verified, message: "message" },
        { ...verified, message: "massage" },
      ),
    ).toEqual([
      createHash("sha256").update("héllo").digest("hex"),
      createHash("sha512")
        .update(Buffer.alloc(4 * MIB))
        .digest("hex"),
      createHmac("sha256", "key").update("message").digest("hex"),
      ...["true", "false", "true", "false"],
    ]);
  });

  it("refuses what is none or too much, in words", async () => {
    expect(
      await run(
        { op: "digest", algorithm: "md5", message: "m" },
        { op: "digest", zeros: 4 * MIB + 1 },
        { op: "hmac", message: "m" },
        { op: "verify", algorithm: "ed25519", key: "{}", message: "m" },
        { op: "password-hash", password: "" },
        { op: "password-hash", password: "é".repeat(513) },
        { op: "password-verify", password: "p", phc: "$2b$12$" },
      ),
    ).toEqual([
      expect.stringContaining("invalid-message: an argument is not the JSON form of one of sha256, sha384, sha512"),
      `quota-exceeded: the message has ${4 * MIB + 1} bytes; the limit is ${4 * MIB} (limits.payloadMiB)`,
      "invalid-message: the key has 0 bytes; write 1 to 4096",
      'invalid-message: the key is not taken: kty of a JWK for ed25519 is "OKP"',
      "invalid-message: the password has 0 bytes of UTF-8; write 1 to 1024",
      "invalid-message: the password has 1026 bytes of UTF-8; write 1 to 1024",
      expect.stringContaining("invalid-message: phc is no hash of argon2id"),
    ]);
  });

  it("hashes passwords with a salt of their own, and finds them again", async () => {
    const [one = "", other = ""] = await run({ op: "password-hash", password: "pässword" }, { op: "password-hash", password: "pässword" });
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(one).not.toBe(other);
    expect(
      await run(
        { op: "password-verify", password: "pässword", phc: one },
        { op: "password-verify", password: "pässwort", phc: one },
        // Of the reference implementation's own tests.
        {
          op: "password-verify",
          password: "password",
          phc: "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        },
        {
          op: "password-verify",
          password: "password",
          phc: "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        },
      ),
    ).toEqual(["true", "false", "true", "true"]);
  });

  it("signs with a key that is made at its first use, and lasts", async () => {
    const [signature = "", jwk = "", keys] = await run(
      { op: "sign", key: "tokens", message: "message" },
      { op: "public-key", key: "tokens" },
      { op: "public-keys", key: "tokens" },
    );
    expect(keys).toBe(jwk);
    const parsed: unknown = JSON.parse(jwk);
    expect(parsed).toMatchObject({ kty: "OKP", crv: "Ed25519", alg: "EdDSA", use: "sig", kid: expect.stringMatching(/^[\w-]{43}$/) });
    expect(parsed).not.toHaveProperty("d");
    const key = createPublicKey({ key: JSON.parse(jwk), format: "jwk" });
    expect(verify(null, Buffer.from("message"), key, Buffer.from(signature, "hex"))).toBe(true);
    const base64 = Buffer.from(signature, "hex").toString("base64");
    expect(await one({ op: "verify", algorithm: "ed25519", key: jwk, message: "message", signature: base64 })).toBe("true");
    await host.stop();
    await start();
    expect(await run({ op: "public-key", key: "tokens" }, { op: "sign", key: "tokens", message: "message" })).toEqual([jwk, signature]);
    expect(await one({ op: "sign", key: "tokens", keyAlgorithm: "es256", message: "m" })).toBe(
      "conflict: the key tokens is of ed25519, not es256; leave the algorithm out, or use another name",
    );
  });

  it("signs with ES256 where it asks for it", async () => {
    const [jwk = "", signature = ""] = await run(
      { op: "public-key", key: "tokens", keyAlgorithm: "es256" },
      { op: "sign", key: "tokens", message: "message" },
    );
    expect(JSON.parse(jwk)).toMatchObject({ kty: "EC", crv: "P-256", alg: "ES256", use: "sig" });
    const key = createPublicKey({ key: JSON.parse(jwk), format: "jwk" });
    expect(verify("sha256", Buffer.from("message"), { key, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "hex"))).toBe(true);
    const base64 = Buffer.from(signature, "hex").toString("base64");
    expect(await one({ op: "verify", algorithm: "es256", key: jwk, message: "message", signature: base64 })).toBe("true");
  });
});
