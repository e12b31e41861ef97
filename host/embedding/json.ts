// JSON that comes from plugins into the host's own code: counted before it is parsed.

import { isJsonWithin } from "../bounds/json.ts";
import { HostError } from "../core/errors.ts";
import type { Bytes } from "../core/types.ts";

/** What strangers may make the host's own thread parse in one piece: below 5 ms. */
export const MAX_JSON_BYTES: number = 256 * 1024;
const MAX_VALUES = 20_000;
const MAX_DEPTH = 64;

const decoder = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

/** Nothing is `undefined`. Throws HostError `quota-exceeded` or `invalid-message`. */
export function parseJsonBytes(bytes: Bytes, what: string, maxBytes: number = MAX_JSON_BYTES): unknown {
  if (bytes.length === 0) return undefined;
  if (bytes.length > maxBytes) throw new HostError("quota-exceeded", `${what} has ${bytes.length} bytes; the limit is ${maxBytes}`);
  if (!isJsonWithin(bytes, { maxValues: MAX_VALUES, maxDepth: MAX_DEPTH }))
    throw new HostError("quota-exceeded", `${what} has more than ${MAX_VALUES} values, or nests deeper than ${MAX_DEPTH}`);
  try {
    return JSON.parse(decoder.decode(bytes)) as unknown;
  } catch (cause) {
    throw new HostError("invalid-message", `${what} is no JSON text in UTF-8`, { cause });
  }
}

export const jsonBytes = (value: unknown): Bytes => (value === undefined ? new Uint8Array(0) : encoder.encode(JSON.stringify(value)));
