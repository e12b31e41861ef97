// Leases of the hosts of one machine that share a file. Time is the machine's monotonic clock, which all of its processes read alike and nobody sets.

import { chmodSync } from "node:fs";
import { resolve } from "node:path";
import Database, { type Database as Connection } from "better-sqlite3";
import { z } from "zod";
import { openStore, type Step } from "../../bounds/ladder.ts";
import { asStorageError } from "../../bounds/storage-error.ts";
import type { Driver, Leases } from "../../seams.ts";
import type { LeaseTable } from "./contention.ts";
import { type LeaseOptions, leasesOn, ttlMs } from "./leases.ts";

export interface SqliteLeaseOptions extends LeaseOptions {
  /** Absolute, or relative to the data folder. */
  readonly file: string;
}

const PRIVATE = 0o600;
/** The host waits as long for another one's step, and it can wait for nothing else meanwhile. */
const BUSY_MS = 100;

const STEPS: readonly Step[] = [
  {
    since: "0.2.0",
    // Two hosts may open it for the first time at once.
    up: (connection) =>
      connection.exec(`
        CREATE TABLE IF NOT EXISTS leases (
          name TEXT PRIMARY KEY,
          holder TEXT,
          epoch INTEGER NOT NULL,
          ends_at REAL NOT NULL,
          ttl REAL NOT NULL
        ) STRICT, WITHOUT ROWID;`),
  },
];

export const sqlite: Driver<Leases, SqliteLeaseOptions> = {
  name: "sqlite",
  options: z.strictObject({ ttlMs, file: z.string().min(1).max(4_096).default("leases.sqlite") }),
  async open(opening, { file, ...options }) {
    const table = sqliteTable(resolve(opening.dataDir, file));
    return Object.assign(leasesOn(table, opening, options), { [Symbol.asyncDispose]: async () => table.close() });
  },
};

const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** `now` is the time that all who open the file share. Throws HostError `storage-failed`. */
export function sqliteTable(file: string, now: () => number = machineMs): LeaseTable & { close(): void } {
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw asStorageError(file, cause);
    }
  };
  const connection = guarded(() => {
    const made = openStore(() => connect(file), STEPS, file);
    chmodSync(file, PRIVATE);
    return made;
  });
  // What ends later than its own time allows was written before the machine started anew.
  const take = connection.prepare<Record<string, unknown>, number>(`
    INSERT INTO leases VALUES (@name, @holder, 1, @now + @ttlMs, @ttlMs)
    ON CONFLICT (name) DO UPDATE SET
      holder = @holder, ends_at = @now + @ttlMs, ttl = @ttlMs, epoch = epoch + (CASE WHEN holder = @holder AND epoch = @epoch THEN 0 ELSE 1 END)
    WHERE holder IS NULL OR holder = @holder OR ends_at <= @now OR ends_at > @now + ttl
    RETURNING epoch`);
  const release = connection.prepare("UPDATE leases SET holder = NULL WHERE name = ? AND holder = ?");
  // The time is read once the file is this one's: read before, it could be older than what another has written since.
  const taken = connection.transaction((name: string, holder: string, epoch: number | undefined, ttlMs: number) =>
    take.pluck().get({ name, holder, epoch: epoch ?? null, ttlMs, now: now() }),
  );
  return {
    take: (name, holder, epoch, ttlMs) => guarded(() => taken.immediate(name, holder, epoch, ttlMs)),
    release: (name, holder) => guarded(() => void release.run(name, holder)),
    close: () => connection.close(),
  };
}

function connect(file: string): Connection {
  const connection = new Database(file, { timeout: BUSY_MS });
  // An epoch that was given is never given again, even when the machine loses power.
  connection.pragma("synchronous = FULL");
  return connection;
}
