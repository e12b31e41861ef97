// THE table of host functions: everything a guest can ask of the host passes here, as decode → check → do → encode.
// Functions placed in the cell touch only the plugin's own things; those placed in the host touch others and are checked.

import { isJson, requireJson } from "./cloud-event.ts";
import { HostError, toHostError } from "./errors.ts";
import type { EventBus } from "./event-bus.ts";
import { escapeControls, isDottedName, printable } from "./names.ts";
import type { Plugin } from "./plugin.ts";
import type { Clock, LogLevel, StorageDriver } from "./ports.ts";
import type { ServiceRegistry, TurnContext } from "./service-registry.ts";
import type { StateStore } from "./state-store.ts";
import { childSpan } from "./trace.ts";
import type { Bytes, Caller, CloudEvent, UnstampedEvent } from "./types.ts";
import * as value from "./values.ts";

const MAX_LOG_LINE_LENGTH = 8 * 1024;
const MAX_RANDOM_BYTES = 65_536;
const MAX_CONTENT_TYPE_LENGTH = 127;
const CONTENT_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*(;[ -~]*)?$/;

/** What a function placed in the cell can reach: one plugin's own things and the current turn. */
export interface CellScope {
  /** Checks keys, sizes and ranges itself. */
  readonly storage: StorageDriver;
  readonly config: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly caller: Caller;
  log(level: LogLevel, message: string): void;
  /** Told of every failure that is the host's own fault. */
  reportFault(fault: unknown): void;
}

/** What a function placed in the host can reach, on behalf of one turn of one plugin. */
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

interface Signature {
  /** WIT types, as written in wit/. */
  readonly params: readonly string[];
  readonly result: string;
}

export interface CellFunction extends Signature {
  readonly place: "cell";
  /** A view that is valid until the next host function answers. */
  answer(scope: CellScope, args: readonly Bytes[]): Bytes;
}

export interface HostFunction extends Signature {
  readonly place: "host";
  answer(scope: HostScope, args: readonly Bytes[]): Promise<Bytes>;
}

type Codecs = readonly value.Codec<unknown>[];
type Decoded<P extends Codecs> = { [K in keyof P]: P[K] extends value.Codec<infer T> ? T : never };

const NOTHING = new Uint8Array(0);
const decodeAll = <P extends Codecs>(params: P, args: readonly Bytes[]): Decoded<P> =>
  params.map((codec, i) => codec.decode(args[i] ?? NOTHING)) as Decoded<P>;

const signature = (params: Codecs, result: { readonly wit: string }): Signature => ({
  params: params.map(({ wit }) => wit),
  result: result.wit,
});

function failed(thrown: unknown, scope: CellScope | HostScope): Bytes {
  const error = toHostError(thrown);
  if (error.code === "internal" || error.cause !== undefined) scope.reportFault(error);
  return value.encodeError(error);
}

// The two catch-alls below are the only ones on the guest's path: nothing is thrown across the Wasm line.

function inCell<const P extends Codecs, R>(
  params: P,
  result: value.Codec<R>,
  run: (scope: CellScope, ...args: Decoded<P>) => R,
): CellFunction {
  const answer: CellFunction["answer"] = (scope, args) => {
    try {
      return value.encodeResultView(result, run(scope, ...decodeAll(params, args)));
    } catch (thrown) {
      return failed(thrown, scope);
    }
  };
  return { place: "cell", ...signature(params, result), answer };
}

function inHost<const P extends Codecs, R>(
  params: P,
  result: value.Codec<R>,
  run: (scope: HostScope, ...args: Decoded<P>) => R | Promise<R>,
): HostFunction {
  const answer: HostFunction["answer"] = async (scope, args) => {
    try {
      return value.encodeResultView(result, await run(scope, ...decodeAll(params, args))).slice();
    } catch (thrown) {
      return failed(thrown, scope);
    }
  };
  return { place: "host", ...signature(params, result), answer };
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

function writeLog(scope: CellScope, level: LogLevel, message: string): void {
  const cut = message.length > MAX_LOG_LINE_LENGTH;
  const line = escapeControls(cut ? message.slice(0, MAX_LOG_LINE_LENGTH) : message);
  scope.log(level, cut ? `${line}… (cut, it had ${message.length} characters)` : line);
}

function randomBytes(length: number): Bytes {
  if (length > MAX_RANDOM_BYTES) {
    throw new HostError("invalid-message", `${length} random bytes asked for; the limit is ${MAX_RANDOM_BYTES} a call`);
  }
  return crypto.getRandomValues(new Uint8Array(length));
}

const TABLE = {
  "log.write": inCell([value.level, value.text], value.nothing, writeLog),
  "events.publish": inHost([value.text, value.text, value.bytes], value.text, publish),
  "services.call": inHost([value.text, value.bytes, value.optionU32], value.bytes, callService),
  "services.current-caller": inCell([], value.caller, (scope) => scope.caller),
  "state.get": inHost([value.text], value.optionBytes, (scope, key) => stateFor(scope, "state.read", key).get(key)),
  // A copy: the argument may be a view on a whole batch of messages.
  "state.set": inHost([value.text, value.bytes], value.nothing, (scope, key, data) =>
    stateFor(scope, "state.write", key).set(key, data.slice()),
  ),
  "state.delete": inHost([value.text], value.bool, (scope, key) => stateFor(scope, "state.write", key).delete(key)),
  "state.keys": inHost([value.text], value.texts, ({ state, plugin }, prefix) =>
    state.keys(prefix, (key) => plugin.permissions.allows("state.read", key)),
  ),
  "storage.get": inCell([value.text], value.optionBytes, (scope, key) => scope.storage.get(key)),
  "storage.set": inCell([value.text, value.bytes], value.nothing, (scope, key, data) => scope.storage.set(key, data)),
  "storage.delete": inCell([value.text], value.bool, (scope, key) => scope.storage.delete(key)),
  "storage.keys": inCell([value.text, value.optionText, value.u32], value.texts, (scope, prefix, after, limit) =>
    scope.storage.keys({ prefix, after, limit }),
  ),
  "config.get": inCell([value.text], value.optionText, (scope, key) => (Object.hasOwn(scope.config, key) ? scope.config[key] : undefined)),
  "clock.now": inCell([], value.u64, (scope) => Math.floor(scope.clock.now())),
  "clock.monotonic": inCell([], value.u64, (scope) => Math.floor(scope.clock.monotonicMs() * 1e6)),
  "random.bytes": inCell([value.u32], value.bytes, (_scope, length) => randomBytes(length)),
} as const satisfies Record<string, CellFunction | HostFunction>;

/** Keyed by `interface.function` as in wit/; a map, so that no name finds what an object's prototype happens to have. */
export const HOST_FUNCTIONS: ReadonlyMap<string, CellFunction | HostFunction> = new Map(Object.entries(TABLE));
