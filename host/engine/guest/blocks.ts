// How values cross the Wasm line inside of blocks: one codec for each WIT type (docs/abi.md). Decoding trusts nothing.

import { type ErrorShape, HostError } from "../../core/errors.ts";
import type { BlockCodec, LogLevel } from "../../core/ports.ts";
import type { Bytes, StorageChange, WitType, WitTypes, WitValues } from "../../core/types.ts";

interface Codec<T> {
  /** Throws HostError `invalid-message`. */
  decode(bytes: Bytes): T;
  /** Appends to the block that `block` is making. */
  encode(value: T): void;
}

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

export const decodeAll = <P extends readonly WitType[]>(params: P, args: readonly Bytes[]): WitValues<P> =>
  params.map((wit, i) => CODECS[wit].decode(args[i] ?? NOTHING)) as unknown as WitValues<P>;

/** The block of a successful answer; a view that is valid until the next block is made. */
export const encodeResultView = <T extends WitType>(wit: T, value: WitTypes[T]): Bytes =>
  block(0, () => (CODECS[wit] as Codec<WitTypes[T]>).encode(value));

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

const json = <T>(wit: WitType, accepts: (value: unknown) => boolean): Codec<T> => ({
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

const fromBase64 = (text: string): Bytes | undefined => {
  const bytes = Buffer.from(text, "base64");
  // What is not base64 is passed over by Buffer, so only a text that comes back is one.
  return bytes.toString("base64") === text ? bytes : undefined;
};
const toBase64 = ({ buffer, byteOffset, byteLength }: Bytes): string => Buffer.from(buffer, byteOffset, byteLength).toString("base64");

const isText = (value: unknown): value is string => typeof value === "string" && value.isWellFormed();
const CHANGE_FIELDS: readonly string[] = ["key", "value", "ttl-ms"];

const changes: Codec<readonly StorageChange[]> = {
  decode(bytes) {
    const list = json<readonly unknown[]>("list<change>", Array.isArray).decode(bytes);
    return list.map((one, i) => {
      const { key, value = null, "ttl-ms": ttl = null } = Object(one) as Record<string, unknown>;
      const known = typeof one === "object" && one !== null && Object.keys(one).every((field) => CHANGE_FIELDS.includes(field));
      const data = isText(value) ? fromBase64(value) : undefined;
      const ttlMs = ttl === null ? undefined : Number(ttl);
      const isTtl = ttl === null || (typeof ttl === "number" && Number.isSafeInteger(ttl) && ttl >= 0);
      if (!known || !isText(key) || !isTtl || (value !== null && data === undefined))
        throw new HostError("invalid-message", `the change at ${i} is not the JSON form of change`);
      return { key, value: data, ttlMs };
    });
  },
  // It only travels to the host.
  encode: () => {},
};

const isU32 = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0xffff_ffff;
const LEVELS: readonly unknown[] = ["debug", "info", "warning", "error"] satisfies LogLevel[];
// No guest can send one of these: they only travel towards it.
const never = (): boolean => false;

const text: Codec<string> = { decode: decodeText, encode: putText };
const bytes: Codec<Bytes> = {
  decode: (value) => value,
  encode(value) {
    room(value.length);
    buffer.set(value, length);
    length += value.length;
  },
};

const CODECS: { readonly [T in WitType]: Codec<WitTypes[T]> } = {
  string: text,
  "list<u8>": bytes,
  "option<string>": option(text),
  "option<list<u8>>": option(bytes),
  _: { decode: () => undefined, encode: () => {} },
  bool: json("bool", never),
  u32: json("u32", isU32),
  u64: json("u64", never),
  "option<u32>": json("option<u32>", (value) => value === null || isU32(value)),
  "list<string>": json("list<string>", (value) => Array.isArray(value) && value.every(isText)),
  "list<change>": changes,
  "list<option<list<u8>>>": {
    decode: () => [],
    encode: (values) => putText(JSON.stringify(values.map((value) => (value === undefined ? null : toBase64(value))))),
  },
  level: json("level", (value) => LEVELS.includes(value)),
  caller: json("caller", never),
  // What they hold is between the guest and the adapter that answers.
  request: json("request", () => true),
  response: json("response", never),
};

/** How the core's host functions see blocks. */
export const blockCodec: BlockCodec = {
  decode: decodeAll,
  encode: (wit, value) => encodeResultView(wit, value).slice(),
};
