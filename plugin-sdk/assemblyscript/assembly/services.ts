// Calls of other plugins' services, with JSON and with bytes, waited for or not.

import { bytesFrom, jsonFrom, nothingFrom, textFrom } from "./answers";
import { SendOptions } from "./host/services";
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
  const block = ask(service, jsonBlock<I>(request), deadlineMs);
  if (idof<nonnull<O>>() == idof<Nothing>()) return changetype<Result<O>>(nothingFrom(block));
  const refused = abi.load_u8(block) != 0;
  const answer = jsonFrom<O>(block);
  if (answer.isOk || refused) return answer;
  return fail<O>(`the answer of ${service} is not the JSON expected (${nameof<O>()}): ${answer.error.message}`, "invalid-message");
}

/** The same with bytes both ways. */
export function callRaw(service: string, payload: Uint8Array, deadlineMs: u32 = 0): Result<Uint8Array> {
  return bytesFrom(ask(service, bytesBlock(payload), deadlineMs));
}

/**
 * Calls a service with JSON without waiting for it, and answers the id of the message as soon as the provider has it in its queue or, with
 * `new SendOptions(true)`, as soon as it is on the disk. What the service answers is dropped; a failure is told to the operator. Needs the permission
 * `services.call`, and `services.durable` for what is kept.
 *
 * Fails with permission-denied, no-such-service, invalid-message (id), rate-limited, queue-full, plugin-not-running, quota-exceeded (size), storage-failed.
 */
export function send<I>(service: string, request: I, options: SendOptions = new SendOptions()): Result<string> {
  return textFrom(abi.services_send(textBlock(service), jsonBlock<I>(request), jsonBlock<SendOptions>(options)));
}

/** The same with bytes. */
export function sendRaw(service: string, payload: Uint8Array, options: SendOptions = new SendOptions()): Result<string> {
  return textFrom(abi.services_send(textBlock(service), bytesBlock(payload), jsonBlock<SendOptions>(options)));
}

function ask(service: string, payload: u64, deadlineMs: u32): u64 {
  return abi.services_call(textBlock(service), payload, jsonBlock<Some<u32> | null>(deadlineMs ? new Some<u32>(deadlineMs) : null));
}
