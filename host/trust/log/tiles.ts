// How a log lies in files, by C2SP's tlog-tiles: 256 hashes a tile, the lowest over leaves, each further one over full tiles below; and the entries themselves
// in bundles of 256.

import { nodeHash } from "./merkle.ts";

export const TILE_WIDTH = 256;
/** Levels of the tree that one tile spans. */
export const TILE_HEIGHT = 8;
export const HASH_BYTES = 32;
export const MAX_ENTRY_BYTES: number = 4 * 1_024;
const LENGTH_BYTES = 2;
export const MAX_BUNDLE_BYTES: number = TILE_WIDTH * (LENGTH_BYTES + MAX_ENTRY_BYTES);
const DIGITS = 1_000;

/** `width` is how many of its 256 places are taken. */
export interface Tile {
  readonly level: number | "entries";
  readonly index: number;
  readonly width: number;
}

export const tilePath = ({ level, index, width }: Tile): string =>
  `tile/${level}/${numberPath(index)}${width === TILE_WIDTH ? "" : `.p/${width}`}`;

/** Such as x001/x234/067 for 1,234,067. */
function numberPath(index: number): string {
  const groups: string[] = [];
  for (let left = index; left > 0 || groups.length === 0; left = Math.floor(left / DIGITS))
    groups.unshift(String(left % DIGITS).padStart(3, "0"));
  return groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join("/");
}

/** The tile at a place of a tree with so many leaves. */
export function tileAt(level: number, index: number, size: number): Tile {
  const hashes = Math.floor(size / TILE_WIDTH ** level);
  return { level, index, width: Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH) };
}

export const bundleAt = (index: number, size: number): Tile => ({ ...tileAt(0, index, size), level: "entries" });

/** All files of a tree with so many leaves, without its checkpoint. */
export function* tilesOf(size: number): Generator<Tile> {
  for (let index = 0; index * TILE_WIDTH < size; index += 1) yield bundleAt(index, size);
  for (let level = 0; TILE_WIDTH ** level <= size; level += 1)
    for (let index = 0; index * TILE_WIDTH ** (level + 1) < size && tileAt(level, index, size).width > 0; index += 1)
      yield tileAt(level, index, size);
}

/** Of a power of two of hashes. */
export function foldHashes(hashes: readonly Uint8Array[]): Uint8Array {
  let level = hashes;
  while (level.length > 1) level = Array.from({ length: level.length / 2 }, (_, i) => nodeHash(at(level, 2 * i), at(level, 2 * i + 1)));
  return at(level, 0);
}

const at = (hashes: readonly Uint8Array[], index: number): Uint8Array => hashes[index] ?? new Uint8Array(0);

/** Undefined when it holds anything but so many hashes. */
export function hashesIn(bytes: Uint8Array, width: number): readonly Uint8Array[] | undefined {
  if (bytes.length !== width * HASH_BYTES) return undefined;
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

export function encodeBundle(entries: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    entries.flatMap((entry) => {
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt16BE(entry.length);
      return [length, entry];
    }),
  );
}

/** Undefined when it holds anything but so many entries. */
export function entriesIn(bytes: Uint8Array, width: number): readonly Uint8Array[] | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: Uint8Array[] = [];
  let offset = 0;
  while (entries.length < width) {
    if (offset + LENGTH_BYTES > view.length) return undefined;
    const end = offset + LENGTH_BYTES + view.readUInt16BE(offset);
    if (end > view.length || end - offset - LENGTH_BYTES > MAX_ENTRY_BYTES) return undefined;
    entries.push(view.subarray(offset + LENGTH_BYTES, end));
    offset = end;
  }
  return offset === view.length ? entries : undefined;
}
