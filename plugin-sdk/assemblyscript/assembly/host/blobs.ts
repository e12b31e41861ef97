// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// What is larger than a value or a payload: durable files of the plugin's own, written and read in pieces. No other plugin can reach them, so
// they need no permission; they have a quota. A name is 1 to 512 bytes of UTF-8 and means nothing to the host: `a/b` is not in a folder, and
// `../a` leads nowhere. Names that begin with `~incoming/` are the host's: bodies of requests that are on their way to the plugin.

import * as abi from "../imports";
import { bytesFrom, jsonFrom, nothingFrom } from "../answers";
import { jsonBlock } from "../json";
import { bytesBlock, optionTextBlock, textBlock } from "../memory";
import { Outcome, Result } from "../result";

export class Property {
  constructor(
    public name: string = "",
    public value: string = "",
  ) {}

  __decode<R>(reader: R): i32 {
    if (reader.keyIs("name")) { this.name = reader.value<string>(); return 1; }
    if (reader.keyIs("value")) { this.value = reader.value<string>(); return 2; }
    return 0;
  }

  __missing(seen: u64): string {
    if (!(seen & ((<u64>1) << 0))) return "name";
    if (!(seen & ((<u64>1) << 1))) return "value";
    return "";
  }

  __encode<W>(writer: W): void {
    writer.field<string>("name", this.name);
    writer.field<string>("value", this.value);
  }
}

export class Blob {
  constructor(
    public name: string = "",
    /** Such as `text/csv`. */
    public mediaType: string = "",
    public metadata: Property[] = [],
    /** In bytes. */
    public size: u64 = 0,
    /** Names this very content: whatever replaces it has another one. */
    public etag: string = "",
    /** When it was finished, in milliseconds since 1970. */
    public modified: u64 = 0,
  ) {}

  __decode<R>(reader: R): i32 {
    if (reader.keyIs("name")) { this.name = reader.value<string>(); return 1; }
    if (reader.keyIs("media-type")) { this.mediaType = reader.value<string>(); return 2; }
    if (reader.keyIs("metadata")) { this.metadata = reader.value<Property[]>(); return 3; }
    if (reader.keyIs("size")) { this.size = reader.value<u64>(); return 4; }
    if (reader.keyIs("etag")) { this.etag = reader.value<string>(); return 5; }
    if (reader.keyIs("modified")) { this.modified = reader.value<u64>(); return 6; }
    return 0;
  }

  __missing(seen: u64): string {
    if (!(seen & ((<u64>1) << 0))) return "name";
    if (!(seen & ((<u64>1) << 1))) return "media-type";
    if (!(seen & ((<u64>1) << 2))) return "metadata";
    if (!(seen & ((<u64>1) << 3))) return "size";
    if (!(seen & ((<u64>1) << 4))) return "etag";
    if (!(seen & ((<u64>1) << 5))) return "modified";
    return "";
  }

  __encode<W>(writer: W): void {
    writer.field<string>("name", this.name);
    writer.field<string>("media-type", this.mediaType);
    writer.field<Property[]>("metadata", this.metadata);
    writer.field<u64>("size", this.size);
    writer.field<string>("etag", this.etag);
    writer.field<u64>("modified", this.modified);
  }
}

/**
 * Begins a blob and returns the number of its writer, which is valid in the current turn only: what is not finished when the turn ends,
 * however it ends, is dropped. There may be 8 writers at a time. Metadata are up to 32 properties of 4,096 bytes in all, for the plugin's
 * own use.
 *
 * Fails with invalid-message (name, media type, metadata), quota-exceeded (writers, number of blobs, bytes in all),
 * storage-failed.
 */
export function create(name: string, mediaType: string, metadata: Property[]): Result<u32> {
  return jsonFrom<u32>(abi.blobs_create(textBlock(name), textBlock(mediaType), jsonBlock<Property[]>(metadata)));
}

/**
 * Adds bytes to a blob that was begun, at most `limits.payloadMiB` at once.
 *
 * Fails with invalid-message (no such writer), quota-exceeded (size, bytes in all; the writer stays as it was), storage-failed (the
 * writer is gone).
 */
export function append(writer: u32, bytes: Uint8Array): Outcome {
  return nothingFrom(abi.blobs_append(jsonBlock<u32>(writer), bytesBlock(bytes)));
}

/**
 * Makes the blob visible and durable, whole, in place of one that had its name. Until then the former one is read.
 *
 * Fails with invalid-message (no such writer), quota-exceeded (number of blobs), storage-failed. The writer is gone in any case but the
 * first.
 */
export function finish(writer: u32): Result<Blob> {
  return jsonFrom<Blob>(abi.blobs_finish(jsonBlock<u32>(writer)));
}

/** Drops what was begun and says whether there was such a writer. */
export function discard(writer: u32): Result<bool> {
  return jsonFrom<bool>(abi.blobs_discard(jsonBlock<u32>(writer)));
}

/**
 * Up to `length` bytes from `offset` on, at most `limits.payloadMiB`; fewer only at the end, and none behind it. Give the `etag` of the
 * blob to read several pieces of one and the same content.
 *
 * Fails with invalid-message (name, no such blob), conflict (it has another etag by now; begin anew), quota-exceeded (length),
 * storage-failed.
 */
export function read(name: string, offset: u64, length: u32, etag: string | null = null): Result<Uint8Array> {
  return bytesFrom(abi.blobs_read(textBlock(name), jsonBlock<u64>(offset), jsonBlock<u32>(length), optionTextBlock(etag)));
}

/**
 * What is known of a blob, or none when there is none of that name.
 *
 * Fails with invalid-message (name), storage-failed.
 */
export function stat(name: string): Result<Blob | null> {
  return jsonFrom<Blob | null>(abi.blobs_stat(textBlock(name)));
}

/**
 * The blobs whose names begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to 1,000). Ask again
 * with the last name as `after` until there are none.
 *
 * Fails with invalid-message (prefix, after, limit), storage-failed.
 */
export function scan(prefix: string, after: string | null, limit: u32): Result<Blob[]> {
  return jsonFrom<Blob[]>(abi.blobs_scan(textBlock(prefix), optionTextBlock(after), jsonBlock<u32>(limit)));
}

/**
 * Gives a blob another name, in place of one that has it, in one step. Says whether there was one to be renamed; its etag stays.
 *
 * Fails with invalid-message (names), quota-exceeded (a longer name), storage-failed.
 */
export function rename(name: string, to: string): Result<bool> {
  return jsonFrom<bool>(abi.blobs_rename(textBlock(name), textBlock(to)));
}

/**
 * Removes a blob and says whether there was one.
 *
 * Fails with invalid-message (name), storage-failed.
 */
export function remove(name: string): Result<bool> {
  return jsonFrom<bool>(abi.blobs_delete(textBlock(name)));
}
