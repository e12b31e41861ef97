// The shared state in <dataDir>/state.sqlite: what was set is there again when the host starts, as it is after a crash of the host's process. All of it is in
// memory too, so reading costs what it costs there.

import { chmodSync } from "node:fs";
import { join } from "node:path";
import Database, { type Database as Connection } from "better-sqlite3";
import { openStore, type Step } from "../../bounds/ladder.ts";
import { asStorageError } from "../../bounds/storage-error.ts";
import type { StateDriver } from "../../core/ports/state.ts";
import type { Driver } from "../../seams.ts";
import { MIB, type StateOptions, stateOptions } from "./options.ts";
import type { Row } from "./rows.ts";
import { type Journal, StateTable } from "./table.ts";

const PRIVATE = 0o600;

/** What a step says has been written somewhere, so it stays as it is. */
export const STATE_STEPS: readonly Step[] = [
  {
    since: "0.2.0",
    up: (connection) =>
      connection.exec(`
        CREATE TABLE entries (
          key TEXT NOT NULL UNIQUE,
          value BLOB NOT NULL,
          revision INTEGER NOT NULL,
          owner TEXT NOT NULL,
          ends_at INTEGER
        ) STRICT;
        CREATE TABLE head (only INTEGER PRIMARY KEY CHECK (only = 1), revision INTEGER NOT NULL) STRICT;
        INSERT INTO head VALUES (1, 0);`),
  },
];

export const sqlite: Driver<StateDriver, StateOptions> = {
  name: "sqlite",
  options: stateOptions,
  async open({ clock, dataDir }, { maxMiB, maxKeys }) {
    const file = join(dataDir, "state.sqlite");
    const connection = opened(file);
    try {
      const table = new StateTable({ clock, maxKeys, maxBytes: maxMiB * MIB, journal: journalIn(connection, file) });
      table.restore(...readAll(connection));
      const close = async (): Promise<void> => {
        table.close();
        connection.close();
      };
      return Object.assign(table, { [Symbol.asyncDispose]: close });
    } catch (thrown) {
      connection.close();
      throw thrown;
    }
  },
};

function opened(file: string): Connection {
  try {
    const connection = openStore(() => connect(file), STATE_STEPS, file);
    for (const name of [file, `${file}-wal`, `${file}-shm`]) chmodSync(name, PRIVATE);
    return connection;
  } catch (cause) {
    throw asStorageError(file, cause);
  }
}

function connect(file: string): Connection {
  const connection = new Database(file);
  connection.pragma("journal_mode = WAL");
  // What was set survives the death of the host's process; the last of it may be lost when the machine loses power.
  connection.pragma("synchronous = NORMAL");
  return connection;
}

function readAll(connection: Connection): [rows: Iterable<readonly [string, Row]>, revision: number] {
  const head = connection.prepare<[], number>("SELECT revision FROM head").pluck().get() ?? 0;
  const rows = connection.prepare<[], Omit<Row, "endsAt"> & { readonly key: string; readonly endsAt: number | null }>(
    'SELECT key, value, revision, owner, ends_at AS "endsAt" FROM entries ORDER BY key',
  );
  const entries = rows.all().map(({ key, endsAt, ...row }) => [key, { ...row, endsAt: endsAt ?? Number.POSITIVE_INFINITY }] as const);
  return [entries, head];
}

function journalIn(connection: Connection, file: string): Journal {
  const put = connection.prepare(
    `INSERT INTO entries (key, value, revision, owner, ends_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision, owner = excluded.owner, ends_at = excluded.ends_at`,
  );
  const drop = connection.prepare("DELETE FROM entries WHERE key = ?");
  const move = connection.prepare("UPDATE head SET revision = ?");
  const write = connection.transaction((key: string, row: Row | undefined, revision: number) => {
    if (row === undefined) drop.run(key);
    else put.run(key, row.value, row.revision, row.owner, row.endsAt === Number.POSITIVE_INFINITY ? null : row.endsAt);
    move.run(revision);
  });
  return {
    write(key, row, revision) {
      try {
        write(key, row, revision);
      } catch (cause) {
        throw asStorageError(file, cause);
      }
    },
  };
}
