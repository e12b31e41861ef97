// What a plugin may ask of its blobs: names, media types, metadata and ranges. Pure.

import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { BlobEntry } from "../../core/ports/blobs.ts";
import type { BlobInfo, NewBlob } from "../../seams.ts";

const MAX_NAME_BYTES = 512;
const MAX_MEDIA_TYPE_LENGTH = 127;
const MAX_PROPERTIES = 32;
const MAX_METADATA_BYTES = 4_096;
const MAX_LISTED = 1_000;
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*(;[ -~]*)?$/i;

/** Names that begin with it are the host's: bodies that are on their way to a plugin. */
export const INCOMING = "~incoming/";

/** What a guest may call a blob of its own. Throws HostError `invalid-message`. */
export function requireOwnName(name: string): void {
  if (name.startsWith(INCOMING)) throw new HostError("invalid-message", `names that begin with ${INCOMING} are the host's; write another`);
}

export const bytesOf = (text: string): number => Buffer.byteLength(text, "utf8");

/** What a blob counts beside its content. */
export function overheadOf({ name, mediaType, metadata }: NewBlob): number {
  return metadata.reduce((bytes, one) => bytes + bytesOf(one.name) + bytesOf(one.value), bytesOf(name) + mediaType.length);
}

export const infoOf = ({ id, ...entry }: BlobEntry): BlobInfo => ({ ...entry, etag: id });

export const sizeOf = (entry: BlobEntry): number => overheadOf(entry) + entry.size;

export const isMediaType = (text: string): boolean => text.length <= MAX_MEDIA_TYPE_LENGTH && MEDIA_TYPE.test(text);

/** Throws HostError `invalid-message`. */
export function requireName(name: string): void {
  const bytes = bytesOf(name);
  if (bytes >= 1 && bytes <= MAX_NAME_BYTES && name.isWellFormed()) return;
  throw new HostError("invalid-message", `the blob name "${printable(name)}" has ${bytes} bytes; write 1 to ${MAX_NAME_BYTES} of UTF-8`);
}

/** Throws HostError `invalid-message`. */
export function requireNew({ name, mediaType, metadata }: NewBlob): void {
  requireName(name);
  if (!isMediaType(mediaType))
    throw new HostError(
      "invalid-message",
      `"${printable(mediaType)}" is no media type; write text/csv or the like, at most ${MAX_MEDIA_TYPE_LENGTH} characters`,
    );
  const bytes = metadata.reduce((sum, one) => sum + bytesOf(one.name) + bytesOf(one.value), 0);
  if (metadata.length > MAX_PROPERTIES || bytes > MAX_METADATA_BYTES)
    throw new HostError(
      "invalid-message",
      `the metadata are ${metadata.length} properties of ${bytes} bytes; write at most ${MAX_PROPERTIES} of ${MAX_METADATA_BYTES} bytes`,
    );
}

export interface NameRange {
  readonly prefix: string;
  readonly after: string | undefined;
  readonly limit: number;
}

/** Throws HostError `invalid-message`. */
export function requireRange({ prefix, after, limit }: NameRange): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LISTED)
    throw new HostError("invalid-message", `limit is ${limit}; write a whole number from 1 to ${MAX_LISTED}`);
  if (prefix !== "") requireName(prefix);
  if (after !== undefined && after !== "") requireName(after);
}

/** As bytes of UTF-8 sort, which JavaScript's own order of texts is not. Of texts that are well-formed. */
export function inByteOrder(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at += 1) {
    const difference = rankOf(one.charCodeAt(at)) - rankOf(other.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}

// Two surrogates stand for what is above everything that a single unit stands for.
const rankOf = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit);
