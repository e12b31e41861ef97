// Plugin storage in SQLite, one file a plugin, opened in the cell where the plugin runs. No SQL comes from a guest.

import Database, { type Database as Connection } from "better-sqlite3";
import { bytesFull, keysFull, noLog, type StorageBounds } from "../../bounds/storage.ts";
import { HostError } from "../../core/errors.ts";
import { isPluginName, printable } from "../../core/names.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { KeyRange, ScanRange, StorageCommit, StorageDriver } from "../../core/ports/storage.ts";
import type { Bytes, StoredPlugin } from "../../core/types.ts";
import type { StorageChange, StorageCheck, StorageCommitOutcome, StorageLogged, StoragePage, StorageVersioned } from "../../core/wit.ts";
import { ChangeLog, dropLog } from "./change-log.ts";
import { fits, openDatabase, releasePages } from "./database.ts";
import { pageOf } from "./page.ts";
import { Recent } from "./recent.ts";
import { type Statements, statementsOf } from "./statements.ts";

/** Versions that are set aside at once, so that not every commit writes down the last one. */
const VERSIONS_RESERVED = 1_000;
/** A writer that no file names. */
const NOBODY = 0;

export interface SqliteStorageOptions extends StorageBounds {
  /** Folder of the files, made when missing; in memory when undefined. */
  readonly dir: string | undefined;
  /** Whether it logs which keys are changed. */
  readonly keepsLog?: boolean | undefined;
  /** Whether a commit waits for the disk, so that it outlives the machine too. */
  readonly isDurable?: boolean | undefined;
  /** Ends values that have a time to live. */
  readonly clock: Pick<Clock, "now">;
}

/** The storage of a plugin in a cell. */
export function openPluginStorage(
  dir: string | undefined,
  { name, limits, keepsStorageLog, transaction }: StoredPlugin,
  clock: Pick<Clock, "now">,
): StorageDriver {
  const { storageBytes: maxBytes, storageKeys: maxKeys } = limits;
  return openSqliteStorage({ dir, plugin: name, maxBytes, maxKeys, keepsLog: keepsStorageLog, isDurable: transaction === "turn", clock });
}

/**
 * Opens `<dir>/<plugin>.sqlite` in WAL mode with `synchronous = NORMAL`: what was acknowledged survives the death of the
 * process, the last writes may be lost when the machine loses power, unless `isDurable` is asked for. Who writes last has it: one that opened the file earlier can read, and writes
 * no more. Throws HostError `storage-failed`.
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

class SqliteStorage implements StorageDriver {
  readonly #database: Connection;
  readonly #options: SqliteStorageOptions;
  readonly #statements: Statements;
  readonly #commitAll;
  readonly #log: ChangeLog | undefined;
  readonly #recent = new Recent();
  /** As which writer it is known in the file, once it has written; until then it may have changed. */
  #writer: number | undefined;
  #bytes = 0;
  #count = 0;
  #version = 0;
  #reserved = 0;
  /** Whether any value may ever end; most plugins have none, and reading the clock for nothing costs a tenth of a read. */
  #expires: boolean;

  constructor(database: Connection, options: SqliteStorageOptions) {
    this.#database = database;
    this.#options = options;
    this.#statements = statementsOf(database);
    this.#log = options.keepsLog === true ? new ChangeLog(database, options) : undefined;
    this.#commitAll = database.transaction((commit: StorageCommit) => this.#commit(commit));
    this.#expires = (this.#statements.expiring.get() ?? 0) > 0;
    releasePages(database);
  }

  get(key: string): Bytes | undefined {
    const recent = this.#recent.get(key);
    if (recent !== undefined) return recent.slice();
    if (this.#expires) return this.#statements.getLive.get(key, this.#options.clock.now());
    const value = this.#statements.get.get(key);
    // Somebody else may write as long as this one has not.
    if (value !== undefined && (this.#writer ?? NOBODY) !== NOBODY) this.#recent.keep(key, value);
    return value;
  }

  getVersioned(key: string): StorageVersioned | undefined {
    const row = this.#statements.getVersioned.get(key, this.#options.clock.now());
    return row && { value: row.value, version: row.version, expiresAt: row.expires_at ?? undefined };
  }

  set(key: string, value: Bytes | undefined, trace?: string): boolean {
    // What the log has is one commit with what it is about; else one statement is, which costs a third less.
    if (this.#log !== undefined || value === undefined) {
      const wasThere = this.get(key) !== undefined;
      if (wasThere || value !== undefined) this.commit({ checks: [], changes: [{ key, value, ttlMs: undefined }], trace });
      return wasThere;
    }
    try {
      return this.#setAlone(key, value);
    } catch (cause) {
      const refusal = this.#refusal(cause, key.length + value.length);
      // What has ended makes room before anything is refused for want of it.
      if (!this.#purge()) throw refusal;
      return this.#setAlone(key, value);
    }
  }

  commit(commit: StorageCommit): StorageCommitOutcome {
    if (commit.changes.length === 0) return { committed: commit.checks.every((check) => this.#holds(check)), version: 0 };
    this.#claim();
    if (commit.changes.some(({ ttlMs }) => ttlMs !== undefined)) this.#expires = true;
    for (const { key } of commit.changes) this.#recent.forget(key);
    const before = [this.#bytes, this.#count] as const;
    try {
      return this.#commitAll.immediate(commit);
    } catch (cause) {
      [this.#bytes, this.#count] = before;
      this.#log?.recount();
      const bytes = commit.changes.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);
      throw this.#refusal(cause, bytes);
    }
  }

  keys({ prefix, after, limit }: KeyRange): string[] {
    const found: string[] = [];
    // The keys of a prefix stand together, so the walk ends at the first that has another.
    for (const key of this.#statements.keys.iterate(prefix, after ?? "", this.#options.clock.now())) {
      if (!key.startsWith(prefix)) break;
      found.push(key);
      if (found.length === limit) break;
    }
    return found;
  }

  scan(range: ScanRange): StoragePage {
    return pageOf(this.#statements, range, this.#options.clock.now());
  }

  changes(after: number, limit: number): StorageLogged[] {
    if (this.#log === undefined) throw noLog(this.#options.plugin);
    this.#claim();
    return this.#log.read(after, limit);
  }

  close(): void {
    this.#database.close();
  }

  /** Becomes the one who writes. Whoever did before is told when it writes next. */
  #claim(): void {
    if (this.#writer !== undefined) return;
    const { claim, totals } = this.#statements;
    this.#database
      .transaction(() => {
        const { writer, reserved } = claim.get(VERSIONS_RESERVED) ?? { writer: NOBODY, reserved: 0 };
        this.#version = reserved - VERSIONS_RESERVED;
        this.#reserved = reserved;
        const { keys, bytes } = totals.get() ?? { keys: 0, bytes: 0 };
        [this.#count, this.#bytes] = [keys, bytes];
        if (this.#log === undefined) dropLog(this.#database);
        else this.#log.begin(this.#version);
        this.#writer = writer;
      })
      .immediate();
  }

  #commit({ checks, changes, trace, above = 0 }: StorageCommit): StorageCommitOutcome {
    this.#requireWriter();
    this.#purge();
    if (!checks.every((check) => this.#holds(check))) return { committed: false, version: 0 };
    const version = this.#nextVersion(above);
    const before = [this.#bytes, this.#count] as const;
    for (const change of changes) this.#make(change, version);
    const after = [this.#bytes, this.#count] as const;
    [this.#bytes, this.#count] = before;
    this.#requireRoom(...after);
    [this.#bytes, this.#count] = after;
    this.#log?.append(
      version,
      changes.map(({ key, value }) => ({ key, removed: value === undefined })),
      this.#options.clock.now(),
      trace,
    );
    return { committed: true, version };
  }

  #setAlone(key: string, value: Bytes): boolean {
    this.#claim();
    const recent = this.#recent.get(key);
    const before = recent?.length ?? this.#statements.size.get(key);
    const wasThere = recent !== undefined || (before !== undefined && (!this.#expires || this.get(key) !== undefined));
    const grown = before === undefined ? Buffer.byteLength(key) + value.length : value.length - before;
    const isNew = before === undefined ? 1 : 0;
    this.#requireRoom(this.#bytes + grown, this.#count + isNew);
    // What is remembered is there and does not end.
    if (recent === undefined) this.#put(key, value, null, this.#nextVersion());
    else this.#update(key, value, this.#nextVersion());
    this.#recent.keep(key, value);
    this.#bytes += grown;
    this.#count += isNew;
    return wasThere;
  }

  #make({ key, value, ttlMs }: StorageChange, version: number): void {
    const { size, delete: remove } = this.#statements;
    const before = size.get(key);
    if (before !== undefined) {
      this.#bytes -= Buffer.byteLength(key) + before;
      this.#count -= 1;
    }
    if (value === undefined) {
      if (before !== undefined) remove.run(key);
      return;
    }
    this.#put(key, value, ttlMs === undefined ? null : this.#options.clock.now() + ttlMs, version);
    this.#bytes += Buffer.byteLength(key) + value.length;
    this.#count += 1;
  }

  #put(key: string, value: Bytes, expiresAt: number | null, version: number): void {
    const writer = this.#writer ?? NOBODY;
    if (this.#statements.put.run(key, value, expiresAt, version, writer).changes === 0) throw this.#lost();
  }

  #update(key: string, value: Bytes, version: number): void {
    if (this.#statements.update.run(value, version, key, this.#writer ?? NOBODY).changes === 0) throw this.#lost();
  }

  #holds({ key, version }: StorageCheck): boolean {
    return (this.#statements.version.get(key, this.#options.clock.now()) ?? 0) === version;
  }

  #nextVersion(above: number = 0): number {
    const version = Math.max(this.#version, above) + 1;
    if (version > this.#reserved) {
      const more = version - this.#reserved + VERSIONS_RESERVED - 1;
      const reserved = this.#statements.reserve.get(more, this.#writer ?? NOBODY);
      if (reserved === undefined) throw this.#lost();
      this.#reserved = reserved;
    }
    this.#version = version;
    return version;
  }

  #requireWriter(): void {
    if (this.#statements.writer.get() !== this.#writer) throw this.#lost();
  }

  #lost(): HostError {
    this.#writer = NOBODY;
    this.#recent.clear();
    return new HostError(
      "storage-failed",
      `the storage of ${this.#options.plugin} was opened by another cell, which writes it from then on`,
    );
  }

  /** What grows must be within the limits; what is above a limit that was lowered may shrink. */
  #requireRoom(bytes: number, keys: number): void {
    const { maxBytes, maxKeys } = this.#options;
    if (keys > maxKeys && keys > this.#count) throw keysFull(this.#options, this.#count);
    if (bytes > maxBytes && bytes > this.#bytes) throw bytesFull(this.#options);
  }

  #purge(): boolean {
    if (!this.#expires || this.#writer === undefined) return false;
    const now = this.#options.clock.now();
    const { keys, bytes } = this.#statements.ended.get(now) ?? { keys: 0, bytes: 0 };
    if (keys === 0) return false;
    if (this.#statements.purge.run(now, this.#writer).changes === 0) throw this.#lost();
    this.#count -= keys;
    this.#bytes -= bytes;
    return true;
  }

  // SQLite says the same of its own limit and of the disk's.
  #refusal(cause: unknown, bytes: number): unknown {
    if (!(cause instanceof Database.SqliteError) || cause.code !== "SQLITE_FULL") return cause;
    if (!fits(this.#database, bytes)) return bytesFull(this.#options);
    const { plugin } = this.#options;
    return new HostError("storage-failed", `the storage of ${plugin} cannot be written: the disk of the host is full`, { cause });
  }
}
