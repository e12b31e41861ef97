// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// The plugin's own durable key-value store. No other plugin can reach it, so it needs no permission; it has a quota.

import * as host from "bulkhead:plugin/storage@0.2.0";
import { asking } from "./host-error.ts";

/**
 * The value, or none when the key is absent.
 *
 * Fails with invalid-message (key), storage-failed.
 */
export function get(key: string): Uint8Array | undefined {
  return asking(() => host.get(key)) ?? undefined;
}

/**
 * Sets a value. Once this returns the value survives a crash of the host's process.
 *
 * Fails with invalid-message (key), quota-exceeded (value size, bytes in all), storage-failed.
 */
export function set(key: string, value: Uint8Array): void {
  asking(() => host.set(key, value));
}

/**
 * Removes a value and says whether there was one.
 */
export function remove(key: string): boolean {
  return asking(() => host.delete(key));
}

/**
 * The values of up to 1,000 keys, each in its key's place, none for an absent one.
 *
 * Fails with invalid-message (keys, more than 1,000 of them), quota-exceeded (values of more than 4 MiB in all), storage-failed.
 */
export function getMany(keys: readonly string[]): (Uint8Array | undefined)[] {
  return asking(() => host.getMany(keys)).map((item) => item ?? undefined);
}

export interface Change {
  readonly key: string;
  /**
   * None removes the key.
   */
  readonly value?: Uint8Array | undefined;
  /**
   * How long the value is there, in milliseconds; none for ever. Setting the key anew ends it.
   */
  readonly ttlMs?: number | undefined;
}

/**
 * Makes up to 1,000 changes in this order: all of them, or none when one fails.
 *
 * Fails with invalid-message (key, ttl-ms of 0, more than 1,000 changes), quota-exceeded (value size, bytes in all), storage-failed.
 */
export function apply(changes: readonly Change[]): void {
  asking(() => host.apply(changes));
}

/**
 * The keys that begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to
 * 1,000). Ask again with the last key as `after` for the next page.
 */
export function keys(prefix: string, after: string | undefined, limit: number): string[] {
  return asking(() => host.keys(prefix, after, limit));
}
