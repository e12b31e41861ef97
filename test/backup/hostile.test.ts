// Backups that are damaged, or made to do harm: each is refused before anything of it is in place.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import Database from "better-sqlite3";
import { Header } from "tar";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Manifest } from "../../host/backup/contents.ts";
import { unpackBackup } from "../../host/backup/reading.ts";
import { restoreBackup, verifyBackup } from "../../host/backup/restoring.ts";
import { trailerOf } from "../../host/backup/sealing.ts";
import { backUp, fillFolder } from "../support/backups.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

interface Entry {
  readonly name: string;
  readonly bytes: Buffer;
  readonly type?: "File" | "SymbolicLink" | "Link" | "CharacterDevice" | "Directory" | "FIFO";
  readonly link?: string;
  /** What its header says, instead of how many there are. */
  readonly size?: number;
}

const sealed = (packed: Buffer): Buffer => Buffer.concat([packed, trailerOf(createHash("sha256").update(packed))]);

function entriesOf(backup: Buffer): Entry[] {
  const tar = zstdDecompressSync(backup);
  const entries: Entry[] = [];
  for (let at = 0; tar[at] !== 0; ) {
    const header = new Header(tar, at);
    const size = header.size ?? 0;
    entries.push({ name: header.path ?? "", bytes: Buffer.from(tar.subarray(at + 512, at + 512 + size)) });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return entries;
}

function tarOf(entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap(({ name, bytes, type = "File", link, size = bytes.length }) => {
    const header = new Header({
      path: name,
      size,
      type,
      mode: 0o600,
      mtime: new Date(0),
      ...(link === undefined ? {} : { linkpath: link }),
    });
    header.encode();
    return [header.block ?? Buffer.alloc(0), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1_024)]);
}

const packed = (entries: readonly Entry[]): Buffer =>
  sealed(zstdCompressSync(tarOf(entries), { params: { [constants.ZSTD_c_checksumFlag]: 1 } }));

const isManifest = ({ name }: Entry): boolean => name === "manifest.json";
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** The same with other files, and a manifest that agrees. */
function withFiles(
  entries: readonly Entry[],
  change: (files: readonly Entry[]) => readonly Entry[],
  also: Partial<Manifest> = {},
): Entry[] {
  const manifest = JSON.parse(entries.find(isManifest)?.bytes.toString() ?? "") as Manifest;
  const files = change(entries.filter((one) => !isManifest(one)));
  const named = files.map(({ name, bytes }) => ({ name, bytes: bytes.length, sha256: sha256(bytes) }));
  return [{ name: "manifest.json", bytes: Buffer.from(JSON.stringify({ ...manifest, files: named, ...also })) }, ...files];
}

describe("a backup that is damaged or hostile", () => {
  let made: TemporaryFolder;
  let good: Buffer;
  let folder: TemporaryFolder;
  beforeAll(async () => {
    made = temporaryFolder();
    await fillFolder(join(made.path, "data"));
    await backUp(join(made.path, "data"), join(made.path, "good.backup"));
    good = readFileSync(join(made.path, "good.backup"));
  });
  afterAll(() => made.remove());
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  const refused = async (bytes: Buffer, why: RegExp): Promise<void> => {
    const file = join(folder.path, "some.backup");
    writeFileSync(file, bytes);
    const dataDir = join(folder.path, "new");
    const restoring = restoreBackup({
      file,
      dataDir,
      since: undefined,
      passphrase: undefined,
      actor: "user:test",
      choose: async () => new Set(),
    });
    await expect(restoring).rejects.toMatchObject({ message: expect.stringMatching(why) });
    await expect(verifyBackup(file, undefined)).rejects.toMatchObject({ message: expect.stringMatching(why) });
    expect(readdirSync(folder.path)).toEqual(["some.backup"]);
  };

  it("is the good one, taken apart and put together", async () => {
    const file = join(folder.path, "same.backup");
    writeFileSync(file, packed(withFiles(entriesOf(good), (files) => files)));
    expect((await verifyBackup(file, undefined)).manifest.files.length).toBeGreaterThan(8);
  });

  it("is noticed whichever byte is another one, missing or added", async () => {
    const [file, out] = [join(folder.path, "one.backup"), join(folder.path, "out")];
    mkdirSync(out);
    const isNoticed = async (bytes: Buffer): Promise<boolean> => {
      writeFileSync(file, bytes);
      return unpackBackup(file, out).then(
        () => false,
        () => true,
      );
    };
    const missed: number[] = [];
    for (let at = 0; at < good.length; at += 1) {
      const other = Buffer.from(good);
      other.writeUInt8((good[at] ?? 0) ^ (1 << (at % 8)), at);
      if (!(await isNoticed(other))) missed.push(at);
    }
    expect(missed).toEqual([]);
    expect(await isNoticed(good.subarray(0, -1))).toBe(true);
    expect(await isNoticed(good.subarray(0, good.length / 2))).toBe(true);
    expect(await isNoticed(Buffer.alloc(0))).toBe(true);
    expect(await isNoticed(Buffer.concat([good, Buffer.from("x")]))).toBe(true);
    // Nothing of them was unpacked.
    expect(readdirSync(out)).toEqual([]);
  });

  it("is noticed where whoever changed it has made the hash of the whole anew", async () => {
    const [tar, entries] = [zstdDecompressSync(good), entriesOf(good)];
    const inPacked = Buffer.from(good.subarray(0, -40));
    inPacked.writeUInt8((inPacked[inPacked.length - 9] ?? 0) ^ 1, inPacked.length - 9);
    await refused(sealed(inPacked), /is no backup/);
    const last = entries.at(-1)?.bytes ?? Buffer.alloc(0);
    const at = tar.lastIndexOf(last.subarray(0, 64));
    tar.writeUInt8((tar[at] ?? 0) ^ 1, at);
    await refused(sealed(zstdCompressSync(tar)), /not what was put there|is no backup/);
    await refused(sealed(Buffer.from("no zstd at all")), /cannot be unpacked/);
    await refused(sealed(zstdCompressSync(Buffer.alloc(100_000, 7))), /is no backup/);
  });

  it.each([
    "../evil",
    "/etc/evil",
    "storage/../../evil.sqlite",
    "storage/a/b.sqlite",
    "storage/.sqlite",
    "host.sqlite-wal",
    "control.sock",
    "secret.key",
    "audit.anchor",
    "configuration/../x",
    "blobs/lamp/x.json",
    "packages/x/plugin.json",
    "storage/A\\b.sqlite",
    "lock.sqlite",
  ])("may not hold a file %s", async (name) => {
    await refused(packed(withFiles(entriesOf(good), (files) => [...files, { name, bytes: Buffer.from("x") }])), /no backup holds a file/);
  });

  it.each(["SymbolicLink", "Link", "CharacterDevice", "Directory", "FIFO"] as const)("may not hold a %s", async (type) => {
    const entries = entriesOf(good);
    const other = { name: "state.sqlite", bytes: Buffer.alloc(0), type, link: "/etc/passwd" };
    await refused(packed([...withFiles(entries, (files) => files), other]), /is no backup/);
    await refused(packed([other, ...entries]), /is no backup/);
  });

  it("holds exactly what its manifest names, in its order and in its sizes", async () => {
    const entries = entriesOf(good);
    const [manifest, first, second, ...rest] = entries;
    if (manifest === undefined || first === undefined || second === undefined) throw new Error("the backup holds too little");
    await refused(packed([manifest, second, first, ...rest]), /where its manifest says/);
    await refused(packed([manifest, first, ...rest]), /where its manifest says/);
    await refused(packed(entries.slice(0, -1)), /is missing in it/);
    await refused(packed([...entries, { name: "state.sqlite", bytes: Buffer.from("x") }]), /nothing more/);
    await refused(packed([...entries, manifest]), /nothing more/);
    await refused(packed([first, manifest, second, ...rest]), /begins with/);
    await refused(
      packed([manifest, { ...first, bytes: Buffer.concat([first.bytes, Buffer.from("x")]) }, second, ...rest]),
      /where its manifest says/,
    );
    await refused(packed(withFiles(entries, (files) => [...files, ...files.slice(0, 1)])), /names a file twice/);
    await refused(packed(withFiles(entries, (files) => files.filter(({ name }) => name !== "host.sqlite"))), /holds no host.sqlite/);
  });

  it("may not say what no manifest says, nor more than there may be", async () => {
    const entries = entriesOf(good);
    const saying = (also: object): Buffer => packed(withFiles(entries, (files) => files, also));
    await refused(saying({ format: 2 }), /manifest is malformed/);
    await refused(saying({ surplus: true }), /manifest is malformed/);
    await refused(saying({ files: [{ name: "host.sqlite", bytes: -1, sha256: "0".repeat(64) }] }), /manifest is malformed/);
    await refused(saying({ files: [{ name: "host.sqlite", bytes: 2 ** 52, sha256: "0".repeat(64) }] }), /manifest is malformed/);
    await refused(saying({ files: [{ name: "host.sqlite", bytes: 2 ** 40 - 1, sha256: "0".repeat(64) }] }), /make room/);
    await refused(packed([{ name: "manifest.json", bytes: Buffer.from("[".repeat(100_000)) }]), /manifest is malformed/);
    await refused(packed([{ name: "manifest.json", bytes: Buffer.alloc(0), size: 2 ** 30 }]), /begins with manifest.json/);
  });

  it("is given up when it unpacks to more than it says", async () => {
    const bomb = sealed(zstdCompressSync(Buffer.concat([tarOf(entriesOf(good)), Buffer.alloc(200 * 1_024 * 1_024)])));
    expect(bomb.length).toBeLessThan(1_000_000);
    await refused(bomb, /holds more than its manifest says/);
    await refused(sealed(zstdCompressSync(Buffer.alloc(200 * 1_024 * 1_024))), /is no backup/);
  });

  it("may not hold a database that does something by itself, or is another one", async () => {
    const changed = (name: string, change: (database: Database.Database) => void): Buffer => {
      const entries = entriesOf(good);
      const path = join(folder.path, "changed.sqlite");
      writeFileSync(path, entries.find((one) => one.name === name)?.bytes ?? "");
      const database = new Database(path);
      database.pragma("journal_mode = DELETE");
      change(database);
      database.close();
      const bytes = readFileSync(path);
      return packed(withFiles(entries, (files) => files.map((one) => (one.name === name ? { name, bytes } : one))));
    };
    const refusedAlone = async (bytes: Buffer, why: RegExp): Promise<void> => {
      const file = join(folder.path, "some.backup");
      writeFileSync(file, bytes);
      await expect(verifyBackup(file, undefined)).rejects.toMatchObject({ message: expect.stringMatching(why) });
    };
    const trigger = "CREATE TRIGGER back AFTER DELETE ON tokens BEGIN INSERT INTO tokens SELECT * FROM tokens; END";
    await refusedAlone(
      changed("host.sqlite", (database) => database.exec(trigger)),
      /schema is not one of ours/,
    );
    await refusedAlone(
      changed("host.sqlite", (database) => database.exec("DROP TRIGGER audit_is_not_changed")),
      /schema is not one of ours/,
    );
    await refusedAlone(
      changed("host.sqlite", (database) => database.exec("CREATE VIEW v AS SELECT 1")),
      /schema is not one of ours/,
    );
    await refusedAlone(
      changed("host.sqlite", (database) => database.pragma("user_version = 99")),
      /written by a later bulkhead/,
    );
    // An older schema excuses no trigger.
    const older = (database: Database.Database): void => {
      database.exec(trigger);
      database.pragma("user_version = 3");
    };
    await refusedAlone(changed("host.sqlite", older), /schema is not one of ours/);
    await refusedAlone(
      changed("storage/lamp.sqlite", (database) => database.exec("CREATE TABLE more (a)")),
      /schema is not one of ours/,
    );
    const rewritten = (database: Database.Database): void => {
      database.exec("DROP TRIGGER audit_is_not_changed; UPDATE audit SET actor = 'user:nobody' WHERE seq = 1");
      database.exec(
        "CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END",
      );
    };
    await refusedAlone(changed("host.sqlite", rewritten), /entry 1 of its audit log/);
    const corrupt = withFiles(entriesOf(good), (files) =>
      files.map((one) =>
        one.name === "storage/lamp.sqlite"
          ? { ...one, bytes: Buffer.concat([one.bytes.subarray(0, 4_096), Buffer.alloc(one.bytes.length - 4_096, 1)]) }
          : one,
      ),
    );
    await refusedAlone(packed(corrupt), /lamp.sqlite in it/);
    const garbage = withFiles(entriesOf(good), (files) =>
      files.map((one) => (one.name === "host.sqlite" ? { ...one, bytes: Buffer.alloc(8_192, 1) } : one)),
    );
    await refusedAlone(packed(garbage), /no database of ours/);
  });

  it("may not hold a package or a blob that is another one", async () => {
    const replaced = (ending: RegExp, bytes: Buffer): Buffer =>
      packed(withFiles(entriesOf(good), (files) => files.map((one) => (ending.test(one.name) ? { ...one, bytes } : one))));
    await refused(replaced(/module\.wasm$/, Buffer.from("another")), /the package .* is another one/);
    await refused(replaced(/\.blob$/, Buffer.from("longer than it was")), /the blob .* is not whole/);
    await refused(replaced(/^blobs\/.*\.json$/, Buffer.from("{}")), /the blob .* is not whole/);
    expect(existsSync(join(folder.path, "new"))).toBe(false);
  });
});
