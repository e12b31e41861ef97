// How values fill blocks (docs/abi.md, host functions, rule 3).

import type { ErrorCode } from "./error-code.ts";
import { HostError } from "./host-error.ts";

/** A record's fields are [name in wit/, name here, shape]; `_` is nothing. */
export type Shape =
  | "_"
  | "string"
  | "bytes"
  | "bool"
  | "u8"
  | "u16"
  | "u32"
  | "u64"
  | "s32"
  | "s64"
  | "f64"
  | { readonly enum: readonly string[] }
  | { readonly list: Shape }
  | { readonly option: Shape }
  | { readonly record: readonly (readonly [wit: string, here: string, shape: Shape])[] };

const NONE = Uint8Array.of(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Strings and bytes as they are, options of them behind a byte, and the rest as JSON. */
export function encodeBlock(shape: Shape, value: unknown): Uint8Array {
  if (shape === "string") return encoder.encode(String(value));
  if (shape === "bytes") return value as Uint8Array;
  if (!isPlainOption(shape)) return encoder.encode(JSON.stringify(toJson(shape, value)));
  if (value === undefined) return NONE;
  const inner = encodeBlock(shape.option, value);
  const block = new Uint8Array(1 + inner.length);
  block[0] = 1;
  block.set(inner, 1);
  return block;
}

export function decodeBlock(shape: Shape, block: Uint8Array): unknown {
  if (shape === "_") return undefined;
  if (shape === "string") return decoder.decode(block);
  if (shape === "bytes") return block;
  if (!isPlainOption(shape)) return fromJson(shape, JSON.parse(decoder.decode(block)));
  return block[0] === 1 ? decodeBlock(shape.option, block.subarray(1)) : undefined;
}

/** The value behind the tag. Throws HostError for an error. */
export function decodeAnswer(shape: Shape, tagged: Uint8Array): unknown {
  if (tagged[0] === 0) return decodeBlock(shape, tagged.subarray(1));
  const { code, message, reason, "retry-after-ms": retryAfterMs } = JSON.parse(decoder.decode(tagged.subarray(1)));
  throw new HostError(code as ErrorCode, message, { reason: reason ?? undefined, retryAfterMs: retryAfterMs ?? undefined });
}

const isPlainOption = (shape: Shape): shape is { readonly option: "string" | "bytes" } =>
  typeof shape === "object" && "option" in shape && (shape.option === "string" || shape.option === "bytes");

function toJson(shape: Shape, value: unknown): unknown {
  if (shape === "bytes") return Buffer.from(value as Uint8Array).toString("base64");
  if (typeof shape === "string" || "enum" in shape) return value;
  if ("option" in shape) return value === undefined ? null : toJson(shape.option, value);
  if ("list" in shape) return (value as readonly unknown[]).map((item) => toJson(shape.list, item));
  const given = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(shape.record.map(([wit, here, inner]) => [wit, toJson(inner, given[here])]));
}

function fromJson(shape: Shape, value: unknown): unknown {
  if (shape === "bytes") return new Uint8Array(Buffer.from(value as string, "base64"));
  if (typeof shape === "string" || "enum" in shape) return value;
  if ("option" in shape) return value === null || value === undefined ? undefined : fromJson(shape.option, value);
  if ("list" in shape) return (value as readonly unknown[]).map((item) => fromJson(shape.list, item));
  const given = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(shape.record.map(([wit, here, inner]) => [here, fromJson(inner, given[wit])]));
}
