// The schemas of a plugin's storage in SQLite, each from the one before. What a step says has been written somewhere, so it stays as it is.

import type { Database as Connection } from "better-sqlite3";
import { type Step, schemaOf } from "../../bounds/ladder.ts";

const hasColumn = (database: Connection, name: string): boolean =>
  database.prepare<[string], number>("SELECT count(*) FROM pragma_table_info('entries') WHERE name = ?").pluck().get(name) === 1;

export const STEPS: readonly Step[] = [
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
  {
    since: "0.2.0",
    // What was there before versions has the first one. `writer` is who writes, `reserved` up to where versions may have been given out, `log_since` the
    // commit after which the log has everything.
    up(database) {
      database.exec(`
        ALTER TABLE entries ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
        CREATE TABLE meta (
          id INTEGER PRIMARY KEY CHECK (id = 1), writer INTEGER NOT NULL, reserved INTEGER NOT NULL, log_since INTEGER
        ) STRICT;
        INSERT INTO meta SELECT 1, 0, EXISTS (SELECT 1 FROM entries), NULL;
        CREATE TABLE log (
          seq INTEGER NOT NULL, place INTEGER NOT NULL, key TEXT NOT NULL, removed INTEGER NOT NULL, time INTEGER NOT NULL, trace TEXT,
          PRIMARY KEY (seq, place)
        ) STRICT, WITHOUT ROWID;
      `);
    },
  },
];

/** The schema that the file becomes when a cell opens it next, where it is an older one's. */
export function nextSchemaOf(file: string): number | undefined {
  const schema = schemaOf(file);
  return schema === undefined || schema >= STEPS.length ? undefined : schema + 1;
}
