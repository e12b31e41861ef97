// What an operator can set of the event log, wherever it is kept.

import { z } from "zod";

export interface EventLogOptions {
  /** `full`: on the disk before `publish` answers. `normal`: survives the death of the host's process, and not always that of the machine. */
  readonly sync: "full" | "normal";
  readonly maxAgeHours: number;
  readonly maxMiB: number;
  readonly maxEvents: number;
  /** Of one publisher. */
  readonly maxMiBPerPublisher: number;
  /** Of what waits for one subscription. */
  readonly maxMiBPerSubscription: number;
  readonly maxEventsPerSubscription: number;
  /** What goes when there is too much: the oldest, or first what everybody has handled. */
  readonly letGo: "oldest" | "handled";
  /** Of one subscription. */
  readonly deadLetters: { readonly maxEvents: number; readonly maxMiB: number; readonly maxAgeHours: number };
}

const MIB = 1_024 * 1_024;
const HOUR_MS = 3_600_000;

const hours = z.number().positive().max(87_600);
const mebibytes = z.number().positive().max(1_048_576);
const count = z.int().positive().max(100_000_000);

const deadLetters: z.ZodType<EventLogOptions["deadLetters"]> = z.strictObject({
  maxEvents: count.default(1_000),
  maxMiB: mebibytes.default(16),
  maxAgeHours: hours.default(720),
});

export const eventLogOptions: z.ZodType<EventLogOptions> = z.strictObject({
  sync: z.enum(["full", "normal"]).default("full"),
  maxAgeHours: hours.default(168),
  maxMiB: mebibytes.default(256),
  maxEvents: count.default(1_000_000),
  maxMiBPerPublisher: mebibytes.default(128),
  maxMiBPerSubscription: mebibytes.default(128),
  maxEventsPerSubscription: count.default(500_000),
  letGo: z.enum(["oldest", "handled"]).default("oldest"),
  deadLetters: deadLetters.default(() => deadLetters.parse({})),
});

/** The same, counted as the log counts. */
export interface Retention {
  readonly ageMs: number;
  readonly bytes: number;
  readonly events: number;
  readonly publisherBytes: number;
  readonly handledFirst: boolean;
  readonly subscription: { readonly bytes: number; readonly events: number };
  readonly dead: { readonly bytes: number; readonly events: number; readonly ageMs: number };
}

export const retentionOf = (options: Omit<EventLogOptions, "sync">): Retention => ({
  ageMs: options.maxAgeHours * HOUR_MS,
  bytes: options.maxMiB * MIB,
  events: options.maxEvents,
  publisherBytes: options.maxMiBPerPublisher * MIB,
  handledFirst: options.letGo === "handled",
  subscription: { bytes: options.maxMiBPerSubscription * MIB, events: options.maxEventsPerSubscription },
  dead: {
    bytes: options.deadLetters.maxMiB * MIB,
    events: options.deadLetters.maxEvents,
    ageMs: options.deadLetters.maxAgeHours * HOUR_MS,
  },
});
