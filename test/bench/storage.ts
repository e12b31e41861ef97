// A plugin's storage, beside better-sqlite3 without a plugin.

import { mkdtempSync, rmSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { openSqliteStorage } from "../../host/drivers/storage-sqlite/storage-sqlite.ts";
import { loaded, perRepetition, type Wasm } from "./cells.ts";
import { measureBoth, type Row, slower } from "./measure.ts";

const MIB = 1_048_576;
const FILE_VALUES = 10_000;

export async function benchStorage(wasm: Wasm): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), "bulkhead-bench-"));
  const cell = await loaded("thread", wasm, folder);
  const bare = new Database(join(folder, "bare.sqlite"));
  bare.pragma("journal_mode = WAL");
  bare.pragma("synchronous = NORMAL");
  bare.exec("CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT");
  const put = bare.prepare("INSERT INTO entries (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
  const get = bare.prepare("SELECT value FROM entries WHERE key = ?").pluck();
  const value = Buffer.alloc(200);
  // SQLite does not write a page whose bytes stay the same, so the value changes here too.
  const putChanged = (key: string, i: number): unknown => {
    value[0] = i;
    return put.run(key, value);
  };
  const bareRun = (times: number, work: (key: string, i: number) => unknown) => async (): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < times; i += 1) work(`key-${i % 100}`, i);
    return ((performance.now() - start) * 1_000) / times;
  };
  const puts = await measureBoth({
    runOurs: () => perRepetition(cell, "storage_put", 20_000),
    runTheirs: bareRun(20_000, putChanged),
  });
  const gets = await measureBoth({
    runOurs: () => perRepetition(cell, "storage_get", 50_000),
    runTheirs: bareRun(50_000, (key) => get.get(key)),
  });
  await cell[Symbol.asyncDispose]();
  bare.close();
  await rm(folder, { recursive: true });
  return [
    slower("storage get of 200 B; thread cell vs bare better-sqlite3", gets, 1.6),
    slower("storage put of 200 B; thread cell vs bare better-sqlite3", puts, 1.3),
    fileOf(1_200, 1.3),
  ];
}

/** What the file of a plugin's storage takes for values of that size. */
function fileOf(valueBytes: number, goal: number): Row {
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-bench-"));
  const stored = { dir: folder, plugin: "file", maxBytes: 64 * MIB, maxKeys: 100_000, clock: Date };
  const storage = openSqliteStorage(stored);
  for (let i = 0; i < FILE_VALUES; i += 1) storage.set(`key-${i}`, Buffer.alloc(valueBytes, i));
  storage.close();
  const { size } = statSync(join(folder, "file.sqlite"));
  rmSync(folder, { recursive: true });
  const values = FILE_VALUES * valueBytes;
  const ratio = size / values;
  const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
  const work = `storage file of ${FILE_VALUES.toLocaleString("en")} values of ${valueBytes.toLocaleString("en")} B vs the values`;
  return { work, ours: mib(size), theirs: mib(values), ratio: `${ratio.toFixed(2)} ×`, goal: `≤ ${goal} ×`, reached: ratio <= goal };
}
