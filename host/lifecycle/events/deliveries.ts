// Brings what a log keeps to those it is kept for, and by how their turns end it is settled, tried again or a dead letter. Whether the log has events or sent
// messages, and so who wants what and what a turn is, is the affair of its handling.

import { HostError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import type { Plugin } from "../../core/plugin.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Consumer, Consumption, Delivery, EventLog } from "../../core/ports/events.ts";
import type { LogSink } from "../../core/ports/log.ts";
import type { DurableDefinition, SubscriptionDefinition, TurnOutcome } from "../../core/types.ts";
import { handledOf } from "../../drivers/events/delivered.ts";
import { type Verdict, verdictOn } from "./turns.ts";

export interface DeliveriesPorts {
  readonly core: Host;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly log: LogSink;
  /** Whether a plugin of this name is installed or configured, whether it can be read or not. */
  isKnown(plugin: string): boolean;
  /** Whether its version has been seen to start; one that has not hears nothing yet. */
  isAccepted(plugin: string): boolean;
  readonly handling: Handling;
}

export type DurableSubscription = SubscriptionDefinition & { readonly durable: DurableDefinition };

/** What is kept for a plugin, and how it comes to it. */
export interface Handling {
  /** Under whose names something is kept for it. */
  wantedBy(plugin: Plugin): readonly DurableSubscription[];
  /** Those that are to be handled; settles the others. */
  admit(plugin: Plugin, subscription: DurableSubscription, deliveries: readonly Delivery[]): readonly Delivery[];
  /** Begins one turn for all of them, and calls `done` once with how it ended. */
  enter(plugin: Plugin, subscription: DurableSubscription, deliveries: readonly Delivery[], done: (outcome: TurnOutcome) => void): void;
  /** The command that shows dead letters. */
  readonly shownBy: string;
}

interface Subscribed {
  readonly plugin: string;
  readonly consumer: Consumer;
  /** Undefined as long as its plugin cannot be read. */
  subscription: DurableSubscription | undefined;
  consumption: Consumption | undefined;
  /** Deliveries that are not settled. */
  open: number;
}

/** Turns that one subscription has under way. */
const IN_FLIGHT = { publisher: 16, none: 64 } as const;

const RETRY_MS = 5_000;

export class Deliveries {
  readonly #ports: DeliveriesPorts;
  readonly #subscribed = new Map<string, Subscribed>();
  readonly #paused = new Set<string>();
  /** By key, what is being written down: one after the other. */
  readonly #pending = new Map<string, Promise<unknown>>();
  readonly #onSettled = new Set<() => void>();

  constructor(ports: DeliveriesPorts) {
    this.#ports = ports;
  }

  /** Follows plugins as they come, change, start, stop and go. Returns its undo. */
  follow(): () => void {
    const { core } = this.#ports;
    for (const { name } of core.plugins) this.look(name);
    return core.observe({ plugins: ({ name }) => this.look(name), state: ({ name }) => this.look(name) });
  }

  /** What is kept for plugins that cannot be read at present stays theirs. To be called once all others are there. */
  keepForAbsent(): void {
    const { events, core, isKnown } = this.#ports;
    for (const { consumer, isThere } of events.statistics().consumers) {
      const plugin = ownerOf(consumer.name);
      if (!isThere && core.plugin(plugin) === undefined && isKnown(plugin)) this.#consume(plugin, consumer, undefined);
    }
  }

  /** Makes the deliveries to a plugin what it and its state ask for now. */
  look(name: string): void {
    const plugin = this.#ports.core.plugin(name);
    // One that is only away, such as to be loaded anew, finds all that came meanwhile.
    if (plugin === undefined && this.#ports.isKnown(name)) return this.#direct(name);
    const wanted = new Map(
      plugin === undefined ? [] : this.#ports.handling.wantedBy(plugin).map((one) => [consumerName(name, one.durable.name), one]),
    );
    for (const [key, subscribed] of this.#subscribed)
      if (subscribed.plugin === name && !isSame(subscribed, plugin, wanted.get(key))) this.#leave(key, subscribed);
    for (const [key, subscription] of wanted) {
      const known = this.#subscribed.get(key);
      if (known !== undefined) known.subscription = subscription;
      else if (plugin !== undefined) this.#consume(name, consumerOf(plugin, subscription), subscription);
    }
    this.#direct(name);
  }

  /** Resolves once there is a consumer of this name, so that nothing is lost for it. Rejects with `storage-failed` when it cannot be written down. */
  async ensure(plugin: string, name: string): Promise<void> {
    const key = consumerName(plugin, name);
    if (!this.#subscribed.has(key)) this.look(plugin);
    await this.#pending.get(key);
    if (!this.#subscribed.has(key)) throw new HostError("storage-failed", `nothing can be kept for ${name}; the host's log has the cause`);
  }

  /** Begins no more turns for it, and resolves once none is under way, after `drainMs` at the latest. Returns the undo. */
  async pause(name: string, drainMs: number): Promise<() => void> {
    this.#paused.add(name);
    this.#direct(name);
    const isDone = (): boolean => this.#of(name).every(({ open }) => open === 0);
    if (!isDone()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = this.#ports.clock.after(drainMs, resolve);
      const look = (): void => {
        if (isDone()) resolve();
      };
      this.#onSettled.add(look);
      await promise;
      cancel();
      this.#onSettled.delete(look);
    }
    return () => {
      this.#paused.delete(name);
      this.look(name);
    };
  }

  /** Takes away what was kept for a plugin that is gone for good. */
  async forget(name: string): Promise<void> {
    const { events } = this.#ports;
    for (const { consumer, isThere } of events.statistics().consumers)
      if (!isThere && ownerOf(consumer.name) === name) await events.forget(consumer.name);
  }

  #of(name: string): Subscribed[] {
    return [...this.#subscribed.values()].filter(({ plugin }) => plugin === name);
  }

  #consume(plugin: string, consumer: Consumer, subscription: DurableSubscription | undefined): void {
    const { events, log, clock } = this.#ports;
    const key = consumer.name;
    const subscribed: Subscribed = { plugin, consumer, subscription, consumption: undefined, open: 0 };
    this.#subscribed.set(key, subscribed);
    const before = this.#pending.get(key);
    const consuming = before === undefined ? events.consume(consumer) : before.then(() => events.consume(consumer));
    const done = consuming.then(
      (consumption) => {
        if (this.#subscribed.get(key) !== subscribed) return consumption.close();
        subscribed.consumption = consumption;
        this.#direct(plugin);
      },
      (cause: unknown) => {
        if (this.#subscribed.get(key) === subscribed) this.#subscribed.delete(key);
        const message = `nothing is kept for ${key}; the host tries again in ${RETRY_MS / 1_000} s`;
        log.write({ level: "error", plugin: "host", about: plugin, message, cause });
        clock.after(RETRY_MS, () => this.look(plugin));
      },
    );
    this.#pending.set(key, done);
    void done.finally(() => {
      if (this.#pending.get(key) === done) this.#pending.delete(key);
    });
  }

  #leave(key: string, { consumption }: Subscribed): void {
    this.#subscribed.delete(key);
    consumption?.close();
  }

  /** Where deliveries to it go now. */
  #direct(name: string): void {
    const { core, isAccepted } = this.#ports;
    const plugin = core.plugin(name);
    const subscribed = this.#of(name);
    if (subscribed.length === 0) return;
    const mayDeliver = plugin?.state === "running" && !this.#paused.has(name) && isAccepted(name);
    for (const one of subscribed)
      one.consumption?.deliverTo(mayDeliver ? (deliveries) => this.#deliver(plugin, one, deliveries) : undefined);
  }

  #deliver(plugin: Plugin, subscribed: Subscribed, deliveries: readonly Delivery[]): void {
    const { subscription } = subscribed;
    if (subscription === undefined) return;
    const { handling } = this.#ports;
    const wanted = handling.admit(plugin, subscription, deliveries);
    if (wanted.length === 0) return;
    subscribed.open += wanted.length;
    handling.enter(plugin, subscription, wanted, (outcome) => {
      subscribed.open -= wanted.length;
      this.#settle(subscribed, subscription.durable, wanted, outcome);
      for (const look of this.#onSettled) look();
    });
  }

  #settle(subscribed: Subscribed, durable: DurableDefinition, deliveries: readonly Delivery[], outcome: TurnOutcome): void {
    if (outcome.ok && outcome.handledBefore !== undefined) {
      // Committed by a turn whose end the log has not heard of; the others have not been tried.
      const before = new Set(outcome.handledBefore);
      for (const [i, delivery] of deliveries.entries()) before.has(i) ? delivery.ack() : delivery.putBack(0);
      return;
    }
    const handled = outcome.ok && durable.batch !== undefined ? handledOf(outcome.output, deliveries.length) : undefined;
    if (!outcome.ok || durable.batch === undefined) {
      // In a batch nobody knows which of them it was, so each comes alone the next time before it can be given up.
      const maxAttempts = deliveries.length > 1 ? Number.POSITIVE_INFINITY : durable.maxAttempts;
      for (const delivery of deliveries) this.#apply(subscribed, delivery, verdictOn(outcome, delivery.attempt, maxAttempts));
      return;
    }
    const why = `the handler answered neither nothing nor a number from 0 to ${deliveries.length}`;
    const failed = {
      ok: false,
      error: { code: "plugin-failed", message: handled === undefined ? why : "the batch ended before it" },
    } as const;
    deliveries.forEach((delivery, i) => {
      if (handled !== undefined && i < handled) delivery.ack();
      else if (i === (handled ?? 0))
        this.#apply(subscribed, delivery, verdictOn({ ...failed, usage: outcome.usage }, delivery.attempt, durable.maxAttempts));
      else delivery.putBack(0);
    });
  }

  #apply({ consumer, plugin }: Subscribed, delivery: Delivery, verdict: Verdict): void {
    const { event, attempt } = delivery;
    const tell = (message: string): void =>
      this.#ports.log.write({ level: "warning", plugin, message: `${event.type} ${message}`, traceparent: event.traceparent });
    if (verdict.kind === "handled") delivery.ack();
    else if (verdict.kind === "not-now") delivery.putBack(verdict.afterMs);
    else if (verdict.kind === "again") {
      tell(`was not handled, attempt ${attempt}; the next is in ${verdict.afterMs / 1_000} s: ${verdict.why}`);
      delivery.retry(verdict.afterMs);
    } else {
      tell(`is a dead letter of ${consumer.name} after ${attempt} attempts ("${this.#ports.handling.shownBy} ${plugin}"): ${verdict.why}`);
      delivery.giveUp(verdict.why);
    }
  }
}

export const ownerOf = (consumer: string): string => consumer.split("/", 1)[0] ?? consumer;

const consumerName = (plugin: string, subscription: string): string => `${plugin}/${subscription}`;

function consumerOf({ name, limits }: Plugin, { type, durable }: DurableSubscription): Consumer {
  const { from, order, batch } = durable;
  return {
    ...{ name: consumerName(name, durable.name), types: type, from, order },
    maxInFlight: Math.max(1, Math.min(IN_FLIGHT[order], Math.floor(limits.mailboxLength / 2))),
    // What is not plain text grows when it is written as JSON.
    batch: batch && { ...batch, maxBytes: Math.floor(limits.payloadBytes / 2) },
  };
}

function isSame({ consumer }: Subscribed, plugin: Plugin | undefined, wanted: DurableSubscription | undefined): boolean {
  return plugin !== undefined && wanted !== undefined && JSON.stringify(consumerOf(plugin, wanted)) === JSON.stringify(consumer);
}
