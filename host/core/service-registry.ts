// Who provides which service, and the rules of a call: deadline, loop, caller. Permissions are checked by the caller's side.

import { HostError, toHostError } from "./errors.ts";
import { isOwnName, printable } from "./names.ts";
import type { Clock } from "./ports/clock.ts";
import type { EndedCall, Guard } from "./ports/policy.ts";
import { childSpan } from "./trace.ts";
import type { CallScope, ServiceCall, TurnContext } from "./turn.ts";
import type { Bytes, Limits, ServiceDefinition, TurnOutcome } from "./types.ts";

// A nested call must end before its caller's deadline, or the caller is blamed for the callee.
const NESTED_CALL_MARGIN_MS = 10;

/** Who answers a service: a plugin, or the host's own code. */
export interface Provider {
  readonly name: string;
  readonly limits: Pick<Limits, "deadlineMs" | "callDepth">;
  /** Resolves with how it ended; never rejects. */
  enter(entryPoint: string, input: Bytes, context: TurnContext): Promise<TurnOutcome>;
}

export interface ProvidedService {
  readonly provider: Provider;
  readonly definition: ServiceDefinition;
}

export interface RegistryPorts {
  readonly clock: Clock;
  readonly guards?: readonly Guard[] | undefined;
  /** Asked for what nobody provides here. */
  readonly elsewhere?: ((service: string) => ProvidedService | undefined) | undefined;
  onCall(call: EndedCall): void;
}

export class ServiceRegistry {
  readonly #ports: RegistryPorts;
  readonly #services = new Map<string, ProvidedService>();

  constructor(ports: RegistryPorts) {
    this.#ports = ports;
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

  /** Resolves with the provider's output. Rejects with `no-such-service`, `call-loop`, what a guard refuses with, or whatever ended the provider's turn. */
  async call(call: ServiceCall): Promise<Bytes> {
    const { service, caller, traceparent, parent } = call;
    const startedAt = this.#ports.clock.monotonicMs();
    let failure: HostError | undefined;
    try {
      const entry = this.#services.get(service) ?? this.#ports.elsewhere?.(service);
      if (entry === undefined) throw new HostError("no-such-service", `nobody provides ${printable(service)}`);
      for (const guard of this.#ports.guards ?? []) {
        const asked = guard.call?.(call, entry.definition);
        // What answers at once costs nobody a microtask.
        if (asked instanceof Promise) await asked;
      }
      const ended = this.#enter(call, entry);
      // Who refuses it at once has answered by now, and the first of those that have settled wins a race.
      if (call.onTaken !== undefined && (await Promise.race([ended, undefined])) === undefined) call.onTaken();
      const outcome = await ended;
      if (outcome.ok) return outcome.output;
      throw HostError.fromShape(outcome.error);
    } catch (thrown) {
      failure = toHostError(thrown);
      throw failure;
    } finally {
      this.#ports.onCall({ service, caller, traceparent, parent, startedAt, failure });
    }
  }

  #enter(call: ServiceCall, { provider, definition }: ProvidedService): Promise<TurnOutcome> {
    const { plugin, context: asking } = call.within ?? {};
    const lent = plugin === undefined ? (call.authorities ?? []) : [plugin.permissions, ...(asking?.authorities ?? [])];
    const context = call.onTaken === undefined ? asking : undefined;
    const waiting = context === undefined ? [] : waitingWith(call.within);
    refuseLoop(call.service, provider.name, waiting, provider.limits.callDepth);
    return provider.enter(definition.entryPoint, call.payload, {
      caller: call.caller,
      traceparent: childSpan(call.traceparent),
      parent: call.traceparent,
      subject: call.service,
      deadline: this.deadlineOf(Math.min(call.timeoutMs ?? Number.POSITIVE_INFINITY, provider.limits.deadlineMs), context),
      waiting,
      authorities: definition.asCaller ? lent : [],
      cancelled: call.cancelled ?? context?.cancelled,
    });
  }

  /** So long from now, and before the turn in which it is asked for ends. */
  deadlineOf(timeoutMs: number, context: TurnContext | undefined): number {
    const own = this.#ports.clock.monotonicMs() + timeoutMs;
    return context === undefined ? own : Math.min(own, context.deadline - NESTED_CALL_MARGIN_MS);
  }
}

/** The plugins that wait for whatever is asked within a turn. */
export function waitingWith(within: CallScope | undefined): readonly string[] {
  return within === undefined ? [] : [...within.context.waiting, within.plugin.name];
}

/** Throws HostError `call-loop` when one of those who wait is asked, and `quota-exceeded` when too many do. */
export function refuseLoop(asked: string, provider: string, waiting: readonly string[], callDepth: number): void {
  if (waiting.includes(provider)) throw new HostError("call-loop", `${asked} would wait for itself: ${[...waiting, provider].join(" → ")}`);
  const { length } = waiting;
  if (length <= callDepth) return;
  throw new HostError("quota-exceeded", `${asked} would be call ${length} in a row; the limit is ${callDepth} (limits.callDepth)`);
}
