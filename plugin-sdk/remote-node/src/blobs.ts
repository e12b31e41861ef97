// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// What is larger than a value or a payload: durable files of the plugin's own, written and read in pieces. No other plugin can reach them, so

import { asking } from "./asking.ts";
import type { Shape } from "./blocks.ts";

const blobsProperty: Shape = { record: [["name", "name", "string"], ["value", "value", "string"]] };
const blobsBlob: Shape = { record: [["name", "name", "string"], ["media-type", "mediaType", "string"], ["metadata", "metadata", { list: blobsProperty }], ["size", "size", "u64"], ["etag", "etag", "string"], ["modified", "modified", "u64"]] };

export interface Property {
  readonly name: string;
  readonly value: string;
}

export interface Blob {
  readonly name: string;
  /**
   * Such as `text/csv`.
   */
  readonly mediaType: string;
  readonly metadata: readonly Property[];
  /**
   * In bytes.
   */
  readonly size: number;
  /**
   * Names this very content: whatever replaces it has another one.
   */
  readonly etag: string;
  /**
   * When it was finished, in milliseconds since 1970.
   */
  readonly modified: number;
}

/**
 * Begins a blob and returns the number of its writer, which is valid in the current turn only: what is not finished when the turn ends,
 * however it ends, is dropped. There may be 8 writers at a time. Metadata are up to 32 properties of 4,096 bytes in all, for the plugin's
 * own use.
 *
 * Fails with invalid-message (name, media type, metadata), quota-exceeded (writers, number of blobs, bytes in all),
 * storage-failed.
 */
export function create(name: string, mediaType: string, metadata: readonly Property[]): Promise<number> {
  return asking("blobs.create", [["string", name], ["string", mediaType], [{ list: blobsProperty }, metadata]], "u32");
}

/**
 * Adds bytes to a blob that was begun, at most `limits.payloadMiB` at once.
 *
 * Fails with invalid-message (no such writer), quota-exceeded (size, bytes in all; the writer stays as it was), storage-failed (the
 * writer is gone).
 */
export function append(writer: number, bytes: Uint8Array): Promise<void> {
  return asking("blobs.append", [["u32", writer], ["bytes", bytes]], "_");
}

/**
 * Makes the blob visible and durable, whole, in place of one that had its name. Until then the former one is read.
 *
 * Fails with invalid-message (no such writer), quota-exceeded (number of blobs), storage-failed. The writer is gone in any case but the
 * first.
 */
export function finish(writer: number): Promise<Blob> {
  return asking("blobs.finish", [["u32", writer]], blobsBlob);
}

/**
 * Drops what was begun and says whether there was such a writer.
 */
export function discard(writer: number): Promise<boolean> {
  return asking("blobs.discard", [["u32", writer]], "bool");
}

/**
 * Up to `length` bytes from `offset` on, at most `limits.payloadMiB`; fewer only at the end, and none behind it. Give the `etag` of the
 * blob to read several pieces of one and the same content.
 *
 * Fails with invalid-message (name, no such blob), conflict (it has another etag by now; begin anew), quota-exceeded (length),
 * storage-failed.
 */
export function read(name: string, offset: number, length: number, etag?: string | undefined): Promise<Uint8Array> {
  return asking("blobs.read", [["string", name], ["u64", offset], ["u32", length], [{ option: "string" }, etag]], "bytes");
}

/**
 * What is known of a blob, or none when there is none of that name.
 *
 * Fails with invalid-message (name), storage-failed.
 */
export function stat(name: string): Promise<Blob | undefined> {
  return asking("blobs.stat", [["string", name]], { option: blobsBlob });
}

/**
 * The blobs whose names begin with `prefix`, in byte order, those after `after` if it is given, at most `limit` (1 to 1,000). Ask again
 * with the last name as `after` until there are none.
 *
 * Fails with invalid-message (prefix, after, limit), storage-failed.
 */
export function scan(prefix: string, after: string | undefined, limit: number): Promise<Blob[]> {
  return asking("blobs.scan", [["string", prefix], [{ option: "string" }, after], ["u32", limit]], { list: blobsBlob });
}

/**
 * Gives a blob another name, in place of one that has it, in one step. Says whether there was one to be renamed; its etag stays.
 *
 * Fails with invalid-message (names), quota-exceeded (a longer name), storage-failed.
 */
export function rename(name: string, to: string): Promise<boolean> {
  return asking("blobs.rename", [["string", name], ["string", to]], "bool");
}

/**
 * Removes a blob and says whether there was one.
 *
 * Fails with invalid-message (name), storage-failed.
 */
export function remove(name: string): Promise<boolean> {
  return asking("blobs.delete", [["string", name]], "bool");
}
