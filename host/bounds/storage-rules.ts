// What a plugin may ask of its storage: keys, sizes and ranges. Pure, so that the cell and the host refuse the same in the same words, wherever the storage is.

import { HostError, toHostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { KeyRange, StorageCommit } from "../core/ports/storage.ts";
import type { Bytes } from "../core/types.ts";

const MAX_KEY_BYTES = 512;
const MAX_VALUE_BYTES = 1024 * 1024;
const MAX_LISTED = 1_000;
// A batch is in memory as a whole, and as JSON.
const MAX_BATCH = 1_000;
/** Of keys and values that are read at once. */
export const MAX_BATCH_BYTES: number = 4 * 1024 * 1024;

/** Throws HostError `invalid-message`. */
export function requireKeys(keys: readonly string[]): void {
  requireBatch(keys.length, "keys");
  for (const key of keys) requireKey(key);
}

/** Throws HostError `invalid-message`, `quota-exceeded` for a value that is too large. */
export function requireCommit({ checks, changes }: StorageCommit): void {
  requireBatch(checks.length, "checks");
  requireBatch(changes.length, "changes");
  for (const { key } of checks) requireKey(key);
  for (const { key, value, ttlMs } of changes) {
    if (value === undefined) requireKey(key);
    else requireEntry(key, value);
    if (ttlMs === 0) throw new HostError("invalid-message", `ttl-ms of "${printable(key)}" is 0; write at least 1, or leave it out`);
  }
}

/** Throws HostError `invalid-message`, `quota-exceeded` for a value that is too large. */
export function requireEntry(key: string, { length }: Bytes): void {
  requireKey(key);
  if (length > MAX_VALUE_BYTES)
    throw new HostError("quota-exceeded", `"${printable(key)}" would hold ${length} bytes; the limit is ${MAX_VALUE_BYTES}`);
}

/** Throws HostError `invalid-message`. */
export function requireRange({ prefix, after, limit }: KeyRange): void {
  requireLimit(limit);
  if (prefix !== "") requireKey(prefix);
  if (after !== undefined && after !== "") requireKey(after);
}

/** Throws HostError `invalid-message`. */
export function requireLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LISTED) return;
  throw new HostError("invalid-message", `limit is ${limit}; write a whole number from 1 to ${MAX_LISTED}`);
}

// The longest UTF-8 form of a UTF-16 unit is three bytes, so most keys pass without being encoded.
/** Throws HostError `invalid-message`. */
export function requireKey(key: string): void {
  if (key.length > 0 && key.length * 3 <= MAX_KEY_BYTES && key.isWellFormed()) return;
  const bytes = new TextEncoder().encode(key).length;
  if (bytes === 0 || bytes > MAX_KEY_BYTES || !key.isWellFormed()) {
    throw new HostError("invalid-message", `storage key "${printable(key)}" has ${bytes} bytes; write 1 to ${MAX_KEY_BYTES} of UTF-8`);
  }
}

/** What is read key by key, as long as it is not too much in all. Throws HostError `quota-exceeded`. */
export function boundedRead<T>(
  keys: readonly string[],
  read: (key: string) => T | undefined,
  bytesOf: (one: T) => number,
  maxBytes: number,
): (T | undefined)[] {
  let bytes = 0;
  return keys.map((key) => {
    const one = read(key);
    bytes += one === undefined ? 0 : bytesOf(one);
    if (bytes > maxBytes) throw tooMuchRead(maxBytes);
    return one;
  });
}

export const tooMuchRead = (maxBytes: number): HostError =>
  new HostError("quota-exceeded", `the values of these keys have more than ${maxBytes} bytes in all; ask for fewer at once`);

/** What a driver threw, as a plugin is told: `storage-failed` for what is the host's own affair. */
export function asStorageFailure(thrown: unknown): HostError {
  const error = toHostError(thrown);
  if (error.code !== "internal") return error;
  return new HostError("storage-failed", "storage failed; the host's log has the cause", { cause: thrown });
}

function requireBatch(count: number, what: string): void {
  if (count > MAX_BATCH) throw new HostError("invalid-message", `${count} ${what} at once; the limit is ${MAX_BATCH}`);
}
