// A growing buffer of bytes with the primitive values of the Wasm binary format. It knows nothing about sections.

const INITIAL_BYTES = 1024;

export class Writer {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity: number = INITIAL_BYTES) {
    this.#bytes = new Uint8Array(Math.max(capacity, 16));
  }

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  u32(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** Signed LEB of a 32-bit integer; also right for a type index as s33, since those stay far below 2^31. */
  s32(value: number): void {
    let rest = value | 0;
    for (;;) {
      const bits = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && bits < 0x40) || (rest === -1 && bits >= 0x40)) {
        this.byte(bits);
        return;
      }
      this.byte(bits | 0x80);
    }
  }

  bytes(source: ArrayLike<number>): void {
    this.#grow(source.length);
    this.#bytes.set(source, this.#length);
    this.#length += source.length;
  }

  /** Copies `source[from..to)` without making a view for the short runs that instructions are. */
  copy(source: Uint8Array, from: number, to: number): void {
    const count = to - from;
    if (count <= 0) return;
    this.#grow(count);
    if (count > 32) this.#bytes.set(source.subarray(from, to), this.#length);
    else for (let i = 0; i < count; i++) this.#bytes[this.#length + i] = source[from + i] ?? 0;
    this.#length += count;
  }

  name(text: string): void {
    const encoded = new TextEncoder().encode(text);
    this.u32(encoded.length);
    this.bytes(encoded);
  }

  /** Writes the size of `content`, then `content`. */
  sized(content: Uint8Array): void {
    this.u32(content.length);
    this.bytes(content);
  }

  /** Forgets what was written but keeps the buffer, so that one scratch writer serves every function body. */
  clear(): void {
    this.#length = 0;
  }

  /** A view of what was written, valid until the next write. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
