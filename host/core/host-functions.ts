// THE table of host functions that reach others: whatever a guest can ask beyond its own things passes here, as decode → check → do →
// encode. What touches only the plugin's own things is answered in its cell (engine/guest/cell-functions.ts).

import { isJson } from "./cloud-event.ts";
import { HostError } from "./errors.ts";
import type { ExtensionPoints } from "./extension-points.ts";
import type { HostTimeAccount } from "./host-time.ts";
import { isDottedName, isStateKey, printable } from "./names.ts";
import type { Permissions } from "./permissions.ts";
import type { CapabilityFunction, CapabilityFunctions, CheckedCall } from "./ports/capability.ts";
import type { StateDriver } from "./ports/state.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { ServiceRegistry } from "./service-registry.ts";
import { childSpan } from "./trace.ts";
import type { ServiceCall, TurnContext } from "./turn.ts";
import type { Bytes, Caller, CloudEvent, MaybePromise, Permission, PluginDefinition, UnstampedEvent } from "./types.ts";
import type { StateWrite as StateWriteRequest, WitFunction, WitParams, WitResult } from "./wit.ts";

export const MAX_CONTENT_TYPE_LENGTH = 127;
const MAX_LISTED_KEYS = 1_000;
export const CONTENT_TYPE: RegExp = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*(;[ -~]*)?$/;

/** How values look in the blocks of a guest. */
export interface BlockCodec {
  /** Throws HostError `invalid-message`. */
  decode<F extends WitFunction>(name: F, args: readonly Bytes[]): WitParams<F>;
  /** Whether the bytes are one JSON text. Of a long one every piece of the work goes through `pace`, which does it when its time comes. */
  isJson(data: Bytes, pace: <T>(piece: () => Promise<T>) => Promise<T>): MaybePromise<boolean>;
  /** The block of a successful answer. */
  encode<F extends WitFunction>(name: F, value: WitResult<F>): Bytes;
}

/** What a host function can reach, on behalf of one turn of one plugin. */
interface HostScope {
  readonly plugin: {
    readonly name: string;
    readonly permissions: Permissions;
    readonly definition: PluginDefinition;
    readonly publishing: RateLimit;
    readonly hostTime: HostTimeAccount;
  };
  readonly context: TurnContext;
  readonly services: ServiceRegistry;
  readonly extensions: ExtensionPoints;
  readonly state: StateDriver;
  readonly blocks: BlockCodec;
  /** What was checked so far, for as long as the function takes. */
  readonly required: [Permission, string][];
  /** Hands the event to whoever listens, as the host stamps it; rejects when a guard refuses it. */
  publish(event: UnstampedEvent, by: Caller): MaybePromise<CloudEvent>;
}

export interface HostFunction {
  readonly needs: Permission | undefined;
  /** Resolves with the block of the answer. Rejects with HostError, or what else went wrong. */
  answer(scope: HostScope, args: readonly Bytes[]): Promise<Bytes>;
}

/** A function of the core's own. It asks for what it needs itself, with the resource. */
function inHost<F extends WitFunction>(
  name: F,
  needs: Permission,
  run: (scope: HostScope, ...args: WitParams<F>) => MaybePromise<WitResult<F>>,
): readonly [F, HostFunction] {
  const answer: HostFunction["answer"] = async (scope, args) => {
    const done = run(scope, ...scope.blocks.decode(name, args));
    return scope.blocks.encode(name, done instanceof Promise ? await guarded(scope, done) : done);
  };
  return [name, { needs, answer }];
}

/** A capability's function. What it needs is asked for before its arguments are looked at, as these may be large; writing the answer is billed, too. */
function inCapability<F extends WitFunction>(name: F, { needs, answer }: CapabilityFunction<F>): HostFunction {
  return {
    needs,
    async answer(scope, args) {
      if (needs !== undefined) for (const permissions of everybody(scope)) permissions.requireAny(needs);
      const ended = new AbortController();
      const call = checkedCall(scope, ended.signal);
      const value = await guarded(scope, answer(call, ...scope.blocks.decode(name, args))).finally(() => ended.abort());
      return scope.plugin.hostTime.run(async () => scope.blocks.encode(name, value));
    },
  };
}

function checkedCall(scope: HostScope, ended: AbortSignal): CheckedCall {
  const { plugin, context } = scope;
  return {
    plugin: plugin.name,
    limits: plugin.definition.limits,
    require: (permission, resource) => requireAll(scope, permission, resource),
    ended,
    deadline: context.deadline,
    spend: (ms) => plugin.hostTime.spend(ms),
    within: { plugin, context },
  };
}

function publish(scope: HostScope, type: string, contentType: string, data: Bytes): MaybePromise<string> {
  const { name, publishing, definition } = scope.plugin;
  if (!publishing.take(1)) {
    const limit = `the limit is ${definition.limits.publishesPerSecond} events a second (limits.publishesPerSecond)`;
    throw new HostError("rate-limited", `${name} publishes too fast; ${limit}`, { retryAfterMs: publishing.waitMs(1) });
  }
  if (!isDottedName(type)) throw new HostError("invalid-message", `"${printable(type)}" is no event type; write ${name}.kebab-case`);
  requireAll(scope, "events.publish", type);
  if (contentType.length > MAX_CONTENT_TYPE_LENGTH || !CONTENT_TYPE.test(contentType)) {
    throw new HostError("invalid-message", `"${printable(contentType)}" is no media type; write application/json or the like`);
  }
  requireSize(scope, data, `the data of ${type}`);
  const published = (isFit: boolean): MaybePromise<string> => {
    // Spliced into an event unchecked it could forge attributes.
    if (!isFit) throw new HostError("invalid-message", `the data of ${type} is not the JSON text that its content type promises`);
    const { traceparent: parent } = scope.context;
    const from = { source: `/plugins/${name}`, traceparent: childSpan(parent), parent };
    const event = scope.publish({ type, contentType, data, ...from }, { kind: "plugin", name });
    return event instanceof Promise ? event.then(({ id }) => id) : event.id;
  };
  const isFit = !isJson(contentType) || scope.blocks.isJson(data, (piece) => scope.plugin.hostTime.run(piece));
  if (!(isFit instanceof Promise)) return published(isFit);
  return isFit.then((fit) => {
    // A long text takes a while, in which what was allowed may have been taken away.
    for (const permissions of everybody(scope)) permissions.require("events.publish", type);
    return published(fit);
  });
}

function callService(scope: HostScope, service: string, payload: Bytes, deadlineMs: number | undefined): Promise<Bytes> {
  requireAll(scope, "services.call", service);
  requireSize(scope, payload, `the payload for ${service}`);
  return scope.services.call({ service, payload, timeoutMs: deadlineMs, ...askedIn(scope) });
}

/** What the answers cost the host, to check and to write, is billed to whoever asked. */
async function askPoint(scope: HostScope, args: readonly Bytes[]): Promise<Bytes> {
  const [point, input, timeoutMs] = scope.blocks.decode("extensions.ask", args);
  requireAll(scope, "extensions.ask", point);
  requireSize(scope, input, `what ${point} is asked`);
  const pace = <T>(piece: () => Promise<T>): Promise<T> => scope.plugin.hostTime.run(piece);
  const asked = scope.extensions.ask({ point, input, timeoutMs, pace, ...askedIn(scope) });
  const ended = await guarded(scope, Promise.all(asked.map(async (one) => ({ ...one, outcome: await one.outcome }))));
  const answers = ended.flatMap(({ plugin: name, outcome }) => (outcome.ok ? [{ plugin: name, output: outcome.output }] : []));
  return pace(async () => scope.blocks.encode("extensions.ask", answers));
}

/** What is known of whoever asks. */
function askedIn({ plugin, context }: HostScope): Pick<ServiceCall, "caller" | "traceparent" | "within"> {
  return { caller: { kind: "plugin", name: plugin.name }, traceparent: context.traceparent, within: { plugin, context } };
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

/** The state, for one key that may be read or written. */
function stateFor(scope: HostScope, permission: "state.read" | "state.write", key: string): StateDriver {
  if (!isStateKey(key))
    throw new HostError("invalid-message", `"${printable(key)}" is no state key; write up to 255 of A-Z a-z 0-9 _ - in dotted segments`);
  requireAll(scope, permission, key);
  return scope.state;
}

/** Settles as `made` does, at once where that is there at once. */
const mapped = <T, U>(made: MaybePromise<T>, change: (value: T) => U): MaybePromise<U> =>
  made instanceof Promise ? made.then(change) : change(made);

function putState(scope: HostScope, { key, value, expected, ttlMs }: StateWriteRequest): MaybePromise<number | undefined> {
  const state = stateFor(scope, "state.write", key);
  const { stateBytes: maxBytes, stateKeys: maxKeys } = scope.plugin.definition.limits;
  if (value === undefined) return state.delete(key, expected);
  // A copy: the argument may be a view on a whole batch of messages.
  return state.set(key, value.slice(), { owner: scope.plugin.name, expected, ttlMs, maxBytes, maxKeys });
}

const listState = (scope: HostScope, prefix: string, after: string | undefined, limit: number): MaybePromise<readonly string[]> =>
  scope.state.keys({ prefix, after, limit }, (key) => everybody(scope).every((permissions) => permissions.allows("state.read", key)));

function requireSize({ plugin }: HostScope, data: Bytes, what: string): void {
  const limit = plugin.definition.limits.payloadBytes;
  if (data.length > limit) {
    throw new HostError("quota-exceeded", `${printable(what)} has ${data.length} bytes; the limit is ${limit} (limits.payloadMiB)`);
  }
}

/** The core's own, keyed by `interface.function` as in wit/. */
const OWN: readonly (readonly [WitFunction, HostFunction])[] = [
  inHost("events.publish", "events.publish", publish),
  inHost("services.call", "services.call", callService),
  ["extensions.ask", { needs: "extensions.ask", answer: askPoint }],
  inHost("state.get", "state.read", (scope, key) => mapped(stateFor(scope, "state.read", key).get(key), (entry) => entry?.value)),
  inHost("state.set", "state.write", (scope, key, value) =>
    mapped(putState(scope, { key, value, expected: undefined, ttlMs: undefined }), () => undefined),
  ),
  inHost("state.delete", "state.write", (scope, key) =>
    mapped(stateFor(scope, "state.write", key).delete(key, undefined), (revision) => revision !== undefined),
  ),
  inHost("state.keys", "state.read", (scope, prefix) => listState(scope, prefix, undefined, MAX_LISTED_KEYS)),
  inHost("state.get-versioned", "state.read", (scope, key) => stateFor(scope, "state.read", key).get(key)),
  inHost("state.put", "state.write", putState),
  inHost("state.list-keys", "state.read", listState),
];

/** What each of the core's own functions needs. */
export const OWN_NEEDS: ReadonlyMap<string, Permission | undefined> = new Map(OWN.map(([name, { needs }]) => [name, needs]));

/** The core's own functions and those of capabilities; a map, so that no name finds what an object's prototype happens to have. */
export function hostFunctions(capabilities: CapabilityFunctions): ReadonlyMap<string, HostFunction> {
  const added = Object.entries(capabilities) as [WitFunction, CapabilityFunction][];
  return new Map([...OWN, ...added.map(([name, capability]) => [name, inCapability(name, capability)] as const)]);
}
