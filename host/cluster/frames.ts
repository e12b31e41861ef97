// A message between hosts: a head of JSON, which is counted before it is parsed, and bytes that are nobody's affair.

import { isJsonWithin } from "../bounds/json.ts";
import { HostError } from "../core/errors.ts";
import type { Bytes } from "../core/types.ts";

/** Of this form of messages. What has another one is passed over. */
export const FORMAT = 1;

const LENGTH_BYTES = 4;
const MAX_HEAD_BYTES = 64 * 1024;
const HEAD_LIMITS = { maxValues: 1_000, maxDepth: 3 } as const;
/** The announcement of a host has schemas in it. */
const TEXT_LIMITS = { maxValues: 100_000, maxDepth: 200 } as const;

export interface Frame {
  readonly head: unknown;
  /** A view on the message. */
  readonly payload: Bytes;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const NO_BYTES: Bytes = new Uint8Array();

export function encodeFrame(head: Readonly<Record<string, unknown>>, payload: Bytes = NO_BYTES): Bytes {
  const text = encoder.encode(JSON.stringify({ format: FORMAT, ...head }));
  const frame = new Uint8Array(LENGTH_BYTES + text.length + payload.length);
  new DataView(frame.buffer).setUint32(0, text.length);
  frame.set(text, LENGTH_BYTES);
  frame.set(payload, LENGTH_BYTES + text.length);
  return frame;
}

/** Throws HostError `invalid-message`. */
export function decodeFrame(bytes: Bytes): Frame {
  const length = bytes.length < LENGTH_BYTES ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (length > MAX_HEAD_BYTES || LENGTH_BYTES + length > bytes.length)
    throw new HostError(
      "invalid-message",
      `a message of ${bytes.length} bytes says that its head has ${length}; the limit is ${MAX_HEAD_BYTES}`,
    );
  const head = parsed(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length), HEAD_LIMITS);
  return { head, payload: bytes.subarray(LENGTH_BYTES + length) };
}

/** Throws HostError `invalid-message`. */
export const parseText = (text: Bytes): unknown => parsed(text, TEXT_LIMITS);

function parsed(text: Bytes, limits: Parameters<typeof isJsonWithin>[1]): unknown {
  if (!isJsonWithin(text, limits))
    throw new HostError("invalid-message", `a message has more than ${limits.maxValues} values or nests deeper than ${limits.maxDepth}`);
  try {
    return JSON.parse(decoder.decode(text));
  } catch (cause) {
    throw new HostError("invalid-message", "a message has a head that is no JSON text in UTF-8", { cause });
  }
}
