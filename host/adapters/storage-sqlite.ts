// Plugin storage in SQLite, one file a plugin, opened in the cell where the plugin runs. No SQL comes from a guest.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import Database, { type Database as Connection } from "better-sqlite3";
import { HostError } from "../core/errors.ts";
import { isPluginName, printable } from "../core/names.ts";
import type { KeyRange, PluginImage, StorageDriver } from "../core/ports.ts";
import type { Bytes } from "../core/types.ts";

const PAGE_BYTES = 4_096;
// The header and the root pages of the table take two; below four nothing could be stored at all.
const MIN_PAGES = 4;
// Another process on the same file, such as a backup, holds up every plugin of the cell for this long at most.
const LOCK_TIMEOUT_MS = 50;

export interface SqliteStorageOptions {
  /** Folder of the files, made when missing; in memory when undefined. */
  readonly dir: string | undefined;
  readonly plugin: string;
  /** The largest the file may grow, rounded down to whole pages of 4 KiB. */
  readonly maxBytes: number;
  readonly maxKeys: number;
}

/** The storage of a plugin in a cell. */
export function openPluginStorage(dir: string | undefined, { name, limits }: PluginImage): StorageDriver {
  return openSqliteStorage({ dir, plugin: name, maxBytes: limits.storageBytes, maxKeys: limits.storageKeys });
}

/**
 * Opens `<dir>/<plugin>.sqlite` in WAL mode with `synchronous = NORMAL`: what was acknowledged survives the death of the
 * process, the last writes may be lost when the machine loses power. Throws HostError `storage-failed`.
 */
export function openSqliteStorage(options: SqliteStorageOptions): StorageDriver {
  // The name becomes a file name, so it is checked here once more.
  if (!isPluginName(options.plugin)) throw new HostError("storage-failed", `"${printable(options.plugin)}" is no plugin name`);
  try {
    return new SqliteStorage(openDatabase(options), options);
  } catch (cause) {
    throw new HostError("storage-failed", `the storage of ${options.plugin} cannot be opened`, { cause });
  }
}

function openDatabase({ dir, plugin, maxBytes }: SqliteStorageOptions): Connection {
  if (dir !== undefined) mkdirSync(dir, { recursive: true, mode: 0o700 });
  const database = new Database(dir === undefined ? ":memory:" : join(dir, `${plugin}.sqlite`), { timeout: LOCK_TIMEOUT_MS });
  database.pragma(`page_size = ${PAGE_BYTES}`);
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = NORMAL");
  database.exec("CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT");
  database.pragma(`max_page_count = ${Math.max(MIN_PAGES, Math.floor(maxBytes / PAGE_BYTES))}`);
  return database;
}

class SqliteStorage implements StorageDriver {
  readonly #database: Connection;
  readonly #options: SqliteStorageOptions;
  readonly #get;
  readonly #update;
  readonly #insert;
  readonly #delete;
  readonly #keys;
  // Nobody else writes to the file.
  #count: number;

  constructor(database: Connection, options: SqliteStorageOptions) {
    this.#database = database;
    this.#options = options;
    this.#get = database.prepare<[string], Buffer>("SELECT value FROM entries WHERE key = ?").pluck();
    this.#update = database.prepare<[Bytes, string]>("UPDATE entries SET value = ? WHERE key = ?");
    this.#insert = database.prepare<[string, Bytes]>("INSERT INTO entries (key, value) VALUES (?, ?)");
    this.#count = database.prepare<[], number>("SELECT count(*) FROM entries").pluck().get() ?? 0;
    this.#delete = database.prepare<[string]>("DELETE FROM entries WHERE key = ?");
    this.#keys = database.prepare<[string, string], string>("SELECT key FROM entries WHERE key >= ? AND key > ? ORDER BY key").pluck();
  }

  get(key: string): Bytes | undefined {
    return this.#get.get(key);
  }

  set(key: string, value: Bytes): void {
    const { plugin, maxBytes, maxKeys } = this.#options;
    try {
      if (this.#update.run(value, key).changes > 0) return;
      if (this.#count >= maxKeys) {
        const remedy = "delete keys or raise it";
        throw new HostError(
          "quota-exceeded",
          `the storage of ${plugin} has ${this.#count} keys; its limit is ${maxKeys} (limits.storageKeys); ${remedy}`,
        );
      }
      this.#insert.run(key, value);
      this.#count += 1;
    } catch (cause) {
      if (!isFull(cause)) throw cause;
      throw new HostError(
        "quota-exceeded",
        `the storage of ${plugin} is full: its limit is ${maxBytes} bytes (limits.storageBytes); delete keys or raise it`,
      );
    }
  }

  delete(key: string): boolean {
    const found = this.#delete.run(key).changes > 0;
    if (found) this.#count -= 1;
    return found;
  }

  keys({ prefix, after, limit }: KeyRange): string[] {
    const found: string[] = [];
    // The keys of a prefix stand together, so the walk ends at the first that has another.
    for (const key of this.#keys.iterate(prefix, after ?? "")) {
      if (!key.startsWith(prefix)) break;
      found.push(key);
      if (found.length === limit) break;
    }
    return found;
  }

  close(): void {
    this.#database.close();
  }
}

function isFull(cause: unknown): boolean {
  return cause instanceof Database.SqliteError && cause.code === "SQLITE_FULL";
}
