// Calls of other plugins' services, with JSON and with bytes.

import { bytesFrom, jsonFrom, nothingFrom } from "./answers";
import * as abi from "./imports";
import { jsonBlock } from "./json";
import { bytesBlock, textBlock } from "./memory";
import { Nothing, Result, fail } from "./result";
import { Some } from "./some";

/**
 * Calls a service with JSON and waits for its answer as JSON. Needs the permission `services.call`. A plugin's own service is a call-loop.
 * The deadline is the earlier of `deadlineMs` from this call on (0 for none) and just before the end of the current turn's own.
 *
 * Fails with permission-denied, no-such-service, call-loop (the provider waits, directly or not, for this very turn), queue-full,
 * deadline-exceeded, plugin-failed (the provider's own failure; `message` is what it said), plugin-not-running, quota-exceeded (size),
 * invalid-message (the answer is not the JSON of `O`). `Nothing` as `O` ignores the answer.
 */
export function call<I, O>(service: string, request: I, deadlineMs: u32 = 0): Result<O> {
  const block = send(service, jsonBlock<I>(request), deadlineMs);
  if (idof<nonnull<O>>() == idof<Nothing>()) return changetype<Result<O>>(nothingFrom(block));
  const refused = abi.load_u8(block) != 0;
  const answer = jsonFrom<O>(block);
  if (answer.isOk || refused) return answer;
  return fail<O>(`the answer of ${service} is not the JSON expected (${nameof<O>()}): ${answer.error.message}`, "invalid-message");
}

/** The same with bytes both ways. */
export function callRaw(service: string, payload: Uint8Array, deadlineMs: u32 = 0): Result<Uint8Array> {
  return bytesFrom(send(service, bytesBlock(payload), deadlineMs));
}

function send(service: string, payload: u64, deadlineMs: u32): u64 {
  return abi.services_call(textBlock(service), payload, jsonBlock<Some<u32> | null>(deadlineMs ? new Some<u32>(deadlineMs) : null));
}
