// The file that the log goes to. Every byte is counted when it is written, so that the file and those kept of it never have more than the operator gives them.
// What cannot be written is dropped, counted and told; nothing is thrown. It is on a disk of this machine: a write waits for no other.

import { type BigIntStats, closeSync, constants, fchmodSync, fstatSync, ftruncateSync, lstatSync, openSync, writeSync } from "node:fs";
import { describeCause, HostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { KeptFiles } from "./kept-files.ts";

export interface RotatingFileOptions {
  readonly path: string;
  /** Of this file and those that are kept. */
  readonly maxBytes: number;
  readonly keep: number;
  /** Lines of one such time, counted from 1970 on, are in one file at most. */
  readonly everyMs: number;
}

export interface RotatingFilePorts {
  readonly clock: Pick<Clock, "now" | "monotonicMs">;
  /** Told when lines begin to be dropped. */
  onTrouble(what: string): void;
  /** Told when lines can be written again; the line that this makes may come back here. */
  onRecovery(what: string): void;
}

interface OpenFile {
  readonly fd: number;
  /** Which one it is, whatever it is called by now. */
  readonly id: string;
  size: number;
  /** Since when, in `everyMs`. */
  readonly period: number;
}

const { O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_WRONLY } = constants;
// No link is followed, and nobody is waited for who would read a pipe of this name.
const FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
const MODE = 0o600;
const PERMISSIONS = 0o777n;
/** How often to look whether somebody has moved the file away, and how often it may be told that lines are dropped, or were. */
const LOOK_MS = 1_000;
const TROUBLE_MS = 60_000;
const RECOVERY_MS = 1_000;

export class RotatingFile implements Disposable {
  readonly #options: RotatingFileOptions;
  readonly #ports: RotatingFilePorts;
  readonly #kept: KeptFiles;
  #file: OpenFile | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #toldAt = Number.NEGATIVE_INFINITY;
  #recoveredAt = Number.NEGATIVE_INFINITY;
  #dropped = 0;
  #why = "";
  /** While what is told here may come back as a line of its own, which is not counted when it is dropped. */
  #isTelling = false;
  #isUntold = false;

  /** Throws HostError `storage-failed` when nothing can be written there. */
  constructor(options: RotatingFileOptions, ports: RotatingFilePorts) {
    this.#options = options;
    this.#ports = ports;
    this.#kept = new KeptFiles(options.path, options.keep);
    try {
      this.#file = this.#open();
      this.#kept.trim(options.keep, this.#bytesOfKept());
    } catch (cause) {
      throw new HostError("storage-failed", `the log cannot be written to ${options.path}: ${reasonOf(cause)}`, { cause });
    }
  }

  /** A whole line. Never throws. */
  write(line: string): void {
    try {
      this.#append(Buffer.from(line));
    } catch (cause) {
      this.#drop(reasonOf(cause));
      return;
    }
    if (this.#dropped > 0 && !this.#isTelling) this.#recover(this.#ports.clock.monotonicMs());
  }

  /** In words, why lines are dropped, until one is written. */
  problem(): string | undefined {
    return this.#dropped === 0 ? undefined : `log lines cannot be written to ${this.#options.path} and are dropped: ${this.#why}`;
  }

  /** The next line goes to what is called so then. */
  reopen(): void {
    this.#close();
  }

  [Symbol.dispose](): void {
    this.#close();
  }

  #append(bytes: Buffer): void {
    const most = this.#bytesOfOne();
    if (bytes.length > most) throw new RangeError(`a line has ${bytes.length} bytes, and a file at most ${most}`);
    this.#look();
    this.#file ??= this.#open();
    const isFull = this.#file.size + bytes.length > most;
    if (isFull || this.#period(this.#ports.clock.now()) > this.#file.period) this.#file = this.#rotate(this.#file);
    writeWhole(this.#file, bytes);
  }

  #bytesOfOne(): number {
    return Math.floor(this.#options.maxBytes / (this.#options.keep + 1));
  }

  #bytesOfKept(): number {
    return this.#options.maxBytes - this.#bytesOfOne();
  }

  #period(ms: number): number {
    return Math.floor(ms / this.#options.everyMs);
  }

  /** Whoever moved the file away, removed or shortened it may not have said so. */
  #look(): void {
    const now = this.#ports.clock.monotonicMs();
    if (this.#file === undefined || now - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now;
    const found = lstatSync(this.#options.path, { bigint: true, throwIfNoEntry: false });
    if (found === undefined || idOf(found) !== this.#file.id) this.#close();
    else this.#file.size = Number(found.size);
  }

  // Room first: whatever fails then, there are never more bytes than there may be.
  #rotate({ size }: OpenFile): OpenFile {
    this.#close();
    this.#kept.trim(this.#options.keep - 1, this.#bytesOfKept() - size);
    this.#kept.take();
    const file = this.#open();
    // Somebody else has put one there.
    if (file.size === 0) return file;
    closeSync(file.fd);
    throw new Error("it is written by others");
  }

  #open(): OpenFile {
    const fd = openSync(this.#options.path, FLAGS, MODE);
    try {
      const found = fstatSync(fd, { bigint: true });
      requireOwnFile(found);
      if ((found.mode & PERMISSIONS) !== BigInt(MODE)) fchmodSync(fd, MODE);
      const since = found.size === 0n ? this.#ports.clock.now() : Number(found.mtimeMs);
      return { fd, id: idOf(found), size: Number(found.size), period: this.#period(since) };
    } catch (thrown) {
      closeSync(fd);
      throw thrown;
    }
  }

  #close(): void {
    if (this.#file === undefined) return;
    const { fd } = this.#file;
    this.#file = undefined;
    try {
      closeSync(fd);
    } catch {
      // What a disk says of earlier lines only now; it says it of the next one too.
    }
  }

  #drop(why: string): void {
    if (this.#isTelling) {
      this.#isUntold = true;
      return;
    }
    const isFirst = this.#dropped === 0;
    this.#dropped += 1;
    this.#why = why;
    const now = this.#ports.clock.monotonicMs();
    if (!isFirst || now - this.#toldAt < TROUBLE_MS) return;
    this.#toldAt = now;
    this.#tell(this.#ports.onTrouble, this.problem() ?? why);
  }

  // On a disk that is as good as full every other line may find room.
  #recover(now: number): void {
    if (now - this.#recoveredAt < RECOVERY_MS) return;
    this.#recoveredAt = now;
    if (this.#tell(this.#ports.onRecovery, `${this.#dropped} log lines were dropped: ${this.#why}`)) this.#dropped = 0;
  }

  /** Whether the file has it. */
  #tell(told: (what: string) => void, what: string): boolean {
    this.#isTelling = true;
    this.#isUntold = false;
    told(what);
    this.#isTelling = false;
    return !this.#isUntold;
  }
}

/** Half a line that found no room is taken back. */
function writeWhole(file: OpenFile, bytes: Buffer): void {
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(file.fd, bytes, written);
    file.size += written;
  } catch (thrown) {
    if (written > 0) ftruncateSync(file.fd, Number(fstatSync(file.fd).size) - written);
    throw thrown;
  }
}

function requireOwnFile(found: BigIntStats): void {
  if (!found.isFile()) throw new Error("it is no regular file");
  const me = process.geteuid?.();
  if (me !== undefined && found.uid !== BigInt(me))
    throw new Error(`it belongs to the user ${found.uid}, not to the one who runs the host`);
}

const idOf = ({ dev, ino }: BigIntStats): string => `${dev}:${ino}`;

/** Without the path, which stands before it. */
const reasonOf = (cause: unknown): string => {
  const { code, message } = cause as NodeJS.ErrnoException;
  return code === undefined ? (message ?? describeCause(cause)) : (REASONS[code] ?? message);
};

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full (ENOSPC)",
  EDQUOT: "the user's quota is used up (EDQUOT)",
  ELOOP: "it is a symbolic link (ELOOP)",
  EACCES: "the host may not write there (EACCES)",
  EROFS: "the disk cannot be written (EROFS)",
  EISDIR: "it is a folder (EISDIR)",
  ENXIO: "it is a pipe that nobody reads (ENXIO)",
};
