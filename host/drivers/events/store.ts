// Where an event log lies: what is written down together, and what is read back. It knows bytes and positions; who hears what, and when, is the log's affair.

import type { Consumer, DeadLetter, DeadLetterRange, EventPage, EventRange, RecordedEvent } from "../../core/ports/events.ts";

/** A consumer as it is written down. */
export interface ConsumerRow extends Consumer {
  /** Events after this position are for it. */
  readonly start: number;
  /** Up to this one; undefined as long as it is there. */
  readonly until: number | undefined;
}

/** Of one source: everything up to `position` is settled. */
export interface Cursor {
  readonly consumer: string;
  readonly source: string;
  readonly position: number;
  /** Whether positions up to there were settled one by one, or failed, before: those rows go. */
  readonly hasRows: boolean;
}

interface Attempt {
  readonly consumer: string;
  readonly source: string;
  readonly position: number;
  readonly attempts: number;
  /** Milliseconds since 1970. */
  readonly retryAtMs: number;
}

/** The event lies in the log still. */
interface Death {
  readonly consumer: string;
  readonly position: number;
  readonly reason: string;
  readonly attempts: number;
  readonly atMs: number;
}

/** All of it is written down, or nothing. In the order of the fields. */
export interface LogWrite {
  readonly events: RecordedEvent[];
  /** Before the consumers that come: one may come back under the same name. */
  readonly forgotten: string[];
  readonly consumers: ConsumerRow[];
  readonly deaths: Death[];
  readonly settled: { readonly consumer: string; readonly source: string; readonly position: number }[];
  readonly attempts: Attempt[];
  readonly cursors: Cursor[];
  /** Positions that leave the log. */
  readonly trimmed: number[];
  readonly dropped: number[];
}

/** An event without its data. */
export interface EventEntry {
  readonly position: number;
  readonly source: string;
  readonly type: string;
  readonly timeMs: number;
  readonly bytes: number;
}

export interface SourceRange {
  readonly source: string;
  readonly types: string;
  readonly after: number;
  readonly until: number | undefined;
  readonly limit: number;
  readonly maxBytes: number;
}

/** What matches among the events of one source; everything up to `scannedTo` was looked at. */
export interface SourcePage {
  readonly events: readonly RecordedEvent[];
  readonly scannedTo: number;
  readonly isEnd: boolean;
}

interface Counted {
  readonly events: number;
  readonly bytes: number;
}

export interface LogContents {
  readonly head: number;
  readonly bySource: readonly (Counted & { readonly source: string })[];
  readonly byType: readonly (Counted & { readonly type: string })[];
  readonly consumers: readonly ConsumerContents[];
}

export interface ConsumerContents {
  readonly row: ConsumerRow;
  readonly cursors: readonly Cursor[];
  readonly settled: readonly { readonly source: string; readonly position: number }[];
  readonly attempts: readonly Attempt[];
  readonly dead: Counted;
}

/** Each answers once everything that was asked for before is done. Rejects with HostError `storage-failed`. */
export interface EventStore {
  contents(): Promise<LogContents>;
  /** Durable once resolved, with the positions of the events that were there already and are not written. */
  write(write: LogWrite): Promise<readonly number[]>;
  read(range: EventRange): Promise<EventPage>;
  readSource(range: SourceRange): Promise<SourcePage>;
  /** What waits of a source after a position. */
  count(range: Pick<SourceRange, "source" | "types" | "after" | "until">): Promise<Counted>;
  /** By position, those after one; of one source, or of all. */
  oldest(source: string | undefined, after: number, limit: number): Promise<readonly EventEntry[]>;
  deadLetters(range: DeadLetterRange): Promise<readonly DeadLetter[]>;
  close(): Promise<void>;
}

export const emptyWrite = (): LogWrite => ({
  ...{ events: [], consumers: [], deaths: [], settled: [], attempts: [], cursors: [], trimmed: [], forgotten: [], dropped: [] },
});

const ATTRIBUTES_BYTES = 160;

/** What an event counts: its data and about what is stored beside it. */
export const sizeOf = ({ data, type, source, contentType }: RecordedEvent): number =>
  data.length + type.length + source.length + contentType.length + ATTRIBUTES_BYTES;

/** What a page may have of data; its first event may be larger. */
export const PAGE_BYTES: number = 1_024 * 1_024;
/** How many events are looked at for one page. */
export const SCAN_LIMIT = 5_000;

/** The plugin of a consumer's name. */
export const ownerOf = (consumer: string): string => consumer.split("/", 1)[0] ?? consumer;

/** Which entries make up a page: those that match, until there are enough. */
export function pageOf<E extends { readonly position: number; readonly bytes: number }>(
  entries: readonly E[],
  matches: (entry: E) => boolean,
  { after, limit, maxBytes }: { readonly after: number; readonly limit: number; readonly maxBytes: number },
): { readonly taken: readonly number[]; readonly scannedTo: number; readonly isEnd: boolean } {
  const taken: number[] = [];
  let scannedTo = after;
  let bytes = 0;
  for (const entry of entries) {
    if (matches(entry)) {
      bytes += entry.bytes;
      if (taken.length === limit || (taken.length > 0 && bytes > maxBytes)) return { taken, scannedTo, isEnd: false };
      taken.push(entry.position);
    }
    scannedTo = entry.position;
  }
  return { taken, scannedTo, isEnd: entries.length < SCAN_LIMIT };
}
