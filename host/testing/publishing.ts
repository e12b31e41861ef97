// An event that a test publishes: how it is made, and when the plugin has done with it.

import { isJson } from "../core/cloud-event.ts";
import { HostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { isDottedName, isPluginName, printable } from "../core/names.ts";
import { startTrace, traceIdOf } from "../core/trace.ts";
import type { EndedTurn } from "../core/turn.ts";
import type { CloudEvent, UnstampedEvent } from "../core/types.ts";
import { bytesOf, type Content, jsonOf } from "./payload.ts";

export interface PublishOptions {
  /** The plugin that the event comes from; by default the first segment of the type. */
  readonly publisher?: string | undefined;
  /** By default `application/octet-stream` for bytes, and `application/json` for everything else: a string is a JSON string then. */
  readonly contentType?: string | undefined;
}

/** A kept event, as a durable subscription receives it. */
export interface KeptEvent extends PublishOptions {
  readonly type: string;
  readonly data?: Content;
  /** 1, the first, by default. */
  readonly attempt?: number | undefined;
  readonly replayed?: boolean | undefined;
}

/** Throws HostError `invalid-message` for a type, a publisher or data that no event has. */
export function unstamped(type: string, content: Content, { publisher, contentType }: PublishOptions): UnstampedEvent {
  if (!isDottedName(type))
    throw new HostError("invalid-message", `"${printable(type)}" is no event type; write one such as sensors.measured`);
  if (publisher !== undefined && !isPluginName(publisher))
    throw new HostError("invalid-message", `"${printable(publisher)}" is no plugin name`);
  const source = `/plugins/${publisher ?? type.slice(0, type.indexOf("."))}`;
  const isBytes = content instanceof Uint8Array;
  const as = contentType ?? (isBytes ? "application/octet-stream" : "application/json");
  const data = bytesOf(isJson(as) && !isBytes ? jsonOf(content) : content);
  if (isJson(as) && !isOneText(data))
    throw new HostError("invalid-message", `the data of ${type} is not the JSON text that its content type promises`);
  return { type, contentType: as, data, source, traceparent: startTrace() };
}

function isOneText(data: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
    return true;
  } catch {
    return false;
  }
}

/**
 * To be called before the event is published; the answer is to be called after, with how many turns it made, and resolves with them once all have
 * ended. One plugin's turns run in their order, so the first of the event's trace that an event began are those of this very event.
 */
export function handledBy(core: Host, event: CloudEvent): (count: number) => Promise<readonly EndedTurn[]> {
  const ended: EndedTurn[] = [];
  const { promise, resolve } = Promise.withResolvers<readonly EndedTurn[]>();
  let expected = Number.POSITIVE_INFINITY;
  const settle = (): void => {
    if (ended.length < expected) return;
    unlisten();
    resolve(ended);
  };
  const unlisten = core.observe({
    turn: (turn) => {
      const isOfEvents = turn.caller.kind === "host" && turn.caller.name === "events";
      if (!isOfEvents || traceIdOf(turn.traceparent) !== traceIdOf(event.traceparent)) return;
      ended.push(turn);
      settle();
    },
  });
  return (count) => {
    expected = count;
    settle();
    return promise;
  };
}
