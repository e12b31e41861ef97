// Wires the core together: plugins to bus, registry and state. Knows no transport, file or engine.

import { encodeEvent } from "./cloud-event.ts";
import { HostError, toHostError } from "./errors.ts";
import { EventBus } from "./event-bus.ts";
import { HOST_FUNCTIONS } from "./host-functions.ts";
import { isPluginName, printable } from "./names.ts";
import { type EndedTurn, Plugin } from "./plugin.ts";
import type { Cell, Clock, LogLevel, LogSink } from "./ports.ts";
import { ServiceRegistry, type TurnContext } from "./service-registry.ts";
import { StateStore } from "./state-store.ts";
import { childSpan } from "./trace.ts";
import type { Bytes, Caller, CloudEvent, PluginDefinition, UnstampedEvent } from "./types.ts";
import { encodeError } from "./values.ts";

const EVENTS: Caller = Object.freeze({ kind: "host", name: "events" });

export type HostPorts = { readonly clock: Clock; readonly log: LogSink };

export class Host {
  readonly events: EventBus;
  readonly services: ServiceRegistry;
  readonly state: StateStore = new StateStore();
  readonly #ports: HostPorts;
  readonly #plugins = new Map<string, Plugin>();
  readonly #undo = new Map<string, (() => void)[]>();
  readonly #turnListeners = new Set<(turn: EndedTurn) => void>();
  readonly #stateListeners = new Set<(plugin: Plugin) => void>();
  #order: readonly string[] = [];
  #eventCount = 0;
  #stamped = { at: Number.NaN, time: "" };
  readonly #idPrefix = crypto.randomUUID();

  constructor(ports: HostPorts) {
    this.#ports = ports;
    this.services = new ServiceRegistry(ports.clock);
    this.events = new EventBus((failure, pattern, event) =>
      this.#note("error", "host", `a subscriber of ${pattern} failed on ${event.type}`, event.traceparent, failure),
    );
  }

  get plugins(): readonly Plugin[] {
    return [...this.#plugins.values()];
  }

  plugin(name: string): Plugin | undefined {
    return this.#plugins.get(name);
  }

  /** Tells of every turn that ended, of every plugin; returns its undo. */
  onTurn(listener: (turn: EndedTurn) => void): () => void {
    this.#turnListeners.add(listener);
    return () => this.#turnListeners.delete(listener);
  }

  /** Tells of every change of a plugin's state; returns its undo. The listener must not throw. */
  onState(listener: (plugin: Plugin) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** Adds a plugin in the state `installed`. Throws `invalid-manifest` for its name, `conflict` for one that is taken. */
  add(definition: PluginDefinition, cell: Cell): Plugin {
    const { name } = definition;
    if (!isPluginName(name)) throw new HostError("invalid-manifest", `"${printable(name)}" is no plugin name or reserved`);
    if (this.#plugins.has(name)) throw new HostError("conflict", `a plugin ${name} is there already`);
    const plugin = new Plugin(definition, {
      cell,
      clock: this.#ports.clock,
      answer: (asking, context, functionName, args) => this.#answer(asking, context, functionName, args),
      onTurn: (turn) => this.#turnEnded(turn),
      onState: (changed) => {
        for (const listener of this.#stateListeners) listener(changed);
      },
    });
    this.#plugins.set(name, plugin);
    return plugin;
  }

  /**
   * Starts plugins in this order, which names each after what it depends on; by default as they were added. One that cannot start
   * is `failed` and logged; the others start.
   */
  async start(order: readonly string[] = [...this.#plugins.keys()]): Promise<void> {
    this.#order = order;
    for (const name of order) {
      const plugin = this.#plugins.get(name);
      if (plugin?.state === "installed") await this.#startOne(plugin);
      else if (plugin !== undefined) this.#declare(plugin);
    }
  }

  /** Starts a plugin that is `failed` or `quarantined` once more; how it ended is its state. */
  async restart(name: string): Promise<void> {
    const plugin = this.#plugins.get(name);
    if (plugin?.state === "failed" || plugin?.state === "quarantined") await this.#startOne(plugin);
  }

  /** Stops all plugins, dependents first; each gets up to `drainMs` for what is queued. */
  async stop(drainMs: number): Promise<void> {
    for (const name of [...this.#order].reverse()) {
      for (const undo of this.#undo.get(name) ?? []) undo();
      this.#undo.delete(name);
      await this.#plugins.get(name)?.stop(drainMs);
    }
  }

  /** Makes an event as the host stamps it; the id is unique per source. */
  stamp({ type, contentType, data, source, traceparent }: UnstampedEvent): CloudEvent {
    this.#eventCount += 1;
    const now = this.#ports.clock.now();
    // Formatting a date costs more than all the rest of publishing, and many events share a millisecond.
    if (now !== this.#stamped.at) this.#stamped = { at: now, time: new Date(now).toISOString() };
    const { time } = this.#stamped;
    return { id: `${this.#idPrefix}-${this.#eventCount}`, source, type, time, traceparent, contentType, data };
  }

  async #startOne(plugin: Plugin): Promise<void> {
    const stopped = plugin.definition.dependencies.find((name) => this.#plugins.get(name)?.state !== "running");
    try {
      if (stopped !== undefined) throw new HostError("plugin-not-running", `${plugin.name} needs ${stopped}, which is not running`);
      this.#declare(plugin);
      await plugin.start();
    } catch (thrown) {
      await plugin.fail(toHostError(thrown));
    }
    if (plugin.state === "running") return;
    this.#note("error", "host", `${plugin.name} did not start: ${plugin.failure?.message}`, undefined, plugin.failure?.detail);
  }

  // Once, and for one that failed too: to its callers a plugin that is down differs from one that was never there.
  #declare(plugin: Plugin): void {
    if (this.#undo.has(plugin.name)) return;
    const undo: (() => void)[] = [];
    this.#undo.set(plugin.name, undo);
    for (const { name, entryPoint } of plugin.definition.services) undo.push(this.services.provide(name, plugin, entryPoint));
    for (const subscription of plugin.definition.subscriptions) undo.push(this.#subscribe(plugin, subscription));
  }

  // The grant is checked at each delivery, so a wide subscription under a narrow grant gets what the grant covers.
  #subscribe(plugin: Plugin, { type, entryPoint }: { readonly type: string; readonly entryPoint: string }): () => void {
    return this.events.subscribe(type, (event) => {
      // Why it is down was logged when it went down.
      if (plugin.state !== "running" || !plugin.permissions.allows("events.subscribe", event.type)) return;
      const deadline = this.#ports.clock.monotonicMs() + plugin.definition.limits.deadlineMs;
      const context = { caller: EVENTS, traceparent: childSpan(event.traceparent), deadline, waiting: [] };
      plugin.submit(entryPoint, encodeEvent(event), context, (outcome) => {
        if (outcome.ok) return;
        this.#note("warning", plugin.name, `${event.type} was not handled: ${outcome.error.message}`, event.traceparent);
      });
    });
  }

  async #answer(plugin: Plugin, context: TurnContext, functionName: string, args: readonly Bytes[]): Promise<Bytes> {
    const hostFunction = HOST_FUNCTIONS.get(functionName);
    if (hostFunction?.place !== "host") {
      return encodeError(new HostError("invalid-message", `${printable(functionName)} is no host function`));
    }
    const { events, services, state } = this;
    const reportFault = (fault: unknown): void => this.#note("error", "host", `${functionName} failed`, context.traceparent, fault);
    return hostFunction.answer({ plugin, context, events, services, state, stamp: (event) => this.stamp(event), reportFault }, args);
  }

  // What a plugin answers is between it and its caller; a trap, or a failing lifecycle, is the operator's concern too.
  #turnEnded(turn: EndedTurn): void {
    const { plugin, entryPoint, caller, traceparent, outcome } = turn;
    if (!outcome.ok && (outcome.error.detail || caller.name === "host")) {
      this.#note("warning", plugin, `${entryPoint} failed: ${outcome.error.message}`, traceparent, outcome.error.detail);
    }
    try {
      for (const listener of this.#turnListeners) listener(turn);
    } catch (failure) {
      this.#note("error", "host", "a listener of turns failed", traceparent, failure);
    }
  }

  #note(level: LogLevel, plugin: string, message: string, traceparent?: string, cause?: unknown): void {
    this.#ports.log.write({ level, plugin, message, traceparent, cause });
  }
}
