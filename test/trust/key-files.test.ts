// The private keys of a publisher: encrypted on disk, opened by their password alone, and whatever was changed of a file is told.

import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { keyOfEnvironment, listKeys, newKey, openKey, publicKeyOf, SIGNING_KEY_VARIABLE } from "../../host/trust/key-files.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const PASSWORD = "correct horse battery";
let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  vi.unstubAllEnvs();
  folder.remove();
});
const made = (name: string, algorithm: "ed25519" | "p256" = "ed25519") =>
  newKey(name, { folder: folder.path, algorithm, password: PASSWORD });
const open = (name: string, password = PASSWORD) => openKey(folder.path, name, async () => password);

describe("a key in a file", () => {
  it.each(["ed25519", "p256"] as const)("of %s is opened by its password, and is nobody else's to read", async (algorithm) => {
    const { keyid, file, publicKey } = await made("acme", algorithm);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const opened = await open("acme");
    expect(opened.public).toMatchObject({ keyid, publicKey, algorithm });
    const text = readFileSync(file, "utf8");
    const bare = opened.key.export({ format: "der", type: "pkcs8" });
    for (const form of ["base64", "hex", "latin1"] as const) expect(text).not.toContain(bare.subarray(-32).toString(form));
    await expect(open("acme", `${PASSWORD} `)).rejects.toMatchObject({
      code: "invalid-message",
      message: expect.stringContaining("does not open"),
    });
  });

  it("is made once, under a plain name, with a password that is none too short", async () => {
    await made("acme");
    await expect(made("acme")).rejects.toMatchObject({ code: "conflict" });
    for (const name of ["../evil", "", "A", "a/b", ".hidden"]) await expect(made(name)).rejects.toMatchObject({ code: "invalid-message" });
    await expect(newKey("short", { folder: folder.path, algorithm: "ed25519", password: "1234567" })).rejects.toMatchObject({
      message: expect.stringContaining("8 at least"),
    });
    expect(existsSync(join(folder.path, "short.key.json"))).toBe(false);
    await made("second", "p256");
    expect((await listKeys(folder.path)).map(({ name, algorithm }) => `${name} ${algorithm}`)).toEqual(["acme ed25519", "second p256"]);
    expect(await listKeys(join(folder.path, "nowhere"))).toEqual([]);
    await expect(publicKeyOf(folder.path, "never")).rejects.toMatchObject({ message: expect.stringContaining("bulkhead key new never") });
  });

  it("is refused when it says another key than it holds, asks for too much work, or is none", async () => {
    const [one, other] = [await made("one"), await made("other")];
    const text = readFileSync(one.file, "utf8");
    const change = async (from: string | RegExp, to: string): Promise<void> => {
      writeFileSync(one.file, text.replace(from, to));
      await expect(open("one")).rejects.toMatchObject({ code: "invalid-message" });
    };
    await change(one.keyid, other.keyid);
    await change(one.publicKey, other.publicKey);
    // Both: the file opens for nobody, since its keyid is sealed with the key.
    writeFileSync(one.file, text.replace(one.keyid, other.keyid).replace(one.publicKey, other.publicKey));
    await expect(open("one")).rejects.toMatchObject({ message: expect.stringContaining("does not open") });
    await change('"log2N": 17', '"log2N": 40');
    await change('"scrypt"', '"none"');
    await change("{", "");
    await change(/"data": "[^"]*"/, '"data": ""');
    writeFileSync(one.file, " ".repeat(65 * 1_024));
    await expect(open("one")).rejects.toMatchObject({ code: "quota-exceeded" });
  });
});

describe("the key in the environment", () => {
  it("is PEM, or its base64, of Ed25519 or P-256; an empty one is none", () => {
    expect(keyOfEnvironment()).toBeUndefined();
    vi.stubEnv(SIGNING_KEY_VARIABLE, "");
    expect(keyOfEnvironment()).toBeUndefined();
    const { privateKey } = generateKeyPairSync("ed25519");
    for (const text of [
      String(privateKey.export({ format: "pem", type: "pkcs8" })),
      privateKey.export({ format: "der", type: "pkcs8" }).toString("base64"),
    ]) {
      vi.stubEnv(SIGNING_KEY_VARIABLE, text);
      expect(keyOfEnvironment()?.public.algorithm).toBe("ed25519");
    }
    const other = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
    for (const text of ["secret", String(other.export({ format: "pem", type: "pkcs8" }))]) {
      vi.stubEnv(SIGNING_KEY_VARIABLE, text);
      expect(() => keyOfEnvironment()).toThrow(expect.objectContaining({ code: "invalid-message" }));
      // What it is stands in no message.
      expect(() => keyOfEnvironment()).not.toThrow(/secret|MIG/);
    }
  });
});
