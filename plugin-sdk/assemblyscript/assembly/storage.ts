// The plugin's own durable key-value store. No other plugin can reach it, so it needs no permission; it has a quota.
// A key is 1 to 512 bytes of UTF-8, a value at most 1 MiB.

import { jsonFrom, nothingFrom, optionalBytesFrom, optionalJsonFrom, optionalTextFrom } from "./answers";
import { decodeBase64, encodeBase64 } from "./base64";
import * as abi from "./imports";
import { written } from "./json";
import { bytesBlock, optionTextBlock, staticBytesBlock, textBlock, viewOf } from "./memory";
import { Outcome, Result, ok } from "./result";

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
 * The values of up to 1,000 keys, each in its key's place, null for an absent one.
 *
 * Fails with invalid-message (keys, more than 1,000 of them), quota-exceeded (values of more than 4 MiB in all), storage-failed.
 */
export function getMany(keys: string[]): Result<Array<Uint8Array | null>> {
  const json = written<string[]>(keys);
  const answer = jsonFrom<Array<string | null>>(abi.storage_get_many(staticBytesBlock(json.bytes, json.length)));
  if (!answer.isOk) return answer.failure<Array<Uint8Array | null>>();
  const values = new Array<Uint8Array | null>(keys.length);
  for (let i = 0; i < keys.length; i++) {
    const text = answer.value[i];
    if (text !== null) values[i] = decodeBase64(text);
  }
  return ok<Array<Uint8Array | null>>(values);
}

/** One change of `apply`: made by `Change.set`, `Change.setText`, `Change.setJson` or `Change.remove`. */
export class Change {
  private constructor(
    private readonly key: string,
    private readonly value: Uint8Array | null,
    private readonly ttlMs: u64,
  ) {}

  /** With `ttlMs` the value ends that many milliseconds later; 0 keeps it. */
  static set(key: string, value: Uint8Array, ttlMs: u64 = 0): Change {
    return new Change(key, value, ttlMs);
  }

  static setText(key: string, value: string, ttlMs: u64 = 0): Change {
    return new Change(key, Uint8Array.wrap(String.UTF8.encode(value)), ttlMs);
  }

  static setJson<T>(key: string, value: T, ttlMs: u64 = 0): Change {
    const json = written<T>(value);
    return new Change(key, viewOf(json.bytes.slice<StaticArray<u8>>(0, json.length)), ttlMs);
  }

  static remove(key: string): Change {
    return new Change(key, null, 0);
  }

  __encode<W>(writer: W): void {
    const value = this.value;
    writer.field<string>("key", this.key);
    writer.field<string | null>("value", value === null ? null : encodeBase64(value));
    if (this.ttlMs) writer.field<u64>("ttl-ms", this.ttlMs);
  }
}

/**
 * Makes up to 1,000 changes in this order: all of them, or none when one fails.
 *
 * Fails with invalid-message (key, more than 1,000 changes), quota-exceeded (value size, bytes in all), storage-failed.
 */
export function apply(changes: Change[]): Outcome {
  const json = written<Change[]>(changes);
  return nothingFrom(abi.storage_apply(staticBytesBlock(json.bytes, json.length)));
}

/**
 * The keys that begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to 1,000). Ask again with
 * the last key as `after` for the next page.
 */
export function keys(prefix: string, after: string | null = null, limit: u32 = 1000): Result<string[]> {
  return jsonFrom<string[]>(abi.storage_keys(textBlock(prefix), optionTextBlock(after), textBlock(limit.toString())));
}
