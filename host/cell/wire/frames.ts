// Reads and writes the fields of binary frames. Reading is bounds-checked, because the peer may be a hostile process.

import { HostError } from "../../core/errors.ts";

const FIRST_CAPACITY = 16 * 1024;

/** A growing buffer of frames; `take` hands it over and starts anew. */
export class FrameWriter {
  #buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#buffer.writeUInt32LE(value >>> 0, this.#length);
    this.#length += 4;
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#buffer.writeDoubleLE(value, this.#length);
    this.#length += 8;
  }

  text(value: string): void {
    this.#reserve(4 + value.length * 3);
    const written = this.#buffer.write(value, this.#length + 4, "utf8");
    this.#buffer.writeUInt32LE(written, this.#length);
    this.#length += 4 + written;
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** Writes a frame: its length, then what `body` writes. */
  frame(body: () => void): void {
    const start = this.#length;
    this.u32(0);
    body();
    this.#buffer.writeUInt32LE(this.#length - start - 4, start);
  }

  /** Everything written since the last take, in a buffer of its own that may be transferred. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#buffer.buffer.slice(this.#buffer.byteOffset, this.#buffer.byteOffset + this.#length);
    this.#length = 0;
    if (this.#buffer.length > 16 * FIRST_CAPACITY) this.#buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
    return new Uint8Array(taken as ArrayBuffer);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#length + more));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

// One place for each length up to 63, shared by all readers of the thread.
const labels: ({ readonly bytes: Uint8Array; readonly text: string } | undefined)[] = new Array(64);

/** Reads fields; throws HostError `internal` when they reach beyond the end. */
export class FrameReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at >= this.#buffer.length;
  }

  u8(): number {
    return this.#buffer[this.#advance(1)] ?? 0;
  }

  u32(): number {
    return this.#buffer.readUInt32LE(this.#advance(4));
  }

  f64(): number {
    return this.#buffer.readDoubleLE(this.#advance(8));
  }

  /** Throws also for one that is longer than allowed, before it is decoded. */
  text(maxBytes: number = Number.POSITIVE_INFINITY): string {
    const length = this.u32();
    if (length > maxBytes) throw new HostError("internal", `a text of ${length} bytes came; the limit is ${maxBytes}`);
    const start = this.#advance(length);
    return this.#buffer.toString("utf8", start, start + length);
  }

  /** A text that mostly is the same from frame to frame, such as a name: decoding it again costs more than comparing it. */
  label(): string {
    const length = this.u32();
    const start = this.#advance(length);
    const known = labels[length];
    if (known !== undefined && this.#matches(known.bytes, start, length)) return known.text;
    const text = this.#buffer.toString("utf8", start, start + length);
    if (length < labels.length) labels[length] = { bytes: Uint8Array.prototype.slice.call(this.#buffer, start, start + length), text };
    return text;
  }

  #matches(known: Uint8Array, start: number, length: number): boolean {
    if (known.length !== length) return false;
    for (let i = 0; i < length; i += 1) if (known[i] !== this.#buffer[start + i]) return false;
    return true;
  }

  /** A view on the frame, not a copy. */
  bytes(): Uint8Array {
    const length = this.u32();
    const start = this.#advance(length);
    return new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset + start, length);
  }

  #advance(count: number): number {
    const start = this.#at;
    if (count > this.#buffer.length - start) throw new HostError("internal", "a frame is shorter than its fields");
    this.#at = start + count;
    return start;
  }
}
