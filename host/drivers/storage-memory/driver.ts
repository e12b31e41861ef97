// Storage that ends with the cell: for trying plugins out, and for those that store nothing worth keeping.

import { HostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { KeyRange, StorageDriver } from "../../core/ports/storage.ts";
import type { Bytes } from "../../core/types.ts";
import type { StorageChange } from "../../core/wit.ts";
import type { StorageDriverModule } from "../../seams.ts";

export const memory: StorageDriverModule = {
  keepsFiles: false,
  open: ({ clock }, { name, limits }) =>
    new MemoryStorage({ plugin: name, maxBytes: limits.storageBytes, maxKeys: limits.storageKeys, clock }),
};

export interface MemoryStorageOptions {
  readonly plugin: string;
  /** Of keys and values together. */
  readonly maxBytes: number;
  readonly maxKeys: number;
  readonly clock: Pick<Clock, "now">;
}

interface Entry {
  readonly value: Bytes;
  /** Milliseconds since 1970; infinite for what stays. */
  readonly endsAt: number;
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const sizeOf = (key: string, value: Bytes): number => Buffer.byteLength(key) + value.length;

/** Each call costs at most what moving its keys within the sorted list costs, whatever is stored. */
export class MemoryStorage implements StorageDriver {
  readonly #options: MemoryStorageOptions;
  readonly #entries = new Map<string, Entry>();
  /** All keys, in the order of their bytes. */
  readonly #sorted: string[] = [];
  #bytes = 0;

  constructor(options: MemoryStorageOptions) {
    this.#options = options;
  }

  get(key: string): Bytes | undefined {
    return this.#live(key)?.value.slice();
  }

  set(key: string, value: Bytes): void {
    this.apply([{ key, value, ttlMs: undefined }]);
  }

  delete(key: string): boolean {
    const wasThere = this.#live(key) !== undefined;
    this.#put(key, undefined);
    return wasThere;
  }

  apply(changes: readonly StorageChange[]): void {
    const [keysBefore, bytesBefore] = [this.#entries.size, this.#bytes];
    const now = this.#options.clock.now();
    const before = changes.map(({ key, value, ttlMs }) => {
      const old = this.#entries.get(key);
      const endsAt = ttlMs === undefined ? Number.POSITIVE_INFINITY : now + ttlMs;
      this.#put(key, value === undefined ? undefined : { value: value.slice(), endsAt });
      return { key, old };
    });
    const grows = this.#entries.size > keysBefore || this.#bytes > bytesBefore;
    const refusal = grows ? this.#refusal(keysBefore) : undefined;
    if (refusal === undefined) return;
    for (const { key, old } of before.toReversed()) this.#put(key, old);
    throw refusal;
  }

  keys({ prefix, after, limit }: KeyRange): string[] {
    const found: string[] = [];
    let at = this.#place(prefix);
    if (after !== undefined) at = Math.max(at, this.#place(after) + (this.#entries.has(after) ? 1 : 0));
    for (; found.length < limit; at += 1) {
      const key = this.#sorted[at];
      if (key?.startsWith(prefix) !== true) break;
      if (this.#live(key) !== undefined) found.push(key);
    }
    return found;
  }

  close(): void {
    this.#entries.clear();
    this.#sorted.length = 0;
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.endsAt > this.#options.clock.now() ? entry : undefined;
  }

  #put(key: string, entry: Entry | undefined): void {
    const old = this.#entries.get(key);
    this.#bytes += (entry === undefined ? 0 : sizeOf(key, entry.value)) - (old === undefined ? 0 : sizeOf(key, old.value));
    if (entry === undefined) {
      if (this.#entries.delete(key)) this.#sorted.splice(this.#place(key), 1);
    } else {
      if (old === undefined) this.#sorted.splice(this.#place(key), 0, key);
      this.#entries.set(key, entry);
    }
  }

  /** Where a key stands, or would stand. */
  #place(key: string): number {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (byBytes(this.#sorted[middle] ?? "", key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #refusal(keysBefore: number): HostError | undefined {
    const { plugin, maxBytes, maxKeys } = this.#options;
    if (this.#entries.size > maxKeys || this.#bytes > maxBytes) this.#dropEnded();
    if (this.#entries.size > maxKeys)
      return new HostError(
        "quota-exceeded",
        `the storage of ${plugin} has ${Math.min(keysBefore, maxKeys)} keys; its limit is ${maxKeys} (limits.storageKeys); delete keys or raise it`,
      );
    if (this.#bytes <= maxBytes) return undefined;
    return new HostError(
      "quota-exceeded",
      `the storage of ${plugin} is full: its limit is ${maxBytes} bytes (limits.storageMiB); delete keys or raise it`,
    );
  }

  #dropEnded(): void {
    const now = this.#options.clock.now();
    for (const [key, { endsAt }] of this.#entries) if (endsAt <= now) this.#put(key, undefined);
  }
}
