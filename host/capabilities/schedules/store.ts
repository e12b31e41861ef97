// Where schedules are that outlive the host: <dataDir>/schedules.sqlite.

import { chmodSync } from "node:fs";
import Database, { type Database as Connection } from "better-sqlite3";
import { openStore, type Step } from "../../bounds/ladder.ts";
import { asStorageError } from "../../bounds/storage-error.ts";
import type { Times } from "./times.ts";

export type Missed = "skip" | "once";

export interface Schedule {
  readonly plugin: string;
  readonly name: string;
  readonly entryPoint: string;
  readonly times: Times;
  readonly missed: Missed;
  readonly byManifest: boolean;
  /** What `every` counts from. */
  readonly anchorMs: number;
  /** Undefined for what has had its one moment. */
  readonly nextMs: number | undefined;
}

/** Throws HostError `storage-failed`. */
export interface ScheduleStore {
  all(): readonly Schedule[];
  put(schedule: Schedule): void;
  remove(plugin: string, name: string): void;
  close(): void;
}

export const memorySchedules = (): ScheduleStore => ({ all: () => [], put() {}, remove() {}, close() {} });

const PRIVATE = 0o600;
/** What a step says has been written somewhere, so it stays as it is. */
export const SCHEDULE_STEPS: readonly Step[] = [
  {
    since: "0.2.0",
    up: (connection) =>
      connection.exec(`
        CREATE TABLE schedules (
          plugin TEXT NOT NULL,
          name TEXT NOT NULL,
          entry_point TEXT NOT NULL,
          times TEXT NOT NULL,
          missed TEXT NOT NULL CHECK (missed IN ('skip', 'once')),
          by_manifest INTEGER NOT NULL,
          anchor_ms INTEGER NOT NULL,
          next_ms INTEGER,
          PRIMARY KEY (plugin, name)
        ) STRICT, WITHOUT ROWID;`),
  },
];

interface Row extends Omit<Schedule, "times" | "byManifest" | "nextMs"> {
  readonly times: string;
  readonly byManifest: number;
  readonly nextMs: number | null;
}

export function openScheduleStore(file: string): ScheduleStore {
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw asStorageError(file, cause);
    }
  };
  const connection = guarded(() => {
    const made = openStore(() => connect(file), SCHEDULE_STEPS, file);
    for (const name of [file, `${file}-wal`, `${file}-shm`]) chmodSync(name, PRIVATE);
    return made;
  });
  const put = connection.prepare("INSERT OR REPLACE INTO schedules VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  const remove = connection.prepare("DELETE FROM schedules WHERE plugin = ? AND name = ?");
  const all = connection.prepare<[], Row>(
    `SELECT plugin, name, entry_point AS "entryPoint", times, missed, by_manifest AS "byManifest", anchor_ms AS "anchorMs", next_ms AS "nextMs" FROM schedules`,
  );
  return {
    all: () => guarded(() => all.all().map(fromRow)),
    put: (one) =>
      guarded(() => {
        const { plugin, name, entryPoint, times, missed, byManifest, anchorMs, nextMs = null } = one;
        put.run(plugin, name, entryPoint, JSON.stringify(times), missed, byManifest ? 1 : 0, anchorMs, nextMs);
      }),
    remove: (plugin, name) => guarded(() => void remove.run(plugin, name)),
    close: () => connection.close(),
  };
}

const fromRow = ({ times, byManifest, nextMs, ...row }: Row): Schedule => ({
  ...row,
  times: JSON.parse(times) as Times,
  byManifest: byManifest === 1,
  nextMs: nextMs ?? undefined,
});

function connect(file: string): Connection {
  const connection = new Database(file);
  connection.pragma("journal_mode = WAL");
  // Once `set` has answered, the schedule survives a loss of power too: nobody would notice that it is missing.
  connection.pragma("synchronous = FULL");
  return connection;
}
