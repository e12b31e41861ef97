// The subscriptions of a manifest: which events wake a plugin, and which of them it is to hear whatever happens.

import { z } from "zod";
import { compileFilter, type EventFilter, eventFilterSchema } from "../bounds/event-filter.ts";
import { isPattern } from "../core/names.ts";
import type { DurableDefinition, SubscriptionDefinition } from "../core/types.ts";

const ENTRY_POINT = /^(?!__)[A-Za-z_][A-Za-z0-9_.-]{0,127}$/;
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
const MAX_PRIORITY = 100;
const MAX_ATTEMPTS = 100;
const MAX_BATCH = 100;
const MAX_BATCH_WAIT_MS = 60_000;

export interface ManifestSubscription {
  readonly type: string;
  readonly entryPoint: string;
  readonly filter?: EventFilter | undefined;
  /** Who has more is queued first when an event is published. */
  readonly priority?: number | undefined;
  /** What waits for it is kept, as far as `events.durable` is granted. */
  readonly durable?: boolean | undefined;
  /** What is kept is kept under this name, over updates too; the type by default. */
  readonly name?: string | undefined;
  readonly from?: "new" | "first" | undefined;
  readonly maxAttempts?: number | undefined;
  readonly order?: "publisher" | "none" | undefined;
  readonly batch?: { readonly max: number; readonly waitMs: number } | undefined;
}

const ONLY_DURABLE = ["name", "from", "maxAttempts", "order", "batch"] as const;

export const subscriptionSchema: z.ZodType<ManifestSubscription> = z
  .strictObject({
    type: z.string().refine(isPattern, "write dotted segments, with * for one segment and a last ** for any depth"),
    entryPoint: z.string().regex(ENTRY_POINT, "write the name of an export: letters, digits, _ . -, not beginning with __"),
    filter: eventFilterSchema.optional(),
    priority: z.int().min(-MAX_PRIORITY).max(MAX_PRIORITY).optional(),
    durable: z.boolean().optional(),
    name: z.string().regex(NAME, "write 1 to 64 lower-case letters, digits and hyphens").optional(),
    from: z.enum(["new", "first"]).optional(),
    maxAttempts: z.int().min(1).max(MAX_ATTEMPTS).optional(),
    order: z.enum(["publisher", "none"]).optional(),
    batch: z.strictObject({ max: z.int().min(1).max(MAX_BATCH), waitMs: z.int().min(0).max(MAX_BATCH_WAIT_MS).default(100) }).optional(),
  })
  .superRefine((subscription, context) => {
    if (subscription.durable === true) return;
    for (const key of ONLY_DURABLE)
      if (subscription[key] !== undefined)
        context.addIssue({
          code: "custom",
          path: [key],
          message: 'only a durable subscription has it; write "durable": true, or leave it out',
        });
  });

/** Names that two durable subscriptions share; what is kept could not be told apart. */
export function sharedName(subscriptions: readonly ManifestSubscription[]): string | undefined {
  const names = subscriptions.filter(({ durable }) => durable === true).map(nameOf);
  return names.find((name, i) => names.indexOf(name) !== i);
}

const nameOf = ({ name, type }: ManifestSubscription): string => name ?? type;

const DEFAULT_ATTEMPTS = 8;

export function subscriptionsOf(subscriptions: readonly ManifestSubscription[]): readonly SubscriptionDefinition[] {
  return subscriptions.map((subscription) => {
    const { type, entryPoint, filter, priority } = subscription;
    return {
      ...{ type, entryPoint, priority },
      accepts: filter === undefined ? undefined : compileFilter(filter),
      durable: subscription.durable === true ? durableOf(subscription) : undefined,
    };
  });
}

function durableOf(subscription: ManifestSubscription): DurableDefinition {
  const { from = "new", maxAttempts = DEFAULT_ATTEMPTS, order = "publisher", batch } = subscription;
  return { name: nameOf(subscription), from, maxAttempts, order, batch };
}
