// How a call of a function that the host's program declares crosses from a cell to the host and back: its numbers, and the bytes of each block that an i64 is
// the handle of. The host trusts nothing of it.

import { HostError } from "../core/errors.ts";
import type { Bytes } from "../core/types.ts";

/** An argument: f64 for all numbers but i64. `block` is what the handle names in the guest, if it names anything. */
export interface CallValue {
  readonly value: number | bigint;
  readonly block?: Bytes | undefined;
}

/** What a function answers: nothing, a number, or bytes that become a block of the guest's. */
export type CallAnswer = number | bigint | Bytes | undefined;

const KIND = { none: 0, number: 1, i64: 2, block: 3 } as const;
const ENTRY_BYTES = 9;

/** The name by which the cell asks the host for it. */
export const declaredName = (module: string, name: string): string => `${module}#${name}`;

export function encodeCall(values: readonly CallValue[]): Bytes[] {
  const entries = values.map(({ value, block }) => entryOf(value, block === undefined ? undefined : KIND.block));
  return [concatenated(entries), ...values.flatMap(({ block }) => (block === undefined ? [] : [block]))];
}

/** Throws HostError `invalid-message` for what `encodeCall` has not made, or not with as many values. */
export function decodeCall([head = new Uint8Array(0), ...blocks]: readonly Bytes[], count: number): CallValue[] {
  if (head.length !== count * ENTRY_BYTES) throw malformed();
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const values = Array.from({ length: count }, (_, i): CallValue => {
    const at = i * ENTRY_BYTES;
    const kind = view.getUint8(at);
    if (kind === KIND.number) return { value: view.getFloat64(at + 1, true) };
    if (kind === KIND.i64) return { value: view.getBigInt64(at + 1, true) };
    const block = kind === KIND.block ? blocks.shift() : undefined;
    if (block === undefined) throw malformed();
    return { value: view.getBigInt64(at + 1, true), block };
  });
  if (blocks.length > 0) throw malformed();
  return values;
}

export function encodeAnswer(answer: CallAnswer): Bytes {
  if (answer === undefined) return Uint8Array.of(KIND.none);
  if (answer instanceof Uint8Array) return concatenated([Uint8Array.of(KIND.block), answer]);
  return entryOf(answer);
}

/** Of what the host has encoded. */
export function decodeAnswer(bytes: Bytes): CallAnswer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (bytes[0]) {
    case KIND.number:
      return view.getFloat64(1, true);
    case KIND.i64:
      return view.getBigInt64(1, true);
    case KIND.block:
      return bytes.subarray(1);
    default:
      return undefined;
  }
}

function entryOf(value: number | bigint, kind: number = typeof value === "bigint" ? KIND.i64 : KIND.number): Bytes {
  const view = new DataView(new ArrayBuffer(ENTRY_BYTES));
  view.setUint8(0, kind);
  if (typeof value === "bigint") view.setBigInt64(1, value, true);
  else view.setFloat64(1, value, true);
  return new Uint8Array(view.buffer);
}

function concatenated(parts: readonly Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const malformed = (): HostError => new HostError("invalid-message", "these are no arguments of a declared function");
