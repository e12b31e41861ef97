// All that is asked of a plugin's storage in SQLite. No SQL comes from a guest.

import type { Database as Connection, Statement } from "better-sqlite3";
import type { Bytes } from "../../core/types.ts";

interface VersionedRow {
  readonly value: Buffer;
  readonly version: number;
  readonly expires_at: number | null;
}

interface EntryRow {
  readonly key: string;
  readonly value: Buffer;
  readonly version: number;
}

interface Claim {
  readonly writer: number;
  readonly reserved: number;
}

interface Totals {
  readonly keys: number;
  readonly bytes: number;
}

export interface Statements {
  readonly get: Statement<[string], Buffer>;
  readonly getLive: Statement<[string, number], Buffer>;
  readonly getVersioned: Statement<[string, number], VersionedRow>;
  readonly version: Statement<[string, number], number>;
  /** Of the value, whether its time is over or not. */
  readonly size: Statement<[string], number>;
  /** Changes nothing for one who is not the writer any more. */
  readonly put: Statement<[string, Bytes, number | null, number, number]>;
  /** Of a value that does not end, and stays so: costs a tenth less than `put`. Changes nothing for one who is not the writer any more. */
  readonly update: Statement<[Bytes, number, string, number]>;
  readonly delete: Statement<[string]>;
  readonly ended: Statement<[number], Totals>;
  /** Deletes nothing for one who is not the writer any more. */
  readonly purge: Statement<[number, number]>;
  readonly keys: Statement<[string, string, number], string>;
  readonly forwards: Statement<[string, string, number], EntryRow>;
  readonly backwards: Statement<[string, string, number], EntryRow>;
  readonly expiring: Statement<[], number>;
  readonly totals: Statement<[], Totals>;
  readonly claim: Statement<[number], Claim>;
  readonly reserve: Statement<[number, number], number>;
  readonly writer: Statement<[], number>;
}

export function statementsOf(database: Connection): Statements {
  const live = "(expires_at IS NULL OR expires_at > ?)";
  const totals = "SELECT count(*) AS keys, coalesce(sum(octet_length(key) + length(value)), 0) AS bytes FROM entries";
  return {
    get: database.prepare<[string], Buffer>("SELECT value FROM entries WHERE key = ?").pluck(),
    getLive: database.prepare<[string, number], Buffer>(`SELECT value FROM entries WHERE key = ? AND ${live}`).pluck(),
    getVersioned: database.prepare(`SELECT value, version, expires_at FROM entries WHERE key = ? AND ${live}`),
    version: database.prepare<[string, number], number>(`SELECT version FROM entries WHERE key = ? AND ${live}`).pluck(),
    size: database.prepare<[string], number>("SELECT length(value) FROM entries WHERE key = ?").pluck(),
    put: database.prepare(`
      INSERT INTO entries (key, value, expires_at, version) SELECT ?, ?, ?, ? FROM meta WHERE writer = ?
      ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at, version = excluded.version
    `),
    update: database.prepare("UPDATE entries SET value = ?, version = ? WHERE key = ? AND (SELECT writer FROM meta) = ?"),
    delete: database.prepare("DELETE FROM entries WHERE key = ?"),
    ended: database.prepare(`${totals} WHERE expires_at <= ?`),
    purge: database.prepare("DELETE FROM entries WHERE expires_at <= ? AND (SELECT writer FROM meta) = ?"),
    keys: database
      .prepare<[string, string, number], string>(`SELECT key FROM entries WHERE key >= ? AND key > ? AND ${live} ORDER BY key`)
      .pluck(),
    forwards: database.prepare(`SELECT key, value, version FROM entries WHERE key >= ? AND key > ? AND ${live} ORDER BY key`),
    backwards: database.prepare(`SELECT key, value, version FROM entries WHERE key < ? AND key < ? AND ${live} ORDER BY key DESC`),
    expiring: database.prepare<[], number>("SELECT count(*) FROM entries WHERE expires_at IS NOT NULL").pluck(),
    totals: database.prepare(totals),
    claim: database.prepare("UPDATE meta SET writer = writer + 1, reserved = reserved + ? RETURNING writer, reserved"),
    reserve: database
      .prepare<[number, number], number>("UPDATE meta SET reserved = reserved + ? WHERE writer = ? RETURNING reserved")
      .pluck(),
    writer: database.prepare<[], number>("SELECT writer FROM meta").pluck(),
  };
}
