// Kept events on their way to a durable subscription: permission, filter, and a turn for one of them or for a batch.

import { EVENTS } from "../../core/host.ts";
import type { Plugin } from "../../core/plugin.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Delivery } from "../../core/ports/events.ts";
import { childSpan } from "../../core/trace.ts";
import { deliveredText } from "../../drivers/events/delivered.ts";
import type { DurableSubscription, Handling } from "./deliveries.ts";
import { mayHear } from "./keeping.ts";

/** `isGranted`: whether anything may be kept for a plugin; a manifest alone makes no consumer. */
export function subscribedEvents(clock: Clock, isGranted: (plugin: string) => boolean): Handling {
  return {
    shownBy: "bulkhead events dead list",
    wantedBy: (plugin) => (isGranted(plugin.name) ? durablesOf(plugin) : []),
    admit(plugin, { accepts }, deliveries) {
      // What it may not hear any more, or does not want, is settled without it.
      const isWanted = ({ event }: Delivery): boolean => mayHear(plugin, event.type) && accepts?.(event) !== false;
      for (const delivery of deliveries) if (!isWanted(delivery)) delivery.ack();
      return deliveries.filter(isWanted);
    },
    enter(plugin, { entryPoint, durable }, deliveries, done) {
      const texts = deliveries.map(({ event, attempt }) => deliveredText(event, { attempt }));
      const input = durable.batch === undefined ? texts.join("") : `[${texts.join(",")}]`;
      const deadline = clock.monotonicMs() + plugin.definition.limits.deadlineMs;
      const { traceparent: parent = "", type: subject } = deliveries[0]?.event ?? {};
      const step = { traceparent: childSpan(parent), parent, subject };
      const [isBatch, ids] = [durable.batch !== undefined, deliveries.map(({ event }) => event.id)];
      const handles = plugin.definition.transaction && { subscription: durable.name, ids, isBatch };
      plugin.submit(entryPoint, input, { caller: EVENTS, ...step, deadline, waiting: [], authorities: [], handles }, done);
    },
  };
}

export const durablesOf = ({ definition }: Plugin): readonly DurableSubscription[] =>
  definition.subscriptions.filter((one): one is DurableSubscription => one.durable !== undefined);
