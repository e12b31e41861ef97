// What an operator can do with the events that the host keeps: read them, see what waits for whom, and hand dead letters and old events out again.

import { z } from "zod";
import { encodeEvent } from "../core/cloud-event.ts";
import type { DeadLetter, EventLog, EventStatistics, RecordedEvent } from "../core/ports/events.ts";
import { checked, type Operation } from "./checked.ts";
import { deadLetterOperations, type HandedOut, type RecordEntry } from "./dead-letters.ts";

/** A kept event for people and programs: its position, and the CloudEvent as JSON text. */
export interface ShownEvent {
  readonly position: number;
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly time: string;
  readonly event: string;
}

export interface ShownPage {
  readonly events: readonly ShownEvent[];
  readonly next: number | undefined;
}

export interface ReplayRequest {
  readonly types: string;
  readonly source?: string | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  readonly after: number;
  /** The plugin that hears it. */
  readonly to: string;
}

/** The events of a running host. */
export interface LiveEvents {
  readonly log: EventLog;
  /** Hands them to the subscriptions that they are dead letters of; those that are handled are gone. */
  redeliver(letters: readonly DeadLetter[]): Promise<Omit<HandedOut, "next">>;
  /** Hands kept events to a plugin's subscriptions, a page of them. */
  replay(request: ReplayRequest): Promise<HandedOut>;
}

export interface EventOperationsPorts {
  /** Throws HostError when no host runs. */
  live(): LiveEvents;
  readonly record: RecordEntry;
}

const PAGE = 100;
const MAX_PATTERN = 255;

const rangeShape = {
  types: z.string().max(MAX_PATTERN).default("**"),
  source: z.string().max(MAX_PATTERN).optional(),
  sinceMs: z.number().optional(),
  untilMs: z.number().optional(),
  after: z.int().nonnegative().default(0),
  /** It belongs to a reading or replay that is in the audit log. */
  goesOn: z.boolean().default(false),
};
const historySchema = z.strictObject({ ...rangeShape, limit: z.int().min(1).max(1_000).default(PAGE) });
const replaySchema = z.strictObject({ ...rangeShape, to: z.string() });
const noneSchema = z.strictObject({});

export function eventOperations({ live, record }: EventOperationsPorts): readonly (readonly [string, Operation])[] {
  return [
    ["events-stats", checked(noneSchema, (): EventStatistics => live().log.statistics())],
    [
      "events-history",
      checked(historySchema, async ({ goesOn, ...range }, actor): Promise<ShownPage> => {
        // Payloads are shown.
        if (!goesOn) record(actor, "read-events", range.types, { source: range.source ?? "" });
        const { events, next } = await live().log.read(range);
        return { events: events.map(shownEvent), next };
      }),
    ],
    ...deadLetterOperations({
      ...{ kind: "events", record },
      log: async () => live().log,
      redeliver: (letters) => live().redeliver(letters),
    }),
    [
      "events-replay",
      checked(replaySchema, ({ goesOn, ...request }, actor) => {
        if (!goesOn) record(actor, "replay-events", request.to, { types: request.types, source: request.source ?? "" });
        return live().replay(request);
      }),
    ],
  ];
}

function shownEvent(event: RecordedEvent): ShownEvent {
  const { position, id, type, source, time } = event;
  return { position, id, type, source, time, event: encodeEvent(event) };
}
