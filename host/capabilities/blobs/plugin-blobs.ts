// The blobs of one plugin: what there is by name, what it may still have, and what is being written. How they are kept is a driver's affair.

import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { BlobContent, BlobDriver, BlobEntry } from "../../core/ports/blobs.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Bytes } from "../../core/types.ts";
import type { BlobInfo, BlobLimits, BlobSink, BlobSource, NewBlob } from "../../seams.ts";
import { Entries } from "./entries.ts";
import { bytesOf, INCOMING, infoOf, type NameRange, overheadOf, requireName, requireNew, requireRange, sizeOf } from "./rules.ts";
import { blobWriter } from "./writer.ts";

export interface PluginBlobsPorts {
  readonly plugin: string;
  readonly driver: BlobDriver;
  readonly clock: Pick<Clock, "now">;
}

const SOURCE_PIECE_BYTES = 256 * 1_024;

export class PluginBlobs {
  readonly #ports: PluginBlobsPorts;
  readonly #entries: Entries;
  /** Bytes that count beside those of the entries: of what is being written. */
  #writing = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(ports: PluginBlobsPorts, entries: readonly BlobEntry[]) {
    this.#ports = ports;
    this.#entries = new Entries(entries);
  }

  /** Removes what was not finished. One of a plugin is open at a time. Rejects with HostError `storage-failed`. */
  static async open(ports: PluginBlobsPorts): Promise<PluginBlobs> {
    const { driver, plugin } = ports;
    const entries = await driver.open(plugin);
    const left = entries.filter(({ name }) => name.startsWith(INCOMING));
    for (const entry of left) await driver.remove(plugin, entry);
    return new PluginBlobs(
      ports,
      entries.filter((entry) => !left.includes(entry)),
    );
  }

  get #bytes(): number {
    return this.#entries.bytes + this.#writing;
  }

  get usage(): { readonly blobs: number; readonly bytes: number } {
    return { blobs: this.#entries.size, bytes: this.#bytes };
  }

  /** How many bytes a blob of this name may have. Throws HostError `invalid-message`, `quota-exceeded` when there may be none. */
  room(name: string, limits: BlobLimits): number {
    requireName(name);
    this.#requireCount(name, limits);
    return Math.max(0, limits.blobBytes - this.#bytes);
  }

  /** Rejects with HostError `invalid-message`, `quota-exceeded`, `storage-failed`. */
  async begin(blob: NewBlob, limits: BlobLimits): Promise<BlobSink> {
    requireNew(blob);
    this.#requireCount(blob.name, limits);
    const overhead = overheadOf(blob);
    this.#reserve(overhead, limits);
    const { driver, plugin } = this.#ports;
    let content: BlobContent;
    try {
      content = await driver.create(plugin);
    } catch (thrown) {
      this.#writing -= overhead;
      throw thrown;
    }
    return blobWriter({
      blob,
      content,
      room: () => Math.max(0, limits.blobBytes - this.#bytes),
      reserve: (bytes) => this.#reserve(bytes, limits),
      release: (bytes) => {
        this.#writing -= bytes;
      },
      put: (entry) => this.#put(entry, limits),
      now: () => this.#ports.clock.now(),
    });
  }

  /** Rejects with HostError `invalid-message`, `conflict`, `storage-failed`. */
  async read(name: string, offset: number, length: number, etag: string | undefined): Promise<Bytes> {
    const entry = this.#require(name);
    if (etag !== undefined && etag !== entry.id) throw replaced(name);
    const wanted = Math.min(length, Math.max(0, entry.size - offset));
    if (wanted === 0) return new Uint8Array(0);
    const { driver, plugin } = this.#ports;
    const piece = await driver.read(plugin, entry, offset, wanted);
    // Removed while it was asked for; a content that is shorter than its entry says was changed by somebody else.
    if (piece === undefined && this.#entries.get(name) !== entry) throw replaced(name);
    if (piece?.length === wanted) return piece;
    throw new HostError("storage-failed", `the content of the blob "${printable(name)}" is not what was written`);
  }

  /** Throws HostError `invalid-message`. */
  stat(name: string): BlobInfo | undefined {
    requireName(name);
    const entry = this.#entries.get(name);
    return entry && infoOf(entry);
  }

  /** Throws HostError `invalid-message`. */
  scan(range: NameRange): BlobInfo[] {
    requireRange(range);
    return this.#entries.page(range).map(infoOf);
  }

  /** Rejects with HostError `invalid-message` when there is no such blob. */
  async source(name: string): Promise<BlobSource> {
    const { id, ...entry } = this.#require(name);
    const read = (offset: number, length: number): Promise<Bytes> => this.read(name, offset, length, id);
    return {
      blob: infoOf({ id, ...entry }),
      async *pieces(start = 0, end = entry.size) {
        for (let at = start; at < end; at += SOURCE_PIECE_BYTES) yield await read(at, Math.min(SOURCE_PIECE_BYTES, end - at));
      },
    };
  }

  /** Rejects with HostError `invalid-message`, `quota-exceeded`, `storage-failed`. */
  async rename(name: string, to: string, limits: BlobLimits): Promise<boolean> {
    requireName(name);
    requireName(to);
    return this.#inTurn(async () => {
      const entry = this.#entries.get(name);
      if (entry === undefined || name === to) return entry !== undefined;
      const more = Math.max(0, bytesOf(to) - bytesOf(name));
      this.#reserve(more, limits);
      try {
        const { driver, plugin } = this.#ports;
        await driver.rename(plugin, entry, to, this.#entries.get(to));
        this.#entries.delete(name);
        this.#entries.set({ ...entry, name: to });
        return true;
      } finally {
        this.#writing -= more;
      }
    });
  }

  /** Rejects with HostError `invalid-message`, `storage-failed`. With `etag`: only what has that one. */
  async delete(name: string, etag?: string): Promise<boolean> {
    requireName(name);
    return this.#inTurn(async () => {
      const entry = this.#entries.get(name);
      if (entry === undefined || (etag !== undefined && entry.id !== etag)) return false;
      const { driver, plugin } = this.#ports;
      await driver.remove(plugin, entry);
      this.#entries.delete(name);
      return true;
    });
  }

  /** Makes an entry of what was written, which counts as such from then on. */
  #put(entry: BlobEntry, limits: BlobLimits): Promise<void> {
    return this.#inTurn(async () => {
      // Others may have been finished while this one was being written.
      this.#requireCount(entry.name, limits);
      const { driver, plugin } = this.#ports;
      await driver.put(plugin, entry, this.#entries.get(entry.name));
      this.#entries.set(entry);
      this.#writing -= sizeOf(entry);
    });
  }

  #require(name: string): BlobEntry {
    requireName(name);
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new HostError("invalid-message", `there is no blob "${printable(name)}"`);
    return entry;
  }

  #requireCount(name: string, { blobs }: BlobLimits): void {
    if (this.#entries.has(name) || this.#entries.size < blobs) return;
    throw new HostError(
      "quota-exceeded",
      `${this.#ports.plugin} has ${this.#entries.size} blobs; the limit is ${blobs} (limits.blobs); delete some`,
    );
  }

  #reserve(bytes: number, { blobBytes }: BlobLimits): void {
    const wanted = this.#bytes + bytes;
    if (bytes > 0 && wanted > blobBytes)
      throw new HostError(
        "quota-exceeded",
        `${this.#ports.plugin} would have ${wanted} bytes of blobs, those being written among them; the limit is ${blobBytes} (limits.blobMiB)`,
      );
    this.#writing += bytes;
  }

  /** One step on entries after the other, so that what is kept and what is known stay the same. */
  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#last.then(step);
    this.#last = done.catch(() => {});
    return done;
  }
}

const replaced = (name: string): HostError =>
  new HostError("conflict", `the blob "${printable(name)}" was replaced or removed meanwhile; begin anew`);
