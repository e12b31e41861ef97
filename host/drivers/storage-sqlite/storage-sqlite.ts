// Plugin storage in SQLite, one file a plugin, opened in the cell where the plugin runs. No SQL comes from a guest.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import Database, { type Database as Connection } from "better-sqlite3";
import { openStore, type Step, schemaOf } from "../../bounds/ladder.ts";
import { HostError } from "../../core/errors.ts";
import { isPluginName, printable } from "../../core/names.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { KeyRange, StorageDriver } from "../../core/ports/storage.ts";
import type { Bytes, PluginImage } from "../../core/types.ts";
import type { StorageChange } from "../../core/wit.ts";

const PAGE_BYTES = 4_096;
// The header and the roots of table and indexes take four; below five nothing could be stored at all.
const MIN_PAGES = 5;
const SPARE_PAGES = 8;
// Another process on the same file, such as a backup, holds up every plugin of the cell for this long at most.
const LOCK_TIMEOUT_MS = 50;

export interface SqliteStorageOptions {
  /** Folder of the files, made when missing; in memory when undefined. */
  readonly dir: string | undefined;
  readonly plugin: string;
  /** The largest the file may grow, rounded down to whole pages of 4 KiB. */
  readonly maxBytes: number;
  readonly maxKeys: number;
  /** Ends values that have a time to live. */
  readonly clock: Pick<Clock, "now">;
}

/** The storage of a plugin in a cell. */
export function openPluginStorage(
  dir: string | undefined,
  { name, limits }: Pick<PluginImage, "name" | "limits">,
  clock: Pick<Clock, "now">,
): StorageDriver {
  return openSqliteStorage({ dir, plugin: name, maxBytes: limits.storageBytes, maxKeys: limits.storageKeys, clock });
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
    if (cause instanceof HostError) throw cause;
    throw new HostError("storage-failed", `the storage of ${options.plugin} cannot be opened`, { cause });
  }
}

function openDatabase({ dir, plugin, maxBytes }: SqliteStorageOptions): Connection {
  const file = dir === undefined ? ":memory:" : join(dir, `${plugin}.sqlite`);
  // In a process the host has made the file, and nothing else may be made there.
  if (dir !== undefined && !existsSync(file)) mkdirSync(dir, { recursive: true, mode: 0o700 });
  const database = openStore(() => connect(file), STEPS, dir === undefined ? undefined : file);
  database.pragma(`max_page_count = ${Math.max(MIN_PAGES, Math.floor(maxBytes / PAGE_BYTES))}`);
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

const hasColumn = (database: Connection, name: string): boolean =>
  database.prepare<[string], number>("SELECT count(*) FROM pragma_table_info('entries') WHERE name = ?").pluck().get(name) === 1;

/** Each schema from the one before. What a step says has been written somewhere, so it stays as it is. */
const STEPS: readonly Step[] = [
  {
    since: "0.1.0",
    // The first files have no number and values that never end, later ones neither and values that do.
    up(database) {
      if (hasColumn(database, "key") && !hasColumn(database, "expires_at"))
        database.exec("ALTER TABLE entries ADD COLUMN expires_at INTEGER");
    },
  },
  {
    since: "0.1.0",
    // A value that fits into a page stays in it: without rowids more than a quarter of a page goes to a page of its own.
    up(database) {
      const isOld = hasColumn(database, "key");
      if (isOld) database.exec("DROP INDEX IF EXISTS expiring; ALTER TABLE entries RENAME TO before");
      database.exec(`
        CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires_at INTEGER) STRICT;
        CREATE INDEX expiring ON entries (expires_at) WHERE expires_at IS NOT NULL;
      `);
      if (isOld) database.exec("INSERT INTO entries SELECT key, value, expires_at FROM before ORDER BY key; DROP TABLE before");
    },
    // Else the pages of the old table would count for ever, perhaps above the quota.
    settle(database) {
      if (Number(database.pragma("freelist_count", { simple: true })) > 0) database.exec("VACUUM");
    },
  },
];

/** The schema that the file becomes when a cell opens it next, where it is an older one's. */
export function nextSchemaOf(file: string): number | undefined {
  const schema = schemaOf(file);
  return schema === undefined || schema >= STEPS.length ? undefined : schema + 1;
}

/**
 * SQLite takes room for 20 pages at once, of which most plugins have few. It does not where the cache may hold two at most, and asks again only when the cache is
 * empty (`pcache1InitBulk` of SQLite 3).
 */
function releasePages(database: Connection): void {
  const size = database.pragma("cache_size", { simple: true });
  database.pragma("cache_size = 2");
  database.pragma("shrink_memory");
  database.prepare("SELECT count(*) FROM entries").get();
  database.pragma(`cache_size = ${Number(size)}`);
}

class SqliteStorage implements StorageDriver {
  readonly #database: Connection;
  readonly #options: SqliteStorageOptions;
  readonly #get;
  readonly #getLive;
  readonly #update;
  readonly #insert;
  readonly #delete;
  readonly #purge;
  readonly #keys;
  readonly #applyAll;
  // Nobody else writes to the file.
  #count: number;
  /** Whether any value may ever end; most plugins have none, and reading the clock for nothing costs a tenth of a read. */
  #expires: boolean;

  constructor(database: Connection, options: SqliteStorageOptions) {
    const live = "(expires_at IS NULL OR expires_at > ?)";
    this.#database = database;
    this.#options = options;
    this.#get = database.prepare<[string], Buffer>("SELECT value FROM entries WHERE key = ?").pluck();
    this.#getLive = database.prepare<[string, number], Buffer>(`SELECT value FROM entries WHERE key = ? AND ${live}`).pluck();
    this.#update = database.prepare<[Bytes, number | null, string]>("UPDATE entries SET value = ?, expires_at = ? WHERE key = ?");
    this.#insert = database.prepare<[string, Bytes, number | null]>("INSERT INTO entries (key, value, expires_at) VALUES (?, ?, ?)");
    this.#delete = database.prepare<[string]>("DELETE FROM entries WHERE key = ?");
    this.#purge = database.prepare<[number]>("DELETE FROM entries WHERE expires_at <= ?");
    this.#keys = database.prepare<[string, string, number], string>(
      `SELECT key FROM entries WHERE key >= ? AND key > ? AND ${live} ORDER BY key`,
    );
    this.#keys.pluck();
    this.#applyAll = database.transaction((changes: readonly StorageChange[]) => {
      for (const { key, value, ttlMs } of changes) {
        if (value === undefined) this.delete(key);
        else this.#put(key, value, ttlMs === undefined ? null : options.clock.now() + ttlMs);
      }
    });
    this.#count = database.prepare<[], number>("SELECT count(*) FROM entries").pluck().get() ?? 0;
    const expiring = database.prepare<[], number>("SELECT count(*) FROM entries WHERE expires_at IS NOT NULL").pluck().get() ?? 0;
    this.#expires = expiring > 0;
    this.#dropExpired();
    releasePages(database);
  }

  get(key: string): Bytes | undefined {
    return this.#expires ? this.#getLive.get(key, this.#options.clock.now()) : this.#get.get(key);
  }

  set(key: string, value: Bytes): void {
    this.#orDropExpired(key.length + value.length, () => this.#put(key, value, null));
  }

  apply(changes: readonly StorageChange[]): void {
    if (changes.some(({ ttlMs }) => ttlMs !== undefined)) this.#expires = true;
    this.#dropExpired();
    const before = this.#count;
    try {
      this.#applyAll(changes);
    } catch (cause) {
      this.#count = before;
      throw this.#refusal(
        cause,
        changes.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0),
      );
    }
  }

  delete(key: string): boolean {
    const found = this.get(key) !== undefined;
    this.#count -= this.#delete.run(key).changes;
    return found;
  }

  keys({ prefix, after, limit }: KeyRange): string[] {
    const found: string[] = [];
    // The keys of a prefix stand together, so the walk ends at the first that has another.
    for (const key of this.#keys.iterate(prefix, after ?? "", this.#options.clock.now())) {
      if (!key.startsWith(prefix)) break;
      found.push(key);
      if (found.length === limit) break;
    }
    return found;
  }

  close(): void {
    this.#database.close();
  }

  #put(key: string, value: Bytes, expiresAt: number | null): void {
    const { plugin, maxKeys } = this.#options;
    if (this.#update.run(value, expiresAt, key).changes > 0) return;
    if (this.#count >= maxKeys) {
      const remedy = "delete keys or raise it";
      throw new HostError(
        "quota-exceeded",
        `the storage of ${plugin} has ${this.#count} keys; its limit is ${maxKeys} (limits.storageKeys); ${remedy}`,
      );
    }
    this.#insert.run(key, value, expiresAt);
    this.#count += 1;
  }

  /** What has ended makes room before anything is refused for want of it. */
  #orDropExpired(bytes: number, write: () => void): void {
    try {
      write();
    } catch (cause) {
      const refusal = this.#refusal(cause, bytes);
      if (!this.#dropExpired()) throw refusal;
      write();
    }
  }

  #dropExpired(): boolean {
    if (!this.#expires) return false;
    const dropped = this.#purge.run(this.#options.clock.now()).changes;
    this.#count -= dropped;
    return dropped > 0;
  }

  // SQLite says the same of its own limit and of the disk's.
  #refusal(cause: unknown, bytes: number): unknown {
    if (!(cause instanceof Database.SqliteError) || cause.code !== "SQLITE_FULL") return cause;
    const { plugin, maxBytes } = this.#options;
    if (!this.#fits(bytes))
      return new HostError(
        "quota-exceeded",
        `the storage of ${plugin} is full: its limit is ${maxBytes} bytes (limits.storageMiB); delete keys or raise it`,
      );
    return new HostError("storage-failed", `the storage of ${plugin} cannot be written: the disk of the host is full`, { cause });
  }

  /** Whether the quota has room for that much more, with what tables and indexes may need beside it. */
  #fits(bytes: number): boolean {
    const [used = 0, free = 0, most = 0] = ["page_count", "freelist_count", "max_page_count"].map((name) =>
      Number(this.#database.pragma(name, { simple: true })),
    );
    return (most - used + free - SPARE_PAGES) * PAGE_BYTES > 2 * bytes;
  }
}
