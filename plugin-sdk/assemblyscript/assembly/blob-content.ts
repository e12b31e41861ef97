// Contents of blobs as a whole, and piece by piece.

import { Blob, Property, append, create, discard, finish, read, stat } from "./host/blobs";
import { HostError, Result, ok } from "./result";
import { blank } from "./memory";

const PIECE_BYTES: u32 = 65536;

/**
 * Writes a blob, in place of one that has the name; when it cannot be written nothing of it stays. Fails as `blobs.create`, `append` and
 * `finish` do.
 */
export function writeBlob(
  name: string,
  content: Uint8Array,
  mediaType: string = "application/octet-stream",
  metadata: Property[] = [],
): Result<Blob> {
  const begun = create(name, mediaType, metadata);
  if (!begun.isOk) return begun.failure<Blob>();
  const writer = begun.value;
  for (let at = 0; at < content.length; at += PIECE_BYTES) {
    const sent = append(writer, content.subarray(at, at + PIECE_BYTES));
    if (sent.isOk) continue;
    discard(writer);
    return sent.failure<Blob>();
  }
  return finish(writer);
}

/**
 * A blob's content in pieces of 64 KiB, the last one shorter: `while (!pieces.isOver) pieces.next()`. One that is replaced or removed
 * meanwhile fails with conflict.
 */
export class BlobPieces {
  private at: u64 = 0;

  constructor(readonly blob: Blob) {}

  get isOver(): bool {
    return this.at >= this.blob.size;
  }

  next(): Result<Uint8Array> {
    const piece = read(this.blob.name, this.at, PIECE_BYTES, this.blob.etag);
    if (piece.isOk) this.at += piece.value.length;
    return piece;
  }
}

/** Fails with invalid-message when there is no such blob. */
export function blobPieces(name: string): Result<BlobPieces> {
  const found = stat(name);
  if (!found.isOk) return found.failure<BlobPieces>();
  const blob = found.value;
  if (blob !== null) return ok(new BlobPieces(blob));
  return new Result<BlobPieces>(blank<BlobPieces>(), new HostError("invalid-message", `there is no blob "${name}"`));
}

/** The whole content, which is in the plugin's memory then. Fails as `blobPieces` does. */
export function readBlob(name: string): Result<Uint8Array> {
  const opened = blobPieces(name);
  if (!opened.isOk) return opened.failure<Uint8Array>();
  const pieces = opened.value;
  const content = new Uint8Array(<i32>pieces.blob.size);
  let at = 0;
  while (!pieces.isOver) {
    const piece = pieces.next();
    if (!piece.isOk) return piece;
    content.set(piece.value, at);
    at += piece.value.length;
  }
  return ok(content);
}
