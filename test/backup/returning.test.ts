// Nothing that was revoked, removed, blocked or replaced since a backup comes back with it, unless the operator says yes to it by name.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Restored, restoreBackup } from "../../host/backup/restoring.ts";
import { backUp, fillFolder, inFolder, PASSPHRASE, updateIn } from "../support/backups.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const ALL = [
  "account:ada",
  "token:ci",
  "token:old",
  "grant:lamp services.call a.a",
  "grant:lamp services.call b.b",
  "plugin:door",
  "plugin:lamp",
  "secret:KEY",
  "key:lamp main",
  "words:lamp",
];

interface Alive {
  readonly users: readonly string[];
  readonly tokens: readonly string[];
  readonly grants: readonly string[];
  readonly running: readonly string[];
  readonly secrets: readonly string[];
  readonly signing: readonly string[];
  readonly words: readonly string[];
  readonly sessions: number;
}

describe("what a backup brings back", () => {
  let folder: TemporaryFolder;
  let data: string;
  let file: string;
  beforeEach(async () => {
    folder = temporaryFolder();
    [data, file] = [join(folder.path, "data"), join(folder.path, "one.backup")];
    await fillFolder(data);
    await backUp(data, file, PASSPHRASE);
  });
  afterEach(() => folder.remove());

  const restore = (options: { readonly since?: string; readonly yes?: readonly string[] } = {}): Promise<Restored> =>
    restoreBackup({
      ...{ file, dataDir: join(folder.path, "new"), since: options.since, passphrase: PASSPHRASE, actor: "user:test" },
      choose: async () => new Set(options.yes ?? []),
    });
  const alive = (dataDir = join(folder.path, "new")): Promise<Alive> =>
    inFolder(dataDir, ({ users, tokens, grants, installations, secrets, keys, words, sessions }) => ({
      users: users.list().map(({ name }) => name),
      tokens: tokens.list().map(({ name }) => name),
      grants: grants.list("lamp").map(({ effect, resource }) => `${effect} ${resource}`),
      running: installations
        .list()
        .filter(({ enabled }) => enabled)
        .map(({ plugin, version }) => `${plugin} ${version}`),
      secrets: secrets.list().map(({ name, opens }) => `${name} ${opens}`),
      signing: keys
        .info(undefined)
        .filter(({ retiredAt }) => retiredAt === undefined)
        .map(({ plugin, name }) => `${plugin} ${name}`),
      words: words.plugins(),
      sessions: sessions.counts().size,
    }));
  const NOTHING: Alive = { users: [], tokens: [], grants: [], running: [], secrets: [], signing: [], words: [], sessions: 0 };
  const EVERYTHING: Alive = {
    users: ["ada"],
    tokens: ["ci", "old"],
    grants: ["allow a.a", "allow b.b"],
    running: ["door 1.0.0", "lamp 1.0.0"],
    secrets: ["KEY true"],
    signing: ["lamp main"],
    words: ["lamp"],
    sessions: 0,
  };

  it("is nothing that lets somebody in or do something, where nobody knows what came later", async () => {
    const { withheld, returned } = await restore();
    expect([withheld.map(({ item }) => item), returned]).toEqual([ALL, []]);
    expect(await alive()).toEqual(NOTHING);
    await inFolder(join(folder.path, "new"), ({ installations, keys }) => {
      // They are there, stopped; and what a key has signed can still be verified.
      expect(installations.list().map(({ plugin }) => plugin)).toEqual(["door", "lamp"]);
      expect(keys.list("lamp", "main")).toHaveLength(1);
    });
  });

  it("is what the operator says yes to, but never a session, what is over, or what was until the restart", async () => {
    expect((await restore({ yes: ALL })).withheld).toEqual([]);
    expect(await alive()).toEqual(EVERYTHING);
  });

  it.each(["the folder", "a later backup"])("is all that %s still has, without a question", async (kind) => {
    await inFolder(data, ({ audit }) => audit.append("user:test", "later", "host"));
    const later = join(folder.path, "later.backup");
    if (kind !== "the folder") await backUp(data, later);
    expect(await restore({ since: kind === "the folder" ? data : later })).toMatchObject({ withheld: [], returned: [] });
    expect(await alive()).toEqual(EVERYTHING);
  });

  it("leaves out each thing that a later state has not, or has otherwise", async () => {
    await inFolder(data, async ({ audit, users, tokens, grants, installations, quarantine, secrets, keys, words }) => {
      audit.append("user:test", "later", "host");
      users.setPassword("ada", "another");
      tokens.revoke("old");
      grants.revoke({ plugin: "lamp", permission: "services.call", resource: "b.b", by: "user:test" }, []);
      quarantine.add("door", "it fell out of its frame");
      installations.block({ plugin: "door", range: "*", reason: "it squeaks" });
      secrets.set("KEY", "another secret value", ["https://example.com"]);
      keys.rotate("lamp", "main", "user:test");
      words.forget("lamp");
    });
    await updateIn(data, "lamp", "2.0.0");
    const { withheld } = await restore({ since: data });
    expect(withheld.map(({ item }) => item)).toEqual(ALL.filter((item) => item !== "token:ci" && item !== "grant:lamp services.call a.a"));
    expect(await alive()).toEqual({ ...NOTHING, tokens: ["ci"], grants: ["allow a.a", "deny b.b"] });
    await inFolder(join(folder.path, "new"), ({ installations, quarantine }) => {
      expect(installations.blocks()).toEqual([{ plugin: "door", range: "*", reason: "it squeaks", by: "operator" }]);
      expect(quarantine.names()).toEqual(["door"]);
    });
  });

  it("keeps what was taken away since, also where the operator says yes", async () => {
    await inFolder(data, ({ installations, grants }) => {
      installations.block({ plugin: "door", range: "1.x", reason: "it squeaks" });
      grants.allow({ plugin: "lamp", permission: "services.call", resource: "**", by: "user:test" });
      grants.revoke({ plugin: "lamp", permission: "services.call", resource: "b.b", by: "user:test" }, []);
    });
    await restore({ since: data, yes: ALL });
    expect((await alive()).grants).toEqual(["allow a.a", "allow b.b", "deny b.b"]);
    await inFolder(join(folder.path, "new"), ({ installations }) => {
      expect(() => installations.refuseBlocked({ name: "door", version: "1.0.0" })).toThrow(/blocked/);
    });
  });

  it("goes back behind no policy, list, log or key that a later state knows", async () => {
    const key = (keyid: string) => ({ keyid, publicKey: keyid });
    const document = (version: number) => ({ text: "", quorum: "", version, sha256: String(version), fetched: version });
    const tree = (size: number) => ({ origin: "log", size, root: Buffer.alloc(32, size) });
    await inFolder(data, ({ trust, logs }) => {
      trust.pin("lamp", key("stolen"), "user:test");
      trust.putDocument("policy", document(1));
      logs.remember(tree(1));
    });
    const early = join(folder.path, "early.backup");
    await backUp(data, early, PASSPHRASE);
    file = early;
    await inFolder(data, ({ audit, trust, logs }) => {
      audit.append("user:test", "later", "host");
      trust.unpin("lamp");
      trust.pin("lamp", key("new"), "user:test");
      trust.putDocument("policy", document(2));
      trust.replaceRevoked([{ plugin: "door", version: "1.0.0", reason: "it squeaks" }]);
      logs.remember(tree(2));
    });
    await restore({ since: data, yes: ALL });
    await inFolder(join(folder.path, "new"), ({ trust, logs, installations }) => {
      expect(trust.pinsOf("lamp").map(({ keyid }) => keyid)).toEqual(["new"]);
      expect(trust.document("policy")?.version).toBe(2);
      expect(logs.newest("log")?.size).toBe(2);
      expect(() => installations.refuseBlocked({ name: "door", version: "1.0.0" })).toThrow(/revoked/);
    });
  });

  it("takes no other host's state, and no earlier one, for a later one", async () => {
    const other = join(folder.path, "other");
    await fillFolder(other);
    await expect(restore({ since: other })).rejects.toMatchObject({
      code: "invalid-message",
      message: expect.stringContaining("no later state"),
    });
    await inFolder(data, ({ audit }) => audit.append("user:test", "later", "host"));
    const [former, later] = [file, join(folder.path, "later.backup")];
    await backUp(data, later, PASSPHRASE);
    file = later;
    await expect(restore({ since: former })).rejects.toMatchObject({ message: expect.stringContaining("no later state") });
    expect(readdirSync(folder.path).filter((name) => name.startsWith("new"))).toEqual([]);
  });

  it("opens no secret without the key, and no key with another passphrase", async () => {
    const wrong = {
      file,
      dataDir: join(folder.path, "new"),
      since: undefined,
      actor: "user:test" as const,
      choose: async () => new Set(ALL),
    };
    await expect(restoreBackup({ ...wrong, passphrase: "another passphrase" })).rejects.toMatchObject({
      message: expect.stringContaining("passphrase"),
    });
    expect(existsSync(join(folder.path, "new"))).toBe(false);
    expect((await restoreBackup({ ...wrong, passphrase: undefined })).hasKey).toBe(false);
    expect((await alive()).secrets).toEqual(["KEY false"]);
    expect(readdirSync(join(folder.path, "new")).filter((name) => name.startsWith("secret"))).toEqual([]);
  });
});
