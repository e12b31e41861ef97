// A message of JSON-RPC that somebody sends, looked at before it is parsed.

import { isJsonWithin } from "../../../bounds/json.ts";
import { parseJsonInput } from "../../../bounds/json-input.ts";
import { HostError } from "../../../core/errors.ts";

const JSON_LIMITS = { maxValues: 100_000, maxDepth: 256 } as const;

/** Throws HostError `invalid-message` for what is no JSON, larger than it may be, or several messages in one. */
export function parseMessage(bytes: Uint8Array): unknown {
  const { maxValues, maxDepth } = JSON_LIMITS;
  if (!isJsonWithin(bytes, JSON_LIMITS))
    throw new HostError("invalid-message", `a message has at most ${maxValues} values, ${maxDepth} deep`);
  const message = parseJsonInput(bytes, "the message");
  // Revisions since 2025-06-18 have no batches: what is counted as one would be a thousand calls.
  if (Array.isArray(message)) throw new HostError("invalid-message", "send one message; batches are not taken");
  return message;
}
