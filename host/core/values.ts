// How values cross the Wasm line inside blocks: one codec a WIT type (docs/abi.md). Decoding trusts nothing.

import { type ErrorShape, HostError } from "./errors.ts";
import type { LogLevel } from "./ports.ts";
import { type Bytes, NO_BYTES } from "./types.ts";

export interface Codec<T> {
  /** The WIT type, as written in wit/. */
  readonly wit: string;
  /** Throws HostError `invalid-message`. */
  decode(bytes: Bytes): T;
  encode(value: T): Bytes;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

function decodeText(bytes: Bytes): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new HostError("invalid-message", "a string argument is not valid UTF-8");
  }
}

function option<T>(inner: Codec<T>): Codec<T | undefined> {
  return {
    wit: `option<${inner.wit}>`,
    decode(bytes) {
      if (bytes[0] === 0 && bytes.length === 1) return undefined;
      if (bytes[0] === 1) return inner.decode(bytes.subarray(1));
      throw new HostError("invalid-message", "an option argument begins with neither 0 (none) nor 1 (some)");
    },
    encode: (value) => (value === undefined ? Uint8Array.of(0) : tagged(1, inner.encode(value))),
  };
}

function json<T>(wit: string, accepts: (value: unknown) => boolean): Codec<T> {
  return {
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
    encode: (value) => encoder.encode(JSON.stringify(value)),
  };
}

const isU32 = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0xffff_ffff;
const LEVELS: readonly unknown[] = ["debug", "info", "warning", "error"] satisfies LogLevel[];

export const text: Codec<string> = { wit: "string", decode: decodeText, encode: (value) => encoder.encode(value) };
export const bytes: Codec<Bytes> = { wit: "list<u8>", decode: (value) => value, encode: (value) => value };
export const nothing: Codec<void> = { wit: "_", decode: () => undefined, encode: () => NO_BYTES };
export const optionText: Codec<string | undefined> = option(text);
export const optionBytes: Codec<Bytes | undefined> = option(bytes);
export const u32: Codec<number> = json("u32", isU32);
export const u64: Codec<number> = json("u64", (value) => Number.isSafeInteger(value) && Number(value) >= 0);
export const bool: Codec<boolean> = json("bool", (value) => typeof value === "boolean");
export const level: Codec<LogLevel> = json("level", (value) => LEVELS.includes(value));
export const optionU32: Codec<number | null> = json("option<u32>", (value) => value === null || isU32(value));
export const texts: Codec<readonly string[]> = json(
  "list<string>",
  (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
);

/** A result block: one tag byte, then the value. */
export function tagged(tag: 0 | 1, body: Bytes): Bytes {
  const block = new Uint8Array(body.length + 1);
  block[0] = tag;
  block.set(body, 1);
  return block;
}

/** The error as a result block. `detail` may hold another guest's stack, so it stays on the host's side. */
export function encodeError(error: ErrorShape): Bytes {
  return tagged(1, encoder.encode(JSON.stringify({ code: error.code, message: error.message, detail: null })));
}
