// One plugin's durable key-value store: checks keys, sizes and ranges, then leaves the work to a driver.

import { HostError, toHostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { KeyRange, StorageDriver } from "../core/ports.ts";
import type { Bytes } from "../core/types.ts";

const MAX_KEY_BYTES = 512;
const MAX_VALUE_BYTES = 1024 * 1024;
const MAX_LISTED_KEYS = 1_000;

/** Fails with `invalid-message` for a bad key or range, `quota-exceeded` for a full store, `storage-failed` for the rest. */
export class PluginStorage implements StorageDriver {
  readonly #driver: StorageDriver;

  constructor(driver: StorageDriver) {
    this.#driver = driver;
  }

  get(key: string): Bytes | undefined {
    requireKey(key);
    return driven(() => this.#driver.get(key));
  }

  set(key: string, value: Bytes): void {
    requireKey(key);
    if (value.length > MAX_VALUE_BYTES) {
      throw new HostError("quota-exceeded", `"${printable(key)}" would hold ${value.length} bytes; the limit is ${MAX_VALUE_BYTES}`);
    }
    driven(() => this.#driver.set(key, value));
  }

  delete(key: string): boolean {
    requireKey(key);
    return driven(() => this.#driver.delete(key));
  }

  keys(range: KeyRange): string[] {
    if (!Number.isInteger(range.limit) || range.limit < 1 || range.limit > MAX_LISTED_KEYS) {
      throw new HostError("invalid-message", `limit is ${range.limit}; write a whole number from 1 to ${MAX_LISTED_KEYS}`);
    }
    if (range.prefix !== "") requireKey(range.prefix);
    if (range.after !== undefined && range.after !== "") requireKey(range.after);
    return driven(() => this.#driver.keys(range));
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

// The longest UTF-8 form of a UTF-16 unit is three bytes, so most keys pass without being encoded.
function requireKey(key: string): void {
  if (key.length > 0 && key.length * 3 <= MAX_KEY_BYTES && key.isWellFormed()) return;
  const bytes = new TextEncoder().encode(key).length;
  if (bytes === 0 || bytes > MAX_KEY_BYTES || !key.isWellFormed()) {
    throw new HostError("invalid-message", `storage key "${printable(key)}" has ${bytes} bytes; write 1 to ${MAX_KEY_BYTES} of UTF-8`);
  }
}
