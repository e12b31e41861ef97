// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Last values that plugins share. The operator chooses whether they outlive the host; what must last belongs into the storage.

export * from "../state";
import * as abi from "../imports";
import { jsonFrom, nothingFrom, optionalBytesFrom } from "../answers";
import { jsonBlock } from "../json";
import { bytesBlock, optionTextBlock, textBlock } from "../memory";
import { Outcome, Result } from "../result";
import { Some } from "../some";

/** The value, or none when nobody has set the key. Needs `state.read`. */
export function get(key: string): Result<Uint8Array | null> {
  return optionalBytesFrom(abi.state_get(textBlock(key)));
}

/** Sets a value of at most 64 KiB. Needs `state.write`. */
export function set(key: string, value: Uint8Array): Outcome {
  return nothingFrom(abi.state_set(textBlock(key), bytesBlock(value)));
}

/** Removes a value and says whether there was one. Needs `state.write`. */
export function remove(key: string): Result<bool> {
  return jsonFrom<bool>(abi.state_delete(textBlock(key)));
}

/** The keys that begin with `prefix` and that this plugin may read, in order of their characters, at most 1,000. */
export function keys(prefix: string): Result<string[]> {
  return jsonFrom<string[]>(abi.state_keys(textBlock(prefix)));
}

/** A value with what is known of it. */
export class Versioned {
  constructor(
    public value: Uint8Array = new Uint8Array(0),
    /** Grows with each change of any key, so a key that was removed and set again has another. */
    public revision: u64 = 0,
    /** The plugin that set it last. */
    public owner: string = "",
  ) {}

  __decode<R>(reader: R): i32 {
    if (reader.keyIs("value")) { this.value = reader.value<Uint8Array>(); return 1; }
    if (reader.keyIs("revision")) { this.revision = reader.value<u64>(); return 2; }
    if (reader.keyIs("owner")) { this.owner = reader.value<string>(); return 3; }
    return 0;
  }

  __missing(seen: u64): string {
    if (!(seen & ((<u64>1) << 0))) return "value";
    if (!(seen & ((<u64>1) << 1))) return "revision";
    if (!(seen & ((<u64>1) << 2))) return "owner";
    return "";
  }

  __encode<W>(writer: W): void {
    writer.field<Uint8Array>("value", this.value);
    writer.field<u64>("revision", this.revision);
    writer.field<string>("owner", this.owner);
  }
}

/** The value with its revision, or none when nobody has set the key. Needs `state.read`. */
export function getVersioned(key: string): Result<Versioned | null> {
  return jsonFrom<Versioned | null>(abi.state_get_versioned(textBlock(key)));
}

export class Write {
  constructor(
    public key: string = "",
    /** None removes the key. */
    public value: Uint8Array | null = null,
    /** The revision that must be there, 0 for none; none for whatever is there. */
    public expected: Some<u64> | null = null,
    /** How long the value is there, in milliseconds; none for ever. Setting the key anew ends it. */
    public ttlMs: Some<u64> | null = null,
  ) {}

  __decode<R>(reader: R): i32 {
    if (reader.keyIs("key")) { this.key = reader.value<string>(); return 1; }
    if (reader.keyIs("value")) { this.value = reader.value<Uint8Array | null>(); return 2; }
    if (reader.keyIs("expected")) { this.expected = reader.value<Some<u64> | null>(); return 3; }
    if (reader.keyIs("ttl-ms")) { this.ttlMs = reader.value<Some<u64> | null>(); return 4; }
    return 0;
  }

  __missing(seen: u64): string {
    if (!(seen & ((<u64>1) << 0))) return "key";
    return "";
  }

  __encode<W>(writer: W): void {
    writer.field<string>("key", this.key);
    writer.field<Uint8Array | null>("value", this.value);
    writer.field<Some<u64> | null>("expected", this.expected);
    writer.field<Some<u64> | null>("ttl-ms", this.ttlMs);
  }
}

/**
 * Sets or removes a value if the expected revision is there, and answers the revision that this made; none when another is there, and nothing has
 * changed: that is an answer, not a failure, so read again and try again. Needs `state.write`.
 *
 * Fails with invalid-message (key, ttl-ms of 0), permission-denied, quota-exceeded (value size, keys and bytes of this plugin, of all plugins), storage-failed.
 */
export function put(write: Write): Result<Some<u64> | null> {
  return jsonFrom<Some<u64> | null>(abi.state_put(jsonBlock<Write>(write)));
}

/**
 * Like `keys`, one page: those after `after` if it is given, at most `limit` (1 to 1,000). Ask again with the last key as `after`; a page may have fewer
 * keys than asked for although more follow, and none only when none follow.
 */
export function listKeys(prefix: string, after: string | null, limit: u32): Result<string[]> {
  return jsonFrom<string[]>(abi.state_list_keys(textBlock(prefix), optionTextBlock(after), jsonBlock<u32>(limit)));
}
