// What a turn has written and nobody else has seen: kept beside the store until it is known how the turn ends, and seen by the turn itself. Pure, so that the cell
// and the host lay the same writes over their stores.

import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { KeyRange, ScanRange } from "../core/ports/storage.ts";
import type { Bytes } from "../core/types.ts";
import type { StorageChange, StorageCheck, StorageEntry, StoragePage, StorageVersioned } from "../core/wit.ts";
import { behind } from "./storage.ts";

/** Keys below this one are the host's own, in the store of a plugin whose turns are transactions. */
export const RESERVED = "\0bulkhead/";
const LAST_RESERVED = behind(RESERVED);

const MAX_CHANGES = 1_000;
const MAX_BYTES = 4 * 1_024 * 1_024;

interface Written {
  readonly value: Bytes | undefined;
  readonly version: number;
  readonly expiresAt: number | undefined;
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const sizeOf = (key: string, value: Bytes | undefined): number => Buffer.byteLength(key) + (value?.length ?? 0);
const isReserved = (key: string): boolean => key.startsWith(RESERVED);

/** Throws HostError `invalid-message` for a key that is the host's. */
export function requireOwn(key: string): void {
  if (isReserved(key))
    throw new HostError("invalid-message", `storage key "${printable(key)}" begins with what the host keeps for itself; choose another`);
}

/** Asks for pages of the store, and ends with one that has the writes as well: run over a store that answers at once, or later. */
export type Merging<Range, Page> = Generator<Range, Page, Page>;

export class TurnWrites {
  readonly #now: () => number;
  readonly #written = new Map<string, Written>();
  /** Held against the store itself, which somebody else may write. */
  readonly #checks = new Map<string, number>();
  #bytes = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get isEmpty(): boolean {
    return this.#written.size === 0;
  }

  /** Null for a key that the turn has not written. */
  get(key: string): StorageVersioned | undefined | null {
    const written = this.#written.get(key);
    if (written === undefined) return isReserved(key) ? undefined : null;
    return this.#isThere(written) ? { value: written.value.slice(), version: written.version, expiresAt: written.expiresAt } : undefined;
  }

  /** All of them, or none. Throws HostError `quota-exceeded` for more than a turn may write, `invalid-message`. */
  write(changes: readonly StorageChange[], version: number): void {
    for (const { key } of changes) requireOwn(key);
    const sizes = new Map(changes.map(({ key, value }) => [key, sizeOf(key, value)]));
    let bytes = this.#bytes;
    let count = this.#written.size;
    for (const [key, size] of sizes) {
      const before = this.#written.get(key);
      bytes += size - (before === undefined ? 0 : sizeOf(key, before.value));
      if (before === undefined) count += 1;
    }
    if (count > MAX_CHANGES || bytes > MAX_BYTES) {
      const limits = `a turn that is a transaction writes at most ${MAX_CHANGES} keys and ${MAX_BYTES} bytes; use more turns`;
      throw new HostError("quota-exceeded", `${count} keys and ${bytes} bytes are written in one turn; ${limits}`);
    }
    this.#bytes = bytes;
    for (const { key, value, ttlMs } of changes) {
      const expiresAt = ttlMs === undefined ? undefined : this.#now() + ttlMs;
      this.#written.set(key, { value: value?.slice(), version, expiresAt });
    }
  }

  /** A key that the turn has not written was found at this version. */
  found(check: StorageCheck): void {
    if (!this.#checks.has(check.key)) this.#checks.set(check.key, check.version);
  }

  get checks(): StorageCheck[] {
    return [...this.#checks].map(([key, version]) => ({ key, version }));
  }

  get changes(): StorageChange[] {
    return [...this.#written].map(([key, written]) => {
      const ttlMs = written.expiresAt === undefined ? undefined : Math.ceil(written.expiresAt - this.#now());
      return this.#isThere(written) ? { key, value: written.value, ttlMs } : { key, value: undefined, ttlMs: undefined };
    });
  }

  clear(): void {
    this.#written.clear();
    this.#checks.clear();
    this.#bytes = 0;
  }

  *keys(range: KeyRange): Merging<KeyRange, string[]> {
    const { limit, prefix } = range;
    const found: string[] = [];
    let after = forwardsFrom(range);
    for (;;) {
      const stored = yield { prefix, after, limit };
      const isEnd = stored.length < limit;
      const upTo = isEnd ? undefined : stored.at(-1);
      const kept = stored.filter((key) => !this.#written.has(key) && !isReserved(key));
      found.push(...[...kept, ...this.#keysIn(prefix, after, upTo, false)].sort(byBytes));
      if (found.length >= limit || isEnd) return found.slice(0, limit);
      after = upTo;
    }
  }

  *scan({ maxBytes, ...range }: ScanRange): Merging<ScanRange, StoragePage> {
    const { limit, prefix, reverse } = range;
    const found: StorageEntry[] = [];
    let after = reverse ? range.after : forwardsFrom(range);
    for (;;) {
      const { entries, next } = yield { prefix, after, limit, reverse, maxBytes };
      const kept = entries.filter(({ key }) => !this.#written.has(key) && !isReserved(key));
      found.push(...[...kept, ...this.#entriesIn(prefix, after, next, reverse)].sort((a, b) => byBytes(a.key, b.key) * (reverse ? -1 : 1)));
      const page = pageOf(found, { limit, maxBytes }, next !== undefined);
      if (page !== undefined) return page;
      after = next;
    }
  }

  #isThere(written: Written): written is Written & { readonly value: Bytes } {
    return written.value !== undefined && (written.expiresAt === undefined || written.expiresAt > this.#now());
  }

  #keysIn(prefix: string, after: string | undefined, upTo: string | undefined, reverse: boolean): string[] {
    const direction = reverse ? -1 : 1;
    return [...this.#written].flatMap(([key, written]) => {
      const isIn =
        key.startsWith(prefix) &&
        (after === undefined || byBytes(key, after) * direction > 0) &&
        (upTo === undefined || byBytes(key, upTo) * direction <= 0);
      return isIn && this.#isThere(written) ? [key] : [];
    });
  }

  #entriesIn(prefix: string, after: string | undefined, upTo: string | undefined, reverse: boolean): StorageEntry[] {
    return this.#keysIn(prefix, after, upTo, reverse).flatMap((key) => {
      const written = this.get(key);
      return written ? [{ key, value: written.value, version: written.version }] : [];
    });
  }
}

const forwardsFrom = ({ after }: KeyRange): string | undefined =>
  after === undefined || byBytes(after, LAST_RESERVED) < 0 ? LAST_RESERVED : after;

/** Undefined as long as there may be more to come and there is room for it. */
function pageOf(
  found: readonly StorageEntry[],
  { limit, maxBytes }: Pick<ScanRange, "limit" | "maxBytes">,
  isMore: boolean,
): StoragePage | undefined {
  let bytes = 0;
  for (const [i, { key, value }] of found.entries()) {
    bytes += sizeOf(key, value);
    if (i === limit || (bytes > maxBytes && i > 0)) return { entries: found.slice(0, i), next: found[i - 1]?.key };
  }
  if (!isMore) return { entries: found, next: undefined };
  return found.length === limit ? { entries: found, next: found.at(-1)?.key } : undefined;
}
