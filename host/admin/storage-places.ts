// With which driver each plugin's data lie, so that no plugin is started without them; where copies of them were left; and how far a move has come.

import type { Database as Connection } from "better-sqlite3";

/** Part of the database's schema. `moved_to` is where a move goes that has begun, `moved_after` the last key that it has copied. */
export const STORAGE_PLACES_SCHEMA = `
  CREATE TABLE storage_places (
    plugin TEXT PRIMARY KEY, driver TEXT NOT NULL, options TEXT NOT NULL, moved_to TEXT, moved_after TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE storage_copies (plugin TEXT NOT NULL, driver TEXT NOT NULL, options TEXT NOT NULL, PRIMARY KEY (plugin, driver)) STRICT, WITHOUT ROWID;
`;

export interface StoragePlace {
  readonly driver: string;
  /** As the configuration had them; secrets by their names. */
  readonly options: unknown;
}

export interface BegunMove {
  readonly to: string;
  /** The last key that is copied. */
  readonly after: string | undefined;
}

interface Row {
  readonly driver: string;
  readonly options: string;
  readonly moved_to: string | null;
  readonly moved_after: string | null;
}

export class StoragePlaces {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Undefined for a plugin that has not been started yet by a host that writes this down. */
  of(plugin: string): StoragePlace | undefined {
    const row = this.#row(plugin);
    return row && { driver: row.driver, options: JSON.parse(row.options) };
  }

  settle(plugin: string, { driver, options }: StoragePlace): void {
    this.#connection
      .prepare("INSERT OR REPLACE INTO storage_places VALUES (?, ?, ?, NULL, NULL)")
      .run(plugin, driver, JSON.stringify(options));
  }

  moveOf(plugin: string): BegunMove | undefined {
    const row = this.#row(plugin);
    return row?.moved_to == null ? undefined : { to: row.moved_to, after: row.moved_after ?? undefined };
  }

  /** What is copied so far counts as a copy, should the move be given up. */
  noteMove(plugin: string, { to, options, after }: BegunMove & { readonly options: unknown }): void {
    this.#connection.transaction(() => {
      this.#connection.prepare("INSERT OR REPLACE INTO storage_copies VALUES (?, ?, ?)").run(plugin, to, JSON.stringify(options));
      this.#connection.prepare("UPDATE storage_places SET moved_to = ?, moved_after = ? WHERE plugin = ?").run(to, after ?? null, plugin);
    })();
  }

  /** From now on the data are there; what they were copied from is kept until it is dropped. */
  moved(plugin: string, place: StoragePlace): void {
    this.#connection.transaction(() => {
      const { driver, options } = this.of(plugin) ?? place;
      this.#connection.prepare("INSERT OR REPLACE INTO storage_copies VALUES (?, ?, ?)").run(plugin, driver, JSON.stringify(options));
      this.#connection.prepare("DELETE FROM storage_copies WHERE plugin = ? AND driver = ?").run(plugin, place.driver);
      this.settle(plugin, place);
    })();
  }

  copies(plugin: string): StoragePlace[] {
    const rows = this.#connection
      .prepare<[string], Row>("SELECT driver, options FROM storage_copies WHERE plugin = ? ORDER BY driver")
      .all(plugin);
    return rows.map(({ driver, options }) => ({ driver, options: JSON.parse(options) }));
  }

  copyDropped(plugin: string, driver: string): void {
    this.#connection.prepare("DELETE FROM storage_copies WHERE plugin = ? AND driver = ?").run(plugin, driver);
  }

  forget(plugin: string): void {
    for (const table of ["storage_places", "storage_copies"]) this.#connection.prepare(`DELETE FROM ${table} WHERE plugin = ?`).run(plugin);
  }

  #row(plugin: string): Row | undefined {
    return this.#connection.prepare<[string], Row>("SELECT * FROM storage_places WHERE plugin = ?").get(plugin);
  }
}
