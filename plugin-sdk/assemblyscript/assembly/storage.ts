// The plugin's own durable key-value store, as text and as JSON, and changes that are made together.

import { jsonFrom, nothingFrom, optionalJsonFrom, optionalTextFrom } from "./answers";
import * as abi from "./imports";
import { jsonBlock, written } from "./json";
import { optionTextBlock, textBlock, viewOf } from "./memory";
import { Outcome, Result } from "./result";

export function getText(key: string): Result<string | null> {
  return optionalTextFrom(abi.storage_get(textBlock(key)));
}

/** Fails with invalid-message too when the value is not the JSON of `T`. */
export function getJson<T>(key: string): Result<T | null> {
  return optionalJsonFrom<T>(abi.storage_get(textBlock(key)));
}

export function setText(key: string, value: string): Outcome {
  return nothingFrom(abi.storage_set(textBlock(key), textBlock(value)));
}

export function setJson<T>(key: string, value: T): Outcome {
  return nothingFrom(abi.storage_set(textBlock(key), jsonBlock<T>(value)));
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
    writer.field<string>("key", this.key);
    writer.field<Uint8Array | null>("value", this.value);
    if (this.ttlMs) writer.field<u64>("ttl-ms", this.ttlMs);
  }
}

/**
 * Makes up to 1,000 changes in this order: all of them, or none when one fails.
 *
 * Fails with invalid-message (key, more than 1,000 changes), quota-exceeded (value size, bytes in all), storage-failed.
 */
export function apply(changes: Change[]): Outcome {
  return nothingFrom(abi.storage_apply(jsonBlock<Change[]>(changes)));
}

/**
 * The keys that begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to 1,000). Ask again with
 * the last key as `after` for the next page.
 */
export function keys(prefix: string, after: string | null = null, limit: u32 = 1000): Result<string[]> {
  return jsonFrom<string[]>(abi.storage_keys(textBlock(prefix), optionTextBlock(after), jsonBlock<u32>(limit)));
}
