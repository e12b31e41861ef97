// Reads a log from wherever it lies, a file, a web server or a mirror of either: nothing that comes is believed before hashes lead from it to the root that the log
// has signed.

import { CHECKPOINT, type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { consistencyProof, type HashAt, inclusionProof, isConsistent, isIncluded, leafHash } from "./merkle.ts";
import { logRefusal } from "./refusals.ts";
import { MAX_NOTE_BYTES, type NoteKey } from "./signed-note.ts";
import {
  bundleAt,
  entriesIn,
  foldHashes,
  HASH_BYTES,
  hashesIn,
  MAX_BUNDLE_BYTES,
  TILE_HEIGHT,
  TILE_WIDTH,
  type Tile,
  tileAt,
  tilePath,
} from "./tiles.ts";

/** A file of the log by its path, such as `tile/0/x001/067`; undefined when it is not there. Rejects for more than `maxBytes`. */
export type ReadLogFile = (path: string, maxBytes: number) => Promise<Uint8Array | undefined>;

/** That an entry is in the log. */
export interface LogProof {
  readonly checkpoint: Checkpoint;
  readonly index: number;
  /** Beside its leaf on the way to the root, from below. */
  readonly hashes: readonly Uint8Array[];
}

export class LogReader {
  readonly #read: ReadLogFile;
  readonly #key: NoteKey;

  constructor(read: ReadLogFile, key: NoteKey) {
    this.#read = read;
    this.#key = key;
  }

  get origin(): string {
    return this.#key.name;
  }

  /** As it says now. Rejects with HostError `conflict` for reason `log-unsigned`. */
  async checkpoint(): Promise<Checkpoint> {
    const bytes = await this.#read(CHECKPOINT, MAX_NOTE_BYTES);
    const checkpoint = bytes && openCheckpoint(bytes, this.#key);
    if (checkpoint !== undefined) return checkpoint;
    throw logRefusal("log-unsigned", `the log ${this.origin} has no checkpoint that its key has signed; check the log's address and key`);
  }

  /** 256 entries that follow each other, or those that are there; proven one by one only, by `prove`. Rejects with `log-broken`. */
  async entries(bundle: number, { size }: Checkpoint): Promise<readonly Uint8Array[]> {
    const tile = bundleAt(bundle, size);
    const bytes = await this.#tile(tile, MAX_BUNDLE_BYTES);
    const entries = bytes && (entriesIn(bytes, tile.width) ?? entriesIn(bytes, TILE_WIDTH)?.slice(0, tile.width));
    if (entries !== undefined) return entries;
    throw this.#broken(tile);
  }

  /** Rejects with HostError `conflict`, reason `log-broken`, unless the entry is there. */
  async prove(entry: Uint8Array, index: number, checkpoint: Checkpoint): Promise<LogProof> {
    const { size, root } = checkpoint;
    const hashes = index < size ? await inclusionProof(index, size, this.#hashesOf(size)) : [];
    if (isIncluded({ index, size, leaf: leafHash(entry), root }, hashes)) return { checkpoint, index, hashes };
    throw logRefusal("log-broken", `the log ${this.origin} does not prove its entry ${index}: its files are not those of its checkpoint`);
  }

  /** Whether it begins with what it was. Rejects with `log-broken` when its files do not say. */
  async continues(older: Pick<Checkpoint, "size" | "root">, newer: Checkpoint): Promise<boolean> {
    if (older.size > newer.size) return false;
    const isTrivial = older.size === 0 || older.size === newer.size;
    const proof = isTrivial ? [] : await consistencyProof(older.size, newer.size, this.#hashesOf(newer.size));
    return isConsistent(older, newer, proof);
  }

  /** A tile is read once for each proof; a proof takes two a level at most. */
  #hashesOf(size: number): HashAt {
    const tiles = new Map<string, Promise<readonly Uint8Array[]>>();
    const hashesOf = (tile: Tile): Promise<readonly Uint8Array[]> => {
      const path = tilePath(tile);
      const found = tiles.get(path) ?? this.#hashes(tile);
      tiles.set(path, found);
      return found;
    };
    return async (level, index) => {
      const count = 2 ** (level % TILE_HEIGHT);
      const first = index * count;
      const tile = tileAt(Math.floor(level / TILE_HEIGHT), Math.floor(first / TILE_WIDTH), size);
      const start = first % TILE_WIDTH;
      return foldHashes((await hashesOf(tile)).slice(start, start + count));
    };
  }

  async #hashes(tile: Tile): Promise<readonly Uint8Array[]> {
    const bytes = await this.#tile(tile, TILE_WIDTH * HASH_BYTES);
    const hashes = bytes && (hashesIn(bytes, tile.width) ?? hashesIn(bytes, TILE_WIDTH)?.slice(0, tile.width));
    if (hashes !== undefined) return hashes;
    throw this.#broken(tile);
  }

  /** A part of a tile may be gone once it is full. */
  async #tile(tile: Tile, maxBytes: number): Promise<Uint8Array | undefined> {
    const found = await this.#read(tilePath(tile), maxBytes);
    return found ?? (tile.width === TILE_WIDTH ? undefined : this.#read(tilePath({ ...tile, width: TILE_WIDTH }), maxBytes));
  }

  #broken(tile: Tile): Error {
    return logRefusal("log-broken", `the log ${this.origin} has no usable ${tilePath(tile)}, which its checkpoint needs`);
  }
}
