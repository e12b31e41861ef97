// What a subscription to events asks for, worked out once: an event is then told by putting its attributes where they are wanted, without a query being run for it.

import { HostError } from "../../../core/errors.ts";
import type { CloudEvent } from "../../../core/types.ts";
import { eventQuerySchema, malformedQuery, type WantedEvents, wantedEvents } from "../wanted-events.ts";
import { EVENT_FIELDS, type EventField } from "./schema.ts";

/** Names in GraphQL have no such character, and nothing else of a client's stands in what is told. */
const MARK = /"@(\w+)@"/;

export const EVENT_OF_MARKS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.keys(EVENT_FIELDS).map((field) => [field, `@${field}@`]),
);

export interface SubscriptionQuery {
  readonly wanted: WantedEvents;
  readonly after: string | undefined;
}

/** Throws HostError `invalid-message` with the argument that is wrong. */
export function subscriptionQuery(given: Readonly<Record<string, unknown>>): SubscriptionQuery {
  const { after, ...query } = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
  const parsed = eventQuerySchema.safeParse(query);
  if (!parsed.success) throw malformedQuery("the arguments of events", parsed.error);
  return { wanted: wantedEvents(parsed.data), after: after as string | undefined };
}

type Attributes = Pick<CloudEvent, "id" | "source" | "type" | "time" | "contentType" | "traceparent">;

/** What is told of each event, as JSON. */
export class EventTemplate {
  /** What stays, and between two of those the name of what comes there. */
  readonly #pieces: readonly string[];
  readonly #root: string;

  /** `told` is what a query tells of the event of marks. Throws HostError `invalid-message` where the data, which may be large, would be told twice. */
  constructor(told: Readonly<Record<string, unknown>>) {
    this.#root = Object.keys(told)[0] ?? "events";
    this.#pieces = JSON.stringify({ data: told }).split(MARK);
    const isTwice = this.#pieces.indexOf("data") !== this.#pieces.lastIndexOf("data");
    if (isTwice) throw new HostError("invalid-message", "data is selected twice; once is enough");
  }

  /** In parts that follow each other; `data` is not copied. */
  partsOf(event: Attributes, data: Buffer, position: string): readonly Buffer[] {
    const parts: Buffer[] = [];
    let text = "";
    this.#pieces.forEach((piece, i) => {
      if (i % 2 === 0) text += piece;
      else if (piece !== "data")
        text += JSON.stringify(piece === "position" ? position : event[piece as Exclude<EventField, "data" | "position">]);
      else {
        parts.push(Buffer.from(text), data);
        text = "";
      }
    });
    return [...parts, Buffer.from(text)];
  }

  /** That events are missing; how many nobody knows where it is null. */
  gap(missed: number | null, position: string): Buffer {
    return Buffer.from(JSON.stringify({ data: { [this.#root]: null }, extensions: { gap: { missed, position } } }));
  }
}
