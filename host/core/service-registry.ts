// Who provides which service, and the rules of a call: deadline, loop, caller. Permissions are checked by the caller's side.

import { HostError } from "./errors.ts";
import { isOwnName, printable } from "./names.ts";
import type { Permissions } from "./permissions.ts";
import type { Plugin } from "./plugin.ts";
import type { Clock } from "./ports.ts";
import { childSpan } from "./trace.ts";
import type { Bytes, Caller, ServiceDefinition } from "./types.ts";

// A nested call must end before its caller's deadline, or the caller is blamed for the callee.
const NESTED_CALL_MARGIN_MS = 10;

/** What the host knows of a turn besides its input. */
export interface TurnContext {
  readonly caller: Caller;
  readonly traceparent: string;
  /** On the host's monotonic clock; counts from the moment the turn is enqueued. */
  readonly deadline: number;
  /** The plugins that wait for this turn to end, outermost first. */
  readonly waiting: readonly string[];
  /** Whose permissions the turn needs besides those of the plugin that runs it. */
  readonly authorities: readonly Permissions[];
}

/** A plugin as the registry sees it. */
type Provider = Pick<Plugin, "name" | "definition" | "enter">;

export interface ServiceCall {
  readonly service: string;
  readonly payload: Bytes;
  readonly caller: Caller;
  readonly traceparent: string;
  /** From now on; the provider's own limit holds when it is shorter. */
  readonly timeoutMs?: number | undefined;
  /** The turn in which the call is made, when a plugin makes it. */
  readonly within?: { readonly plugin: Pick<Plugin, "name" | "permissions">; readonly context: TurnContext } | undefined;
}

export class ServiceRegistry {
  readonly #clock: Clock;
  readonly #services = new Map<string, { readonly provider: Provider; readonly definition: ServiceDefinition }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns its undo. Fails with `permission-denied` outside the provider's own prefix, and `service-taken`. */
  provide(definition: ServiceDefinition, provider: Provider): () => void {
    const service = definition.name;
    if (!isOwnName(provider.name, service)) {
      throw new HostError("permission-denied", `${provider.name} may only provide services below its own name, not ${service}`);
    }
    if (this.#services.has(service)) throw new HostError("service-taken", `${service} is provided already`);
    this.#services.set(service, { provider, definition });
    return () => void this.#services.delete(service);
  }

  /** Resolves with the provider's output. Fails with `no-such-service`, `call-loop`, or whatever ended the provider's turn. */
  async call(call: ServiceCall): Promise<Bytes> {
    const entry = this.#services.get(call.service);
    if (entry === undefined) throw new HostError("no-such-service", `nobody provides ${printable(call.service)}`);
    const { provider, definition } = entry;
    const { plugin, context } = call.within ?? {};
    const waiting = plugin === undefined ? [] : [...(context?.waiting ?? []), plugin.name];
    const authorities = plugin === undefined || !definition.asCaller ? [] : [plugin.permissions, ...(context?.authorities ?? [])];
    if (waiting.includes(provider.name)) {
      throw new HostError("call-loop", `${call.service} would wait for itself: ${[...waiting, provider.name].join(" → ")}`);
    }
    const { callDepth, deadlineMs } = provider.definition.limits;
    if (waiting.length > callDepth) {
      throw new HostError(
        "quota-exceeded",
        `${call.service} would be call ${waiting.length} in a row; the limit is ${callDepth} (limits.callDepth)`,
      );
    }
    const own = this.#clock.monotonicMs() + Math.min(call.timeoutMs ?? Number.POSITIVE_INFINITY, deadlineMs);
    const outcome = await provider.enter(definition.entryPoint, call.payload, {
      caller: call.caller,
      traceparent: childSpan(call.traceparent),
      deadline: context === undefined ? own : Math.min(own, context.deadline - NESTED_CALL_MARGIN_MS),
      waiting,
      authorities,
    });
    if (outcome.ok) return outcome.output;
    throw HostError.fromShape(outcome.error);
  }
}
