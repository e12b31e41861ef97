// Hashes that hold a backup together: of every file in it, and of the whole, which stands at its end where every reader of zstd passes over it. So no byte can be
// another one unseen, and whoever has `zstd` and `tar` can open one without us.

import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";

/** A frame that decoders skip (RFC 8878, 3.1.2), with the SHA-256 of all that stands before it. */
const SKIPPABLE = 0x184d_2a50;
const HASH_BYTES = 32;
const HEADER_BYTES = 8;
export const TRAILER_BYTES: number = HEADER_BYTES + HASH_BYTES;

const PIECE_BYTES = 262_144;

export function trailerOf(hash: Hash): Buffer {
  const trailer = Buffer.alloc(HEADER_BYTES);
  trailer.writeUInt32LE(SKIPPABLE, 0);
  trailer.writeUInt32LE(HASH_BYTES, 4);
  return Buffer.concat([trailer, hash.digest()]);
}

export async function hashOfFile(file: string): Promise<string> {
  await using handle = await open(file, "r");
  return (await hashOf(handle, Number.POSITIVE_INFINITY)).digest("hex");
}

/** Of the first so many bytes. */
export async function hashOf(handle: FileHandle, bytes: number): Promise<Hash> {
  const hash = createHash("sha256");
  for await (const piece of piecesOf(handle, bytes)) hash.update(piece);
  return hash;
}

/** The first so many bytes. Each piece is the caller's. */
export async function* piecesOf(handle: FileHandle, bytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes; ) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, bytes - at));
    const { bytesRead } = await handle.read(piece, 0, piece.length, at);
    if (bytesRead === 0) return;
    yield piece.subarray(0, bytesRead);
    at += bytesRead;
  }
}
