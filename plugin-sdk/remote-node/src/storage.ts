// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// The plugin's own durable key-value store. No other plugin can reach it, so it needs no permission; it has a quota.

import { asking } from "./asking.ts";
import type { Shape } from "./blocks.ts";

const storageChange: Shape = { record: [["key", "key", "string"], ["value", "value", { option: "bytes" }], ["ttl-ms", "ttlMs", { option: "u64" }]] };
const storageVersioned: Shape = { record: [["value", "value", "bytes"], ["version", "version", "u64"], ["expires-at", "expiresAt", { option: "u64" }]] };
const storageCheck: Shape = { record: [["key", "key", "string"], ["version", "version", "u64"]] };
const storageCommitOutcome: Shape = { record: [["committed", "committed", "bool"], ["version", "version", "u64"]] };
const storageEntry: Shape = { record: [["key", "key", "string"], ["value", "value", "bytes"], ["version", "version", "u64"]] };
const storagePage: Shape = { record: [["entries", "entries", { list: storageEntry }], ["next", "next", { option: "string" }]] };
const storageLogged: Shape = { record: [["seq", "seq", "u64"], ["key", "key", "string"], ["removed", "removed", "bool"], ["time", "time", "u64"], ["trace", "trace", { option: "string" }]] };

/**
 * The value, or none when the key is absent.
 *
 * Fails with invalid-message (key), storage-failed.
 */
export function get(key: string): Promise<Uint8Array | undefined> {
  return asking("storage.get", [["string", key]], { option: "bytes" });
}

/**
 * Sets a value. Once this returns the value survives a crash of the host's process.
 *
 * Fails with invalid-message (key), quota-exceeded (value size, bytes in all), storage-failed.
 */
export function set(key: string, value: Uint8Array): Promise<void> {
  return asking("storage.set", [["string", key], ["bytes", value]], "_");
}

/**
 * Removes a value and says whether there was one.
 */
export function remove(key: string): Promise<boolean> {
  return asking("storage.delete", [["string", key]], "bool");
}

/**
 * The values of up to 1,000 keys, each in its key's place, none for an absent one.
 *
 * Fails with invalid-message (keys, more than 1,000 of them), quota-exceeded (values of more than 4 MiB in all), storage-failed.
 */
export function getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
  return asking("storage.get-many", [[{ list: "string" }, keys]], { list: { option: "bytes" } });
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
export function apply(changes: readonly Change[]): Promise<void> {
  return asking("storage.apply", [[{ list: storageChange }, changes]], "_");
}

/**
 * The keys that begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to
 * 1,000). Ask again with the last key as `after` for the next page.
 */
export function keys(prefix: string, after: string | undefined, limit: number): Promise<string[]> {
  return asking("storage.keys", [["string", prefix], [{ option: "string" }, after], ["u32", limit]], { list: "string" });
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
export function getVersioned(key: string): Promise<Versioned | undefined> {
  return asking("storage.get-versioned", [["string", key]], { option: storageVersioned });
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
export function commit(checks: readonly Check[], changes: readonly Change[]): Promise<CommitOutcome> {
  return asking("storage.commit", [[{ list: storageCheck }, checks], [{ list: storageChange }, changes]], storageCommitOutcome);
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
export function scan(prefix: string, after: string | undefined, limit: number, reverse: boolean): Promise<Page> {
  return asking("storage.scan", [["string", prefix], [{ option: "string" }, after], ["u32", limit], ["bool", reverse]], storagePage);
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
export function changes(after: number, limit: number): Promise<Logged[]> {
  return asking("storage.changes", [["u64", after], ["u32", limit]], { list: storageLogged });
}
