// How much the log keeps, of whom and of what.

import type { EventStatistics } from "../../core/ports/events.ts";

interface Counted {
  events: number;
  bytes: number;
}

/** Types come from publishers, so the table of them must not grow with what they make up. */
const MAX_TYPES = 1_000;
const OTHER = "other";

export class Tally {
  events = 0;
  bytes = 0;
  readonly #bySource = new Map<string, Counted>();
  readonly #byType = new Map<string, Counted>();

  restore(bySource: readonly (Counted & { readonly source: string })[], byType: readonly (Counted & { readonly type: string })[]): void {
    for (const { source, events, bytes } of bySource) {
      this.#bySource.set(source, { events, bytes });
      this.events += events;
      this.bytes += bytes;
    }
    for (const { type, events, bytes } of byType) this.#count(this.#byType, this.#nameOf(type), events, bytes);
  }

  get sources(): readonly string[] {
    return [...this.#bySource.keys()];
  }

  bytesOf(source: string): number {
    return this.#bySource.get(source)?.bytes ?? 0;
  }

  add(event: { readonly source: string; readonly type: string }, bytes: number, sign: 1 | -1 = 1): void {
    this.events += sign;
    this.bytes += sign * bytes;
    this.#count(this.#bySource, event.source, sign, sign * bytes);
    this.#count(this.#byType, this.#nameOf(event.type), sign, sign * bytes);
  }

  statistics(): Pick<EventStatistics, "events" | "bytes" | "types"> {
    const types = [...this.#byType].map(([type, counted]) => ({ type, ...counted })).toSorted((a, b) => b.bytes - a.bytes);
    return { events: this.events, bytes: this.bytes, types };
  }

  #nameOf(type: string): string {
    return this.#byType.has(type) || this.#byType.size < MAX_TYPES ? type : OTHER;
  }

  #count(table: Map<string, Counted>, key: string, events: number, bytes: number): void {
    const counted = table.get(key) ?? { events: 0, bytes: 0 };
    counted.events += events;
    counted.bytes += bytes;
    if (counted.events <= 0) table.delete(key);
    else table.set(key, counted);
  }
}
