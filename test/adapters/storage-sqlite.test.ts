import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PluginStorage } from "../../host/cell/inside/plugin-storage.ts";
import { storageDriverContract } from "../../host/contracts/storage-driver.ts";
import type { StorageToOpen } from "../../host/contracts/storage-words.ts";
import { openSqliteStorage } from "../../host/drivers/storage-sqlite/storage-sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { textOf, utf8 } from "../support/scripted-cell.ts";

const refusal = (work: () => unknown): string => {
  try {
    work();
    return "";
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : "";
  }
};

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

describe("the contract of storage drivers, by SQLite", () => {
  const open = ({ maxBytes = 1024 * 1024, maxKeys = 1_000, clock = systemClock, keepsLog }: StorageToOpen = {}) =>
    openSqliteStorage({ dir: folder.path, plugin: "p", maxBytes, maxKeys, clock, keepsLog });
  for (const { name, run } of storageDriverContract(open)) it(name, run);
});

describe("SQLite storage", () => {
  it("keeps one file a plugin, and what it acknowledged after being opened again", () => {
    const first = openSqliteStorage({ dir: folder.path, plugin: "one", maxBytes: 1e6, maxKeys: 1e6, clock: systemClock });
    first.set("k", utf8("kept"));
    first.close();
    openSqliteStorage({ dir: folder.path, plugin: "two", maxBytes: 1e6, maxKeys: 1e6, clock: systemClock }).close();
    expect(readdirSync(folder.path).filter((file) => file.endsWith(".sqlite"))).toEqual(["one.sqlite", "two.sqlite"]);
    const again = openSqliteStorage({ dir: folder.path, plugin: "one", maxBytes: 1e6, maxKeys: 1e6, clock: systemClock });
    expect(textOf(again.get("k") ?? utf8(""))).toBe("kept");
    again.close();
  });

  it("opens a file made before values could end, and remembers over a restart when one ends", () => {
    const old = new Database(join(folder.path, "p.sqlite"));
    old.exec("CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT");
    old.exec("INSERT INTO entries VALUES ('kept', x'31')");
    old.close();
    const clock = fakeClock();
    const open = () => openSqliteStorage({ dir: folder.path, plugin: "p", maxBytes: 1e6, maxKeys: 1e6, clock });
    const first = open();
    first.commit({ checks: [], changes: [{ key: "brief", value: utf8("1"), ttlMs: 1_000 }] });
    first.close();
    const second = open();
    expect(second.keys({ prefix: "", after: undefined, limit: 10 })).toEqual(["brief", "kept"]);
    clock.pass(1_000);
    expect(second.get("brief")).toBeUndefined();
    second.close();
    const third = open();
    expect(third.keys({ prefix: "", after: undefined, limit: 10 })).toEqual(["kept"]);
    third.close();
  });

  it("charges values of any size about what they have, in a file from before too, and changes nothing in one that is current", () => {
    const file = join(folder.path, "p.sqlite");
    const old = new Database(file);
    old.exec("CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires_at INTEGER) WITHOUT ROWID, STRICT");
    old.exec("CREATE INDEX expiring ON entries (expires_at) WHERE expires_at IS NOT NULL");
    const insert = old.prepare("INSERT INTO entries VALUES (?, ?, ?)");
    old.transaction(() => {
      for (let i = 0; i < 2_000; i += 1) insert.run(`key-${i}`, Buffer.alloc(1_050, i), i === 7 ? 8_000_000_000_000 : null);
    })();
    old.close();
    const before = statSync(file).size;
    const open = (plugin: string) => openSqliteStorage({ dir: folder.path, plugin, maxBytes: 64e6, maxKeys: 1e6, clock: systemClock });
    const storage = open("p");
    for (let i = 0; i < 2_000; i += 1) expect(storage.get(`key-${i}`), `key-${i}`).toEqual(Buffer.alloc(1_050, i));
    storage.close();
    expect(before / 2_000 / 1_050).toBeGreaterThan(3.5);
    expect(statSync(file).size / 2_000 / 1_050).toBeLessThan(1.6);
    const version = (): unknown => {
      const raw = new Database(file, { readonly: true });
      const found = raw.pragma("schema_version", { simple: true });
      raw.close();
      return found;
    };
    const schema = version();
    open("p").close();
    expect(version()).toBe(schema);
    for (const size of [100, 1_000, 2_000, 3_000, 5_000, 20_000]) {
      const fresh = open(`size-${size}`);
      const count = Math.ceil(2_000_000 / size);
      for (let i = 0; i < count; i += 100)
        fresh.commit({
          checks: [],
          changes: Array.from({ length: 100 }, (_, j) => ({ key: `key-${i + j}`, value: Buffer.alloc(size), ttlMs: undefined })),
        });
      fresh.close();
      const stored = Math.ceil(count / 100) * 100 * size;
      expect(statSync(join(folder.path, `size-${size}.sqlite`)).size / stored, `${size} bytes`).toBeLessThan(2.2);
    }
  });

  it("survives the death of its process in the middle of writing", () => {
    const module = new URL("../../host/drivers/storage-sqlite/storage-sqlite.ts", import.meta.url).href;
    const script = `import { openSqliteStorage } from ${JSON.stringify(module)};
      const systemClock = Date;
      const storage = openSqliteStorage({ dir: ${JSON.stringify(folder.path)}, plugin: "p", maxBytes: 1e7, maxKeys: 1e6, clock: systemClock });
      for (let i = 0; i < 200; i += 1) storage.set("k" + i, new Uint8Array(100));
      process.kill(process.pid, "SIGKILL");`;
    expect(() => execFileSync(process.execPath, ["--input-type=module", "-e", script], { stdio: "ignore" })).toThrow();
    const storage = openSqliteStorage({ dir: folder.path, plugin: "p", maxBytes: 1e7, maxKeys: 1e6, clock: systemClock });
    expect(storage.keys({ prefix: "", after: undefined, limit: 1_000 })).toHaveLength(200);
    storage.close();
  });

  it("makes whole commits or none when its process is killed in the middle of one", async () => {
    const module = new URL("../../host/drivers/storage-sqlite/storage-sqlite.ts", import.meta.url).href;
    const script = `import { openSqliteStorage } from ${JSON.stringify(module)};
      const storage = openSqliteStorage({ dir: ${JSON.stringify(folder.path)}, plugin: "p", maxBytes: 1e8, maxKeys: 1e6, keepsLog: true, clock: Date });
      const keys = Array.from({ length: 500 }, (_, i) => "k" + i);
      for (let round = 0; ; round += 1) {
        const value = Buffer.from(String(round).padStart(400, "0"));
        const { version } = storage.commit({ checks: [], changes: keys.map((key) => ({ key, value })) });
        process.stdout.write(version + " ");
      }`;
    let last = 0;
    for (let kills = 0; kills < 6; kills += 1) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
      const ended = once(child, "close");
      let stdout = "";
      child.stdout.on("data", (piece: Buffer) => {
        // SIGKILL at whatever it does then, once it has begun.
        if (stdout === "") setTimeout(() => child.kill("SIGKILL"), 20 + kills * 37);
        stdout += piece;
      });
      await ended;
      // The last number may have been cut.
      const acknowledged = Number(stdout.split(" ").at(-2) ?? 0);
      const storage = openSqliteStorage({ dir: folder.path, plugin: "p", maxBytes: 1e8, maxKeys: 1e6, keepsLog: true, clock: systemClock });
      const { entries } = storage.scan({ prefix: "", after: undefined, limit: 1_000, reverse: false, maxBytes: 1e8 });
      const values = new Set(entries.map(({ value }) => textOf(value)));
      const versions = new Set(entries.map(({ version }) => version));
      expect([entries.length, values.size, versions.size]).toEqual([
        entries.length === 0 ? 0 : 500,
        entries.length === 0 ? 0 : 1,
        entries.length === 0 ? 0 : 1,
      ]);
      const [version = 0] = versions;
      expect(version).toBeGreaterThanOrEqual(Math.max(last, acknowledged));
      const logged = storage.changes(Math.max(0, version - 1), 1_000);
      expect(logged.map(({ seq }) => seq)).toEqual(entries.map(() => version));
      expect(storage.commit({ checks: [], changes: [{ key: "other", value: utf8("1"), ttlMs: undefined }] }).version).toBeGreaterThan(
        version,
      );
      storage.set("other", undefined);
      storage.close();
      last = version;
    }
    expect(last).toBeGreaterThan(0);
  }, 60_000);

  it("gives no version twice, also to one who opens it again after everything was deleted", () => {
    const open = () => openSqliteStorage({ dir: folder.path, plugin: "p", maxBytes: 1e7, maxKeys: 1e6, clock: systemClock });
    const seen: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      const storage = open();
      for (let j = 0; j < 1_200; j += 1) storage.set("k", utf8(String(j)));
      seen.push(storage.getVersioned("k")?.version ?? 0);
      storage.set("k", undefined);
      expect(
        storage.commit({ checks: [{ key: "k", version: seen[0] ?? 0 }], changes: [{ key: "k", value: utf8("x"), ttlMs: undefined }] })
          .committed,
      ).toBe(false);
      storage.close();
    }
    expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => a - b));
  });

  it("lets the one write who writes last, and tells the other", () => {
    const open = () =>
      new PluginStorage(openSqliteStorage({ dir: folder.path, plugin: "p", maxBytes: 1e6, maxKeys: 3, clock: systemClock }));
    const [first, second] = [open(), open()];
    first.set("a", utf8("1"));
    const seen = first.getVersioned("a")?.version ?? 0;
    second.set("a", utf8("2"));
    second.set("b", utf8("2"));
    const lost = expect.objectContaining({ code: "storage-failed", message: expect.stringContaining("opened by another cell") });
    const change = { key: "a", value: utf8("3"), ttlMs: undefined };
    expect(() => first.set("a", utf8("3"))).toThrow(lost);
    expect(() => first.set("c", utf8("3"))).toThrow(lost);
    expect(() => first.delete("a")).toThrow(lost);
    expect(() => first.commit([{ key: "a", version: seen }], [change])).toThrow(lost);
    expect(first.commit([{ key: "a", version: seen }], []).committed).toBe(false);
    expect(textOf(first.get("a") ?? utf8(""))).toBe("2");
    second.set("a", utf8("4"));
    expect(textOf(first.get("a") ?? utf8(""))).toBe("4");
    const third = open();
    third.set("c", utf8("3"));
    expect(() => third.set("d", utf8("3"))).toThrow(expect.objectContaining({ code: "quota-exceeded" }));
    expect(third.keys({ prefix: "", after: undefined, limit: 9 })).toEqual(["a", "b", "c"]);
    for (const one of [first, second, third]) one.close();
  });

  it("goes by the time of day for what lives for a time, and for nothing else", () => {
    const clock = fakeClock();
    const storage = openSqliteStorage({ dir: folder.path, plugin: "p", maxBytes: 1e6, maxKeys: 10, clock });
    const keys = () => storage.keys({ prefix: "", after: undefined, limit: 10 });
    storage.set("stays", utf8("1"));
    storage.commit({ checks: [], changes: [{ key: "brief", value: utf8("1"), ttlMs: 3_600_000 }] });
    clock.set(48 * 3_600_000);
    expect([storage.get("brief"), keys()]).toEqual([undefined, ["stays"]]);
    clock.set(-96 * 3_600_000);
    expect(keys()).toEqual(["brief", "stays"]);
    clock.set(96 * 3_600_000);
    storage.set("other", utf8("1"));
    storage.commit({ checks: [], changes: [{ key: "other", value: utf8("2"), ttlMs: undefined }] });
    clock.set(-96 * 3_600_000);
    // It was written by a clock that was ahead, which has no room for what has ended.
    expect(keys()).toEqual(["other", "stays"]);
    storage.close();
  });

  it("frees nothing in the file of another, whose count it would spoil", () => {
    const clock = fakeClock();
    const open = () => openSqliteStorage({ dir: folder.path, plugin: "p", maxBytes: 1e6, maxKeys: 2, clock });
    const [first, second] = [open(), open()];
    first.commit({ checks: [], changes: [{ key: "a", value: utf8("1"), ttlMs: 1_000 }] });
    second.commit({ checks: [], changes: [{ key: "b", value: utf8("1"), ttlMs: 1_000 }] });
    clock.pass(1_000);
    expect(refusal(() => first.set("c", utf8("1")))).toContain("opened by another cell");
    expect(refusal(() => first.set("a", new Uint8Array(2e6)))).toContain("opened by another cell");
    for (const key of ["c", "d"]) second.set(key, utf8("1"));
    expect(refusal(() => second.set("e", utf8("1")))).toContain("has 2 keys");
    second.set("c", undefined);
    second.set("e", utf8("1"));
    first.close();
    second.close();
  });

  it("answers what it has of late as the file does, whatever was written how", () => {
    const clock = fakeClock();
    const storage = openSqliteStorage({ dir: folder.path, plugin: "p", maxBytes: 1e7, maxKeys: 1e4, clock });
    const read = (key: string): string | undefined => {
      const found = storage.get(key);
      expect(found === undefined ? undefined : textOf(found), key).toBe(
        storage.getVersioned(key) && textOf(storage.getVersioned(key)?.value ?? utf8("")),
      );
      return found && textOf(found);
    };
    storage.set("a", utf8("1"));
    const given = storage.get("a");
    given?.fill(0);
    expect(read("a")).toBe("1");
    storage.set("a", utf8("2"));
    expect(read("a")).toBe("2");
    storage.commit({ checks: [], changes: [{ key: "a", value: utf8("3"), ttlMs: 1_000 }] });
    expect(read("a")).toBe("3");
    clock.pass(1_000);
    expect(read("a")).toBeUndefined();
    storage.set("a", utf8("4"));
    const tooLarge = { key: "b", value: new Uint8Array(2e7), ttlMs: undefined };
    expect(() => storage.commit({ checks: [], changes: [{ key: "a", value: utf8("5"), ttlMs: undefined }, tooLarge] })).toThrow(/is full/);
    expect(() => storage.set("a", new Uint8Array(2e7))).toThrow(/is full/);
    expect(read("a")).toBe("4");
    expect(storage.set("a", undefined)).toBe(true);
    expect(read("a")).toBeUndefined();
    for (let i = 0; i < 1_000; i += 1) storage.set(`k${i}`, Buffer.alloc(i * 7, i));
    for (let i = 0; i < 1_000; i += 1) expect(storage.get(`k${i}`)?.length).toBe(i * 7);
    storage.close();
  });

  it("gives what was there before versions the first one, and begins its log where it was asked for", () => {
    const old = new Database(join(folder.path, "p.sqlite"));
    old.exec("CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires_at INTEGER) STRICT; PRAGMA user_version = 2");
    old.exec("CREATE INDEX expiring ON entries (expires_at) WHERE expires_at IS NOT NULL; INSERT INTO entries VALUES ('a', x'31', NULL)");
    old.close();
    const open = (keepsLog: boolean) =>
      openSqliteStorage({ dir: folder.path, plugin: "p", maxBytes: 1e6, maxKeys: 9, clock: systemClock, keepsLog });
    const first = open(false);
    expect(first.getVersioned("a")).toEqual({ value: Buffer.from("1"), version: 1, expiresAt: undefined });
    expect(
      first.commit({ checks: [{ key: "a", version: 1 }], changes: [{ key: "b", value: utf8("2"), ttlMs: undefined }] }).committed,
    ).toBe(true);
    first.close();
    const second = open(true);
    const since = Number(/begins at (\d+)/.exec(refusal(() => second.changes(0, 10)))?.[1]) - 1;
    second.set("c", utf8("3"));
    expect(second.changes(since, 10)).toMatchObject([{ key: "c", removed: false }]);
    second.close();
    // Without a log the next changes are lost to it, so it begins anew.
    const third = open(false);
    third.set("d", utf8("4"));
    third.close();
    const fourth = open(true);
    expect(refusal(() => fourth.changes(since, 10))).toContain("scan the storage");
    fourth.close();
  });

  it("holds its limit on disk, half as much again as is stored", () => {
    const limit = 1024 * 1024;
    for (const bytes of [0, 1_000]) {
      const plugin = `p${bytes}`;
      const storage = openSqliteStorage({ dir: folder.path, plugin, maxBytes: limit, maxKeys: 1e6, clock: systemClock, keepsLog: true });
      expect(() => {
        for (let i = 0; ; i += 1) storage.set(`k${i}`, new Uint8Array(bytes));
      }).toThrow(/is full: its limit is 1048576 bytes of keys and values \(limits\.storageMiB\)/);
      storage.close();
      expect(statSync(join(folder.path, `${plugin}.sqlite`)).size).toBeLessThanOrEqual(1.5 * limit + 8 * 4_096);
    }
  });

  it("fails instead of waiting long when another process holds the file, and works again afterwards", () => {
    const storage = new PluginStorage(
      openSqliteStorage({ dir: folder.path, plugin: "p", maxBytes: 1e6, maxKeys: 1e6, clock: systemClock }),
    );
    const other = new Database(join(folder.path, "p.sqlite"));
    other.exec("BEGIN EXCLUSIVE");
    expect(() => storage.set("k", utf8("v"))).toThrow(expect.objectContaining({ code: "storage-failed" }));
    other.exec("COMMIT");
    storage.set("k", utf8("v"));
    expect(textOf(storage.get("k") ?? utf8(""))).toBe("v");
    other.close();
    storage.close();
  });

  it("refuses a name that would leave its folder, and a file that is no database", () => {
    for (const plugin of ["../evil", "a/b", "host", ""]) {
      expect(() => openSqliteStorage({ dir: folder.path, plugin, maxBytes: 1e6, maxKeys: 1e6, clock: systemClock })).toThrow(
        expect.objectContaining({ code: "storage-failed" }),
      );
    }
    expect(existsSync(join(folder.path, "..", "evil.sqlite"))).toBe(false);
    writeFileSync(join(folder.path, "bad.sqlite"), "this is no database, but long enough to be taken for one".repeat(100));
    expect(() => openSqliteStorage({ dir: folder.path, plugin: "bad", maxBytes: 1e6, maxKeys: 1e6, clock: systemClock })).toThrow(
      /cannot be opened/,
    );
  });
});
