// The event log in memory: as long as the host lives, and no longer.

import { compilePattern } from "../../core/names.ts";
import type { DeadLetter, DeadLetterRange, EventPage, EventRange, RecordedEvent } from "../../core/ports/events.ts";
import {
  type EventEntry,
  type EventStore,
  type LogContents,
  type LogWrite,
  ownerOf,
  PAGE_BYTES,
  pageOf,
  SCAN_LIMIT,
  type SourcePage,
  type SourceRange,
  sizeOf,
} from "./store.ts";

interface Kept extends EventEntry {
  readonly event: RecordedEvent;
}

const ENDLESS = Number.POSITIVE_INFINITY;

/** Cursors, attempts and what is settled are the log's own to remember: it lives as long as this. */
export class MemoryEvents implements EventStore {
  /** By position. */
  readonly #events: Kept[] = [];
  readonly #ids = new Set<string>();
  readonly #dead = new Map<number, DeadLetter>();
  #lastDead = 0;

  async contents(): Promise<LogContents> {
    return { head: 0, bySource: [], byType: [], consumers: [] };
  }

  async write({ events, deaths, trimmed, forgotten, dropped }: LogWrite): Promise<readonly number[]> {
    const known: number[] = [];
    for (const event of events) {
      if (this.#ids.has(event.id)) known.push(event.position);
      else this.#add(event);
    }
    for (const { position, ...death } of deaths) {
      const kept = this.#events[this.#place(position)];
      if (kept?.position !== position) continue;
      this.#lastDead += 1;
      this.#dead.set(this.#lastDead, { ...death, id: this.#lastDead, event: kept.event });
    }
    for (const position of trimmed) {
      const at = this.#place(position);
      if (this.#events[at]?.position === position) for (const { event } of this.#events.splice(at, 1)) this.#ids.delete(event.id);
    }
    for (const name of forgotten) for (const { id, consumer } of this.#dead.values()) if (consumer === name) this.#dead.delete(id);
    for (const id of dropped) this.#dead.delete(id);
    return known;
  }

  async read({ types, source, sinceMs = 0, untilMs = ENDLESS, after, limit }: EventRange): Promise<EventPage> {
    const matches = compilePattern(types);
    const isIn = ({ type, timeMs, ...entry }: Kept): boolean =>
      timeMs >= sinceMs && timeMs <= untilMs && matches(type) && (source === undefined || entry.source === source);
    const { taken, scannedTo, isEnd } = pageOf(this.#after(after, SCAN_LIMIT), isIn, { after, limit, maxBytes: PAGE_BYTES });
    return { events: this.#these(taken), next: isEnd ? undefined : scannedTo };
  }

  async readSource({ source, types, after, until = ENDLESS, limit, maxBytes }: SourceRange): Promise<SourcePage> {
    const matches = compilePattern(types);
    const isIn = (entry: Kept): boolean => entry.source === source && entry.position <= until && matches(entry.type);
    const { taken, scannedTo, isEnd } = pageOf(this.#after(after, SCAN_LIMIT), isIn, { after, limit, maxBytes });
    return { events: this.#these(taken), scannedTo, isEnd };
  }

  async count({ source, types, after, until = ENDLESS }: Parameters<EventStore["count"]>[0]): Promise<{ events: number; bytes: number }> {
    const matches = compilePattern(types);
    const found = this.#after(after, ENDLESS).filter((one) => one.source === source && one.position <= until && matches(one.type));
    return { events: found.length, bytes: found.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  async oldest(source: string | undefined, after: number, limit: number): Promise<readonly EventEntry[]> {
    if (source === undefined) return this.#after(after, limit);
    return this.#after(after, ENDLESS)
      .filter((one) => one.source === source)
      .slice(0, limit);
  }

  async deadLetters({ of, after, limit }: DeadLetterRange): Promise<readonly DeadLetter[]> {
    const isOf = ({ consumer }: DeadLetter): boolean =>
      of === undefined || consumer === of || (!of.includes("/") && ownerOf(consumer) === of);
    return [...this.#dead.values()].filter((one) => one.id > after && isOf(one)).slice(0, limit);
  }

  async close(): Promise<void> {}

  #add(event: RecordedEvent): void {
    const { position, source, type, time } = event;
    this.#ids.add(event.id);
    this.#events.push({ position, source, type, timeMs: Date.parse(time), bytes: sizeOf(event), event });
  }

  #after(position: number, limit: number): Kept[] {
    const from = this.#place(position + 1);
    return this.#events.slice(from, from + limit);
  }

  #these(positions: readonly number[]): RecordedEvent[] {
    return positions.flatMap((position) => this.#events[this.#place(position)]?.event ?? []);
  }

  /** Where the first stands that has this position or a later one. */
  #place(position: number): number {
    let [low, high] = [0, this.#events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.position ?? ENDLESS) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
