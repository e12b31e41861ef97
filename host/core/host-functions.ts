// THE table of host functions that reach others: whatever a guest can ask beyond its own things passes here, as decode → check → do →
// encode. What touches only the plugin's own things is answered in its cell (engine/guest/cell-functions.ts).

import { isJson } from "./cloud-event.ts";
import { HostError } from "./errors.ts";
import type { EventBus } from "./event-bus.ts";
import { isDottedName, printable } from "./names.ts";
import type { Permission, Permissions } from "./permissions.ts";
import type { Plugin } from "./plugin.ts";
import type { BlockCodec, HttpClient } from "./ports.ts";
import type { ServiceRegistry, TurnContext } from "./service-registry.ts";
import type { StateStore } from "./state-store.ts";
import { childSpan } from "./trace.ts";
import type { Bytes, CloudEvent, UnstampedEvent } from "./types.ts";
import type { HttpRequest, HttpResponse, WitFunction, WitParams, WitResult } from "./wit.ts";

const MAX_CONTENT_TYPE_LENGTH = 127;
const CONTENT_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*(;[ -~]*)?$/;

/** What a host function can reach, on behalf of one turn of one plugin. */
interface HostScope {
  readonly plugin: Pick<Plugin, "name" | "permissions" | "definition" | "publishing" | "hostTime">;
  readonly context: TurnContext;
  readonly events: EventBus;
  readonly services: ServiceRegistry;
  readonly state: StateStore;
  readonly http: HttpClient;
  readonly blocks: BlockCodec;
  /** What was checked so far, for as long as the function takes. */
  readonly required: [Permission, string][];
  /** Makes the event as the host stamps it. */
  stamp(event: UnstampedEvent): CloudEvent;
}

export interface HostFunction {
  readonly place: "host";
  /** Resolves with the block of the answer. Rejects with HostError, or what else went wrong. */
  answer(scope: HostScope, args: readonly Bytes[]): Promise<Bytes>;
}

/** `needs` is asked for before the arguments are looked at, where these are large enough to cost something; then writing the answer is billed, too. */
function inHost<F extends WitFunction>(
  name: F,
  run: (scope: HostScope, ...args: WitParams<F>) => WitResult<F> | Promise<WitResult<F>>,
  needs?: Permission,
): readonly [F, HostFunction] {
  const answer: HostFunction["answer"] = async (scope, args) => {
    if (needs !== undefined) for (const permissions of everybody(scope)) permissions.requireAny(needs);
    const done = run(scope, ...scope.blocks.decode(name, args));
    const value = await (done instanceof Promise ? guarded(scope, done) : done);
    const encode = (): Bytes => scope.blocks.encode(name, value);
    return needs === undefined ? encode() : scope.plugin.hostTime.run(async () => encode());
  };
  return [name, { place: "host", answer }];
}

function publish(scope: HostScope, type: string, contentType: string, data: Bytes): string | Promise<string> {
  const { name, publishing, definition } = scope.plugin;
  if (!publishing.take(1)) {
    const limit = definition.limits.publishesPerSecond;
    throw new HostError("rate-limited", `${name} publishes too fast; the limit is ${limit} events a second (limits.publishesPerSecond)`);
  }
  if (!isDottedName(type)) throw new HostError("invalid-message", `"${printable(type)}" is no event type; write ${name}.kebab-case`);
  requireAll(scope, "events.publish", type);
  if (contentType.length > MAX_CONTENT_TYPE_LENGTH || !CONTENT_TYPE.test(contentType)) {
    throw new HostError("invalid-message", `"${printable(contentType)}" is no media type; write application/json or the like`);
  }
  requireSize(scope, data, `the data of ${type}`);
  const stamped = (isFit: boolean): string => {
    // Spliced into an event unchecked it could forge attributes.
    if (!isFit) throw new HostError("invalid-message", `the data of ${type} is not the JSON text that its content type promises`);
    const traceparent = childSpan(scope.context.traceparent);
    const event = scope.stamp({ type, contentType, data, source: `/plugins/${name}`, traceparent });
    scope.events.publish(event);
    return event.id;
  };
  const isFit = !isJson(contentType) || scope.blocks.isJson(data, (piece) => scope.plugin.hostTime.run(piece));
  if (!(isFit instanceof Promise)) return stamped(isFit);
  return isFit.then((fit) => {
    // A long text takes a while, in which what was allowed may have been taken away.
    for (const permissions of everybody(scope)) permissions.require("events.publish", type);
    return stamped(fit);
  });
}

function callService(scope: HostScope, service: string, payload: Bytes, deadlineMs: number | undefined): Promise<Bytes> {
  const { plugin, context } = scope;
  requireAll(scope, "services.call", service);
  requireSize(scope, payload, `the payload for ${service}`);
  const caller = { kind: "plugin", name: plugin.name } as const;
  const within = { plugin, context };
  return scope.services.call({ service, payload, caller, traceparent: context.traceparent, timeoutMs: deadlineMs, within });
}

// Whatever a redirect leads to has to be allowed as well, so the client asks.
async function fetchHttp(scope: HostScope, request: HttpRequest, body: Bytes): Promise<HttpResponse> {
  const { name: plugin, definition } = scope.plugin;
  requireSize(scope, body, "the body");
  const revoked = new AbortController();
  const require = (permission: Permission, resource: string): void => requireAll(scope, permission, resource);
  const { deadline } = scope.context;
  const spend = (ms: number): void => scope.plugin.hostTime.spend(ms);
  const rules = { plugin, require, revoked: revoked.signal, deadline, maxAnswerBytes: definition.limits.payloadBytes, spend };
  return guarded(scope, scope.http.fetch(request, body, rules)).finally(() => revoked.abort());
}

/** Everybody whose permission the turn needs: in a service that acts with its caller's authority, the caller too. */
const everybody = ({ plugin, context }: HostScope): readonly Permissions[] => [plugin.permissions, ...context.authorities];

function requireAll(scope: HostScope, permission: Permission, resource: string): void {
  for (const permissions of everybody(scope)) permissions.require(permission, resource);
  scope.required.push([permission, resource]);
}

/** Settles as `work` does, or rejects once something that was required is taken away from somebody. */
function guarded<T>(scope: HostScope, work: Promise<T>): Promise<T> {
  const check = (): void => {
    for (const [permission, resource] of scope.required) for (const all of everybody(scope)) all.require(permission, resource);
  };
  return everybody(scope).reduce((guardedWork, permissions) => permissions.guard(guardedWork, check), work);
}

function stateFor(scope: HostScope, permission: "state.read" | "state.write", key: string): StateStore {
  requireAll(scope, permission, key);
  return scope.state;
}

function requireSize({ plugin }: HostScope, data: Bytes, what: string): void {
  const limit = plugin.definition.limits.payloadBytes;
  if (data.length > limit) {
    throw new HostError("quota-exceeded", `${printable(what)} has ${data.length} bytes; the limit is ${limit} (limits.payloadMiB)`);
  }
}

/** Keyed by `interface.function` as in wit/; a map, so that no name finds what an object's prototype happens to have. */
export const HOST_FUNCTIONS: ReadonlyMap<string, HostFunction> = new Map<string, HostFunction>([
  inHost("events.publish", publish),
  inHost("services.call", callService),
  inHost("state.get", (scope, key) => stateFor(scope, "state.read", key).get(key)),
  // A copy: the argument may be a view on a whole batch of messages.
  inHost("state.set", (scope, key, data) => stateFor(scope, "state.write", key).set(key, data.slice())),
  inHost("state.delete", (scope, key) => stateFor(scope, "state.write", key).delete(key)),
  inHost("state.keys", (scope, prefix) =>
    scope.state.keys(prefix, (key) => everybody(scope).every((permissions) => permissions.allows("state.read", key))),
  ),
  inHost("http.fetch", fetchHttp, "http.fetch"),
]);
