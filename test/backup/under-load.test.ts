// A backup of stores that are written as fast as they can be: whatever moment it falls on, nothing that somebody relies on is missing in it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gather } from "../../host/backup/gathering.ts";
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
