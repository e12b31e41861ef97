// What docs/abi.md says of blocks, in the slowest and most obvious way: one array of bytes that is as large as the memory may become, and
// numbers without a width. The tests compare the real block memory with it.

import { ARENA_START, CHECK, HEADER_BYTES, PAGE_BYTES } from "../../host/engine/guest/kernel.ts";

export const TRAP = "trap";
/** The longest block that can be asked for, whatever the limit. */
const LONGEST = 0x3fff_0000n;

const START = BigInt(ARENA_START);
const HEADER = BigInt(HEADER_BYTES);
const up8 = (length: bigint): bigint => ((length + 7n) / 8n) * 8n;
const low32 = (value: bigint): bigint => BigInt.asUintN(32, value);

export class BlockModel {
  readonly #bytes: Uint8Array;
  #used = 1;
  #top = START;
  inputOffset = 0n;
  inputLength = 0n;
  #output = { offset: 0n, length: 0n };
  errorHandle = 0n;
  exhausted = false;

  constructor(pages: number) {
    this.#bytes = new Uint8Array(pages * PAGE_BYTES);
  }

  get top(): number {
    return Number(this.#top);
  }

  /** Resident bytes: pages come and do not go. */
  get size(): number {
    return this.#used * PAGE_BYTES;
  }

  get outputLength(): number {
    return Number(this.#output.length);
  }

  arena(): Uint8Array {
    return this.#bytes.slice(ARENA_START, this.top);
  }

  begin(input: Uint8Array): boolean {
    this.#top = START;
    this.inputOffset = 0n;
    this.inputLength = 0n;
    this.#output = { offset: 0n, length: 0n };
    this.errorHandle = 0n;
    this.exhausted = false;
    const handle = this.write(input);
    if (handle === undefined) return false;
    this.inputOffset = handle;
    this.inputLength = BigInt(input.length);
    return true;
  }

  /** A block made by the host, which may be empty and still has a handle. */
  write(bytes: Uint8Array): bigint | undefined {
    const handle = this.#allocate(BigInt(bytes.length));
    if (handle !== undefined) this.#bytes.set(bytes, Number(handle));
    return handle;
  }

  alloc(length: bigint): bigint | typeof TRAP {
    if (length === 0n) return 0n;
    const tooLong = length < 0n || length > LONGEST;
    if (tooLong) this.exhausted = true;
    return tooLong ? TRAP : (this.#allocate(length) ?? TRAP);
  }

  free(handle: bigint): void {
    // A forged length counts modulo 2^32: at worst the last block is given back early, which is the plugin's own loss.
    if (this.isBlock(handle) && low32(handle + up8(this.#headerLength(handle))) === this.#top) this.#top = handle - HEADER;
  }

  release(handle: bigint): void {
    if (this.isBlock(handle)) this.#top = handle - HEADER;
  }

  length(handle: bigint): bigint {
    return this.isBlock(handle) ? this.#headerLength(handle) : 0n;
  }

  load(offset: bigint, size: number): bigint | typeof TRAP {
    return this.#inArena(offset, BigInt(size)) ? this.#read(offset, size) : TRAP;
  }

  store(offset: bigint, size: number, value: bigint): typeof TRAP | undefined {
    if (!this.#inArena(offset, BigInt(size))) return TRAP;
    this.#put(offset, size, value);
    return undefined;
  }

  inputLoad(index: bigint, size: number): bigint | typeof TRAP {
    const inside = index >= 0n && index + BigInt(size) <= this.inputLength;
    return inside ? this.#read(this.inputOffset + index, size) : TRAP;
  }

  outputSet(offset: bigint, length: bigint): typeof TRAP | undefined {
    if (length !== 0n && (length < 0n || !this.#inArena(offset, length))) return TRAP;
    this.#output = { offset, length };
    return undefined;
  }

  errorSet(handle: bigint): void {
    this.errorHandle = this.isBlock(handle) ? handle : 0n;
  }

  output(): Uint8Array {
    const { offset, length } = this.#output;
    return length === 0n ? new Uint8Array(0) : this.#slice(offset, length);
  }

  error(): Uint8Array | undefined {
    return this.errorHandle === 0n ? undefined : this.view(this.errorHandle);
  }

  /** What the host reads as a block: a forged length that leaves the arena is no block to it. */
  view(handle: bigint): Uint8Array | undefined {
    if (handle === 0n) return new Uint8Array(0);
    if (!this.isBlock(handle) || handle + this.#headerLength(handle) > this.#top) return undefined;
    return this.#slice(handle, this.#headerLength(handle));
  }

  copyToGuest(offset: bigint, guest: Uint8Array, address: number, length: number): boolean {
    if (!this.#mayCopy(offset, guest, address, length)) return false;
    for (let i = 0; i < length; i += 1) guest[address + i] = this.#bytes[Number(offset) + i] ?? 0;
    return true;
  }

  copyFromGuest(guest: Uint8Array, address: number, offset: bigint, length: number): boolean {
    if (!this.#mayCopy(offset, guest, address, length)) return false;
    for (let i = 0; i < length; i += 1) this.#bytes[Number(offset) + i] = guest[address + i] ?? 0;
    return true;
  }

  /** Headers stand before their blocks, where a plugin may damage or forge them: what looks like a block below the top is one. */
  isBlock(handle: bigint): boolean {
    if (handle < START + HEADER || handle > this.#top || handle % 8n !== 0n) return false;
    return this.#read(handle - 4n, 4) === low32(handle ^ BigInt(CHECK));
  }

  #allocate(length: bigint): bigint | undefined {
    const handle = this.#top + HEADER;
    const top = handle + up8(length);
    if (top > this.#bytes.length) {
      this.exhausted = true;
      return undefined;
    }
    this.#put(handle - 8n, 4, length);
    this.#put(handle - 4n, 4, handle ^ BigInt(CHECK));
    this.#top = top;
    this.#used = Math.max(this.#used, Math.ceil(Number(top) / PAGE_BYTES));
    return handle;
  }

  #headerLength(handle: bigint): bigint {
    return this.#read(handle - HEADER, 4);
  }

  #inArena(offset: bigint, size: bigint): boolean {
    return offset >= START && offset + size <= this.#top;
  }

  #mayCopy(offset: bigint, guest: Uint8Array, address: number, length: number): boolean {
    return address + length <= guest.length && (length === 0 || this.#inArena(offset, BigInt(length)));
  }

  #read(offset: bigint, size: number): bigint {
    let value = 0n;
    for (let i = size - 1; i >= 0; i -= 1) value = value * 256n + BigInt(this.#bytes[Number(offset) + i] ?? 0);
    return value;
  }

  #put(offset: bigint, size: number, value: bigint): void {
    for (let i = 0; i < size; i += 1) this.#bytes[Number(offset) + i] = Number(BigInt.asUintN(8, value >> BigInt(8 * i)));
  }

  #slice(offset: bigint, length: bigint): Uint8Array {
    return this.#bytes.slice(Number(offset), Number(offset + length));
  }
}
