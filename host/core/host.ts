// Wires the core together: plugins to bus, registry and state. Knows no transport, file or engine.

import { encodeEvent } from "./cloud-event.ts";
import { HostError, toHostError } from "./errors.ts";
import { EventBus } from "./event-bus.ts";
import { ExtensionPoints } from "./extension-points.ts";
import { type BlockCodec, type HostFunction, hostFunctions } from "./host-functions.ts";
import { HostTime } from "./host-time.ts";
import { isPluginName, printable } from "./names.ts";
import type { PermissionPorts } from "./permissions.ts";
import { Plugin } from "./plugin.ts";
import type { CapabilityFunctions } from "./ports/capability.ts";
import type { Cell } from "./ports/cell.ts";
import type { Clock } from "./ports/clock.ts";
import type { LogLevel, LogSink } from "./ports/log.ts";
import type { Guard, Observer } from "./ports/policy.ts";
import type { StateDriver } from "./ports/state.ts";
import { type ProvidedService, ServiceRegistry } from "./service-registry.ts";
import { childSpan } from "./trace.ts";
import type { CallScope, EndedTurn, TurnContext } from "./turn.ts";
import type { Bytes, Caller, CloudEvent, MaybePromise, PluginDefinition, SubscriptionDefinition, UnstampedEvent } from "./types.ts";

/** Who asks for the turns that events begin. */
export const EVENTS: Caller = Object.freeze({ kind: "host", name: "events" });

export interface HostPorts {
  readonly clock: Clock;
  readonly log: LogSink;
  readonly blocks: BlockCodec;
  readonly permissions: PermissionPorts;
  readonly state: StateDriver;
  /** How much of a second the host works for all plugins together. */
  readonly hostMsPerSecond: number;
  readonly capabilities?: CapabilityFunctions | undefined;
  readonly guards?: readonly Guard[] | undefined;
  /** Where a service is that nobody provides here; what is provided here is never asked for. */
  readonly elsewhere?: ((service: string) => ProvidedService | undefined) | undefined;
  /** Writes down an event that is kept, before anybody hears it; undefined for one that is not. Rejects with HostError, and nobody hears it then. */
  readonly keep?: ((event: CloudEvent) => Promise<void> | undefined) | undefined;
  /** Takes an event that a turn publishes only when it ends well, and answers with it as it will be; undefined for one that is published now. */
  readonly stage?: ((event: CloudEvent, turn: CallScope) => MaybePromise<CloudEvent> | undefined) | undefined;
  /** What cells ask by themselves and no guest can. */
  readonly cellFunctions?: ReadonlyMap<string, HostFunction> | undefined;
}

export class Host {
  readonly events: EventBus;
  readonly services: ServiceRegistry;
  readonly extensions: ExtensionPoints;
  readonly state: StateDriver;
  readonly #ports: HostPorts;
  readonly #hostTime: HostTime;
  readonly #plugins = new Map<string, Plugin>();
  readonly #withdrawals = new Map<string, () => void>();
  readonly #functions: ReadonlyMap<string, HostFunction>;
  /** Names that the host's own code has taken. */
  readonly taken: Set<string> = new Set();
  #observers: readonly Observer[] = [];
  #eventCount = 0;
  #stamped = { at: Number.NaN, time: "" };
  readonly #idPrefix = crypto.randomUUID();

  constructor(ports: HostPorts) {
    this.#ports = ports;
    this.#hostTime = new HostTime(ports.clock, ports.hostMsPerSecond);
    this.#functions = new Map([...hostFunctions(ports.capabilities ?? {}), ...(ports.cellFunctions ?? [])]);
    this.services = new ServiceRegistry({ ...ports, onCall: (call) => this.#tell("call", call) });
    this.extensions = new ExtensionPoints(this.services, () => this.plugins);
    this.events = new EventBus((failure, pattern, event) =>
      this.#note("error", "host", `a subscriber of ${pattern} failed on ${event.type}`, event.traceparent, failure),
    );
    this.state = ports.state;
  }

  get plugins(): readonly Plugin[] {
    return [...this.#plugins.values()];
  }

  plugin(name: string): Plugin | undefined {
    return this.#plugins.get(name);
  }

  /** Tells an observer of whatever happens from now on; returns its undo. */
  observe(observer: Observer): () => void {
    this.#observers = [...this.#observers, observer];
    return () => {
      this.#observers = this.#observers.filter((one) => one !== observer);
    };
  }

  /** Adds a plugin in the state `installed`. Throws `invalid-manifest`, `conflict` or `service-taken` for its names, `permission-denied` for foreign ones. */
  add(definition: PluginDefinition, cell: Cell, { loadAtOnce }: { readonly loadAtOnce?: boolean } = {}): Plugin {
    const { name } = definition;
    if (!isPluginName(name)) throw new HostError("invalid-manifest", `"${printable(name)}" is no plugin name or reserved`);
    this.#refuseTaken(name);
    const { clock, permissions } = this.#ports;
    const plugin = new Plugin(definition, {
      ...{ cell, loadAtOnce, clock, permissions, hostTime: this.#hostTime },
      answer: (asking, context, functionName, args) => this.#answer(asking, context, functionName, args),
      onTurn: (turn) => this.#turnEnded(turn),
      onState: (changed) => this.#tell("state", changed),
    });
    this.#withdrawals.set(name, this.#declare(plugin));
    this.#plugins.set(name, plugin);
    this.#tell("plugins", { name });
    return plugin;
  }

  /** Takes a name for the host's own code, so that no plugin can have it; returns its undo. Throws like `add`. */
  take(name: string): () => void {
    if (!isPluginName(name)) throw new HostError("invalid-message", `"${printable(name)}" is no name for a provider`);
    this.#refuseTaken(name);
    this.taken.add(name);
    return () => this.taken.delete(name);
  }

  #refuseTaken(name: string): void {
    if (this.#plugins.has(name) || this.taken.has(name)) throw new HostError("conflict", `a plugin or provider ${name} is there already`);
  }

  /** Takes away a plugin that does not run, with its services and subscriptions. */
  remove(name: string): void {
    const plugin = this.#plugins.get(name);
    if (plugin === undefined || !plugin.isDown) throw new HostError("conflict", `${printable(name)} is ${plugin?.state ?? "not here"}`);
    this.#withdrawals.get(name)?.();
    this.#plugins.delete(name);
    this.#tell("plugins", { name });
  }

  /** Lets a plugin go by another definition: services, subscriptions, permissions and limits. Throws like `add`, and changes nothing then. */
  redefine(definition: PluginDefinition): void {
    const { name } = definition;
    const plugin = this.#plugins.get(name);
    if (plugin === undefined) throw new HostError("conflict", `${printable(name)} is not here`);
    const before = plugin.definition;
    plugin.redefine(definition);
    this.#withdrawals.get(name)?.();
    try {
      this.#withdrawals.set(name, this.#declare(plugin));
      this.#tell("plugins", { name });
    } catch (thrown) {
      plugin.redefine(before);
      this.#withdrawals.set(name, this.#declare(plugin));
      throw thrown;
    }
  }

  /** Starts a plugin that does not run; how it ended is its state. It is `failed` and logged unless all that it depends on run. */
  async start(name: string): Promise<void> {
    const plugin = this.#plugins.get(name);
    if (plugin === undefined || !plugin.isDown) return;
    const down = plugin.definition.dependencies.find((dependency) => this.#plugins.get(dependency)?.state !== "running");
    if (down === undefined) await plugin.start();
    else await plugin.fail(new HostError("plugin-not-running", `${name} needs ${down}, which is not running`));
    if (plugin.state === "running") return;
    this.#note("error", "host", `${name} did not start: ${plugin.failure?.message}`, undefined, plugin.failure?.detail, name);
  }

  /** Hands an event to whoever listens, once it is kept, and answers with it as it was stamped. Throws or rejects with what a guard or the log refuses it with. */
  publish(event: UnstampedEvent, by: Caller, within?: CallScope): MaybePromise<CloudEvent> {
    const asked = (this.#ports.guards ?? []).map((guard) => guard.publish?.(event, by)).filter((one) => one !== undefined);
    const go = (stamped: CloudEvent): MaybePromise<CloudEvent> => (within && this.#ports.stage?.(stamped, within)) ?? this.handOut(stamped);
    return asked.length === 0 ? go(this.stamp(event)) : Promise.all(asked).then(() => go(this.stamp(event)));
  }

  /** Hands a stamped event to whoever listens, once it is kept; nobody is asked whether it may be. */
  handOut(stamped: CloudEvent): MaybePromise<CloudEvent> {
    const kept = this.#ports.keep?.(stamped);
    return kept === undefined ? this.#deliver(stamped) : kept.then(() => this.#deliver(stamped));
  }

  #deliver(stamped: CloudEvent): CloudEvent {
    this.events.publish(stamped);
    this.#tell("event", stamped);
    return stamped;
  }

  /** Makes an event as the host stamps it; the id is unique per source. */
  stamp({ type, contentType, data, source, traceparent, parent }: UnstampedEvent): CloudEvent {
    this.#eventCount += 1;
    const now = this.#ports.clock.now();
    // Formatting a date costs more than all the rest of publishing, and many events share a millisecond.
    if (now !== this.#stamped.at) this.#stamped = { at: now, time: new Date(now).toISOString() };
    return { id: `${this.#idPrefix}-${this.#eventCount}`, source, type, time: this.#stamped.time, traceparent, parent, contentType, data };
  }

  // As soon as it is there, so that to its callers a plugin that is down differs from one that was never there. All or nothing; returns its undo.
  #declare(plugin: Plugin): () => void {
    const { services, subscriptions, points = [] } = plugin.definition;
    const undo: (() => void)[] = [];
    const withdraw = (): void => {
      for (const one of undo) one();
    };
    try {
      for (const service of services) undo.push(this.services.provide(service, plugin));
      for (const point of points) undo.push(this.extensions.declare(point));
      for (const subscription of subscriptions) undo.push(this.#subscribe(plugin, subscription));
    } catch (thrown) {
      withdraw();
      throw thrown;
    }
    return withdraw;
  }

  // The grant is checked at each delivery, so a wide subscription under a narrow grant gets what the grant covers.
  #subscribe(plugin: Plugin, { type, entryPoint, accepts, priority, durable }: SubscriptionDefinition): () => void {
    const deliver = (event: CloudEvent): void => {
      // Why it is down was logged when it went down.
      if (!plugin.hears || !plugin.permissions.allows("events.subscribe", event.type) || accepts?.(event) === false) return;
      // What is kept for it comes from the log, where there is one.
      if (durable !== undefined && this.#ports.keep !== undefined && plugin.permissions.allows("events.durable", event.type)) return;
      const deadline = this.#ports.clock.monotonicMs() + plugin.definition.limits.deadlineMs;
      const step = { traceparent: childSpan(event.traceparent), parent: event.traceparent, subject: event.type };
      const context = { caller: EVENTS, ...step, deadline, waiting: [], authorities: [] };
      const input = durable?.batch === undefined ? encodeEvent(event) : `[${encodeEvent(event)}]`;
      plugin.submit(entryPoint, input, context, (outcome) => {
        if (outcome.ok) return;
        this.#tell("unhandled", { plugin: plugin.name, event, error: outcome.error });
        this.#note("warning", plugin.name, `${event.type} was not handled: ${outcome.error.message}`, event.traceparent);
      });
    };
    return this.events.subscribe(type, deliver, priority);
  }

  async #answer(plugin: Plugin, context: TurnContext, functionName: string, args: readonly Bytes[]): Promise<Bytes> {
    const hostFunction = this.#functions.get(functionName);
    if (hostFunction === undefined) throw new HostError("invalid-message", `${printable(functionName)} is no host function`);
    const { services, extensions, state } = this;
    const { blocks, clock } = this.#ports;
    const startedAt = clock.monotonicMs();
    let failure: HostError | undefined;
    const publish = (event: UnstampedEvent, by: Caller): MaybePromise<CloudEvent> => this.publish(event, by, { plugin, context });
    try {
      return await hostFunction.answer({ plugin, context, services, extensions, state, blocks, required: [], publish }, args);
    } catch (thrown) {
      failure = toHostError(thrown);
      if (failure.code === "internal" || failure.cause !== undefined)
        this.#note("error", "host", `${functionName} failed`, context.traceparent, failure, plugin.name);
      throw failure;
    } finally {
      this.#tell("hostCall", { plugin: plugin.name, traceparent: context.traceparent, functionName, startedAt, failure });
    }
  }

  // What a plugin answers is between it and its caller; a trap, or a failing lifecycle, is the operator's concern too.
  #turnEnded(turn: EndedTurn): void {
    const { plugin, entryPoint, caller, traceparent, outcome } = turn;
    if (!outcome.ok && (outcome.error.detail || caller.name === "host")) {
      this.#note("warning", plugin, `${entryPoint} failed: ${outcome.error.message}`, traceparent, outcome.error.detail);
    }
    this.#tell("turn", turn);
  }

  #tell<K extends keyof Observer>(kind: K, fact: Parameters<NonNullable<Observer[K]>>[0]): void {
    for (const observer of this.#observers) {
      try {
        (observer[kind] as ((one: typeof fact) => void) | undefined)?.call(observer, fact);
      } catch (failure) {
        this.#note("error", "host", `an observer of ${kind}s failed`, undefined, failure);
      }
    }
  }

  #note(level: LogLevel, plugin: string, message: string, traceparent?: string, cause?: unknown, about?: string): void {
    this.#ports.log.write({ level, plugin, message, traceparent, cause, about });
  }
}
