// Whether a version is in the log, and whether the log is still the one that it was: what a host has seen of a log it remembers, and compares with each time.

import type { Checkpoint } from "./checkpoint.ts";
import { encodeEntry, type LogEntry } from "./entry.ts";
import { sameHash } from "./merkle.ts";
import type { LogProof, LogReader } from "./reader.ts";
import { logRefusal } from "./refusals.ts";
import { TILE_WIDTH } from "./tiles.ts";

/** What this host has seen of logs. */
export interface CheckpointMemory {
  newest(origin: string): Checkpoint | undefined;
  /** The greatest that has not more entries. */
  atMost(origin: string, size: number): Checkpoint | undefined;
  /** Twice is once. */
  remember(checkpoint: Checkpoint): void;
}

export interface LogCheckPorts {
  readonly reader: LogReader;
  readonly memory: CheckpointMemory;
  /** Told before it is refused: whoever keeps the log, or who stands between, shows different people different things. */
  readonly onContradiction: (origin: string, what: string) => void;
}

/** Of the newest ones, where nobody says at which place an entry is: 16,384. */
const MAX_BUNDLES = 64;

export class LogCheck {
  readonly #ports: LogCheckPorts;

  constructor(ports: LogCheckPorts) {
    this.#ports = ports;
  }

  /**
   * `place` is where the index says that it is. Rejects with HostError `conflict` and one of the rules as its reason: `log-contradicts`, `log-lags`, `log-broken`,
   * `log-unsigned`, `not-logged`; and as the reader's files do.
   */
  async check(entry: LogEntry, place?: number): Promise<LogProof> {
    const { reader } = this.#ports;
    const checkpoint = await this.refresh();
    const bytes = encodeEntry(entry);
    const index = place === undefined ? await this.#find(bytes, checkpoint) : await this.#at(place, bytes, checkpoint);
    if (index !== undefined) return reader.prove(bytes, index, checkpoint);
    const where = place === undefined ? `among its newest ${MAX_BUNDLES * TILE_WIDTH}` : `at its place ${place}`;
    throw logRefusal("not-logged", `the log ${reader.origin} has no entry of ${entry.plugin} ${entry.version} ${where} that says the same`);
  }

  /** What the log says now, which continues what was seen of it, and is remembered. Rejects like `check`. */
  async refresh(): Promise<Checkpoint> {
    const { reader, memory } = this.#ports;
    const now = await reader.checkpoint();
    const seen = memory.atMost(now.origin, now.size);
    if (seen !== undefined && seen.size === now.size && !sameHash(seen.root, now.root))
      throw this.#contradiction(`with ${now.size} entries it has another root than this host has seen`);
    if (seen !== undefined && !(await reader.continues(seen, now)))
      throw this.#contradiction(`with ${now.size} entries it does not begin with the ${seen.size} that this host has seen`);
    const newest = memory.newest(now.origin);
    if (newest !== undefined && newest.size > now.size)
      throw logRefusal(
        "log-lags",
        `the log ${now.origin} has ${now.size} entries here, and this host has seen ${newest.size}; ask another mirror, or wait for this one`,
      );
    memory.remember(now);
    return now;
  }

  /** The place, if it is there. */
  async #at(place: number, bytes: Uint8Array, checkpoint: Checkpoint): Promise<number | undefined> {
    if (!Number.isSafeInteger(place) || place < 0 || place >= checkpoint.size) return undefined;
    const entries = await this.#ports.reader.entries(Math.floor(place / TILE_WIDTH), checkpoint);
    return isSame(entries[place % TILE_WIDTH], bytes) ? place : undefined;
  }

  async #find(bytes: Uint8Array, checkpoint: Checkpoint): Promise<number | undefined> {
    const last = Math.ceil(checkpoint.size / TILE_WIDTH) - 1;
    for (let bundle = last; bundle >= 0 && bundle > last - MAX_BUNDLES; bundle -= 1) {
      const found = (await this.#ports.reader.entries(bundle, checkpoint)).findIndex((one) => isSame(one, bytes));
      if (found >= 0) return bundle * TILE_WIDTH + found;
    }
    return undefined;
  }

  #contradiction(what: string): Error {
    const { origin } = this.#ports.reader;
    this.#ports.onContradiction(origin, what);
    return logRefusal(
      "log-contradicts",
      `the log ${origin} contradicts itself: ${what}. Ask who keeps it, and believe nothing of it until you know why`,
    );
  }
}

const isSame = (one: Uint8Array | undefined, other: Uint8Array): boolean => one !== undefined && Buffer.compare(one, other) === 0;
