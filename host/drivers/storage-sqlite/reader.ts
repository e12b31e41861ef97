// Reads the file of a plugin's storage beside the cell that has it: changes nothing, and never becomes the one who writes.

import { existsSync } from "node:fs";
import { join } from "node:path";
import Database, { type Database as Connection } from "better-sqlite3";
import { LOG_LIMITS, noLog } from "../../bounds/storage.ts";
import { boundedRead } from "../../bounds/storage-rules.ts";
import { HostError } from "../../core/errors.ts";
import type { RemoteStorage } from "../../core/ports/storage.ts";
import { ChangeLog } from "./change-log.ts";
import { openDatabase } from "./database.ts";
import { pageOf } from "./page.ts";
import { STEPS } from "./schema.ts";
import { statementsOf } from "./statements.ts";

export interface StorageReader extends Pick<RemoteStorage, "read" | "scan" | "changes"> {
  /** No version was given out that is greater. */
  lastVersion(): Promise<number>;
  close(): Promise<void>;
}

/** Brings a file of an older version to this one's schema. Nobody else may have it open. */
export function climbStorage(dir: string, plugin: string, maxBytes: number): void {
  if (existsSync(join(dir, `${plugin}.sqlite`))) openDatabase({ dir, plugin, maxBytes }).close();
}

/** Undefined where there is no file, or an empty one. Throws HostError `storage-failed` for one of another version. */
export function openStorageReader(dir: string, plugin: string, now: () => number): StorageReader | undefined {
  const file = join(dir, `${plugin}.sqlite`);
  if (!existsSync(file)) return undefined;
  const database = new Database(file, { readonly: true });
  // The file is the plugin's cell's, and what a stranger wrote into its schema is not to be run here.
  database.pragma("trusted_schema = OFF");
  const schema = Number(database.pragma("user_version", { simple: true }));
  if (schema === STEPS.length) return readerOf(database, plugin, now);
  database.close();
  if (schema === 0) return undefined;
  throw new HostError(
    "storage-failed",
    `the storage of ${plugin} was written by another version of bulkhead; start the plugin once with this one`,
  );
}

function readerOf(database: Connection, plugin: string, now: () => number): StorageReader {
  const statements = statementsOf(database);
  return {
    read: async (keys, maxBytes) =>
      boundedRead(
        keys,
        (key) => {
          const row = statements.getVersioned.get(key, now());
          return row && { value: row.value, version: row.version, expiresAt: row.expires_at ?? undefined };
        },
        ({ value }) => value.length,
        maxBytes,
      ),
    scan: async (range) => pageOf(statements, range, now()),
    async changes(after, limit) {
      if (database.prepare("SELECT log_since FROM meta").pluck().get() === null) throw noLog(plugin);
      return new ChangeLog(database, { plugin, maxBytes: 0, maxKeys: LOG_LIMITS.maxChanges }).read(after, limit);
    },
    lastVersion: async () => Number(database.prepare("SELECT reserved FROM meta").pluck().get()),
    close: async () => void database.close(),
  };
}
