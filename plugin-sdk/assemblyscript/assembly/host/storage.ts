// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// The plugin's own durable key-value store. No other plugin can reach it, so it needs no permission; it has a quota.
// A key is 1 to 512 bytes of UTF-8, a value at most 1 MiB.

export * from "../storage";
import * as abi from "../imports";
import { jsonFrom, nothingFrom, optionalBytesFrom } from "../answers";
import { jsonBlock } from "../json";
import { bytesBlock, optionTextBlock, textBlock } from "../memory";
import { Outcome, Result } from "../result";
import { Some } from "../some";
import { Change } from "../storage";

/**
 * The value, or none when the key is absent.
 *
 * Fails with invalid-message (key), storage-failed.
 */
export function get(key: string): Result<Uint8Array | null> {
  return optionalBytesFrom(abi.storage_get(textBlock(key)));
}

/**
 * Sets a value. Once this returns the value survives a crash of the host's process.
 *
 * Fails with invalid-message (key), quota-exceeded (value size, bytes in all), storage-failed.
 */
export function set(key: string, value: Uint8Array): Outcome {
  return nothingFrom(abi.storage_set(textBlock(key), bytesBlock(value)));
}

/** Removes a value and says whether there was one. */
export function remove(key: string): Result<bool> {
  return jsonFrom<bool>(abi.storage_delete(textBlock(key)));
}

/**
 * The values of up to 1,000 keys, each in its key's place, none for an absent one.
 *
 * Fails with invalid-message (keys, more than 1,000 of them), quota-exceeded (values of more than 4 MiB in all), storage-failed.
 */
export function getMany(keys: string[]): Result<Array<Uint8Array | null>> {
  return jsonFrom<Array<Uint8Array | null>>(abi.storage_get_many(jsonBlock<string[]>(keys)));
}

export class Versioned {
  constructor(
    public value: Uint8Array = new Uint8Array(0),
    /** Of the commit that set the value. Versions of a plugin's commits only grow and are never used again. */
    public version: u64 = 0,
    /** When the value ends, in milliseconds since 1970; none for never. */
    public expiresAt: Some<u64> | null = null,
  ) {}

  __decode<R>(reader: R): i32 {
    if (reader.keyIs("value")) { this.value = reader.value<Uint8Array>(); return 1; }
    if (reader.keyIs("version")) { this.version = reader.value<u64>(); return 2; }
    if (reader.keyIs("expires-at")) { this.expiresAt = reader.value<Some<u64> | null>(); return 3; }
    return 0;
  }

  __missing(seen: u64): string {
    if (!(seen & ((<u64>1) << 0))) return "value";
    if (!(seen & ((<u64>1) << 1))) return "version";
    return "";
  }

  __encode<W>(writer: W): void {
    writer.field<Uint8Array>("value", this.value);
    writer.field<u64>("version", this.version);
    writer.field<Some<u64> | null>("expires-at", this.expiresAt);
  }
}

/**
 * The value with its version, or none when the key is absent.
 *
 * Fails with invalid-message (key), storage-failed.
 */
export function getVersioned(key: string): Result<Versioned | null> {
  return jsonFrom<Versioned | null>(abi.storage_get_versioned(textBlock(key)));
}

export class Check {
  constructor(
    public key: string = "",
    /** What the key's version must be; 0 for a key that must be absent. */
    public version: u64 = 0,
  ) {}

  __decode<R>(reader: R): i32 {
    if (reader.keyIs("key")) { this.key = reader.value<string>(); return 1; }
    if (reader.keyIs("version")) { this.version = reader.value<u64>(); return 2; }
    return 0;
  }

  __missing(seen: u64): string {
    if (!(seen & ((<u64>1) << 0))) return "key";
    if (!(seen & ((<u64>1) << 1))) return "version";
    return "";
  }

  __encode<W>(writer: W): void {
    writer.field<string>("key", this.key);
    writer.field<u64>("version", this.version);
  }
}

export class CommitOutcome {
  constructor(
    /** False when a check failed; then nothing was changed. */
    public committed: bool = false,
    /** The one version of all values that the commit set; 0 when it changed nothing. */
    public version: u64 = 0,
  ) {}

  __decode<R>(reader: R): i32 {
    if (reader.keyIs("committed")) { this.committed = reader.value<bool>(); return 1; }
    if (reader.keyIs("version")) { this.version = reader.value<u64>(); return 2; }
    return 0;
  }

  __missing(seen: u64): string {
    if (!(seen & ((<u64>1) << 0))) return "committed";
    if (!(seen & ((<u64>1) << 1))) return "version";
    return "";
  }

  __encode<W>(writer: W): void {
    writer.field<bool>("committed", this.committed);
    writer.field<u64>("version", this.version);
  }
}

/**
 * Makes up to 1,000 changes in this order, all of them or none, provided that up to 1,000 keys still have the versions
 * that were read. A check that fails is an answer and no error: read again and try again. A value whose time is over
 * counts as absent.
 *
 * Fails with invalid-message (key, ttl-ms of 0, more than 1,000 checks or changes), quota-exceeded (value size, bytes
 * in all), storage-failed.
 */
export function commit(checks: Check[], changes: Change[]): Result<CommitOutcome> {
  return jsonFrom<CommitOutcome>(abi.storage_commit(jsonBlock<Check[]>(checks), jsonBlock<Change[]>(changes)));
}

export class Entry {
  constructor(
    public key: string = "",
    public value: Uint8Array = new Uint8Array(0),
    public version: u64 = 0,
  ) {}

  __decode<R>(reader: R): i32 {
    if (reader.keyIs("key")) { this.key = reader.value<string>(); return 1; }
    if (reader.keyIs("value")) { this.value = reader.value<Uint8Array>(); return 2; }
    if (reader.keyIs("version")) { this.version = reader.value<u64>(); return 3; }
    return 0;
  }

  __missing(seen: u64): string {
    if (!(seen & ((<u64>1) << 0))) return "key";
    if (!(seen & ((<u64>1) << 1))) return "value";
    if (!(seen & ((<u64>1) << 2))) return "version";
    return "";
  }

  __encode<W>(writer: W): void {
    writer.field<string>("key", this.key);
    writer.field<Uint8Array>("value", this.value);
    writer.field<u64>("version", this.version);
  }
}

export class Page {
  constructor(
    public entries: Entry[] = [],
    /** What `after` must be for the next page; none when this is the last one. */
    public next: string | null = null,
  ) {}

  __decode<R>(reader: R): i32 {
    if (reader.keyIs("entries")) { this.entries = reader.value<Entry[]>(); return 1; }
    if (reader.keyIs("next")) { this.next = reader.value<string | null>(); return 2; }
    return 0;
  }

  __missing(seen: u64): string {
    if (!(seen & ((<u64>1) << 0))) return "entries";
    return "";
  }

  __encode<W>(writer: W): void {
    writer.field<Entry[]>("entries", this.entries);
    writer.field<string | null>("next", this.next);
  }
}

/**
 * The entries whose keys begin with `prefix`, in byte order or, with `reverse`, from the last one on, those behind
 * `after` if it is given, at most `limit` (1 to 1,000). A page ends early before it has 4 MiB of keys and values, so
 * ask again with `next` until there is none. What is changed between two pages is seen by those that follow.
 *
 * Fails with invalid-message (prefix, after, limit), storage-failed.
 */
export function scan(prefix: string, after: string | null, limit: u32, reverse: bool): Result<Page> {
  return jsonFrom<Page>(abi.storage_scan(textBlock(prefix), optionTextBlock(after), jsonBlock<u32>(limit), jsonBlock<bool>(reverse)));
}

export class Logged {
  constructor(
    /** The version of the commit. */
    public seq: u64 = 0,
    public key: string = "",
    public removed: bool = false,
    /** Milliseconds since 1970. */
    public time: u64 = 0,
    /** The trace of the turn that made the commit, 32 hexadecimal digits; none outside of a turn. */
    public trace: string | null = null,
  ) {}

  __decode<R>(reader: R): i32 {
    if (reader.keyIs("seq")) { this.seq = reader.value<u64>(); return 1; }
    if (reader.keyIs("key")) { this.key = reader.value<string>(); return 2; }
    if (reader.keyIs("removed")) { this.removed = reader.value<bool>(); return 3; }
    if (reader.keyIs("time")) { this.time = reader.value<u64>(); return 4; }
    if (reader.keyIs("trace")) { this.trace = reader.value<string | null>(); return 5; }
    return 0;
  }

  __missing(seen: u64): string {
    if (!(seen & ((<u64>1) << 0))) return "seq";
    if (!(seen & ((<u64>1) << 1))) return "key";
    if (!(seen & ((<u64>1) << 2))) return "removed";
    if (!(seen & ((<u64>1) << 3))) return "time";
    return "";
  }

  __encode<W>(writer: W): void {
    writer.field<u64>("seq", this.seq);
    writer.field<string>("key", this.key);
    writer.field<bool>("removed", this.removed);
    writer.field<u64>("time", this.time);
    writer.field<string | null>("trace", this.trace);
  }
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
export function changes(after: u64, limit: u32): Result<Logged[]> {
  return jsonFrom<Logged[]>(abi.storage_changes(jsonBlock<u64>(after), jsonBlock<u32>(limit)));
}
