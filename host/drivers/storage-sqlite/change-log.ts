// Which keys the commits of a plugin changed, beside its entries: written within the commit, trimmed by age, count and bytes.

import type { Database as Connection } from "better-sqlite3";
import { LOG_LIMITS, logBytesOf, logTrimmed, maxLogBytes, type StorageBounds } from "../../bounds/storage.ts";
import type { StorageLogged } from "../../core/wit.ts";

// More than is needed goes at once, so that not every commit trims.
const TRIM_SHARE = 50;

interface Row {
  readonly seq: number;
  readonly key: string;
  readonly removed: number;
  readonly time: number;
  readonly trace: string | null;
}

interface Totals {
  readonly changes: number;
  readonly bytes: number;
}

export class ChangeLog {
  readonly #bounds: StorageBounds;
  readonly #insert;
  readonly #read;
  readonly #since;
  readonly #setSince;
  readonly #totals;
  readonly #firstAfter;
  readonly #firstTime;
  readonly #seqAt;
  readonly #trim;
  #changes = 0;
  #bytes = 0;
  #oldest = Number.POSITIVE_INFINITY;

  constructor(database: Connection, bounds: StorageBounds) {
    this.#bounds = bounds;
    this.#insert = database.prepare<[number, number, string, number, number, string | null]>("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)");
    this.#read = database.prepare<[number], Row>("SELECT seq, key, removed, time, trace FROM log WHERE seq > ? ORDER BY seq, place");
    this.#since = database.prepare<[], number | null>("SELECT log_since FROM meta").pluck();
    this.#setSince = database.prepare<[number]>("UPDATE meta SET log_since = ?");
    this.#totals = database.prepare<[number], Totals>(
      `SELECT count(*) AS changes, coalesce(sum(octet_length(key) + ${logBytesOf(0)}), 0) AS bytes FROM log WHERE seq <= ?`,
    );
    this.#firstAfter = database.prepare<[number], number>("SELECT seq FROM log WHERE time > ? ORDER BY seq, place LIMIT 1").pluck();
    this.#firstTime = database.prepare<[], number>("SELECT time FROM log ORDER BY seq, place LIMIT 1").pluck();
    this.#seqAt = database.prepare<[number], number>("SELECT seq FROM log ORDER BY seq, place LIMIT 1 OFFSET ?").pluck();
    this.#trim = database.prepare<[number]>("DELETE FROM log WHERE seq <= ?");
  }

  /** Begins a log that has everything after the commit `since`, unless there is one. Within a transaction, and before anything is appended. */
  begin(since: number): void {
    if (this.#since.get() === null) this.#setSince.run(since);
    this.recount();
  }

  /** After a commit that was rolled back. */
  recount(): void {
    const { changes, bytes } = this.#totalsUpTo(Number.MAX_SAFE_INTEGER);
    [this.#changes, this.#bytes, this.#oldest] = [changes, bytes, this.#firstTime.get() ?? Number.POSITIVE_INFINITY];
  }

  /** Within the commit's transaction. */
  append(
    seq: number,
    changes: readonly { readonly key: string; readonly removed: boolean }[],
    time: number,
    trace: string | undefined,
  ): void {
    changes.forEach(({ key, removed }, place) => {
      this.#insert.run(seq, place, key, removed ? 1 : 0, time, trace ?? null);
      this.#bytes += logBytesOf(Buffer.byteLength(key));
    });
    this.#changes += changes.length;
    this.#oldest = Math.min(this.#oldest, time);
    this.#trimFor(seq, time);
  }

  /** Throws HostError `conflict`. */
  read(after: number, limit: number): StorageLogged[] {
    const since = this.#since.get() ?? 0;
    if (after < since) throw logTrimmed(this.#bounds.plugin, since);
    const found: StorageLogged[] = [];
    for (const { removed, trace, ...row } of this.#read.iterate(after)) {
      if (found.length >= limit && row.seq !== found.at(-1)?.seq) break;
      found.push({ ...row, removed: removed === 1, trace: trace ?? undefined });
    }
    return found;
  }

  #trimFor(seq: number, now: number): void {
    const { maxAgeMs, maxChanges } = LOG_LIMITS;
    if (this.#oldest <= now - maxAgeMs) this.#dropUpTo((this.#firstAfter.get(now - maxAgeMs) ?? seq + 1) - 1);
    for (let excess = this.#excess(maxChanges); excess > 0; excess = this.#excess(maxChanges)) {
      const gone = Math.min(this.#changes - 1, excess + Math.ceil(this.#changes / TRIM_SHARE));
      this.#dropUpTo(this.#seqAt.get(gone) ?? seq);
    }
  }

  /** How many changes are too many; too many bytes as changes of the usual size. */
  #excess(maxChanges: number): number {
    const bytes = this.#bytes - maxLogBytes(this.#bounds);
    return Math.max(this.#changes - maxChanges, bytes <= 0 ? 0 : Math.ceil((bytes * this.#changes) / this.#bytes));
  }

  #dropUpTo(seq: number): void {
    const dropped = this.#totalsUpTo(seq);
    if (dropped.changes === 0) return;
    this.#trim.run(seq);
    this.#setSince.run(seq);
    this.#changes -= dropped.changes;
    this.#bytes -= dropped.bytes;
    this.#oldest = this.#firstTime.get() ?? Number.POSITIVE_INFINITY;
  }

  #totalsUpTo(seq: number): Totals {
    return this.#totals.get(seq) ?? { changes: 0, bytes: 0 };
  }
}

/** Forgets a log that nobody keeps on, which would have holes. */
export function dropLog(database: Connection): void {
  database.exec("DELETE FROM log; UPDATE meta SET log_since = NULL WHERE log_since IS NOT NULL");
}
