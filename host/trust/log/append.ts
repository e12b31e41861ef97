// Adds entries to a log in a folder: files that are there are never changed, new ones come beside them, and the signed checkpoint last, so that a log is what it
// was until all of it is there. Nothing is signed over files that are not what was signed before.

import { mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readPlainFile } from "../../bounds/files.ts";
import { HostError, toHostError } from "../../core/errors.ts";
import { escapeControls } from "../../core/names.ts";
import { CHECKPOINT, type Checkpoint, openCheckpoint, signCheckpoint } from "./checkpoint.ts";
import { encodeEntry, type LogEntry } from "./entry.ts";
import { leafHash, rootHash, sameHash } from "./merkle.ts";
import { logRefusal } from "./refusals.ts";
import { MAX_NOTE_BYTES, type NoteSigner, noteKeyText, parseNoteKey } from "./signed-note.ts";
import { encodeBundle, entriesIn, foldHashes, MAX_BUNDLE_BYTES, TILE_HEIGHT, TILE_WIDTH, type Tile, tilePath, tilesOf } from "./tiles.ts";

export interface Appended {
  readonly checkpoint: Checkpoint;
  /** Where each of the entries is, in their order; what was in the log already is where it was. */
  readonly places: readonly number[];
}

/** Of a log that is written here: all its hashes are in memory meanwhile. */
const MAX_LOG = 1_000_000;
const LOCK = "checkpoint.unfinished";

/**
 * Begins a log where there is none. Rejects with HostError `conflict` when another one appends, or when what is there is not what the checkpoint says
 * (reasons `log-broken`, `log-unsigned`); `invalid-message` for what is no entry, `quota-exceeded`.
 */
export async function appendToLog(folder: string, entries: readonly LogEntry[], signer: NoteSigner): Promise<Appended> {
  const encoded = entries.map(encodeEntry);
  await mkdir(folder, { recursive: true });
  await lock(folder);
  try {
    const log = await openLog(folder, signer);
    const places = encoded.map((entry) => log.place(entry));
    const root = await rootHash(log.size, async (level, index) => log.hashAt(level, index));
    await writeNew(folder, log);
    const checkpoint = { origin: signer.name, size: log.size, root };
    await writeFile(join(folder, LOCK), signCheckpoint(checkpoint, signer), { flush: true });
    await rename(join(folder, LOCK), join(folder, CHECKPOINT));
    await synced(folder);
    return { checkpoint, places };
  } catch (thrown) {
    await rm(join(folder, LOCK), { force: true });
    throw thrown;
  }
}

async function lock(folder: string): Promise<void> {
  const file = join(folder, LOCK);
  const made = await open(file, "wx").catch((cause: NodeJS.ErrnoException) => {
    const remedy = cause.code === "EEXIST" ? "if nobody else appends to this log, remove what was left" : "check who may write there";
    throw new HostError("conflict", `${escapeControls(file)} cannot be made; ${remedy}`, { cause });
  });
  await made.close();
}

/** A log in memory: hashes of all levels, and the entries that a bundle may have to be made of. */
class OpenLog {
  readonly #levels: Uint8Array[][] = [[]];
  readonly #entries: Uint8Array[] = [];
  readonly #places = new Map<string, number>();
  /** How many there are in files, and the first one that is in memory. */
  #stored = 0;
  #kept = 0;

  get size(): number {
    return this.#levels[0]?.length ?? 0;
  }

  get stored(): number {
    return this.#stored;
  }

  /** Where an entry is, which is added if it is not there. Throws HostError `quota-exceeded`. */
  place(entry: Uint8Array): number {
    const hash = leafHash(entry);
    const found = this.#places.get(hash.toString("base64"));
    return found ?? this.add(entry, hash);
  }

  add(entry: Uint8Array, hash: Buffer = leafHash(entry)): number {
    const place = this.size;
    if (place >= MAX_LOG) throw new HostError("quota-exceeded", `the log has ${MAX_LOG} entries, which is the limit; begin another one`);
    this.#places.set(hash.toString("base64"), place);
    this.#entries.push(entry);
    this.#addHash(0, hash);
    return place;
  }

  /** What was added is in files: what no bundle needs any more is let go. */
  settle(): void {
    this.#stored = this.size;
    const start = this.size - (this.size % TILE_WIDTH);
    this.#entries.splice(0, start - this.#kept);
    this.#kept = start;
  }

  #addHash(level: number, hash: Uint8Array): void {
    const hashes = this.#levels[level] ?? [];
    this.#levels[level] = hashes;
    hashes.push(hash);
    if (hashes.length % TILE_WIDTH === 0) this.#addHash(level + 1, foldHashes(hashes.slice(-TILE_WIDTH)));
  }

  hashAt(level: number, index: number): Uint8Array {
    const count = 2 ** (level % TILE_HEIGHT);
    return foldHashes(this.#levels[Math.floor(level / TILE_HEIGHT)]?.slice(index * count, (index + 1) * count) ?? []);
  }

  contentOf({ level, index, width }: Tile): Buffer {
    const start = index * TILE_WIDTH;
    if (level !== "entries") return Buffer.concat(this.#levels[level]?.slice(start, start + width) ?? []);
    return encodeBundle(this.#entries.slice(start - this.#kept, start - this.#kept + width));
  }
}

/** All that is there is read and hashed anew: what is signed next rests on it. */
async function openLog(folder: string, signer: NoteSigner): Promise<OpenLog> {
  const log = new OpenLog();
  const before = await readCheckpoint(folder, signer);
  for (const tile of tilesOf(before?.size ?? 0)) {
    if (tile.level === "entries") {
      const bytes = await readTile(folder, tile);
      for (const entry of entriesIn(bytes, tile.width) ?? refuse(folder, tile)) log.add(entry);
      log.settle();
    } else if (!(await readTile(folder, tile)).equals(log.contentOf(tile))) refuse(folder, tile);
  }
  const root = await rootHash(log.size, async (level, index) => log.hashAt(level, index));
  if (before === undefined || sameHash(root, before.root)) return log;
  throw logRefusal(
    "log-broken",
    `the entries in ${escapeControls(folder)} are not those that its checkpoint has signed; bring back what was there`,
  );
}

async function readCheckpoint(folder: string, signer: NoteSigner): Promise<Checkpoint | undefined> {
  const file = join(folder, CHECKPOINT);
  const rules = { code: "conflict", maxBytes: MAX_NOTE_BYTES, remedy: "" } as const;
  const bytes = (await isThere(file)) ? await readPlainFile(file, rules) : undefined;
  if (bytes === undefined) {
    if (!(await isThere(join(folder, "tile")))) return undefined;
    throw logRefusal("log-unsigned", `${escapeControls(folder)} has entries and no checkpoint; bring it back, or begin in another folder`);
  }
  const checkpoint = openCheckpoint(bytes, parseNoteKey(noteKeyText(signer)));
  if (checkpoint !== undefined) return checkpoint;
  throw logRefusal("log-unsigned", `${escapeControls(file)} is not signed by ${signer.name}, the key that would sign the next one`);
}

const isThere = (path: string): Promise<boolean> =>
  open(path).then(
    async (handle) => {
      await handle.close();
      return true;
    },
    (cause: NodeJS.ErrnoException) => cause.code !== "ENOENT",
  );

async function readTile(folder: string, tile: Tile): Promise<Buffer> {
  const rules = { code: "conflict", maxBytes: MAX_BUNDLE_BYTES, remedy: "the checkpoint needs it: bring it back" } as const;
  return readPlainFile(join(folder, tilePath(tile)), rules).catch((cause: unknown) => {
    throw logRefusal("log-broken", toHostError(cause).message);
  });
}

function refuse(folder: string, tile: Tile): never {
  throw logRefusal(
    "log-broken",
    `${escapeControls(join(folder, tilePath(tile)))} is not what the checkpoint has signed; bring back what was there`,
  );
}

/** What a part of a log needs that was not in the one before. What an append that was cut short left is written again. */
async function writeNew(folder: string, log: OpenLog): Promise<void> {
  const before = new Set(Array.from(tilesOf(log.stored), tilePath));
  for (const tile of tilesOf(log.size)) {
    const path = tilePath(tile);
    if (before.has(path)) continue;
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.unfinished`, log.contentOf(tile), { flush: true });
    await rename(`${file}.unfinished`, file);
    await synced(dirname(file));
  }
}

async function synced(folder: string): Promise<void> {
  await using handle = await open(folder, "r");
  await handle.sync();
}
