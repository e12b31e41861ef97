// The host's view of an instance's blocks: gives input, reads arguments, writes results. Every handle and length that
// comes from the guest is checked here before a byte is touched.

import { ARENA_START, CHECK, HEADER_BYTES, kernelModule, PAGE_BYTES, WORD } from "./kernel.ts";

type WasmFunction = (...args: never[]) => unknown;

const wordIndex = (word: keyof typeof WORD): number => WORD[word] / 4;
const TOP = wordIndex("top");
const INPUT_OFFSET = wordIndex("inputOffset");
const INPUT_LENGTH = wordIndex("inputLength");
const OUTPUT_OFFSET = wordIndex("outputOffset");
const OUTPUT_LENGTH = wordIndex("outputLength");
const ERROR = wordIndex("error");
const EXHAUSTED = wordIndex("exhausted");

const NO_HANDLE = 0n;
const EMPTY = new Uint8Array(0);
const encoder = new TextEncoder();
const align = (length: number): number => (length + 7) & ~7;

export class BlockMemory {
  /** The kernel's functions by their import names; they go to the guest as they are. */
  readonly functions: Readonly<Record<string, WasmFunction>>;
  readonly #memory: WebAssembly.Memory;
  #bytes: Uint8Array = EMPTY;
  #words: Int32Array = new Int32Array(0);

  constructor(maxBytes: number) {
    const pages = Math.max(1, Math.floor(maxBytes / PAGE_BYTES));
    const { memory, ...functions } = new WebAssembly.Instance(kernelModule(pages)).exports;
    this.#memory = memory as WebAssembly.Memory;
    this.functions = functions as Record<string, WasmFunction>;
    this.#refresh();
  }

  /** Resident bytes; they stay until the instance goes. */
  get size(): number {
    return this.#memory.buffer.byteLength;
  }

  /** Whether an allocation did not fit since the turn began. */
  get exhausted(): boolean {
    this.#refresh();
    return this.#words[EXHAUSTED] !== 0;
  }

  /** Forgets all blocks and makes the input block. False when the input does not fit. */
  begin(input: Uint8Array | string): boolean {
    const bytes = typeof input === "string" ? encoder.encode(input) : input;
    this.#refresh();
    this.#words.fill(0, 0, ARENA_START / 4);
    this.#words[TOP] = ARENA_START;
    const offset = this.#allocate(bytes.length);
    if (offset < 0) return false;
    this.#bytes.set(bytes, offset);
    this.#words[INPUT_OFFSET] = offset;
    this.#words[INPUT_LENGTH] = bytes.length;
    return true;
  }

  /** A view of a block, valid until the guest runs again; undefined when the handle is not a block of this turn. */
  view(handle: bigint): Uint8Array | undefined {
    if (handle === NO_HANDLE) return EMPTY;
    this.#refresh();
    const offset = Number(handle);
    const top = this.#words[TOP] ?? 0;
    if (offset < ARENA_START + HEADER_BYTES || offset > top || offset % 8 !== 0) return undefined;
    const header = (offset - HEADER_BYTES) / 4;
    const length = (this.#words[header] ?? 0) >>> 0;
    if (this.#words[header + 1] !== (offset ^ CHECK) || length > top - offset) return undefined;
    return this.#bytes.subarray(offset, offset + length);
  }

  /** A new block with these bytes, or undefined when it does not fit. */
  write(bytes: Uint8Array): bigint | undefined {
    this.#refresh();
    const offset = this.#allocate(bytes.length);
    if (offset < 0) return undefined;
    this.#bytes.set(bytes, offset);
    return BigInt(offset);
  }

  /** A view of the input, valid until the guest runs again. */
  input(): Uint8Array {
    this.#refresh();
    const offset = this.#words[INPUT_OFFSET] ?? 0;
    return this.#bytes.subarray(offset, offset + (this.#words[INPUT_LENGTH] ?? 0));
  }

  /** Makes these bytes the output, as a guest does by output_set; false when they do not fit. */
  give(bytes: Uint8Array): boolean {
    this.#refresh();
    const offset = this.#allocate(bytes.length);
    if (offset < 0) return false;
    this.#bytes.set(bytes, offset);
    this.#words[OUTPUT_OFFSET] = offset;
    this.#words[OUTPUT_LENGTH] = bytes.length;
    return true;
  }

  /** A copy of what the guest gave to output_set; the kernel checked its range. */
  output(): Uint8Array {
    this.#refresh();
    const offset = this.#words[OUTPUT_OFFSET] ?? 0;
    const length = this.#words[OUTPUT_LENGTH] ?? 0;
    return length === 0 ? EMPTY : this.#bytes.slice(offset, offset + length);
  }

  get outputLength(): number {
    this.#refresh();
    return this.#words[OUTPUT_LENGTH] ?? 0;
  }

  /** A copy of the beginning of what the guest gave to error_set, if anything. */
  error(maxBytes: number): Uint8Array | undefined {
    this.#refresh();
    const handle = this.#words[ERROR] ?? 0;
    return handle === 0 ? undefined : this.view(BigInt(handle))?.slice(0, maxBytes);
  }

  /** Copies between the arena and the guest's linear memory; false when either range is out of bounds. */
  copyToGuest(offset: bigint, guest: Uint8Array, address: number, length: number): boolean {
    const start = this.#range(offset, length);
    if (start < 0 || address + length > guest.length) return false;
    if (length > 0) guest.set(this.#bytes.subarray(start, start + length), address);
    return true;
  }

  copyFromGuest(guest: Uint8Array, address: number, offset: bigint, length: number): boolean {
    const start = this.#range(offset, length);
    if (start < 0 || address + length > guest.length) return false;
    if (length > 0) this.#bytes.set(guest.subarray(address, address + length), start);
    return true;
  }

  #range(offset: bigint, length: number): number {
    if (length === 0) return 0;
    this.#refresh();
    const start = Number(offset);
    return start >= ARENA_START && start + length <= (this.#words[TOP] ?? 0) ? start : -1;
  }

  #allocate(length: number): number {
    const header = this.#words[TOP] ?? 0;
    const offset = header + HEADER_BYTES;
    const end = offset + align(length);
    if (end > this.#bytes.length && !this.#grow(end - this.#bytes.length)) return -1;
    this.#words[header / 4] = length;
    this.#words[header / 4 + 1] = offset ^ CHECK;
    this.#words[TOP] = end;
    return offset;
  }

  #grow(missing: number): boolean {
    try {
      this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
    } catch {
      // The only failure is the maximum; the kernel reports its own refusals through the same word.
      this.#words[EXHAUSTED] = 1;
      return false;
    }
    this.#refresh();
    return true;
  }

  // Growing, by guest or host, detaches the buffer that the views stand on, which leaves them empty. Looking at the length is
  // several times cheaper than asking the memory for its buffer.
  #refresh(): void {
    if (this.#bytes.length > 0) return;
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#words = new Int32Array(this.#memory.buffer);
  }
}
