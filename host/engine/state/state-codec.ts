// The state of an instance as bytes, and back. What comes back may have been damaged or made by anybody: nothing is taken from it before it is counted. Whose it is
// and whether it is whole is for whoever keeps it.

import { HostError } from "../../core/errors.ts";
import { Reader } from "../wasm/reader.ts";
import { Writer } from "../wasm/writer.ts";
import { BLOCK_BYTES, type GuestState, type MemoryState } from "./instance-state.ts";

const LENGTH_BYTES = 4;
const NUMBER_BYTES = 8;
const MAX_NAME_BYTES = 64;
// All of it has been bounded before.
const MAX_TEXT_BYTES = Number.POSITIVE_INFINITY;
/** What Node has for it takes memory of each process, so only of those that keep a state. */
const zlib = (): typeof import("node:zlib") => process.getBuiltinModule("node:zlib");
// Four times as fast as deflate at the same size.
const FASTEST = 1;

/** Compressed, behind its length. Throws HostError `quota-exceeded` when it has more than `maxBytes` unpacked. */
export function encodeState(state: GuestState, maxBytes: number): Uint8Array<ArrayBuffer> {
  const out = new Writer((state.memory?.bytes.length ?? 0) + LENGTH_BYTES);
  writeNumbers(out, state.numbers);
  writeList(out, state.references);
  out.u32(state.tables.length);
  for (const table of state.tables) writeList(out, table);
  out.u32(state.dropped.length);
  for (const name of state.dropped) out.name(name);
  out.u32(state.vars.length);
  for (const [key, value] of state.vars) {
    out.name(key);
    out.sized(value);
  }
  out.name(state.http ?? "");
  writeNumbers(out, [BigInt(Math.ceil(state.clockMs))]);
  writeMemory(out, state.memory);
  if (out.length > maxBytes) throw new HostError("quota-exceeded", `its state has ${out.length} bytes; the limit is ${maxBytes}`);
  const { constants, zstdCompressSync } = zlib();
  const packed = zstdCompressSync(out.view(), { params: { [constants.ZSTD_c_compressionLevel]: FASTEST } });
  const encoded = new Uint8Array(LENGTH_BYTES + packed.length);
  new DataView(encoded.buffer).setUint32(0, out.length, true);
  encoded.set(packed, LENGTH_BYTES);
  return encoded;
}

/** Throws HostError `invalid-message` for what encodeState has not made, and for more than `maxBytes` unpacked before it is unpacked. */
export function decodeState(encoded: Uint8Array, maxBytes: number): GuestState {
  const length = encoded.length < LENGTH_BYTES ? 0 : new DataView(encoded.buffer, encoded.byteOffset).getUint32(0, true);
  if (length === 0 || length > maxBytes) throw damaged(`it says that it has ${length} bytes; the limit is ${maxBytes}`);
  try {
    const unpacked = zlib().zstdDecompressSync(encoded.subarray(LENGTH_BYTES), { maxOutputLength: length });
    if (unpacked.length !== length) throw damaged("it has not the length that it says");
    return read(new Reader(unpacked));
  } catch (thrown) {
    if (thrown instanceof HostError && thrown.code === "invalid-message") throw thrown;
    throw damaged(thrown instanceof Error ? thrown.message : "it cannot be read");
  }
}

const damaged = (why: string): HostError => new HostError("invalid-message", `the state is damaged: ${why}`);

function read(reader: Reader): GuestState {
  const numbers = readNumbers(reader);
  const references = readList(reader);
  const tables = Array.from({ length: reader.count() }, () => readList(reader));
  const dropped = Array.from({ length: reader.count() }, () => reader.name(MAX_NAME_BYTES));
  const vars = Array.from({ length: reader.count() }, () => [reader.name(MAX_TEXT_BYTES), readBytes(reader)] as const);
  const http = reader.name(MAX_TEXT_BYTES);
  const [clockMs = 0n] = readNumbers(reader);
  const memory = readMemory(reader);
  if (reader.offset !== reader.end) throw damaged("there is more behind it");
  return { memory, numbers, references, tables, dropped, vars, http: http === "" ? undefined : http, clockMs: Number(clockMs) };
}

function writeNumbers(out: Writer, numbers: readonly bigint[]): void {
  const bytes = new Uint8Array(numbers.length * NUMBER_BYTES);
  const view = new DataView(bytes.buffer);
  numbers.forEach((number, i) => {
    view.setBigUint64(i * NUMBER_BYTES, BigInt.asUintN(64, number), true);
  });
  out.u32(numbers.length);
  out.bytes(bytes);
}

function readNumbers(reader: Reader): bigint[] {
  const length = reader.count();
  const at = reader.offset;
  reader.skip(length * NUMBER_BYTES);
  const view = new DataView(reader.bytes.buffer, reader.bytes.byteOffset + at, length * NUMBER_BYTES);
  return Array.from({ length }, (_, i) => view.getBigUint64(i * NUMBER_BYTES, true));
}

function writeList(out: Writer, list: readonly number[]): void {
  out.u32(list.length);
  for (const number of list) out.u32(number);
}

// Each takes a byte at least, so that no more can be said to be there than is.
const readList = (reader: Reader): number[] => Array.from({ length: reader.count() }, () => reader.u32());

function readBytes(reader: Reader): Uint8Array {
  const length = reader.count();
  const from = reader.offset;
  reader.skip(length);
  return reader.bytes.subarray(from, reader.offset);
}

function writeMemory(out: Writer, memory: MemoryState | undefined): void {
  out.byte(memory === undefined ? 0 : 1);
  if (memory === undefined) return;
  out.u32(memory.pages);
  writeList(
    out,
    memory.blocks.map((block, i) => block - (memory.blocks[i - 1] ?? -1)),
  );
  out.bytes(memory.bytes);
}

function readMemory(reader: Reader): MemoryState | undefined {
  if (reader.byte() === 0) return undefined;
  const pages = reader.u32();
  let last = -1;
  const blocks = readList(reader).map((distance) => {
    if (distance === 0) throw damaged("a block stands twice");
    last += distance;
    return last;
  });
  const from = reader.offset;
  reader.skip(blocks.length * BLOCK_BYTES);
  return { pages, blocks, bytes: reader.bytes.subarray(from, reader.offset) };
}
