// Reads the primitive values of the Wasm binary format, bounds-checked, and refuses whatever is malformed with the
// offset where it stands. It knows nothing about sections or instructions.

import { HostError } from "../../core/errors.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The refusal of bytes that are not a module the host can read. `offset` is where in the source they stand. */
export function malformed(reason: string, offset: number): HostError {
  const detail = `${reason} at byte ${offset}`;
  return new HostError("admission-refused", `the module cannot be read: ${detail}`, { detail });
}

/** A cursor over `bytes`, which never reads at or beyond `end`. */
export class Reader {
  readonly bytes: Uint8Array;
  offset: number;
  readonly end: number;

  /** Whether a type of exceptions (exnref and its like) was read, which makes code of the current encoding of exceptions. */
  sawExceptionType = false;

  constructor(bytes: Uint8Array, offset = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = Math.min(end, bytes.length);
  }

  byte(): number {
    const value = this.offset < this.end ? this.bytes[this.offset] : undefined;
    if (value === undefined) throw malformed("unexpected end", this.offset);
    this.offset++;
    return value;
  }

  peek(): number {
    const value = this.offset < this.end ? this.bytes[this.offset] : undefined;
    if (value === undefined) throw malformed("unexpected end", this.offset);
    return value;
  }

  u32(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    const start = this.offset - 1;
    let result = first & 0x7f;
    for (let shift = 7; ; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 0x0f) throw malformed("integer is longer than 32 bits", start);
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result >>> 0;
    }
  }

  s32(): number {
    const start = this.offset;
    let result = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 0x07 && byte < 0x78) throw malformed("integer is longer than 32 bits", start);
      if (shift === 28 && byte > 0x7f) throw malformed("integer is longer than 32 bits", start);
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return shift < 25 && (byte & 0x40) !== 0 ? result | (-1 << (shift + 7)) : result;
    }
  }

  /** A signed 33-bit integer: a type index when it is not negative, an abstract heap type otherwise. */
  s33(): number {
    const start = this.offset;
    let result = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 0x0f && byte < 0x70) throw malformed("integer is longer than 33 bits", start);
      if (shift === 28 && byte > 0x7f) throw malformed("integer is longer than 33 bits", start);
      const bits = byte & 0x7f;
      // Multiplication, as a shift would lose bit 32.
      result += (byte < 0x80 && (byte & 0x40) !== 0 ? bits - 0x80 : bits) * 2 ** shift;
      if (byte < 0x80) return result;
    }
  }

  /** Passes a LEB of at most 64 bits whose value does not matter here. */
  skipLeb64(): void {
    const start = this.offset;
    for (let count = 1; this.byte() >= 0x80; count++) {
      if (count === 10) throw malformed("integer is longer than 64 bits", start);
    }
  }

  /** An unsigned LEB of up to 64 bits, as a float: exact below 2^53, which is enough to compare with a limit. */
  u64(): number {
    const start = this.offset;
    let result = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift === 63 && byte > 0x01) throw malformed("integer is longer than 64 bits", start);
      result += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return result;
    }
  }

  skip(count: number): void {
    if (count > this.end - this.offset) throw malformed("unexpected end", this.end);
    this.offset += count;
  }

  /** The length of a vector. Every item takes at least one byte, so a larger count is malformed before it is believed. */
  count(): number {
    const start = this.offset;
    const count = this.u32();
    if (count > this.end - this.offset) throw malformed(`a count of ${count} exceeds the bytes left`, start);
    return count;
  }

  name(maxBytes: number): string {
    const start = this.offset;
    const length = this.count();
    if (length > maxBytes) throw malformed(`a name has ${length} bytes; the limit is ${maxBytes} (admission.nameBytes)`, start);
    const from = this.offset;
    this.skip(length);
    try {
      return utf8.decode(this.bytes.subarray(from, this.offset));
    } catch {
      throw malformed("a name is not UTF-8", start);
    }
  }
}
