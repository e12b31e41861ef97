// Who is quarantined, in the host's database, so that it lasts over restarts. Why and when somebody comes into it is containment's to decide.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Database as Connection } from "better-sqlite3";
import { z } from "zod";
import { HostError } from "../core/errors.ts";
import { isPluginName } from "../core/names.ts";

export const QUARANTINE_SCHEMA = `
  CREATE TABLE quarantine (plugin TEXT PRIMARY KEY, reason TEXT NOT NULL, since TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

export class QuarantineStore {
  readonly #listeners = new Set<(name: string) => void>();
  readonly #names;
  readonly #reason;
  readonly #add;
  readonly #remove;

  constructor(connection: Connection) {
    this.#names = connection.prepare<[], string>("SELECT plugin FROM quarantine ORDER BY plugin").pluck();
    this.#reason = connection.prepare<[string], string>("SELECT reason FROM quarantine WHERE plugin = ?").pluck();
    this.#add = connection.prepare<[string, string, string]>("INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?)");
    this.#remove = connection.prepare<[string]>("DELETE FROM quarantine WHERE plugin = ?");
  }

  names(): string[] {
    return this.#names.all();
  }

  /** Throws HostError `invalid-message` for one that is not quarantined. */
  reasonOf(name: string): string {
    const reason = this.#reason.get(name);
    if (reason === undefined) throw new HostError("invalid-message", "that plugin is not quarantined");
    return reason;
  }

  /** Throws what SQLite says when it cannot be written down. */
  add(name: string, reason: string): void {
    this.#add.run(name, reason, now());
  }

  /** False when the plugin is not quarantined. */
  release(name: string): boolean {
    if (this.#remove.run(name).changes === 0) return false;
    for (const listener of this.#listeners) listener(name);
    return true;
  }

  /** Tells of each plugin that this store releases; returns its undo. */
  onRelease(listener: (name: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

const now = (): string => new Date().toISOString();
const noted = z.object({ reason: z.string(), since: z.string().default(now) });
const SUFFIX = ".json";

/** Takes over the folder in which 0.1 kept a file a plugin. What a file cannot say is said in its place: nobody is released by being unreadable. */
export function takeOverQuarantine(connection: Connection, folder: string): void {
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith(SUFFIX)) : [];
  const add = connection.prepare<[string, string, string]>("INSERT INTO quarantine VALUES (?, ?, ?)");
  for (const file of files) {
    const name = file.slice(0, -SUFFIX.length);
    if (!isPluginName(name)) continue;
    const { reason, since } = readNote(join(folder, file));
    add.run(name, reason, since);
  }
}

function readNote(file: string): z.infer<typeof noted> {
  try {
    return noted.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return { reason: "its file could not be read", since: now() };
  }
}
