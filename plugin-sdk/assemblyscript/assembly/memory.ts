// Blocks, bytes and UTF-8: the one file of the SDK with pointers. It knows nothing of JSON, results or host functions.

import * as abi from "./imports";

const REPLACEMENT: u16 = 0xfffd;
const FIRST_SCRATCH_BYTES = 1024;
const KEPT_SCRATCH_BYTES = 65_536;

// Outside of the garbage collector: `abort` needs it, and a managed global would make the compiler chase its own tail.
let scratch: usize = 0;
let scratchLength: i32 = 0;

/** Copies a block from its byte `skip` on. */
export function readBlock(block: u64, skip: i32 = 0): StaticArray<u8> {
  return copyIn(block + skip, <i32>abi.length(block) - skip);
}

export function readInput(): StaticArray<u8> {
  return copyIn(abi.input_offset(), <i32>abi.input_length());
}

function copyIn(offset: u64, length: i32): StaticArray<u8> {
  const bytes = changetype<StaticArray<u8>>(__new(length, idof<StaticArray<u8>>()));
  if (length) abi.load_bytes(offset, changetype<usize>(bytes), length);
  return bytes;
}

export function bytesBlock(bytes: Uint8Array): u64 {
  return copyOut(bytes.dataStart, bytes.byteLength);
}

export function staticBytesBlock(bytes: StaticArray<u8>, length: i32): u64 {
  return copyOut(changetype<usize>(bytes), length);
}

/** UTF-8, a lone surrogate as U+FFFD. */
export function textBlock(text: string): u64 {
  const length = String.UTF8.byteLength(text);
  const address = room(length);
  encodeAt(address, text);
  return copyOut(address, length);
}

/** The ABI's option of text: one byte that says whether a value follows. */
export function optionTextBlock(text: string | null): u64 {
  const length = text === null ? 1 : String.UTF8.byteLength(text) + 1;
  const address = room(length);
  store<u8>(address, text === null ? 0 : 1);
  if (text !== null) encodeAt(address + 1, text);
  return copyOut(address, length);
}

/** The ABI's option of bytes. */
export function optionBytesBlock(bytes: Uint8Array | null): u64 {
  const length = bytes === null ? 1 : bytes.byteLength + 1;
  const address = room(length);
  store<u8>(address, bytes === null ? 0 : 1);
  if (bytes !== null) memory.copy(address + 1, bytes.dataStart, bytes.byteLength);
  return copyOut(address, length);
}

// The first argument of the host call that is being made. Once its answer is read, this block and all after it are given back:
// a turn of a hundred thousand host calls would fill the blocks otherwise.
let firstArgument: u64 = 0;

function copyOut(address: usize, length: i32): u64 {
  const block = abi.alloc(length);
  if (length) abi.store_bytes(address, block, length);
  if (!firstArgument) firstArgument = block;
  return block;
}

/** Gives back the blocks of a host call. The answer must have been read. */
export function endCall(answer: u64): void {
  abi.release(firstArgument ? firstArgument : answer);
  firstArgument = 0;
}

/** For what outlives the handler: the output, and the message of a failure. */
export function keep(block: u64): u64 {
  firstArgument = 0;
  return block;
}

/** Space until the next call. Reused up to 64 KiB, so that a short text costs no allocation. */
function room(length: i32): usize {
  if (length <= scratchLength) return scratch;
  if (length > KEPT_SCRATCH_BYTES) return __new(length, idof<ArrayBuffer>());
  scratchLength = max(length, FIRST_SCRATCH_BYTES);
  scratch = scratch ? heap.realloc(scratch, scratchLength) : heap.alloc(scratchLength);
  return scratch;
}

function encodeAt(address: usize, text: string): i32 {
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, address, false, String.UTF8.ErrorMode.REPLACE);
}

/** Writes `text` as UTF-8 at `at` and returns the number of bytes; the buffer must have the room (String.UTF8.byteLength). */
export function encodeInto(buffer: StaticArray<u8>, at: i32, text: string): i32 {
  return encodeAt(changetype<usize>(buffer) + at, text);
}

export function encodeUtf8(text: string): StaticArray<u8> {
  const bytes = new StaticArray<u8>(String.UTF8.byteLength(text));
  encodeInto(bytes, 0, text);
  return bytes;
}

export function copyBytes(from: StaticArray<u8>, start: i32, end: i32, to: StaticArray<u8>, at: i32): void {
  memory.copy(changetype<usize>(to) + at, changetype<usize>(from) + start, end - start);
}

export function viewOf(bytes: StaticArray<u8>): Uint8Array {
  const buffer = changetype<ArrayBuffer>(__new(bytes.length, idof<ArrayBuffer>()));
  memory.copy(changetype<usize>(buffer), changetype<usize>(bytes), bytes.length);
  return Uint8Array.wrap(buffer);
}

/** One copy instead of the two of `viewOf(readBlock(…))`. */
export function readView(block: u64, skip: i32): Uint8Array {
  return viewIn(block + skip, <i32>abi.length(block) - skip);
}

export function readInputView(): Uint8Array {
  return viewIn(abi.input_offset(), <i32>abi.input_length());
}

function viewIn(offset: u64, length: i32): Uint8Array {
  const buffer = changetype<ArrayBuffer>(__new(length, idof<ArrayBuffer>()));
  if (length) abi.load_bytes(offset, changetype<usize>(buffer), length);
  return Uint8Array.wrap(buffer);
}

export function setOutputView(bytes: Uint8Array): void {
  abi.output_set(keep(bytesBlock(bytes)), bytes.byteLength);
}

export function setOutputText(text: string): void {
  const block = keep(textBlock(text));
  abi.output_set(block, abi.length(block));
}

export function setError(bytes: StaticArray<u8>): void {
  abi.error_set(keep(staticBytesBlock(bytes, bytes.length)));
}

export function setOutput(bytes: StaticArray<u8>, length: i32): void {
  abi.output_set(keep(staticBytesBlock(bytes, length)), length);
}

/** A value for a slot that nobody may read: null for references, zero else. */
export function blank<T>(): T {
  if (isReference<T>()) return changetype<T>(<usize>0);
  return <T>0;
}

export function decodeView(bytes: Uint8Array): string {
  return decodeAt(bytes.dataStart, bytes.byteLength);
}

/**
 * Decodes as the Encoding Standard does: each ill-formed sequence becomes one U+FFFD. The standard library's decoder trusts its
 * input and would read a truncated sequence as some other character.
 */
export function decodeUtf8(bytes: StaticArray<u8>, start: i32, end: i32): string {
  return decodeAt(changetype<usize>(bytes) + start, end - start);
}

function decodeAt(address: usize, length: i32): string {
  let from = address;
  const last = address + length;
  const text = __new((<usize>length) << 1, idof<string>());
  let to = text;
  while (from < last) {
    while (from + 4 <= last) {
      const four = load<u32>(from);
      if (four & 0x80808080) break;
      store<u64>(to, (<u64>(four & 0xff)) | ((<u64>(four & 0xff00)) << 8) | ((<u64>(four & 0xff0000)) << 16) | ((<u64>(four >> 24)) << 48));
      from += 4;
      to += 8;
    }
    if (from >= last) break;
    const lead = <u32>load<u8>(from++);
    if (lead < 0x80) {
      store<u16>(to, lead);
      to += 2;
      continue;
    }
    let missing = lead >= 0xc2 && lead <= 0xdf ? 1 : (lead & 0xf0) == 0xe0 ? 2 : lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
    let code = missing == 1 ? lead & 0x1f : missing == 2 ? lead & 0x0f : lead & 0x07;
    // Table 3-7 of the Unicode Standard: overlong forms and surrogates are shut out by the second byte.
    let least: u32 = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    let most: u32 = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    let broken = missing == 0;
    while (missing) {
      const next: u32 = from < last ? load<u8>(from) : 0;
      if (next < least || next > most) {
        broken = true;
        break;
      }
      code = (code << 6) | (next & 0x3f);
      least = 0x80;
      most = 0xbf;
      from++;
      missing--;
    }
    if (broken) {
      store<u16>(to, REPLACEMENT);
    } else if (code < 0x10000) {
      store<u16>(to, code);
    } else {
      code -= 0x10000;
      store<u16>(to, (code >> 10) | 0xd800);
      to += 2;
      store<u16>(to, (code & 0x3ff) | 0xdc00);
    }
    to += 2;
  }
  const used = to - text;
  return changetype<string>(used == (<usize>length) << 1 ? text : __renew(text, used));
}
