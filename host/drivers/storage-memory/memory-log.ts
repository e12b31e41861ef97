// Which keys the commits of a plugin changed, as long as its storage in memory is there; trimmed by age, count and bytes.

import { LOG_LIMITS, logBytesOf, logTrimmed, maxLogBytes, type StorageBounds } from "../../bounds/storage.ts";
import type { StorageChange, StorageLogged } from "../../core/wit.ts";

export class MemoryLog {
  readonly #bounds: StorageBounds;
  /** By commits, the oldest first. */
  readonly #commits: (readonly StorageLogged[])[] = [];
  #since: number;
  #changes = 0;
  #bytes = 0;

  /** Has everything after the commit `since`. */
  constructor(bounds: StorageBounds, since = 0) {
    this.#bounds = bounds;
    this.#since = since;
  }

  append(seq: number, changes: readonly StorageChange[], time: number, trace: string | undefined): void {
    this.#commits.push(changes.map(({ key, value }) => ({ seq, key, removed: value === undefined, time, trace })));
    this.#count(this.#commits.at(-1) ?? [], 1);
    while (this.#isTooMuch(time)) this.#dropOldest();
  }

  /** Throws HostError `conflict`. */
  read(after: number, limit: number): StorageLogged[] {
    if (after < this.#since) throw logTrimmed(this.#bounds.plugin, this.#since);
    const found: StorageLogged[] = [];
    for (let at = this.#placeAfter(after); at < this.#commits.length && found.length < limit; at += 1)
      found.push(...(this.#commits[at] ?? []));
    return found;
  }

  #isTooMuch(now: number): boolean {
    const oldest = this.#commits[0]?.[0];
    if (oldest === undefined) return false;
    const { maxAgeMs, maxChanges } = LOG_LIMITS;
    return oldest.time <= now - maxAgeMs || this.#changes > maxChanges || this.#bytes > maxLogBytes(this.#bounds);
  }

  #dropOldest(): void {
    const dropped = this.#commits.shift() ?? [];
    this.#count(dropped, -1);
    this.#since = dropped[0]?.seq ?? this.#since;
  }

  #count(changes: readonly StorageLogged[], sign: 1 | -1): void {
    this.#changes += sign * changes.length;
    for (const { key } of changes) this.#bytes += sign * logBytesOf(Buffer.byteLength(key));
  }

  #placeAfter(seq: number): number {
    let [low, high] = [0, this.#commits.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#commits[middle]?.[0]?.seq ?? 0) <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
