// Takes a backup apart, whoever made it: the whole is held to its hash before anything of it is unpacked, and each entry must be the one that the manifest names
// next, with its size and its hash. What is written has names of our own shapes and is new.

import { createHash, type Hash } from "node:crypto";
import { closeSync, constants, fsyncSync, mkdirSync, openSync, statfsSync, writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createZstdDecompress, constants as zlib } from "node:zlib";
import { Parser, type ReadEntry } from "tar";
import { HostError } from "../core/errors.ts";
import { escapeControls, printable } from "../core/names.ts";
import { type BackupFile, damaged, MANIFEST, MAX_MANIFEST_BYTES, type Manifest, parseBackupManifest, totalOf } from "./contents.ts";
import { hashOf, piecesOf, TRAILER_BYTES, trailerOf } from "./sealing.ts";

const MIB = 1_024 * 1_024;
/** What tar has beside the files: a header and padding each, and zeros at the end. */
const PER_ENTRY_BYTES = 1_024;
const END_BYTES = 65_536;
/** Of memory, while it is unpacked; ours have 2 MiB. */
const MAX_WINDOW_LOG = 27;
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Whether a file is to be unpacked; the others are checked and left out. */
type Wanted = (name: string) => boolean;

/** Into an empty folder for its user only. Rejects with HostError `invalid-message` for what is no backup, or is damaged, `storage-failed` for a lack of room. */
export async function unpackBackup(file: string, folder: string, wanted: Wanted = () => true): Promise<Manifest> {
  const label = escapeControls(file);
  await using handle = await opened(file, label);
  const { size } = await handle.stat();
  await requireWhole(handle, size, label);
  const unpacking = new Unpacking(folder, label, wanted);
  try {
    await pipeline(
      piecesOf(handle, size - TRAILER_BYTES),
      createZstdDecompress({ params: { [zlib.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG } }),
      async (pieces: AsyncIterable<Buffer>) => {
        for await (const piece of pieces) unpacking.take(piece);
      },
    );
    return unpacking.end();
  } catch (cause) {
    if (cause instanceof HostError || isOfDisk(cause)) throw cause;
    throw damaged(label, "it cannot be unpacked", cause instanceof Error ? cause.message : undefined);
  } finally {
    unpacking.close();
  }
}

async function opened(file: string, label: string): Promise<FileHandle> {
  try {
    return await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw new HostError("invalid-message", `${label} cannot be read; name a file that "bulkhead backup create" has made`, { cause });
  }
}

async function requireWhole(handle: FileHandle, size: number, label: string): Promise<void> {
  if (!(await handle.stat()).isFile() || size <= TRAILER_BYTES) throw damaged(label, "it is no file of one");
  const found = Buffer.alloc(TRAILER_BYTES);
  await handle.read(found, 0, TRAILER_BYTES, size - TRAILER_BYTES);
  if (!trailerOf(await hashOf(handle, size - TRAILER_BYTES)).equals(found))
    throw damaged(label, "it is not what was written: a part of it is missing, was changed or was added");
}

class Unpacking {
  readonly #folder: string;
  readonly #label: string;
  readonly #wanted: Wanted;
  readonly #parser: Parser;
  #manifest: Manifest | undefined;
  #next = 0;
  #current: Target | undefined;
  #failure: unknown;
  #bytes = 0;
  #isOver = false;
  #manifestBytes = 0;

  constructor(folder: string, label: string, wanted: Wanted) {
    this.#folder = folder;
    this.#label = label;
    this.#wanted = wanted;
    this.#parser = new Parser({
      strict: true,
      zstd: false,
      brotli: false,
      gzip: false,
      onReadEntry: (entry) => this.#guarded(() => this.#begin(entry)),
    });
    this.#parser.on("ignoredEntry", (entry: ReadEntry) => this.#fail(`it holds an entry that is no file: ${printable(entry.path)}`));
    this.#parser.on("eof", () => {
      this.#isOver = true;
    });
    this.#parser.on("error", (cause: Error) => {
      this.#failure ??= cause;
    });
  }

  /** Throws HostError, or what the system says. */
  take(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#bytes > this.#most) throw damaged(this.#label, "it holds more than its manifest says");
    // What comes after the end is not for the parser, which would keep it.
    if (!this.#isOver) this.#parser.write(piece);
    this.#throwFailure();
  }

  end(): Manifest {
    this.#parser.end();
    this.#throwFailure();
    const manifest = this.#manifest;
    if (manifest === undefined) throw damaged(this.#label, "it holds no manifest");
    if (this.#next < manifest.files.length) throw damaged(this.#label, `${manifest.files[this.#next]?.name} is missing in it`);
    return manifest;
  }

  close(): void {
    this.#current?.close();
  }

  get #most(): number {
    const manifest = this.#manifest;
    if (manifest === undefined) return MAX_MANIFEST_BYTES + END_BYTES;
    return this.#manifestBytes + totalOf(manifest) + (manifest.files.length + 1) * PER_ENTRY_BYTES + END_BYTES;
  }

  #begin(entry: ReadEntry): void {
    if (entry.type !== "File" && entry.type !== "OldFile")
      return this.#fail(`it holds a ${printable(entry.type)}, ${printable(entry.path)}`);
    const target = this.#manifest === undefined ? this.#manifestTarget(entry) : this.#fileTarget(entry, this.#manifest);
    this.#current = target;
    entry.on("data", (piece: Buffer) => this.#guarded(() => target.write(piece)));
    entry.on("end", () =>
      this.#guarded(() => {
        this.#current = undefined;
        target.end();
      }),
    );
  }

  #manifestTarget({ path, size }: ReadEntry): Target {
    if (path !== MANIFEST || size > MAX_MANIFEST_BYTES)
      throw damaged(this.#label, `it begins with ${printable(path)}, not with its manifest`);
    const pieces: Buffer[] = [];
    this.#manifestBytes = size;
    return {
      write: (piece) => void pieces.push(Buffer.from(piece)),
      end: () => {
        this.#manifest = parseBackupManifest(Buffer.concat(pieces).toString("utf8"), this.#label);
        requireRoom(
          this.#folder,
          this.#manifest.files.filter(({ name }) => this.#wanted(name)),
        );
      },
      close() {},
    };
  }

  #fileTarget({ path, size }: ReadEntry, { files }: Manifest): Target {
    const expected = files[this.#next];
    this.#next += 1;
    if (expected === undefined || path !== expected.name || size !== expected.bytes)
      throw damaged(this.#label, `it holds ${printable(path)}, where its manifest says ${expected?.name ?? "nothing more"}`);
    return new FileTarget(expected, this.#wanted(expected.name) ? join(this.#folder, expected.name) : undefined, this.#label);
  }

  /** The parser's listeners must not throw into it. */
  #guarded(work: () => void): void {
    try {
      if (this.#failure === undefined) work();
    } catch (thrown) {
      this.#failure = thrown;
    }
  }

  #fail(why: string): void {
    this.#failure ??= damaged(this.#label, why);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

interface Target {
  write(piece: Buffer): void;
  end(): void;
  close(): void;
}

class FileTarget implements Target {
  readonly #expected: BackupFile;
  readonly #label: string;
  readonly #hash: Hash = createHash("sha256");
  #descriptor: number | undefined;

  /** Without a path it is only checked. */
  constructor(expected: BackupFile, path: string | undefined, label: string) {
    this.#expected = expected;
    this.#label = label;
    if (path === undefined) return;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#descriptor = openSync(path, FLAGS, 0o600);
  }

  write(piece: Buffer): void {
    this.#hash.update(piece);
    for (let at = 0; this.#descriptor !== undefined && at < piece.length; ) at += writeSync(this.#descriptor, piece, at);
  }

  end(): void {
    if (this.#descriptor !== undefined) fsyncSync(this.#descriptor);
    this.close();
    if (this.#hash.digest("hex") !== this.#expected.sha256)
      throw damaged(this.#label, `${this.#expected.name} in it is not what was put there`);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

function requireRoom(folder: string, files: Manifest["files"]): void {
  const { bavail, bsize } = statfsSync(folder);
  const [needs, has] = [totalOf({ files }), bavail * bsize];
  if (needs > has)
    throw new HostError(
      "storage-failed",
      `${escapeControls(folder)} has room for ${Math.floor(has / MIB)} MiB, and it takes ${Math.ceil(needs / MIB)}; make room`,
    );
}

const DISK: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EACCES", "EROFS", "EIO", "EMFILE"]);
const isOfDisk = (cause: unknown): boolean => cause instanceof Error && "code" in cause && DISK.has(cause.code);
