// The file of a plugin's storage: how it is opened, and how large it may become.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import Database, { type Database as Connection } from "better-sqlite3";
import { openStore } from "../../bounds/ladder.ts";
import { STEPS } from "./schema.ts";

const PAGE_BYTES = 4_096;
/** Pages of the file for each page of the quota: what SQLite needs beside keys and values of a hundred bytes and more. */
const PAGES_PER_PAGE = 1.5;
/** The header and the roots of tables and indexes. */
const BASE_PAGES = 8;
// What tables and indexes may need beside what is written.
const SPARE_PAGES = 8;
// Another process on the same file, such as a backup, holds up every plugin of the cell for this long at most.
const LOCK_TIMEOUT_MS = 50;

interface Place {
  readonly dir: string | undefined;
  readonly plugin: string;
  readonly maxBytes: number;
  readonly isDurable?: boolean | undefined;
}

/** Opens `<dir>/<plugin>.sqlite` with the last schema, or a database in memory. Throws HostError `storage-failed`, or what SQLite throws. */
export function openDatabase({ dir, plugin, maxBytes, isDurable }: Place): Connection {
  const file = dir === undefined ? ":memory:" : join(dir, `${plugin}.sqlite`);
  // In a process the host has made the file, and nothing else may be made there.
  if (dir !== undefined && !existsSync(file)) mkdirSync(dir, { recursive: true, mode: 0o700 });
  const database = openStore(() => connect(file), STEPS, dir === undefined ? undefined : file);
  if (isDurable === true) database.pragma("synchronous = FULL");
  database.pragma(`max_page_count = ${BASE_PAGES + Math.ceil((maxBytes * PAGES_PER_PAGE) / PAGE_BYTES)}`);
  return database;
}

function connect(file: string): Connection {
  const database = new Database(file, { timeout: LOCK_TIMEOUT_MS });
  database.pragma(`page_size = ${PAGE_BYTES}`);
  // A cell of its own user may make no file beside its three: neither a journal for the first page, nor one to sort in.
  if (database.pragma("page_count", { simple: true }) === 0) database.pragma("journal_mode = MEMORY");
  database.pragma("temp_store = MEMORY");
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = NORMAL");
  return database;
}

/**
 * SQLite takes room for 20 pages at once, of which most plugins have few. It does not where the cache may hold two at most, and asks again only when the cache is
 * empty (`pcache1InitBulk` of SQLite 3).
 */
export function releasePages(database: Connection): void {
  const size = database.pragma("cache_size", { simple: true });
  database.pragma("cache_size = 2");
  database.pragma("shrink_memory");
  database.prepare("SELECT count(*) FROM entries").get();
  database.pragma(`cache_size = ${Number(size)}`);
}

/** Whether the file may become that much larger, with what tables and indexes may need beside it. */
export function fits(database: Connection, bytes: number): boolean {
  const [used = 0, free = 0, most = 0] = ["page_count", "freelist_count", "max_page_count"].map((name) =>
    Number(database.pragma(name, { simple: true })),
  );
  return (most - used + free - SPARE_PAGES) * PAGE_BYTES > 2 * bytes;
}
