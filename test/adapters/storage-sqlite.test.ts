import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PluginStorage } from "../../host/cell/inside/plugin-storage.ts";
import { type StorageToOpen, storageDriverContract } from "../../host/contracts/storage-driver.ts";
import { openSqliteStorage } from "../../host/drivers/storage-sqlite/storage-sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { textOf, utf8 } from "../support/scripted-cell.ts";

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

describe("the contract of storage drivers, by SQLite", () => {
  const open = ({ maxBytes = 1024 * 1024, maxKeys = 1_000, clock = systemClock }: StorageToOpen = {}) =>
    openSqliteStorage({ dir: folder.path, plugin: "p", maxBytes, maxKeys, clock });
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
    first.apply([{ key: "brief", value: utf8("1"), ttlMs: 1_000 }]);
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
        fresh.apply(Array.from({ length: 100 }, (_, j) => ({ key: `key-${i + j}`, value: Buffer.alloc(size), ttlMs: undefined })));
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

  it("holds its limit on disk", () => {
    const storage = openSqliteStorage({ dir: folder.path, plugin: "p", maxBytes: 128 * 1024, maxKeys: 1e6, clock: systemClock });
    expect(() => {
      for (let i = 0; ; i += 1) storage.set(`k${i}`, new Uint8Array(1_000));
    }).toThrow(/is full/);
    storage.close();
    expect(statSync(join(folder.path, "p.sqlite")).size).toBeLessThanOrEqual(128 * 1024);
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
