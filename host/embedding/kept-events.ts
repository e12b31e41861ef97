// The events that a host keeps, for the program that embeds it.

import type { EventLog, EventRange, EventStatistics, RecordedEvent } from "../core/ports/events.ts";

export type HistoryRange = Partial<Omit<EventRange, "limit">>;

export interface KeptEvents {
  /** All that are kept and in the range, by position, read as they are taken. Rejects with HostError `invalid-message` for a malformed range, `storage-failed`. */
  history(range?: HistoryRange): AsyncIterable<RecordedEvent>;
  /** How much is kept, of what types, and what waits for whom. */
  statistics(): EventStatistics;
}

const PAGE = 500;

export function keptEvents(log: EventLog): KeptEvents {
  return {
    async *history({ types = "**", after = 0, ...range } = {}) {
      for (let from: number | undefined = after; from !== undefined; ) {
        const page = await log.read({ ...range, types, after: from, limit: PAGE });
        yield* page.events;
        from = page.next;
      }
    },
    statistics: () => log.statistics(),
  };
}
