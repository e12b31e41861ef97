// Events that outlive whoever should hear them. What is kept, who may hear it and when a turn counts as handled is decided elsewhere.

import type { CloudEvent } from "../types.ts";

export interface RecordedEvent extends CloudEvent {
  /** Grows with every event; some numbers are missing. */
  readonly position: number;
}

export interface EventRange {
  /** A pattern of types. */
  readonly types: string;
  readonly source?: string | undefined;
  /** Milliseconds since 1970, both included. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** Those after this position. */
  readonly after: number;
  /** 1 to 1,000. A page may end sooner, so that it stays small. */
  readonly limit: number;
}

export interface EventPage {
  readonly events: readonly RecordedEvent[];
  /** The position after which the next page begins; undefined at the end. */
  readonly next: number | undefined;
}

/** Who is to hear events, at least once each, known by its name over restarts. */
export interface Consumer {
  readonly name: string;
  /** A pattern of types. */
  readonly types: string;
  /** Where one that was never there before begins: at what comes from now on, or at all that is kept. */
  readonly from: "new" | "first";
  /** `publisher`: of each source one at a time, in order, also over retries and restarts. `none`: as they come. */
  readonly order: "publisher" | "none";
  /** Deliveries under way. */
  readonly maxInFlight: number;
  /** Up to `max` events, and `maxBytes` of data, in one delivery at a time; as many as there are `waitMs` after the first. */
  readonly batch?: { readonly max: number; readonly waitMs: number; readonly maxBytes: number } | undefined;
}

/** One event for one consumer. What is called first of the four counts, and only that. */
export interface Delivery {
  readonly event: RecordedEvent;
  /** 1 for the first. Counts what was settled by `retry` before. */
  readonly attempt: number;
  /** It is handled and never comes again, from when this is written down on. */
  ack(): void;
  /** It comes again in so many milliseconds at the earliest, also after a restart. */
  retry(afterMs: number): void;
  /** As if it had not been delivered. */
  putBack(afterMs: number): void;
  /** It becomes a dead letter with this reason. */
  giveUp(reason: string): void;
}

/** A consumer that is there. */
export interface Consumption {
  /** Where deliveries go from now on; undefined: nowhere. Those that are under way can still be settled. */
  deliverTo(handler: ((deliveries: readonly Delivery[]) => void) | undefined): void;
  /** It is gone: what comes from now on is not for it, and what is left for it becomes dead letters in time. Who consumes under its name again goes on. */
  close(): void;
}

/** An event that a consumer will not hear by itself any more. */
export interface DeadLetter {
  readonly id: number;
  readonly consumer: string;
  readonly event: RecordedEvent;
  readonly reason: string;
  /** Deliveries that failed before. */
  readonly attempts: number;
  readonly atMs: number;
}

export interface DeadLetterRange {
  /** A consumer's name, or a plugin's, which is what stands before the first `/` of one. */
  readonly of?: string | undefined;
  readonly after: number;
  readonly limit: number;
}

export interface ConsumerStatistics {
  readonly consumer: Consumer;
  readonly isThere: boolean;
  /** Events that wait or are under way, and their bytes. */
  readonly waiting: number;
  readonly waitingBytes: number;
  readonly inFlight: number;
  readonly deadLetters: number;
  /** Those of whom something waits, at most 1,000. */
  readonly publishers: readonly { readonly source: string; readonly waiting: number; readonly waitingBytes: number }[];
}

export interface EventStatistics {
  readonly events: number;
  readonly bytes: number;
  /** The last position that was given. */
  readonly head: number;
  /** At most 1,000; the rest is under `other`. */
  readonly types: readonly { readonly type: string; readonly events: number; readonly bytes: number }[];
  readonly consumers: readonly ConsumerStatistics[];
}

/** Rejects with HostError `storage-failed`. What it may keep is bounded: the oldest goes first, into dead letters for whoever has not heard it. */
export interface EventLog {
  /** Durable once resolved, in this order. One whose id is there already is not taken again. Rejects with `queue-full` when too much waits to be written. */
  append(events: readonly CloudEvent[]): Promise<void>;
  /** By position. Rejects with `invalid-message` for a malformed range. */
  read(range: EventRange): Promise<EventPage>;
  /** Resolves once it is written down that there is such a consumer; from the call on, nothing is lost for it. Throws `conflict` when one of the name is there. */
  consume(consumer: Consumer): Promise<Consumption>;
  /** Forgets a consumer that is not there, with its dead letters. */
  forget(consumer: string): Promise<void>;
  /** By id. */
  deadLetters(range: DeadLetterRange): Promise<readonly DeadLetter[]>;
  /** How many of these dead letters there were. */
  drop(ids: readonly number[]): Promise<number>;
  /** Lets go of what is too old or too much; done now and then by itself. */
  trim(): Promise<void>;
  statistics(): EventStatistics;
}
