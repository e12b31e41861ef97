// A SQLite file as it is at one moment, while others write it: nothing that is committed later is in the copy, and nobody waits for it.

import { existsSync, statSync } from "node:fs";
import Database, { type Database as Connection } from "better-sqlite3";
import { asStorageError } from "../bounds/storage-error.ts";

/** A writer holds up others for a moment only, such as when it begins its log anew. */
const BUSY_MS = 10_000;
const ALL_AT_ONCE = 0x7fff_ffff;

export class Pinned implements Disposable {
  readonly connection: Connection;
  readonly #file: string;

  private constructor(connection: Connection, file: string) {
    this.connection = connection;
    this.#file = file;
  }

  /** Undefined where there is no file, or nothing in it yet. Throws HostError `storage-failed`. */
  static open(file: string): Pinned | undefined {
    if (!existsSync(file) || statSync(file).size === 0) return undefined;
    let connection: Connection | undefined;
    try {
      connection = new Database(file, { readonly: true, timeout: BUSY_MS });
      // The file may be one that a plugin's cell writes, and what a stranger wrote into its schema is not to be run.
      connection.pragma("trusted_schema = OFF");
      connection.exec("BEGIN");
      // The moment is that of the first look.
      connection.prepare("SELECT count(*) FROM sqlite_schema").get();
      return new Pinned(connection, file);
    } catch (cause) {
      connection?.close();
      throw asStorageError(file, cause);
    }
  }

  /** Page by page, without a look at what they mean. Rejects with HostError `storage-failed`. */
  async copyTo(target: string): Promise<void> {
    try {
      await this.connection.backup(target, { progress: () => ALL_AT_ONCE });
    } catch (cause) {
      throw asStorageError(cause instanceof Error && "code" in cause && cause.code === "SQLITE_FULL" ? target : this.#file, cause);
    }
  }

  [Symbol.dispose](): void {
    this.connection.close();
  }
}
