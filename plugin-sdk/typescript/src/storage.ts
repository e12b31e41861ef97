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

export interface Versioned {
  readonly value: Uint8Array;
  /**
   * Of the commit that set the value. Versions of a plugin's commits only grow and are never used again.
   */
  readonly version: number;
  /**
   * When the value ends, in milliseconds since 1970; none for never.
   */
  readonly expiresAt?: number | undefined;
}

/**
 * The value with its version, or none when the key is absent.
 *
 * Fails with invalid-message (key), storage-failed.
 */
export function getVersioned(key: string): Versioned | undefined {
  return asking(() => host.getVersioned(key)) ?? undefined;
}

export interface Check {
  readonly key: string;
  /**
   * What the key's version must be; 0 for a key that must be absent.
   */
  readonly version: number;
}

export interface CommitOutcome {
  /**
   * False when a check failed; then nothing was changed.
   */
  readonly committed: boolean;
  /**
   * The one version of all values that the commit set; 0 when it changed nothing.
   */
  readonly version: number;
}

/**
 * Makes up to 1,000 changes in this order, all of them or none, provided that up to 1,000 keys still have the versions
 * that were read. A check that fails is an answer and no error: read again and try again. A value whose time is over
 * counts as absent.
 *
 * Fails with invalid-message (key, ttl-ms of 0, more than 1,000 checks or changes), quota-exceeded (value size, bytes
 * in all), storage-failed.
 */
export function commit(checks: readonly Check[], changes: readonly Change[]): CommitOutcome {
  return asking(() => host.commit(checks, changes));
}

export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly version: number;
}

export interface Page {
  readonly entries: readonly Entry[];
  /**
   * What `after` must be for the next page; none when this is the last one.
   */
  readonly next?: string | undefined;
}

/**
 * The entries whose keys begin with `prefix`, in byte order or, with `reverse`, from the last one on, those behind
 * `after` if it is given, at most `limit` (1 to 1,000). A page ends early before it has 4 MiB of keys and values, so
 * ask again with `next` until there is none. What is changed between two pages is seen by those that follow.
 *
 * Fails with invalid-message (prefix, after, limit), storage-failed.
 */
export function scan(prefix: string, after: string | undefined, limit: number, reverse: boolean): Page {
  return asking(() => host.scan(prefix, after, limit, reverse));
}

export interface Logged {
  /**
   * The version of the commit.
   */
  readonly seq: number;
  readonly key: string;
  readonly removed: boolean;
  /**
   * Milliseconds since 1970.
   */
  readonly time: number;
  /**
   * The trace of the turn that made the commit, 32 hexadecimal digits; none outside of a turn.
   */
  readonly trace?: string | undefined;
}

/**
 * What the plugin's own commits changed after the one with the sequence number `after` (0 for all), oldest first, at
 * least `limit` (1 to 1,000) changes if there are as many: a page ends with a whole commit, so it may have up to 999
 * more. Ask again with the last `seq` as `after`. The log is kept only for plugins whose manifest says
 * `"storage": { "log": true }`; it is trimmed by age, count and size.
 *
 * Fails with conflict (changes after `after` have been trimmed; `message` has the oldest number that is kept, so scan
 * the storage and go on from there), invalid-message (limit, no log), storage-failed.
 */
export function changes(after: number, limit: number): Logged[] {
  return asking(() => host.changes(after, limit));
}
