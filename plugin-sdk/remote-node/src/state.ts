// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Last values that plugins share. The operator chooses whether they outlive the host; what must last belongs into the storage.

import { asking } from "./asking.ts";
import type { Shape } from "./blocks.ts";

const stateVersioned: Shape = { record: [["value", "value", "bytes"], ["revision", "revision", "u64"], ["owner", "owner", "string"]] };
const stateWrite: Shape = { record: [["key", "key", "string"], ["value", "value", { option: "bytes" }], ["expected", "expected", { option: "u64" }], ["ttl-ms", "ttlMs", { option: "u64" }]] };

/**
 * The value, or none when nobody has set the key. Needs `state.read`.
 */
export function get(key: string): Promise<Uint8Array | undefined> {
  return asking("state.get", [["string", key]], { option: "bytes" });
}

/**
 * Sets a value of at most 64 KiB. Needs `state.write`.
 */
export function set(key: string, value: Uint8Array): Promise<void> {
  return asking("state.set", [["string", key], ["bytes", value]], "_");
}

/**
 * Removes a value and says whether there was one. Needs `state.write`.
 */
export function remove(key: string): Promise<boolean> {
  return asking("state.delete", [["string", key]], "bool");
}

/**
 * The keys that begin with `prefix` and that this plugin may read, in order of their characters, at most 1,000.
 */
export function keys(prefix: string): Promise<string[]> {
  return asking("state.keys", [["string", prefix]], { list: "string" });
}

/**
 * A value with what is known of it.
 */
export interface Versioned {
  readonly value: Uint8Array;
  /**
   * Grows with each change of any key, so a key that was removed and set again has another.
   */
  readonly revision: number;
  /**
   * The plugin that set it last.
   */
  readonly owner: string;
}

/**
 * The value with its revision, or none when nobody has set the key. Needs `state.read`.
 */
export function getVersioned(key: string): Promise<Versioned | undefined> {
  return asking("state.get-versioned", [["string", key]], { option: stateVersioned });
}

export interface Write {
  readonly key: string;
  /**
   * None removes the key.
   */
  readonly value?: Uint8Array | undefined;
  /**
   * The revision that must be there, 0 for none; none for whatever is there.
   */
  readonly expected?: number | undefined;
  /**
   * How long the value is there, in milliseconds; none for ever. Setting the key anew ends it.
   */
  readonly ttlMs?: number | undefined;
}

/**
 * Sets or removes a value if the expected revision is there, and answers the revision that this made; none when another is there, and nothing has
 * changed: that is an answer, not a failure, so read again and try again. Needs `state.write`.
 *
 * Fails with invalid-message (key, ttl-ms of 0), permission-denied, quota-exceeded (value size, keys and bytes of this plugin, of all plugins), storage-failed.
 */
export function put(write: Write): Promise<number | undefined> {
  return asking("state.put", [[stateWrite, write]], { option: "u64" });
}

/**
 * Like `keys`, one page: those after `after` if it is given, at most `limit` (1 to 1,000). Ask again with the last key as `after`; a page may have fewer
 * keys than asked for although more follow, and none only when none follow.
 */
export function listKeys(prefix: string, after: string | undefined, limit: number): Promise<string[]> {
  return asking("state.list-keys", [["string", prefix], [{ option: "string" }, after], ["u32", limit]], { list: "string" });
}
