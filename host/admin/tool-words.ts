// What plugins say of their services to those who take words for instructions, such as language models: nothing of it is told on before the operator has
// read it, and nothing that says anything else since.

import { createHash } from "node:crypto";
import type { Database as Connection } from "better-sqlite3";
import type { Clock } from "../core/ports/clock.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { knownTraits } from "../manifest/service-traits.ts";

/** All that is told on of one service, besides its name. */
export interface ServiceWords {
  readonly description?: string | undefined;
  readonly input?: unknown;
  readonly output?: unknown;
  readonly readOnly: boolean;
  readonly idempotent: boolean;
  readonly deprecated: boolean;
  readonly consumes?: string | undefined;
  readonly produces?: string | undefined;
}

/** By the service's name, of those that are shown at all. */
export type ToolWords = Readonly<Record<string, ServiceWords>>;

/** What the operator has read. */
export interface ReadWords {
  readonly words: ToolWords;
  readonly by: string;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** Part of the database's schema. */
export const TOOL_WORDS_SCHEMA = `
  CREATE TABLE tool_words (
    plugin TEXT PRIMARY KEY,
    words TEXT NOT NULL,
    read_by TEXT NOT NULL,
    read_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

interface Row {
  readonly plugin: string;
  readonly words: string;
  readonly read_by: string;
  readonly read_at: string;
}

type Speaking = Pick<Manifest, "name" | "services">;

export function wordsOf({ services }: Pick<Speaking, "services">): ToolWords {
  const shown = Object.entries(services).map(([name, { description, input, output, ...traits }]) => {
    const { public: isShown, ...known } = knownTraits(traits);
    return isShown ? ([name, { description, input, output, ...known }] as const) : undefined;
  });
  return Object.fromEntries(shown.filter((one) => one !== undefined).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What an operator who has read exactly these words hands back. */
export const digestOf = (words: ToolWords): string => createHash("sha256").update(JSON.stringify(words)).digest("base64url");

export class ToolWordsStore {
  readonly #connection: Connection;
  readonly #clock: Pick<Clock, "now">;
  readonly #listeners = new Set<() => void>();
  /** Whether what a manifest says has been read; asked at every reading of the catalog. */
  #holds = new WeakMap<Speaking, boolean>();

  constructor(connection: Connection, clock: Pick<Clock, "now">) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** Whether the operator has read, word for word, what this manifest says of its services. */
  holds(manifest: Speaking): boolean {
    const known = this.#holds.get(manifest);
    if (known !== undefined) return known;
    const read = this.#row(manifest.name);
    const holds = read !== undefined && read.words === JSON.stringify(wordsOf(manifest));
    this.#holds.set(manifest, holds);
    return holds;
  }

  /** What was read last, whether it holds or not. */
  find(plugin: string): ReadWords | undefined {
    const row = this.#row(plugin);
    return row && { words: JSON.parse(row.words) as ToolWords, by: row.read_by, at: row.read_at };
  }

  plugins(): readonly string[] {
    return this.#connection
      .prepare<[], Row>("SELECT * FROM tool_words ORDER BY plugin")
      .all()
      .map(({ plugin }) => plugin);
  }

  /** Holds once `committed` was called. */
  allow(plugin: string, words: ToolWords, by: string): void {
    this.#connection
      .prepare("INSERT OR REPLACE INTO tool_words VALUES (?, ?, ?, ?)")
      .run(plugin, JSON.stringify(words), by, new Date(this.#clock.now()).toISOString());
  }

  /** Whether there was anything to forget. */
  forget(plugin: string): boolean {
    return this.#connection.prepare("DELETE FROM tool_words WHERE plugin = ?").run(plugin).changes > 0;
  }

  /** To be called after a change is written for good, so that nothing holds that is rolled back. */
  committed(): void {
    this.#holds = new WeakMap();
    for (const listener of this.#listeners) listener();
  }

  /** Returns its undo. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #row(plugin: string): Row | undefined {
    return this.#connection.prepare<[string], Row>("SELECT * FROM tool_words WHERE plugin = ?").get(plugin);
  }
}
