// The keys that plugins sign with: whose they are, what of them lies on the disk, and what the operator can do with them.

import { createPublicKey, verify } from "node:crypto";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditEntry } from "../../host/admin/audit.ts";
import { openHostDatabase } from "../../host/admin/database.ts";
import { type SigningKeyInfo, SigningKeyStore } from "../../host/admin/signing-keys.ts";
import { openControl } from "../../host/cli/control.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { meaningOf } from "../../host/manifest/resources.ts";
import { bulkhead } from "../support/command.ts";
import { locksmith, type Step } from "../support/crypto.ts";
import { type MemoryLog, memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const granted = (...resources: string[]): object[] => resources.map((resource) => ({ permission: "keys.sign", resource }));

describe("the keys of plugins", () => {
  let folder: TemporaryFolder;
  let host: RunningHost | undefined;
  let log: MemoryLog;
  beforeEach(() => {
    folder = temporaryFolder();
    log = memoryLog();
  });
  afterEach(async () => {
    await host?.stop();
    host = undefined;
    folder.remove();
  });
  const file = (): string => join(folder.path, "bulkhead.json");
  const start = async (plugins: Readonly<Record<string, object>>, more: object = {}): Promise<RunningHost> => {
    const all = Object.fromEntries(
      Object.entries(plugins).map(([name, own]) => [name, { path: name, isolation: "inline", limits: { deadlineMs: 60_000 }, ...own }]),
    );
    writeFileSync(file(), JSON.stringify({ adapters: { http: false }, plugins: all, ...more }));
    host = await createHost({ configuration: parseConfiguration(readFileSync(file(), "utf8"), file()), log });
    return host;
  };
  const stop = async (): Promise<void> => {
    await host?.stop();
    host = undefined;
  };
  const run = async (step: Step, plugin = "issuer"): Promise<string> =>
    ((await host?.call<string[]>(`${plugin}.run`, [step])) ?? []).join();
  const publicKeys = async (plugin = "issuer"): Promise<string[]> => (await run({ op: "public-keys", key: "tokens" }, plugin)).split("\n");
  const signed = (message: string, plugin = "issuer"): Promise<string> => run({ op: "sign", key: "tokens", message }, plugin);
  const verifies = (jwk: string, message: string, signature: string): boolean =>
    verify(null, Buffer.from(message), createPublicKey({ key: JSON.parse(jwk), format: "jwk" }), Buffer.from(signature, "hex"));
  const control = () => openControl(parseConfiguration(readFileSync(file(), "utf8"), file()));
  const invoke = async <T>(operation: string, input: object = {}): Promise<T> => {
    await using opened = await control();
    return await opened.invoke<T>(operation, input);
  };
  const command = (...args: string[]) => bulkhead(["keys", ...args], { cwd: folder.path });

  it("need a grant on the very name, which holds until it is taken back", async () => {
    await locksmith(folder.path, "issuer", ["tokens", "receipts"]);
    await start({ issuer: { grants: granted("tokens") } });
    expect(await signed("m")).toMatch(/^[0-9a-f]{128}$/);
    for (const op of ["sign", "public-key", "public-keys"]) {
      expect(await run({ op, key: "receipts" })).toContain(`"bulkhead grant issuer keys.sign 'receipts'" allows it`);
      expect(await run({ op, key: "token" })).toContain(
        "permission-denied: issuer has no permission keys.sign for token; its manifest does not ask",
      );
    }
    for (const key of ["", "Tokens", "tokens.*", "*", "1", "../tokens", "a".repeat(64), "issuer/tokens"])
      expect(await run({ op: "sign", key }), key).toContain("invalid-message");
    await invoke("revoke", { plugin: "issuer", permission: "keys.sign", resource: "tokens" });
    for (const op of ["sign", "public-key", "public-keys"])
      expect(await run({ op, key: "tokens" })).toBe(
        "permission-denied: issuer has no permission keys.sign for tokens; the operator denied it",
      );
    expect(await invoke<SigningKeyInfo[]>("keys")).toMatchObject([{ plugin: "issuer", name: "tokens" }]);
  });

  it("are told of before they are granted, and not to be had by a pattern", async () => {
    expect(meaningOf("keys.sign", "tokens")).toBe(
      'signs whatever it likes with a key "tokens" of its own, which the host keeps: who trusts that key trusts the plugin',
    );
    await locksmith(folder.path, "issuer");
    await start({ issuer: {} });
    for (const resource of ["*", "**", "tokens.*", "Tokens"])
      await expect(invoke("grant", { plugin: "issuer", permission: "keys.sign", resource }), resource).rejects.toMatchObject({
        code: "invalid-message",
        message: expect.stringContaining("write the name of a key"),
      });
  });

  it("are those of one plugin, whatever another calls its own", async () => {
    for (const name of ["issuer", "other"]) await locksmith(folder.path, name);
    await start({ issuer: { grants: "all" }, other: { grants: "all" } });
    const [one = "", other = ""] = [
      await run({ op: "public-key", key: "tokens" }),
      await run({ op: "public-key", key: "tokens" }, "other"),
    ];
    expect(one).not.toBe(other);
    const signature = await signed("m", "other");
    expect([verifies(other, "m", signature), verifies(one, "m", signature)]).toEqual([true, false]);
    expect(await publicKeys("other")).toEqual([other]);
  });

  it("sign no more than 64 KiB, as they are", async () => {
    await locksmith(folder.path, "issuer");
    await start({ issuer: { grants: "all" } });
    expect(await run({ op: "sign", key: "tokens", zeros: 65_536 })).toMatch(/^[0-9a-f]{128}$/);
    expect(await run({ op: "sign", key: "tokens", zeros: 65_537 })).toBe(
      "quota-exceeded: the message has 65537 bytes; the limit is 65536; sign its digest",
    );
  });

  it("are rotated and removed by the command, whether the host runs or not, and the audit log tells", async () => {
    await locksmith(folder.path, "issuer");
    await start({ issuer: { grants: "all" } });
    const signature = await signed("m");
    const [first = ""] = await publicKeys();
    expect(await command("rotate", "issuer", "tokens")).toMatchObject({ code: 0 });
    const [second = "", ...former] = await publicKeys();
    expect(former).toEqual([first]);
    const later = await signed("m");
    expect([verifies(first, "m", signature), verifies(second, "m", later), verifies(first, "m", later)]).toEqual([true, true, false]);
    await stop();
    expect(await command("rotate", "issuer", "tokens")).toMatchObject({ code: 0 });
    const kids = (await invoke<SigningKeyInfo[]>("keys", { plugin: "issuer" })).map(({ kid }) => kid);
    expect(kids).toHaveLength(3);
    const { stdout } = await command("list", "issuer");
    for (const word of [...kids, "ed25519", "yes", "no, rotated"]) expect(stdout).toContain(word);
    expect(await command("remove", "issuer", "tokens", kids[2] ?? "")).toMatchObject({ code: 0 });
    await start({ issuer: { grants: "all" } });
    expect((await publicKeys()).map((jwk) => JSON.parse(jwk).kid)).toEqual(kids.slice(0, 2));
    expect(await command("remove", "issuer", "tokens")).toMatchObject({ code: 0 });
    expect(await publicKeys()).toEqual([""]);
    const [fourth = ""] = [await signed("m"), ...(await publicKeys())].slice(1);
    expect(kids).not.toContain(JSON.parse(fourth).kid);
    for (const args of [
      ["rotate", "issuer", "nothing"],
      ["remove", "issuer", "tokens", "nothing"],
      ["remove", "nobody", "tokens"],
    ])
      expect(await command(...args)).toMatchObject({ code: 2, stderr: expect.stringMatching(/has no key (nothing|tokens)/) });
    const audit = (await invoke<AuditEntry[]>("audit")).filter(({ action }) => action.endsWith("-key"));
    expect(audit.map(({ actor, action, subject }) => `${actor.split(":")[0]} ${action} ${subject}`)).toEqual([
      "host make-key issuer",
      "user rotate-key issuer",
      "user rotate-key issuer",
      "user remove-key issuer",
      "user remove-key issuer",
      "host make-key issuer",
    ]);
    expect(JSON.stringify(audit)).not.toContain("sealed");
  });

  it("are kept to sixteen that were rotated", async () => {
    await locksmith(folder.path, "issuer");
    await start({ issuer: { grants: "all" } });
    await signed("m");
    for (let i = 0; i < 16; i += 1) await invoke("rotate-key", { plugin: "issuer", name: "tokens" });
    expect(await publicKeys()).toHaveLength(17);
    await expect(invoke("rotate-key", { plugin: "issuer", name: "tokens" })).rejects.toMatchObject({
      code: "invalid-message",
      message: expect.stringContaining('"bulkhead keys remove issuer tokens <kid>" removes one'),
    });
  });

  it("stay when their plugin is uninstalled, and go with its data", async () => {
    const path = await locksmith(folder.path, "issuer");
    await start({});
    await host?.install(path, { grant: "all" });
    await signed("m");
    const [jwk] = await publicKeys();
    await invoke("uninstall", { plugin: "issuer", purge: false });
    await host?.install(path, { grant: "all" });
    expect(await publicKeys()).toEqual([jwk]);
    await invoke("uninstall", { plugin: "issuer", purge: true });
    expect(await invoke<SigningKeyInfo[]>("keys")).toEqual([]);
    await host?.install(path, { grant: "all" });
    expect(await publicKeys()).toEqual([""]);
  });

  it("can be turned off, and passwords with them", async () => {
    await locksmith(folder.path, "issuer");
    await start({ issuer: { grants: "all" } }, { capabilities: { crypto: false } });
    for (const step of [
      { op: "sign" },
      { op: "public-key" },
      { op: "public-keys" },
      { op: "password-hash", password: "p" },
      { op: "password-verify" },
    ])
      expect(await run({ key: "tokens", ...step })).toBe(
        `permission-denied: this host does not answer crypto.${step.op} (capabilities.crypto is false)`,
      );
    expect(await run({ op: "digest", message: "" })).toMatch(/^e3b0c442/);
  });

  it("cost what the operator says, and no less than is safe", async () => {
    await locksmith(folder.path, "issuer");
    await start({ issuer: {} }, { capabilities: { crypto: { memoryMiB: 20, passes: 3 } } });
    expect(await run({ op: "password-hash", password: "p" })).toContain("$m=20480,t=3,p=1$");
    await stop();
    for (const [key, value] of [
      ["memoryMiB", 18],
      ["passes", 1],
      ["lanes", 0],
      ["memoryMiB", 513],
      ["maxPasses", 17],
      ["maxMemoryMiB", 4_096],
    ])
      await expect(start({}, { capabilities: { crypto: { [String(key)]: value } } })).rejects.toMatchObject({
        code: "invalid-message",
        detail: expect.stringContaining(`capabilities.crypto.${key} (${value})`),
      });
  });

  describe("on the disk", () => {
    const dataDir = (): string => join(folder.path, "data");
    const stores = <T>(work: (keys: SigningKeyStore, database: InstanceType<typeof Database>) => T): T => {
      const database = openHostDatabase(dataDir());
      try {
        const { connection } = database;
        return work(new SigningKeyStore({ connection, clock: systemClock, dataDir: dataDir(), audit: { append() {} } }), connection);
      } finally {
        database.close();
      }
    };

    it("are sealed to their plugin, name and algorithm", () => {
      stores((keys, connection) => {
        keys.current("issuer", "tokens", undefined);
        keys.current("other", "tokens", "es256");
        const rows = connection.prepare("SELECT * FROM signing_keys").all() as { readonly sealed: Buffer }[];
        for (const { sealed } of rows) for (const type of ["ed25519", "ec"] as const) expect(sealed.includes(type)).toBe(false);
        // Somebody gives one plugin what is another's.
        connection.prepare("DELETE FROM signing_keys WHERE plugin = 'issuer'").run();
        connection.prepare("UPDATE signing_keys SET plugin = 'issuer'").run();
      });
      stores((keys) => {
        expect(() => keys.current("issuer", "tokens", undefined)).toThrow(
          expect.objectContaining({
            code: "storage-failed",
            message: expect.stringContaining('"bulkhead keys rotate issuer tokens" makes another'),
          }),
        );
        expect(keys.info(undefined)).toMatchObject([{ plugin: "issuer", opens: false }]);
        keys.rotate("issuer", "tokens", "host");
        expect(keys.current("issuer", "tokens", undefined).algorithm).toBe("es256");
      });
    });

    it("are of no use without their key, which is told when the host starts and to the plugin", async () => {
      await locksmith(folder.path, "issuer");
      await start({ issuer: { grants: "all" } });
      await signed("m");
      await stop();
      const keyFile = join(dataDir(), "secret.key");
      copyFileSync(keyFile, `${keyFile}.kept`);
      rmSync(keyFile);
      await start({ issuer: { grants: "all" } });
      expect(log.lines.map(({ message }) => message).join("\n")).toContain(
        "the signing keys tokens of issuer cannot be opened: bring back secret.key",
      );
      expect(await signed("m")).toContain("storage-failed: the key tokens of issuer cannot be opened: secret.key is lost");
      expect(await publicKeys()).toHaveLength(1);
      await stop();
      copyFileSync(`${keyFile}.kept`, keyFile);
      await start({ issuer: { grants: "all" } });
      expect(await signed("m")).toMatch(/^[0-9a-f]{128}$/);
    });

    it("that cannot be written is told to the plugin without a path", () => {
      stores((keys, connection) => {
        connection.exec("DROP TABLE signing_keys");
        expect(() => keys.current("issuer", "tokens", undefined)).toThrow(
          expect.objectContaining({ code: "storage-failed", message: "the host's keys cannot be read or written; its log has the cause" }),
        );
      });
    });
  });
});
