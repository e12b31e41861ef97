// What this host has seen of transparency logs: checkpoints that their keys had signed and that continued each other. A log that says something else later is
// noticed by them.

import type { Database as Connection } from "better-sqlite3";
import type { Clock } from "../core/ports/clock.ts";
import type { Checkpoint } from "../trust/log/checkpoint.ts";
import type { CheckpointMemory } from "../trust/log/log-check.ts";

/** Part of the database's schema. */
export const LOG_CHECKPOINTS_SCHEMA = `
  CREATE TABLE log_checkpoints (
    origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, seen_at INTEGER NOT NULL,
    PRIMARY KEY (origin, size)
  ) STRICT, WITHOUT ROWID;
`;

/** Of each log; the newest stay, and the oldest, on which all others rest. */
const MAX_OF_LOG = 1_000;

interface Row {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

export class LogCheckpoints implements CheckpointMemory {
  readonly #connection: Connection;
  readonly #clock: Clock;

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  newest(origin: string): Checkpoint | undefined {
    return this.atMost(origin, Number.MAX_SAFE_INTEGER);
  }

  atMost(origin: string, size: number): Checkpoint | undefined {
    return this.#connection
      .prepare<[string, number], Row>(
        "SELECT origin, size, root FROM log_checkpoints WHERE origin = ? AND size <= ? ORDER BY size DESC LIMIT 1",
      )
      .get(origin, size);
  }

  remember({ origin, size, root }: Checkpoint): void {
    this.#connection.transaction(() => {
      this.#connection
        .prepare("INSERT INTO log_checkpoints VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
        .run(origin, size, Buffer.from(root), this.#clock.now());
      this.#connection
        .prepare(
          `DELETE FROM log_checkpoints WHERE origin = :origin AND size <> (SELECT min(size) FROM log_checkpoints WHERE origin = :origin)
           AND size NOT IN (SELECT size FROM log_checkpoints WHERE origin = :origin ORDER BY size DESC LIMIT ${MAX_OF_LOG})`,
        )
        .run({ origin });
    })();
  }
}
