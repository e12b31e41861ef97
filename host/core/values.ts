// How values cross the Wasm line inside blocks: one codec a WIT type (docs/abi.md). Decoding trusts nothing.

import { type ErrorShape, HostError } from "./errors.ts";
import type { LogLevel } from "./ports.ts";
import type { Bytes, Caller } from "./types.ts";

export interface Codec<T> {
  /** The WIT type, as written in wit/. */
  readonly wit: string;
  /** Throws HostError `invalid-message`. */
  decode(bytes: Bytes): T;
  /** Appends to the block that `block` is making. */
  encode(value: T): void;
}

/** What a function takes and answers, as WIT types. */
export interface Signature {
  readonly params: readonly string[];
  readonly result: string;
}

export type Codecs = readonly Codec<unknown>[];
export type Decoded<P extends Codecs> = { [K in keyof P]: P[K] extends Codec<infer T> ? T : never };

const NOTHING = new Uint8Array(0);
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

// Every block is made in this one buffer: a typed array above 64 bytes costs more to allocate than all the rest of a host call.
let buffer: Bytes = new Uint8Array(4_096);
let length = 0;

function room(bytes: number): void {
  if (length + bytes <= buffer.length) return;
  const larger = new Uint8Array(Math.max(2 * buffer.length, length + bytes));
  larger.set(buffer.subarray(0, length));
  buffer = larger;
}

function putByte(byte: number): void {
  room(1);
  buffer[length] = byte;
  length += 1;
}

function putText(text: string): void {
  room(text.length * 3);
  length += encoder.encodeInto(text, buffer.subarray(length)).written;
}

/** A result block: the tag, then what `write` appends. A view that is valid until the next block is made. */
function block(tag: 0 | 1, write: () => void): Bytes {
  if (buffer.length > 65_536) buffer = new Uint8Array(4_096);
  length = 0;
  putByte(tag);
  write();
  return buffer.subarray(0, length);
}

export const signature = (params: Codecs, result: { readonly wit: string }): Signature => ({
  params: params.map(({ wit }) => wit),
  result: result.wit,
});

export const decodeAll = <P extends Codecs>(params: P, args: readonly Bytes[]): Decoded<P> =>
  params.map((codec, i) => codec.decode(args[i] ?? NOTHING)) as Decoded<P>;

/** The block of a successful answer; a view that is valid until the next block is made. */
export const encodeResultView = <T>(codec: Codec<T>, value: T): Bytes => block(0, () => codec.encode(value));

/** The block of a failure; a copy, since it may wait. `detail` may hold another guest's stack, so it stays on the host's side. */
export const encodeError = ({ code, message }: ErrorShape): Bytes =>
  block(1, () => putText(JSON.stringify({ code, message, detail: null }))).slice();

function decodeText(bytes: Bytes): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new HostError("invalid-message", "a string argument is not valid UTF-8");
  }
}

const option = <T>(inner: Codec<T>): Codec<T | undefined> => ({
  wit: `option<${inner.wit}>`,
  decode(bytes) {
    if (bytes[0] === 0 && bytes.length === 1) return undefined;
    if (bytes[0] === 1) return inner.decode(bytes.subarray(1));
    throw new HostError("invalid-message", "an option argument begins with neither 0 (none) nor 1 (some)");
  },
  encode(value) {
    putByte(value === undefined ? 0 : 1);
    if (value !== undefined) inner.encode(value);
  },
});

const json = <T>(wit: string, accepts: (value: unknown) => boolean): Codec<T> => ({
  wit,
  decode(bytes) {
    const text = decodeText(bytes);
    try {
      const value: unknown = JSON.parse(text);
      if (accepts(value)) return value as T;
    } catch {
      // Falls through to the same refusal: to the guest both are an argument of the wrong shape.
    }
    throw new HostError("invalid-message", `an argument is not the JSON form of ${wit}`);
  },
  encode: (value) => putText(JSON.stringify(value)),
});

const isU32 = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0xffff_ffff;
const LEVELS: readonly unknown[] = ["debug", "info", "warning", "error"] satisfies LogLevel[];
// No guest can send one of these: they only travel towards it.
const never = (): boolean => false;

export const text: Codec<string> = { wit: "string", decode: decodeText, encode: putText };
export const bytes: Codec<Bytes> = {
  wit: "list<u8>",
  decode: (value) => value,
  encode(value) {
    room(value.length);
    buffer.set(value, length);
    length += value.length;
  },
};
export const nothing: Codec<void> = { wit: "_", decode: () => undefined, encode: () => {} };
export const optionText: Codec<string | undefined> = option(text);
export const optionBytes: Codec<Bytes | undefined> = option(bytes);
export const u32: Codec<number> = json("u32", isU32);
export const u64: Codec<number> = json("u64", never);
export const bool: Codec<boolean> = json("bool", never);
export const caller: Codec<Caller> = json("caller", never);
export const texts: Codec<readonly string[]> = json("list<string>", never);
export const level: Codec<LogLevel> = json("level", (value) => LEVELS.includes(value));
export const optionU32: Codec<number | null> = json("option<u32>", (value) => value === null || isU32(value));
