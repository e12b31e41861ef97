// THE table of host functions that reach others: whatever a guest can ask beyond its own things passes here, as decode → check → do →
// encode. What touches only the plugin's own things is answered in its cell (engine/guest/cell-functions.ts).

import { isJson, requireJson } from "./cloud-event.ts";
import { HostError, toHostError } from "./errors.ts";
import type { EventBus } from "./event-bus.ts";
import { isDottedName, printable } from "./names.ts";
import type { Plugin } from "./plugin.ts";
import type { ServiceRegistry, TurnContext } from "./service-registry.ts";
import type { StateStore } from "./state-store.ts";
import { childSpan } from "./trace.ts";
import type { Bytes, CloudEvent, UnstampedEvent } from "./types.ts";
import * as value from "./values.ts";

const MAX_CONTENT_TYPE_LENGTH = 127;
const CONTENT_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*(;[ -~]*)?$/;

/** What a host function can reach, on behalf of one turn of one plugin. */
interface HostScope {
  readonly plugin: Pick<Plugin, "name" | "permissions" | "definition" | "publishing">;
  readonly context: TurnContext;
  readonly events: EventBus;
  readonly services: ServiceRegistry;
  readonly state: StateStore;
  /** Makes the event as the host stamps it. */
  stamp(event: UnstampedEvent): CloudEvent;
  reportFault(fault: unknown): void;
}

export interface HostFunction extends value.Signature {
  readonly place: "host";
  answer(scope: HostScope, args: readonly Bytes[]): Promise<Bytes>;
}

// Nothing is thrown across the Wasm line: what `run` throws becomes the tagged error.
function inHost<const P extends value.Codecs, R>(
  params: P,
  result: value.Codec<R>,
  run: (scope: HostScope, ...args: value.Decoded<P>) => R | Promise<R>,
): HostFunction {
  const answer: HostFunction["answer"] = async (scope, args) => {
    try {
      return value.encodeResultView(result, await run(scope, ...value.decodeAll(params, args))).slice();
    } catch (thrown) {
      const error = toHostError(thrown);
      if (error.code === "internal" || error.cause !== undefined) scope.reportFault(error);
      return value.encodeError(error);
    }
  };
  return { place: "host", ...value.signature(params, result), answer };
}

function publish(scope: HostScope, type: string, contentType: string, data: Bytes): string {
  const { name, permissions, publishing, definition } = scope.plugin;
  if (!publishing.take(1)) {
    const limit = definition.limits.publishesPerSecond;
    throw new HostError("rate-limited", `${name} publishes too fast; the limit is ${limit} events a second (limits.publishesPerSecond)`);
  }
  if (!isDottedName(type)) throw new HostError("invalid-message", `"${printable(type)}" is no event type; write ${name}.kebab-case`);
  permissions.require("events.publish", type);
  if (contentType.length > MAX_CONTENT_TYPE_LENGTH || !CONTENT_TYPE.test(contentType)) {
    throw new HostError("invalid-message", `"${printable(contentType)}" is no media type; write application/json or the like`);
  }
  requireSize(scope, data, `the data of ${type}`);
  if (isJson(contentType)) requireJson(data, `the data of ${type}`);
  const traceparent = childSpan(scope.context.traceparent);
  const event = scope.stamp({ type, contentType, data, source: `/plugins/${name}`, traceparent });
  scope.events.publish(event);
  return event.id;
}

function callService(scope: HostScope, service: string, payload: Bytes, deadlineMs: number | null): Promise<Bytes> {
  const { plugin, context } = scope;
  plugin.permissions.require("services.call", service);
  requireSize(scope, payload, `the payload for ${service}`);
  const caller = { kind: "plugin", name: plugin.name } as const;
  const within = { plugin: plugin.name, context };
  return scope.services.call({ service, payload, caller, traceparent: context.traceparent, timeoutMs: deadlineMs ?? undefined, within });
}

function stateFor({ plugin, state }: HostScope, permission: "state.read" | "state.write", key: string): StateStore {
  plugin.permissions.require(permission, key);
  return state;
}

function requireSize({ plugin }: HostScope, data: Bytes, what: string): void {
  const limit = plugin.definition.limits.payloadBytes;
  if (data.length > limit) {
    throw new HostError("quota-exceeded", `${printable(what)} has ${data.length} bytes; the limit is ${limit} (limits.payloadBytes)`);
  }
}

const TABLE = {
  "events.publish": inHost([value.text, value.text, value.bytes], value.text, publish),
  "services.call": inHost([value.text, value.bytes, value.optionU32], value.bytes, callService),
  "state.get": inHost([value.text], value.optionBytes, (scope, key) => stateFor(scope, "state.read", key).get(key)),
  // A copy: the argument may be a view on a whole batch of messages.
  "state.set": inHost([value.text, value.bytes], value.nothing, (scope, key, data) =>
    stateFor(scope, "state.write", key).set(key, data.slice()),
  ),
  "state.delete": inHost([value.text], value.bool, (scope, key) => stateFor(scope, "state.write", key).delete(key)),
  "state.keys": inHost([value.text], value.texts, ({ state, plugin }, prefix) =>
    state.keys(prefix, (key) => plugin.permissions.allows("state.read", key)),
  ),
} as const satisfies Record<string, HostFunction>;

/** Keyed by `interface.function` as in wit/; a map, so that no name finds what an object's prototype happens to have. */
export const HOST_FUNCTIONS: ReadonlyMap<string, HostFunction> = new Map(Object.entries(TABLE));
