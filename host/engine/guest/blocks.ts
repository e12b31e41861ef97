// How values cross the Wasm line inside of blocks: one codec for each WIT type (docs/abi.md). Decoding trusts nothing.

import { isJsonText, isJsonWithin } from "../../bounds/json.ts";
import { isRetryAfter } from "../../bounds/refusals.ts";
import { type ErrorShape, HostError, type HostErrorCode, isHostErrorCode } from "../../core/errors.ts";
import type { BlockCodec } from "../../core/host-functions.ts";
import type { Bytes } from "../../core/types.ts";
import type { ApiVersion, WitFunction, WitParams, WitResult } from "../../core/wit.ts";
import { jsonCodec } from "./json-codec.ts";
import { SHAPES, type Shape } from "./wit-shapes.ts";

// Which value belongs to which codec is held by the generated types of wit.ts, which come from the same wit/ as the shapes.
interface Codec {
  /** Throws HostError `invalid-message`. */
  decode(bytes: Bytes): unknown;
  /** Appends to the block that `block` is making. */
  encode(value: unknown): void;
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
  begin();
  putByte(tag);
  write();
  return made();
}

function begin(): void {
  if (buffer.length > 65_536) buffer = new Uint8Array(4_096);
  length = 0;
}

const made = (): Bytes => buffer.subarray(0, length);

/** Throws HostError `invalid-message`. */
export const decodeAll = <F extends WitFunction>(name: F, args: readonly Bytes[]): WitParams<F> =>
  CODECS[name].params.map((codec, i) => codec.decode(args[i] ?? NOTHING)) as WitParams<F>;

/** The arguments of a function as blocks of their own. Throws HostError `invalid-message` for values of other types. */
export function encodeArguments(name: WitFunction, values: readonly unknown[]): Bytes[] {
  try {
    return CODECS[name].params.map((codec, i) => {
      begin();
      codec.encode(values[i]);
      return made().slice();
    });
  } catch (cause) {
    throw new HostError("invalid-message", `an argument of ${name} is not of its type in wit/`, { cause });
  }
}

/** The value in the block of a successful answer, behind its tag. */
export const decodeResult = <F extends WitFunction>(name: F, block: Bytes): WitResult<F> =>
  CODECS[name].result.decode(block.subarray(1)) as WitResult<F>;

/** The block of a successful answer; a view that is valid until the next block is made. */
export const encodeResultView = <F extends WitFunction>(name: F, value: WitResult<F>): Bytes =>
  block(0, () => CODECS[name].result.encode(value));

const UNKNOWN_TO_0_1: ReadonlySet<HostErrorCode> = new Set(["refused", "host-unreachable", "host-lost"]);

/**
 * An error as a guest is told of it that was built for this version of wit/, the latest when undefined. `detail` may hold another guest's stack, so it stays on
 * the host's side.
 */
export function errorFor(api: ApiVersion | undefined, { code, message, reason, retryAfterMs }: ErrorShape): ErrorShape {
  if (api !== "0.1") return { code, message, detail: undefined, reason, retryAfterMs };
  return { code: UNKNOWN_TO_0_1.has(code) ? "plugin-failed" : code, message, detail: undefined };
}

/** The block of a failure; a copy, since it may wait. */
export function encodeError(error: ErrorShape, api?: ApiVersion): Bytes {
  const { retryAfterMs, ...told } = errorFor(api, error);
  return block(1, () => putText(JSON.stringify({ ...told, detail: null, "retry-after-ms": retryAfterMs }))).slice();
}

/** A tagged block as a guest for that version may see it. */
export const blockFor = (api: ApiVersion | undefined, block: Bytes): Bytes =>
  block[0] === 1 && api === "0.1" ? encodeError(decodeError(block), api) : block;

/** The failure in a block whose tag is not 0. */
export function decodeError(failure: Bytes): HostError {
  const { code, message, reason, "retry-after-ms": retryAfterMs } = JSON.parse(decoder.decode(failure.subarray(1)));
  const known = {
    reason: typeof reason === "string" ? reason : undefined,
    retryAfterMs: isRetryAfter(retryAfterMs) ? retryAfterMs : undefined,
  };
  return new HostError(isHostErrorCode(code) ? code : "internal", String(message), known);
}

function decodeText(bytes: Bytes): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new HostError("invalid-message", "a string argument is not valid UTF-8");
  }
}

const option = (inner: Codec): Codec => ({
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

const KIB = 1_024;
/** What a string argument may have: names, keys and media types have far less. A line of the log is cut instead. */
const MAX_TEXT_BYTES = 4 * KIB;
/** What an argument in JSON may have before it is parsed: a number, a record such as a request, a list such as a batch of changes. */
const JSON_LIMITS = {
  scalar: { maxBytes: 128, maxValues: 1, maxDepth: 0 },
  record: { maxBytes: 128 * KIB, maxValues: 4_096, maxDepth: 8 },
  list: { maxBytes: 8 * KIB * KIB, maxValues: 16_384, maxDepth: 8 },
} as const;

const UNBOUNDED = { maxBytes: Number.POSITIVE_INFINITY, maxValues: Number.POSITIVE_INFINITY, maxDepth: Number.POSITIVE_INFINITY };

function limitsOf(shape: Shape): (typeof JSON_LIMITS)[keyof typeof JSON_LIMITS] {
  if (typeof shape === "string" || "enum" in shape) return JSON_LIMITS.scalar;
  if ("option" in shape) return limitsOf(shape.option);
  return "list" in shape ? JSON_LIMITS.list : JSON_LIMITS.record;
}

function requireBounded(bytes: Bytes, maxBytes: number): void {
  if (bytes.length > maxBytes)
    throw new HostError("invalid-message", `an argument has ${bytes.length} bytes; the limit of its type is ${maxBytes}`);
}

const json = (shape: Shape, limits: (typeof JSON_LIMITS)[keyof typeof JSON_LIMITS] | typeof UNBOUNDED): Codec => {
  const { read, write } = jsonCodec(shape);
  return {
    decode(bytes) {
      requireBounded(bytes, limits.maxBytes);
      if (!isJsonWithin(bytes, limits))
        throw new HostError(
          "invalid-message",
          `an argument has more than ${limits.maxValues} values or nests deeper than ${limits.maxDepth}, the limits of its type`,
        );
      const text = decodeText(bytes);
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        throw new HostError("invalid-message", "an argument is no JSON text");
      }
      try {
        return read(value, "");
      } catch {
        return read(value, "an argument");
      }
    },
    encode: (value) => putText(JSON.stringify(write(value))),
  };
};

const text: Codec = {
  decode(bytes) {
    requireBounded(bytes, MAX_TEXT_BYTES);
    return decodeText(bytes);
  },
  encode: (value) => putText(value as string),
};
const line: Codec = { ...text, decode: decodeText };
const bytes: Codec = {
  decode: (value) => value,
  encode(value) {
    const data = value as Bytes;
    room(data.length);
    buffer.set(data, length);
    length += data.length;
  },
};
const nothing: Codec = { decode: () => undefined, encode: () => {} };

/** `limits` are those of what a guest says in JSON; what it is told was bounded where it was made. */
function codecOf(shape: Shape, limits: ReturnType<typeof limitsOf> | typeof UNBOUNDED = limitsOf(shape)): Codec {
  if (shape === "_") return nothing;
  if (shape === "string") return text;
  if (shape === "bytes") return bytes;
  const optional = typeof shape === "object" && "option" in shape ? shape.option : undefined;
  if (optional === "string") return option(text);
  if (optional === "bytes") return option(bytes);
  return json(shape, limits);
}

const CODECS = Object.fromEntries(
  Object.entries(SHAPES).map(([name, { params, result }]) => [
    name,
    {
      params: name === "log.write" ? [codecOf(params[0] ?? "_"), line] : params.map((param) => codecOf(param)),
      result: codecOf(result, UNBOUNDED),
    },
  ]),
) as unknown as Record<WitFunction, { readonly params: readonly Codec[]; readonly result: Codec }>;

const isOfWit = (name: string): boolean => Object.hasOwn(CODECS, name);

/** How the core's host functions see blocks. A function that is none of wit/ reads its blocks itself, and answers bytes. */
export const blockCodec: BlockCodec = {
  decode: (name, args) => (isOfWit(name) ? decodeAll(name, args) : ([args] as never)),
  isJson: isJsonText,
  encode: (name, value) => (isOfWit(name) ? encodeResultView(name, value) : block(0, () => bytes.encode(value))).slice(),
};
