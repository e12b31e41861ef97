// JSON of somebody who is let in, whose size was counted before: read whole, and without the one key that could reach behind what it is copied into.

import { HostError } from "../core/errors.ts";

/** Of no bytes, `{}`. `what` is how the message calls it. Throws HostError `invalid-message`. */
export function parseJsonInput(bytes: Uint8Array, what: string): unknown {
  try {
    return bytes.length === 0 ? {} : (JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes), refuseProto) as unknown);
  } catch (cause) {
    throw new HostError("invalid-message", `${what} is no JSON, or has a key __proto__`, { cause });
  }
}

function refuseProto(key: string, value: unknown): unknown {
  if (key === "__proto__") throw new SyntaxError("the key __proto__ is not allowed");
  return value;
}
