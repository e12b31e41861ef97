// What every driver of plugin storage refuses in the same words, and how long it keeps the log of changes.

import { HostError } from "../core/errors.ts";

export interface StorageBounds {
  readonly plugin: string;
  /** Of keys and values together. */
  readonly maxBytes: number;
  readonly maxKeys: number;
}

const DAY_MS = 86_400_000;
const LOG_ROW_BYTES = 64;
const LOG_SHARE = 8;

/** What of the log is kept: nothing older, and no more. Whole commits go, the oldest first. */
export const LOG_LIMITS: { readonly maxAgeMs: number; readonly maxChanges: number } = { maxAgeMs: 7 * DAY_MS, maxChanges: 100_000 };

/** What a change in the log counts, beside the storage's own bytes. */
export const logBytesOf = (keyBytes: number): number => keyBytes + LOG_ROW_BYTES;

/** What the log may have in all. */
export const maxLogBytes = ({ maxBytes }: Pick<StorageBounds, "maxBytes">): number => Math.floor(maxBytes / LOG_SHARE);

export function keysFull({ plugin, maxKeys }: StorageBounds, keys: number): HostError {
  const message = `the storage of ${plugin} has ${keys} keys; its limit is ${maxKeys} (limits.storageKeys); delete keys or raise it`;
  return new HostError("quota-exceeded", message);
}

export function bytesFull({ plugin, maxBytes }: StorageBounds): HostError {
  const message = `the storage of ${plugin} is full: its limit is ${maxBytes} bytes of keys and values (limits.storageMiB); delete keys or raise it`;
  return new HostError("quota-exceeded", message);
}

/** `since` is the commit after which everything is kept. */
export function logTrimmed(plugin: string, since: number): HostError {
  const message = `the log of ${plugin} begins at ${since + 1}, what was before is not kept; scan the storage, then go on after ${since}`;
  return new HostError("conflict", message);
}

export function noLog(plugin: string): HostError {
  const remedy = 'write "storage": { "log": true } in its plugin.json';
  return new HostError("invalid-message", `${plugin} keeps no log of its storage; ${remedy}`);
}

// No key is longer than 512 bytes, and no character sorts after this one, which has four.
const BEHIND_ALL = "\u{10FFFF}".repeat(129);

/** A text that sorts behind all keys with this prefix, and before all others that do. */
export const behind = (prefix: string): string => prefix + BEHIND_ALL;
