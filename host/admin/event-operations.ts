// What an operator can do with the events that the host keeps: read them, see what waits for whom, and hand dead letters and old events out again.

import { z } from "zod";
import { encodeEvent } from "../core/cloud-event.ts";
import { HostError } from "../core/errors.ts";
import type { DeadLetter, EventLog, EventStatistics, RecordedEvent } from "../core/ports/events.ts";
import type { Actor } from "./audit.ts";
import { checked, type Operation } from "./checked.ts";

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

export interface ShownLetter {
  readonly id: number;
  readonly consumer: string;
  readonly type: string;
  readonly source: string;
  readonly time: string;
  readonly reason: string;
  readonly attempts: number;
  readonly at: string;
  /** Only when it was asked for by itself. */
  readonly event?: string | undefined;
}

/** How many turns went how. */
export interface HandedOut {
  readonly handled: number;
  readonly failed: number;
  /** The first of the failures. */
  readonly failures: readonly string[];
  /** Where to go on; undefined when all is done. */
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
  record(actor: Actor, action: string, subject: string, detail: Readonly<Record<string, unknown>>): void;
}

const PIECE = 100;
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
const historySchema = z.strictObject({ ...rangeShape, limit: z.int().min(1).max(1_000).default(PIECE) });
const replaySchema = z.strictObject({ ...rangeShape, to: z.string() });
const deadSchema = z.strictObject({ of: z.string().max(MAX_PATTERN).optional(), after: z.int().nonnegative().default(0) });
const letterSchema = z.strictObject({ id: z.int().positive() });
const lettersSchema = z.strictObject({
  of: z.string().max(MAX_PATTERN).optional(),
  ids: z.array(z.int().positive()).max(PIECE).optional(),
});
const noneSchema = z.strictObject({});

export function eventOperations({ live, record }: EventOperationsPorts): readonly (readonly [string, Operation])[] {
  const chosen = async ({ of, ids = [] }: z.infer<typeof lettersSchema>): Promise<DeadLetter[]> => {
    if (ids.length === 0) {
      if (of === undefined) throw new HostError("invalid-message", "name a plugin, or the numbers of dead letters");
      return [...(await live().log.deadLetters({ of, after: 0, limit: PIECE }))];
    }
    return Promise.all(ids.map((id) => letterOf(live().log, id)));
  };
  const subjectOf = (letters: readonly DeadLetter[]): string =>
    [...new Set(letters.map(({ consumer }) => consumer))].join(", ").slice(0, 200);
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
    [
      "events-dead",
      checked(
        deadSchema,
        async (range): Promise<ShownLetter[]> =>
          (await live().log.deadLetters({ ...range, limit: PIECE })).map((letter) => shownLetter(letter)),
      ),
    ],
    [
      "events-dead-letter",
      checked(letterSchema, async ({ id }, actor): Promise<ShownLetter> => {
        const letter = await letterOf(live().log, id);
        record(actor, "read-dead-letter", letter.consumer, { id });
        return { ...shownLetter(letter), event: encodeEvent(letter.event) };
      }),
    ],
    [
      "events-redeliver",
      checked(lettersSchema, async (which, actor) => {
        const letters = await chosen(which);
        if (letters.length > 0) record(actor, "redeliver-events", subjectOf(letters), { ids: letters.map(({ id }) => id) });
        return live().redeliver(letters);
      }),
    ],
    [
      "events-drop",
      checked(lettersSchema, async (which, actor) => {
        const letters = await chosen(which);
        if (letters.length > 0) record(actor, "drop-events", subjectOf(letters), { ids: letters.map(({ id }) => id) });
        return { dropped: await live().log.drop(letters.map(({ id }) => id)) };
      }),
    ],
    [
      "events-replay",
      checked(replaySchema, ({ goesOn, ...request }, actor) => {
        if (!goesOn) record(actor, "replay-events", request.to, { types: request.types, source: request.source ?? "" });
        return live().replay(request);
      }),
    ],
  ];
}

async function letterOf(log: EventLog, id: number): Promise<DeadLetter> {
  const [letter] = await log.deadLetters({ after: id - 1, limit: 1 });
  if (letter?.id !== id) throw new HostError("invalid-message", `there is no dead letter ${id}; "bulkhead events dead list" shows them`);
  return letter;
}

function shownEvent(event: RecordedEvent): ShownEvent {
  const { position, id, type, source, time } = event;
  return { position, id, type, source, time, event: encodeEvent(event) };
}

function shownLetter({ id, consumer, event, reason, attempts, atMs }: DeadLetter): ShownLetter {
  const { type, source, time } = event;
  return { id, consumer, type, source, time, reason, attempts, at: new Date(atMs).toISOString() };
}
