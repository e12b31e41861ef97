// Questions that any number of plugins answer, asked with JSON and with bytes.

import { jsonFrom } from "./answers";
import * as abi from "./imports";
import { Json, jsonBlock } from "./json";
import { bytesBlock, decodeView, textBlock } from "./memory";
import { Result } from "./result";
import { Some } from "./some";

@json
export class Answer {
  /** The plugin that answers. */
  plugin!: string;
  output!: Uint8Array;

  text(): string {
    return decodeView(this.output);
  }

  /** Fails with invalid-message, naming the field that does not fit. */
  json<T>(): Result<T> {
    return Json.parse<T>(this.text());
  }
}

/**
 * Asks all plugins that extend the point and may answer it, side by side, and waits for them. Which points there are is declared by the program that
 * the host is part of, `shop.discount` by `shop`, and by plugins in their manifests under `extensionPoints`. A plugin's own points need no permission, and
 * nobody else may ask them; those of the program need `extensions.ask`.
 *
 * The answers come in the order of the plugins' priorities, highest first, then of their names. A plugin that does not run, fails, is late, says too
 * much or answers what the point does not take is left out; so is one that waits, directly or not, for this very turn, such as the plugin that asks.
 * At most 32 are asked, the first ones in that order. Their answers have at most 1 MiB together, of which each may take an equal share.
 *
 * All have until `deadlineMs` from this call on (0 for none), and until just before the end of the current turn. Without `deadlineMs` one that is late
 * takes all the time that this turn has left.
 *
 * Fails with permission-denied, no-such-service (nobody declares the point), invalid-message (the input is not what the point takes),
 * quota-exceeded (size), deadline-exceeded (no time is left to ask).
 */
export function ask<I>(point: string, input: I, deadlineMs: u32 = 0): Result<Answer[]> {
  return send(point, jsonBlock<I>(input), deadlineMs);
}

/** The same with bytes. */
export function askRaw(point: string, input: Uint8Array, deadlineMs: u32 = 0): Result<Answer[]> {
  return send(point, bytesBlock(input), deadlineMs);
}

function send(point: string, input: u64, deadlineMs: u32): Result<Answer[]> {
  const deadline = jsonBlock<Some<u32> | null>(deadlineMs ? new Some<u32>(deadlineMs) : null);
  return jsonFrom<Answer[]>(abi.extensions_ask(textBlock(point), input, deadline));
}
