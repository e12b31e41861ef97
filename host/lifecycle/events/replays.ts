// Hands out again, on an operator's word, what is kept: dead letters to the subscription they were for, and old events to a plugin that missed them.

import type { HandedOut } from "../../admin/dead-letters.ts";
import type { LiveEvents, ReplayRequest } from "../../admin/event-operations.ts";
import { HostError } from "../../core/errors.ts";
import { EVENTS, type Host } from "../../core/host.ts";
import { compilePattern, printable } from "../../core/names.ts";
import type { Plugin } from "../../core/plugin.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { DeadLetter, EventLog, RecordedEvent } from "../../core/ports/events.ts";
import { childSpan } from "../../core/trace.ts";
import { failedTurn } from "../../core/turn.ts";
import type { SubscriptionDefinition, TurnOutcome } from "../../core/types.ts";
import { deliveredText } from "../../drivers/events/delivered.ts";
import { ownerOf } from "./deliveries.ts";
import { failureOf, handOutAgain, Outcomes } from "./handing-out.ts";
import { durablesOf } from "./subscribed.ts";

export interface ReplaysPorts {
  readonly core: Host;
  readonly events: EventLog;
  readonly clock: Clock;
  /** What a version handles before it is accepted could be lost with it. */
  isAccepted(plugin: string): boolean;
}

/** Of one request, so that it ends in good time; whoever asks goes on. */
const MAX_EVENTS = 100;

export class Replays implements LiveEvents {
  readonly log: EventLog;
  readonly #ports: ReplaysPorts;

  constructor(ports: ReplaysPorts) {
    this.#ports = ports;
    this.log = ports.events;
  }

  async redeliver(letters: readonly DeadLetter[]): Promise<Omit<HandedOut, "next">> {
    return handOutAgain(letters, this.log, async ({ consumer, event }) => {
      const plugin = this.#running(ownerOf(consumer));
      const subscription = durablesOf(plugin).find(({ durable }) => `${plugin.name}/${durable.name}` === consumer);
      if (subscription === undefined) return `${plugin.name} has no durable subscription ${consumer} any more`;
      return failureOf(await this.#hand(plugin, subscription, event));
    });
  }

  /** As far as the plugin subscribes to it, wants it and may hear it. */
  async replay({ to, ...range }: ReplayRequest): Promise<HandedOut> {
    const plugin = this.#running(to);
    const { events, next } = await this.log.read({ ...range, limit: MAX_EVENTS });
    const tally = new Outcomes();
    const subscriptions = plugin.definition.subscriptions.map((one) => ({ ...one, matches: compilePattern(one.type) }));
    for (const event of events)
      for (const subscription of subscriptions) {
        const { matches, accepts } = subscription;
        if (!matches(event.type) || accepts?.(event) === false || !plugin.permissions.allows("events.subscribe", event.type)) continue;
        const why = failureOf(await this.#hand(plugin, subscription, event));
        tally.add(why === undefined ? undefined : `${event.type} at ${event.position}: ${why}`);
      }
    return { ...tally.counted, next };
  }

  #running(name: string): Plugin {
    const plugin = this.#ports.core.plugin(name);
    if (plugin === undefined) throw new HostError("invalid-message", `there is no plugin ${printable(name)}`);
    if (!this.#ports.isAccepted(name)) throw new HostError("conflict", `the version of ${name} is on probation; wait until it is accepted`);
    if (plugin.state !== "running")
      throw new HostError("plugin-not-running", `${name} is ${plugin.state}; "bulkhead start ${name}" starts it`);
    return plugin;
  }

  #hand(plugin: Plugin, { entryPoint, durable }: SubscriptionDefinition, event: RecordedEvent): Promise<TurnOutcome> {
    if (!plugin.permissions.allows("events.subscribe", event.type))
      return Promise.resolve(failedTurn(new HostError("permission-denied", `${plugin.name} may not hear ${event.type}`)));
    const text = deliveredText(event, { replayed: true });
    const deadline = this.#ports.clock.monotonicMs() + plugin.definition.limits.deadlineMs;
    const step = { traceparent: childSpan(event.traceparent), parent: event.traceparent, subject: event.type };
    const context = { caller: EVENTS, ...step, deadline, waiting: [], authorities: [] };
    return plugin.enter(entryPoint, durable?.batch === undefined ? text : `[${text}]`, context);
  }
}
