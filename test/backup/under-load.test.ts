// A backup of stores that are written as fast as they can be: whatever moment it falls on, nothing that somebody relies on is missing in it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { copyBlobs } from "../../host/backup/blob-copies.ts";
import { gather } from "../../host/backup/gathering.ts";
import { fileBlobs } from "../../host/drivers/blobs/files.ts";
import { fillFolder } from "../support/backups.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const WORKER = fileURLToPath(new URL("../support/backup-worker.ts", import.meta.url));
const ROUNDS = 12;

const numbersIn = (file: string, sql: string): Set<number> => {
  const database = new Database(file);
  try {
    expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
    return new Set(
      database
        .prepare<[], string | number>(sql)
        .pluck()
        .all()
        .map((found) => Number(String(found).replace(/^\D+-/, ""))),
    );
  } finally {
    database.close();
  }
};
const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

describe("a backup under load", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it("has every event that a publisher relies on, and no progress beyond what a handler has stored", async () => {
    const dataDir = join(folder.path, "data");
    const worker = spawn(process.execPath, [WORKER, dataDir], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await once(worker.stdout, "data");
      let trimmed = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const copies = join(folder.path, `copies-${round}`);
        mkdirSync(copies);
        await gather({ dataDir, folder: copies, besides: undefined, key: undefined });
        const keysOf = (plugin: string, kind: string): Set<number> =>
          numbersIn(join(copies, "storage", `${plugin}.sqlite`), `SELECT key FROM entries WHERE key LIKE '${kind}-%'`);
        const inLog = numbersIn(join(copies, "events.sqlite"), "SELECT position FROM events");
        const [cursor = 0] = numbersIn(join(copies, "events.sqlite"), "SELECT position FROM cursors");
        const [next = 0] = numbersIn(join(copies, "schedules.sqlite"), "SELECT next_ms FROM schedules");
        const handled = keysOf("handler", "handled");
        const lost = [...keysOf("publisher", "sent")].filter((i) => !inLog.has(i) && !handled.has(i));
        expect(lost).toEqual([]);
        // What is neither handled nor to be heard again would be lost too.
        expect(upTo(cursor).filter((i) => !handled.has(i))).toEqual([]);
        expect([...handled].filter((i) => i > cursor && !inLog.has(i))).toEqual([]);
        const due = keysOf("handler", "due");
        expect(upTo(next - 1).filter((i) => !due.has(i))).toEqual([]);
        expect(cursor).toBeGreaterThan(0);
        trimmed = Math.max(trimmed, cursor - inLog.size);
      }
      expect(trimmed).toBeGreaterThan(0);
    } finally {
      worker.kill("SIGKILL");
      await once(worker, "exit");
    }
  });
});

describe("a backup of a host that is not as it should be", () => {
  let folder: TemporaryFolder;
  let data: string;
  let copies: string;
  beforeEach(async () => {
    folder = temporaryFolder();
    [data, copies] = [join(folder.path, "data"), join(folder.path, "copies")];
    await fillFolder(data);
  });
  afterEach(() => folder.remove());
  const gathered = (): Promise<readonly string[]> => gather({ dataDir: data, folder: copies, besides: undefined, key: undefined });

  it("is refused while plugins are updated all the while, and made when that is over", async () => {
    const host = new Database(join(data, "host.sqlite"));
    let changes = 0;
    const updating = setInterval(() => {
      changes += 1;
      host.prepare("UPDATE installations SET changed_at = ?").run(String(changes));
    }, 1);
    await expect(gathered()).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("updated") });
    clearInterval(updating);
    host.close();
    expect(changes).toBeGreaterThan(1);
    expect(await gathered()).toEqual([]);
  });

  it("has the storage of each of more plugins than are copied at once", async () => {
    const dir = join(data, "storage");
    const names = Array.from({ length: 150 }, (_, i) => `copy-${String(i).padStart(3, "0")}.sqlite`);
    for (const name of names) copyFileSync(join(dir, "lamp.sqlite"), join(dir, name));
    expect(await gathered()).toEqual([]);
    expect(readdirSync(join(copies, "storage")).sort()).toEqual([...names, "lamp.sqlite"]);
  });

  it("leaves out the storage of a plugin whose file is none of ours, tells it, and keeps the rest", async () => {
    const file = join(data, "storage", "lamp.sqlite");
    writeFileSync(join(data, "storage", "door.sqlite"), "this is no database of anybody, however long it is made to be".repeat(200));
    const lamp = new Database(file);
    lamp.exec("CREATE TRIGGER more AFTER INSERT ON entries BEGIN DELETE FROM entries; END");
    lamp.close();
    const told = await gathered();
    expect(told).toEqual([
      expect.stringMatching(/^storage\/door\.sqlite: .*damaged/),
      expect.stringMatching(/^storage\/lamp\.sqlite: .*schema/),
    ]);
    expect(readdirSync(join(copies, "storage"))).toEqual([]);
    expect(existsSync(join(copies, "host.sqlite"))).toBe(true);
    writeFileSync(join(data, "schedules.sqlite"), "neither is this".repeat(1_000));
    await expect(gathered()).rejects.toMatchObject({ code: "storage-failed", message: expect.stringContaining("schedules.sqlite") });
  });

  it("has each blob that there was before the storage was copied, or after it", async () => {
    const [from, to] = [join(data, "blobs"), join(copies, "blobs")];
    const blobs = fileBlobs(from);
    const put = async (name: string, text: string): Promise<void> => {
      // Opening removes what no entry names yet.
      const former = (await blobs.open("lamp")).find((one) => one.name === name);
      const content = await blobs.create("lamp");
      await content.write(new TextEncoder().encode(text));
      await content.seal();
      await blobs.put("lamp", { name, mediaType: "text/plain", metadata: [], size: text.length, id: content.id, modified: 1 }, former);
    };
    await put("gone", "1");
    await put("changed", "1");
    await copyBlobs(from, to);
    const [gone] = (await blobs.open("lamp")).filter(({ name }) => name === "gone");
    if (gone !== undefined) await blobs.remove("lamp", gone);
    await put("changed", "second");
    await put("new", "1");
    await copyBlobs(from, to);
    const copied = await fileBlobs(to).open("lamp");
    expect(copied.map(({ name, size }) => `${name} ${size}`).sort()).toEqual(["changed 6", "gone 1", "new 1", "picture 9"]);
    // No content is there that no entry names.
    expect(readdirSync(join(to, "lamp")).filter((name) => name.endsWith(".blob"))).toHaveLength(4);
  });
});
