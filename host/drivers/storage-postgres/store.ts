// One plugin's part of the tables. No SQL comes from a guest, and the plugin's name never does.

import { randomUUID } from "node:crypto";
import { behind, bytesFull, keysFull, LOG_LIMITS, logTrimmed, maxLogBytes, noLog, type StorageBounds } from "../../bounds/storage.ts";
import { tooMuchRead } from "../../bounds/storage-rules.ts";
import type { KeyRange, RemoteCommit, RemoteSet, RemoteStorage, ScanRange } from "../../core/ports/storage.ts";
import type { StorageCommitOutcome, StorageEntry, StorageLogged, StoragePage, StorageVersioned } from "../../core/wit.ts";
import type { CommitRow, Commits } from "./commits.ts";
import type { Connections } from "./connection.ts";

export interface PostgresStoreOptions extends StorageBounds {
  readonly connections: Pick<Connections, "query">;
  readonly commits: Commits;
  /** Quoted. */
  readonly schema: string;
  readonly keepsLog: boolean;
  /** Instead of the clock of PostgreSQL, for tests. */
  readonly now?: (() => number) | undefined;
}

interface EntryRow {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly version: number;
}

interface FoundRow {
  readonly key: Buffer;
  /** Null when all of them together are too much. */
  readonly value: Buffer | null;
  readonly version: number;
  readonly ends_at: number | null;
}

interface LogRow {
  readonly since: number;
  readonly seq: number | null;
  readonly key: Buffer;
  readonly removed: boolean;
  readonly at: number;
  readonly trace: string | null;
}

const bytes = (text: string): Buffer => Buffer.from(text, "utf8");
const text = (found: Buffer): string => found.toString("utf8");

export class PostgresStore implements RemoteStorage {
  readonly #options: PostgresStoreOptions;

  constructor(options: PostgresStoreOptions) {
    this.#options = options;
  }

  async read(keys: readonly string[], maxBytes: number): Promise<readonly (StorageVersioned | undefined)[]> {
    if (keys.length === 0) return [];
    const { schema } = this.#options;
    // What is too much is counted where it is, and not sent.
    const rows = await this.#query<FoundRow>(
      "read",
      `SELECT key, CASE WHEN sum(length(value)) OVER () <= $4 THEN value END AS value, version::float8, ends_at::float8
       FROM ${schema}.entries WHERE plugin = $1 AND key = ANY ($2::bytea[]) AND (ends_at IS NULL OR ends_at > ${schema}.now_ms($3))`,
      [[...new Set(keys)].map(bytes), this.#now, maxBytes],
    );
    const found = new Map(rows.map((row) => [text(row.key), row]));
    let total = 0;
    return keys.map((key) => {
      const row = found.get(key);
      if (row === undefined) return undefined;
      total += row.value?.length ?? maxBytes + 1;
      if (row.value === null || total > maxBytes) throw tooMuchRead(maxBytes);
      return { value: row.value, version: row.version, expiresAt: row.ends_at ?? undefined };
    });
  }

  async set({ key, value, trace, id }: RemoteSet): Promise<boolean> {
    const { had } = await this.#commit({ checks: [], changes: [{ key, value, ttlMs: undefined }], trace, id }, value === undefined);
    return had;
  }

  async commit(commit: RemoteCommit): Promise<StorageCommitOutcome> {
    const { outcome, version } = await this.#commit(commit, false);
    return { committed: outcome === "made", version };
  }

  async keys({ prefix, after, limit }: KeyRange): Promise<readonly string[]> {
    const { schema } = this.#options;
    const rows = await this.#query<{ readonly key: Buffer }>(
      "keys",
      `SELECT key FROM ${schema}.entries WHERE plugin = $1 AND key >= $2 AND key > $3 AND key < $4
       AND (ends_at IS NULL OR ends_at > ${schema}.now_ms($5)) ORDER BY key LIMIT $6`,
      [bytes(prefix), bytes(after ?? ""), bytes(behind(prefix)), this.#now, limit],
    );
    return rows.map(({ key }) => text(key));
  }

  async scan({ prefix, after, limit, reverse, maxBytes }: ScanRange): Promise<StoragePage> {
    const { schema } = this.#options;
    const end = bytes(behind(prefix));
    const [from, to] = reverse ? [bytes(""), bytes(after ?? behind(""))] : [bytes(after ?? ""), end];
    const order = reverse ? "DESC" : "ASC";
    // One more than is given, to know whether there is more; and no more bytes than a page has, but for its first entry and one more.
    const rows = await this.#query<EntryRow>(
      `scan ${order}`,
      `SELECT key, value, version::float8 FROM (
         SELECT *, row_number() OVER w AS place, sum(length(key) + length(value)) OVER w AS total FROM (
           SELECT key, value, version FROM ${schema}.entries
           WHERE plugin = $1 AND key >= $2 AND key > $3 AND key < $4 AND key < $5 AND (ends_at IS NULL OR ends_at > ${schema}.now_ms($6))
           ORDER BY key ${order} LIMIT $7
         ) AS found WINDOW w AS (ORDER BY key ${order})
       ) AS counted WHERE place <= 2 OR total - length(value) - length(key) <= $8 ORDER BY place`,
      [bytes(prefix), from, to, end, this.#now, limit + 1, maxBytes],
    );
    return page(rows, limit, maxBytes);
  }

  async changes(after: number, limit: number): Promise<readonly StorageLogged[]> {
    const { schema, plugin, keepsLog } = this.#options;
    if (!keepsLog) throw noLog(plugin);
    const rows = await this.#query<LogRow>(
      "changes",
      `SELECT s.since::float8, l.seq::float8, l.key, l.removed, l.at::float8, l.trace
       FROM (SELECT coalesce((SELECT coalesce(log_since, version) FROM ${schema}.plugins WHERE plugin = $1), 0) AS since) AS s
       LEFT JOIN ${schema}.log AS l ON l.plugin = $1 AND l.seq > $2 AND l.seq <= coalesce(
         (SELECT e.seq FROM ${schema}.log AS e WHERE e.plugin = $1 AND e.seq > $2 ORDER BY e.seq, e.place LIMIT 1 OFFSET $3 - 1), 9007199254740991)
       ORDER BY l.seq, l.place`,
      [after, limit],
    );
    const since = rows[0]?.since ?? 0;
    if (after < since) throw logTrimmed(plugin, since);
    return rows.flatMap(({ seq, key, removed, at, trace }) =>
      seq === null ? [] : [{ seq, key: text(key), removed, time: at, trace: trace ?? undefined }],
    );
  }

  async close(): Promise<void> {}

  async #commit({ checks, changes, trace, above = 0, id = randomUUID() }: RemoteCommit, onlyWhereThere: boolean): Promise<CommitRow> {
    const { commits, plugin, keepsLog, maxBytes, maxKeys } = this.#options;
    const values = [
      ...[plugin, id, this.#now, trace ?? null, keepsLog, onlyWhereThere, above],
      ...[checks.map(({ key }) => bytes(key)), checks.map(({ version }) => version)],
      changes.map(({ key }) => bytes(key)),
      changes.map(({ value }) => (value === undefined ? null : Buffer.from(value.buffer, value.byteOffset, value.length))),
      changes.map(({ ttlMs }) => ttlMs ?? null),
      ...[maxBytes, maxKeys, LOG_LIMITS.maxAgeMs, LOG_LIMITS.maxChanges, maxLogBytes(this.#options)],
    ];
    const row = await commits.make({ plugin, values });
    if (row.outcome === "keys") throw keysFull(this.#options, row.found_keys);
    if (row.outcome === "bytes") throw bytesFull(this.#options);
    return row;
  }

  get #now(): number | null {
    return this.#options.now?.() ?? null;
  }

  #query<Row extends object>(name: string, sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return this.#options.connections.query<Row>(sql, [this.#options.plugin, ...values], `bulkhead ${this.#options.schema} ${name}`);
  }
}

function page(rows: readonly EntryRow[], limit: number, maxBytes: number): StoragePage {
  const entries: StorageEntry[] = [];
  let total = 0;
  for (const { key, value, version } of rows) {
    total += key.length + value.length;
    if (entries.length === limit || (total > maxBytes && entries.length > 0)) return { entries, next: entries.at(-1)?.key };
    entries.push({ key: text(key), value, version });
  }
  return { entries, next: undefined };
}
