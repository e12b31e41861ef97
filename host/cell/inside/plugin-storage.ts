// One plugin's durable key-value store: checks keys, sizes and ranges, then leaves the work to a driver.

import { HostError, toHostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { KeyRange, ScanRange, StorageDriver } from "../../core/ports/storage.ts";
import type { Bytes } from "../../core/types.ts";
import type { StorageChange, StorageCheck, StorageCommitOutcome, StorageLogged, StoragePage, StorageVersioned } from "../../core/wit.ts";
import type { CellStorage } from "../../engine/guest/cell-functions.ts";

const MAX_KEY_BYTES = 512;
const MAX_VALUE_BYTES = 1024 * 1024;
const MAX_LISTED = 1_000;
// A batch is in memory as a whole, and as JSON.
const MAX_BATCH = 1_000;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/** Fails with `invalid-message` for a bad key or range, `quota-exceeded` for a full store, `storage-failed` for the rest. */
export class PluginStorage implements CellStorage {
  readonly #driver: StorageDriver;
  readonly #trace: () => string | undefined;

  /** `trace` is that of the turn that runs. */
  constructor(driver: StorageDriver, trace: () => string | undefined = () => undefined) {
    this.#driver = driver;
    this.#trace = trace;
  }

  get(key: string): Bytes | undefined {
    requireKey(key);
    return driven(() => this.#driver.get(key));
  }

  set(key: string, value: Bytes): void {
    requireKey(key);
    requireSize(key, value);
    driven(() => this.#driver.set(key, value, this.#trace()));
  }

  delete(key: string): boolean {
    requireKey(key);
    return driven(() => this.#driver.set(key, undefined, this.#trace()));
  }

  getMany(keys: readonly string[]): (Bytes | undefined)[] {
    requireBatch(keys.length, "keys");
    let bytes = 0;
    return keys.map((key) => {
      const value = this.get(key);
      bytes += value?.length ?? 0;
      if (bytes > MAX_BATCH_BYTES)
        throw new HostError(
          "quota-exceeded",
          `the values of these keys have more than ${MAX_BATCH_BYTES} bytes in all; ask for fewer at once`,
        );
      return value;
    });
  }

  apply(changes: readonly StorageChange[]): void {
    this.commit([], changes);
  }

  getVersioned(key: string): StorageVersioned | undefined {
    requireKey(key);
    return driven(() => this.#driver.getVersioned(key));
  }

  commit(checks: readonly StorageCheck[], changes: readonly StorageChange[]): StorageCommitOutcome {
    requireBatch(checks.length, "checks");
    requireBatch(changes.length, "changes");
    for (const { key } of checks) requireKey(key);
    for (const { key, value, ttlMs } of changes) {
      requireKey(key);
      if (value !== undefined) requireSize(key, value);
      if (ttlMs === 0) throw new HostError("invalid-message", `ttl-ms of "${printable(key)}" is 0; write at least 1, or leave it out`);
    }
    return driven(() => this.#driver.commit({ checks, changes, trace: this.#trace() }));
  }

  keys(range: KeyRange): string[] {
    requireRange(range);
    return driven(() => this.#driver.keys(range));
  }

  scan(range: Omit<ScanRange, "maxBytes">): StoragePage {
    requireRange(range);
    return driven(() => this.#driver.scan({ ...range, maxBytes: MAX_BATCH_BYTES }));
  }

  changes(after: number, limit: number): readonly StorageLogged[] {
    requireLimit(limit);
    return driven(() => this.#driver.changes(after, limit));
  }

  close(): void {
    this.#driver.close();
  }
}

function driven<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    const error = toHostError(thrown);
    if (error.code !== "internal") throw error;
    throw new HostError("storage-failed", "storage failed; the host's log has the cause", { cause: thrown });
  }
}

function requireBatch(count: number, what: string): void {
  if (count > MAX_BATCH) throw new HostError("invalid-message", `${count} ${what} at once; the limit is ${MAX_BATCH}`);
}

function requireRange({ prefix, after, limit }: KeyRange): void {
  requireLimit(limit);
  if (prefix !== "") requireKey(prefix);
  if (after !== undefined && after !== "") requireKey(after);
}

function requireLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LISTED) return;
  throw new HostError("invalid-message", `limit is ${limit}; write a whole number from 1 to ${MAX_LISTED}`);
}

function requireSize(key: string, { length }: Bytes): void {
  if (length > MAX_VALUE_BYTES)
    throw new HostError("quota-exceeded", `"${printable(key)}" would hold ${length} bytes; the limit is ${MAX_VALUE_BYTES}`);
}

// The longest UTF-8 form of a UTF-16 unit is three bytes, so most keys pass without being encoded.
function requireKey(key: string): void {
  if (key.length > 0 && key.length * 3 <= MAX_KEY_BYTES && key.isWellFormed()) return;
  const bytes = new TextEncoder().encode(key).length;
  if (bytes === 0 || bytes > MAX_KEY_BYTES || !key.isWellFormed()) {
    throw new HostError("invalid-message", `storage key "${printable(key)}" has ${bytes} bytes; write 1 to ${MAX_KEY_BYTES} of UTF-8`);
  }
}
