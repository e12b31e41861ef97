// The plugin's own durable key-value store. No other plugin can reach it, so it needs no permission; it has a quota.
// A key is 1 to 512 bytes of UTF-8, a value at most 1 MiB.

import { jsonFrom, nothingFrom, optionalBytesFrom, optionalJsonFrom, optionalTextFrom } from "./answers";
import * as abi from "./imports";
import { written } from "./json";
import { bytesBlock, optionTextBlock, staticBytesBlock, textBlock } from "./memory";
import { Outcome, Result } from "./result";

/** The value, or null when the key is absent. Fails with invalid-message (key), storage-failed. */
export function get(key: string): Result<Uint8Array | null> {
  return optionalBytesFrom(abi.storage_get(textBlock(key)));
}

export function getText(key: string): Result<string | null> {
  return optionalTextFrom(abi.storage_get(textBlock(key)));
}

/** Fails with invalid-message too when the value is not the JSON of `T`. */
export function getJson<T>(key: string): Result<T | null> {
  return optionalJsonFrom<T>(abi.storage_get(textBlock(key)));
}

/**
 * Sets a value. Once this returns the value survives a crash of the host's process. Fails with invalid-message (key), quota-exceeded
 * (value size, bytes in all), storage-failed.
 */
export function set(key: string, value: Uint8Array): Outcome {
  return nothingFrom(abi.storage_set(textBlock(key), bytesBlock(value)));
}

export function setText(key: string, value: string): Outcome {
  return nothingFrom(abi.storage_set(textBlock(key), textBlock(value)));
}

export function setJson<T>(key: string, value: T): Outcome {
  const json = written<T>(value);
  return nothingFrom(abi.storage_set(textBlock(key), staticBytesBlock(json.bytes, json.length)));
}

/** Removes a value and says whether there was one. */
export function remove(key: string): Result<bool> {
  return jsonFrom<bool>(abi.storage_delete(textBlock(key)));
}

/**
 * The keys that begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to 1,000). Ask again with
 * the last key as `after` for the next page.
 */
export function keys(prefix: string, after: string | null = null, limit: u32 = 1000): Result<string[]> {
  return jsonFrom<string[]>(abi.storage_keys(textBlock(prefix), optionTextBlock(after), textBlock(limit.toString())));
}
