// Contents of blobs as a whole, and piece by piece.

import { append, type Blob, create, discard, finish, type Property, read, stat } from "./blobs.ts";
import { HostError } from "./host-error.ts";

const PIECE_BYTES = 65_536;

export interface BlobOptions {
  /** `application/octet-stream` by default. */
  readonly mediaType?: string | undefined;
  readonly metadata?: readonly Property[] | undefined;
}

/**
 * Writes a blob, in place of one that has the name: bytes, or pieces as they come, of which only one is in memory. It appears when all of them are written; when one
 * cannot be had or written, nothing of it stays. Throws HostError as `blobs.create`, `append` and `finish` fail, and what the pieces throw.
 */
export function writeBlob(
  name: string,
  content: Uint8Array | Iterable<Uint8Array>,
  { mediaType = "application/octet-stream", metadata = [] }: BlobOptions = {},
): Blob {
  const writer = create(name, mediaType, metadata);
  try {
    for (const one of content instanceof Uint8Array ? [content] : content)
      for (let at = 0; at < one.length; at += PIECE_BYTES) append(writer, one.subarray(at, at + PIECE_BYTES));
  } catch (thrown) {
    discard(writer);
    throw thrown;
  }
  return finish(writer);
}

/**
 * The content in pieces of 64 KiB, the last one shorter. Throws HostError: `invalid-message` when there is no such blob, `conflict` when it is replaced or removed
 * meanwhile.
 */
export function* blobPieces(name: string): Generator<Uint8Array, void, undefined> {
  const { size, etag } = found(name);
  for (let at = 0; at < size; at += PIECE_BYTES) yield read(name, at, PIECE_BYTES, etag);
}

/** The whole content, which is in the plugin's memory then. Throws HostError as `blobPieces` does. */
export function readBlob(name: string): Uint8Array {
  const { size } = found(name);
  const content = new Uint8Array(size);
  let at = 0;
  for (const piece of blobPieces(name)) {
    content.set(piece, at);
    at += piece.length;
  }
  return content;
}

function found(name: string): Blob {
  const blob = stat(name);
  if (blob === undefined) throw new HostError("invalid-message", `there is no blob "${name}"`);
  return blob;
}
