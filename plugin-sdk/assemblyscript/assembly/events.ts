// Facts that other plugins may hear of. Which events a plugin receives stands in its manifest under `subscriptions`.

import { textFrom } from "./answers";
import * as abi from "./imports";
import { jsonBlock } from "./json";
import { bytesBlock, textBlock } from "./memory";
import { Result } from "./result";

/**
 * Publishes one event with JSON data and returns its id as soon as the host has accepted it; subscribers run later, each in its own
 * turn. Types below the plugin's own name (`devices.state-changed` from the plugin `devices`) need no permission, any other needs
 * `events.publish`. The host stamps `id`, `source`, `time` and `traceparent`.
 *
 * Fails with invalid-message (type), permission-denied, quota-exceeded (size).
 */
export function publish<T>(eventType: string, data: T): Result<string> {
  return textFrom(abi.events_publish(textBlock(eventType), textBlock("application/json"), jsonBlock<T>(data)));
}

/** The same with data of any content type; subscribers get it by `dataBytes` and `dataText`. */
export function publishBytes(eventType: string, contentType: string, data: Uint8Array): Result<string> {
  return textFrom(abi.events_publish(textBlock(eventType), textBlock(contentType), bytesBlock(data)));
}
