// The turns that failed and were kept, <dataDir>/records, a file each: sealed with the host's key, bounded in bytes and age, for the host's user alone. What a cell
// wrote in them is looked at by who reads them, not when they come.

import { randomBytes } from "node:crypto";
import { closeSync, openSync, readdirSync, readFileSync, readSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AgeClock } from "../bounds/age-clock.ts";
import { makeFolder } from "../bounds/folders.ts";
import { parseTape } from "../bounds/parse-tape.ts";
import { asStorageError } from "../bounds/storage-error.ts";
import { factsOf, type HostFacts, headOf, MAX_RECORD_BYTES, type RecordHead, type TurnRecord } from "../bounds/turn-record.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { RecordedTurn } from "../core/ports/cell.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { PluginDefinition } from "../core/types.ts";
import type { RecordOptions } from "../manifest/records.ts";
import { Seal } from "./seal.ts";

const MIB = 1_024 * 1_024;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** What a file takes of a disk at least. */
const BLOCK_BYTES = 4_096;
const MAX_HEAD_BYTES = 16_384;
const MAGIC = Buffer.from("BHREC001");
const LENGTHS_BYTES = 12;
const UNFINISHED = ".unfinished";
const NAME = /^(?<at>\d{13})-(?<plugin>[a-z][a-z0-9-]*)-(?<id>[0-9a-f]{12})\.record$/;
const REMEDY = { remedy: "drop it (bulkhead records drop)" } as const;

export interface TurnRecordsPorts {
  readonly dataDir: string;
  readonly clock: Pick<Clock, "now" | "monotonicMs">;
  /** As they are in force. */
  options(): RecordOptions;
}

interface KeptFile {
  readonly id: string;
  readonly plugin: string;
  readonly atMs: number;
  readonly name: string;
  readonly bytes: number;
}

/** What became of a turn that was to be kept. */
export interface Kept {
  readonly id: string;
  /** How many older ones went to make room. */
  readonly dropped: number;
}

export class TurnRecords {
  readonly #folder: string;
  readonly #clock: TurnRecordsPorts["clock"];
  readonly #age: AgeClock;
  readonly #options: () => RecordOptions;
  readonly #seal: Seal;
  /** The oldest first; undefined until it is looked. */
  #files: KeptFile[] | undefined;
  #minute = Number.NEGATIVE_INFINITY;
  #writtenBytes = 0;

  constructor({ dataDir, clock, options }: TurnRecordsPorts) {
    this.#folder = join(dataDir, "records");
    this.#clock = clock;
    this.#age = new AgeClock(clock);
    this.#options = options;
    this.#seal = new Seal(dataDir);
  }

  /**
   * Throws HostError `quota-exceeded` for one that is too large, or too much for this minute, and `storage-failed` when it cannot be written; then nothing is
   * left of it.
   */
  keep(turn: RecordedTurn, image: PluginDefinition, bulkhead: string): Kept {
    const atMs = this.#clock.now();
    const id = randomBytes(6).toString("hex");
    const facts = factsOf({ turn, id, atMs, bulkhead, image });
    const pieces = [JSON.stringify(headOf(facts)), JSON.stringify(facts), turn.tape];
    const size = pieces.reduce((sum, { length }) => sum + length, 0);
    const { mib, mibPerPlugin } = this.#options();
    const most = Math.min(MAX_RECORD_BYTES, mib * MIB, mibPerPlugin * MIB);
    if (size > most) throw new HostError("quota-exceeded", `it has ${size} bytes; the limit is ${most} (records.mibPerPlugin)`);
    this.#count(size);
    const name = `${String(Math.floor(atMs)).padStart(13, "0")}-${facts.plugin}-${id}.record`;
    const whole = this.#sealed(facts, pieces);
    const dropped = this.#makeRoom(facts.plugin, roomOf(whole.length));
    this.#write(name, whole);
    this.#all().push({ id, plugin: facts.plugin, atMs, name, bytes: roomOf(whole.length) });
    return { id, dropped };
  }

  /** The latest first. What cannot be opened is not among them. */
  list({ plugin, limit }: { readonly plugin?: string | undefined; readonly limit: number }): RecordHead[] {
    this.sweep();
    const wanted = this.#all().filter((file) => plugin === undefined || file.plugin === plugin);
    return wanted
      .slice(-limit)
      .reverse()
      .flatMap((file) => this.#headOf(file) ?? []);
  }

  /** How many there are, and what they take. */
  usage(): { readonly records: number; readonly bytes: number } {
    const all = this.#all();
    return { records: all.length, bytes: sumOf(all) };
  }

  /** Throws HostError `invalid-message` for one that is not there, or whose cell wrote what is no tape, `storage-failed` for one that does not open. */
  read(id: string): TurnRecord {
    this.sweep();
    const file = this.#find(id);
    const [, facts, tape] = this.#opened(file);
    return { ...(JSON.parse(facts.toString("utf8")) as HostFacts), tape: parseTape(tape) };
  }

  /** Throws HostError `invalid-message` for one that is not there, before any is dropped. */
  drop(ids: readonly string[]): number {
    const files = ids.map((id) => this.#find(id));
    for (const file of files) this.#remove(file);
    return files.length;
  }

  /** Of a plugin whose data go. */
  purge(plugin: string): number {
    const files = this.#all().filter((file) => file.plugin === plugin);
    for (const file of files) this.#remove(file);
    return files.length;
  }

  /** Drops those that are too old. */
  sweep(): void {
    const oldest = this.#age.now() - this.#options().maxAgeHours * HOUR_MS;
    for (const file of this.#all().filter(({ atMs }) => atMs < oldest)) this.#remove(file);
  }

  // As much in a minute as is kept in all: whoever fails on purpose does not keep the disk busy.
  #count(bytes: number): void {
    const now = this.#clock.monotonicMs();
    if (now - this.#minute >= MINUTE_MS) {
      this.#minute = now;
      this.#writtenBytes = 0;
    }
    this.#writtenBytes += bytes;
    const most = this.#options().mib * MIB;
    if (this.#writtenBytes > most) throw new HostError("quota-exceeded", `${most} bytes were kept within this minute (records.mib)`);
  }

  #makeRoom(plugin: string, bytes: number): number {
    const { mib, mibPerPlugin } = this.#options();
    this.sweep();
    let dropped = 0;
    const trim = (files: () => readonly KeptFile[], most: number): void => {
      for (let all = files(); all[0] !== undefined && sumOf(all) + bytes > most; all = files()) {
        this.#remove(all[0]);
        dropped += 1;
      }
    };
    trim(() => this.#all().filter((file) => file.plugin === plugin), mibPerPlugin * MIB);
    trim(() => this.#all(), mib * MIB);
    return dropped;
  }

  #sealed({ id, plugin }: RecordHead, pieces: readonly (string | Uint8Array)[]): Buffer {
    const sealed = pieces.map((piece, i) => this.#seal.close(Buffer.from(piece as string), contextOf(id, plugin, i)));
    const lengths = Buffer.alloc(LENGTHS_BYTES);
    for (const [i, { length }] of sealed.entries()) lengths.writeUInt32LE(length, 4 * i);
    return Buffer.concat([MAGIC, lengths, ...sealed]);
  }

  #write(name: string, bytes: Buffer): void {
    const file = join(this.#folder, name);
    try {
      makeFolder(this.#folder);
      writeFileSync(file + UNFINISHED, bytes, { mode: 0o600, flag: "wx" });
      renameSync(file + UNFINISHED, file);
    } catch (cause) {
      rmSync(file + UNFINISHED, { force: true });
      throw asStorageError(file, cause);
    }
  }

  #opened(file: KeptFile): [Buffer, Buffer, Buffer] {
    const bytes = readFileSync(join(this.#folder, file.name));
    const lengths = lengthsIn(bytes, file);
    if (bytes.length !== lengths.reduce((sum, length) => sum + length, MAGIC.length + LENGTHS_BYTES)) throw damaged(file);
    let at = MAGIC.length + LENGTHS_BYTES;
    return lengths.map((length, i) => {
      at += length;
      return this.#open(file, i, bytes.subarray(at - length, at));
    }) as [Buffer, Buffer, Buffer];
  }

  #open({ id, plugin }: KeptFile, piece: number, bytes: Buffer): Buffer {
    return this.#seal.open({ what: `the record ${id}`, ...REMEDY, context: contextOf(id, plugin, piece), bytes });
  }

  #headOf(file: KeptFile): RecordHead | undefined {
    try {
      const start = startOf(join(this.#folder, file.name));
      const [length] = lengthsIn(start, file);
      const from = MAGIC.length + LENGTHS_BYTES;
      return JSON.parse(this.#open(file, 0, start.subarray(from, from + length)).toString("utf8")) as RecordHead;
    } catch {
      // Whoever asks for this one is told why.
      return undefined;
    }
  }

  #find(id: string): KeptFile {
    const file = this.#all().find((one) => one.id === id);
    if (file === undefined)
      throw new HostError("invalid-message", `there is no record ${printable(id)}, or it is too old; "bulkhead records list" shows them`);
    return file;
  }

  #remove(file: KeptFile): void {
    rmSync(join(this.#folder, file.name), { force: true });
    this.#files = this.#all().filter((one) => one !== file);
  }

  #all(): KeptFile[] {
    this.#files ??= this.#look();
    return this.#files;
  }

  #look(): KeptFile[] {
    const files: KeptFile[] = [];
    for (const name of namesIn(this.#folder)) {
      const { at, plugin, id } = NAME.exec(name)?.groups ?? {};
      const found = statSync(join(this.#folder, name), { throwIfNoEntry: false });
      if (name.endsWith(UNFINISHED)) rmSync(join(this.#folder, name), { force: true });
      else if (id !== undefined && plugin !== undefined && found?.isFile() === true)
        files.push({ id, plugin, atMs: Number(at), name, bytes: roomOf(found.size) });
    }
    return files.sort((one, other) => one.atMs - other.atMs);
  }
}

const contextOf = (id: string, plugin: string, piece: number): string[] => ["turn-record", id, plugin, String(piece)];
const roomOf = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
const sumOf = (files: readonly KeptFile[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);
const damaged = ({ id }: KeptFile): HostError => new HostError("storage-failed", `the record ${id} is damaged; ${REMEDY.remedy}`);

function lengthsIn(bytes: Buffer, file: KeptFile): [number, number, number] {
  const from = MAGIC.length;
  if (bytes.length < from + LENGTHS_BYTES || !bytes.subarray(0, from).equals(MAGIC)) throw damaged(file);
  return [bytes.readUInt32LE(from), bytes.readUInt32LE(from + 4), bytes.readUInt32LE(from + 8)];
}

function startOf(path: string): Buffer {
  const descriptor = openSync(path, "r");
  try {
    const start = Buffer.alloc(MAX_HEAD_BYTES);
    return start.subarray(0, readSync(descriptor, start, 0, start.length, 0));
  } finally {
    closeSync(descriptor);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw asStorageError(folder, cause);
  }
}
