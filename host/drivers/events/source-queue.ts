// What one consumer has of one source: what is settled, what is loaded, what is under way and what waits for its next attempt.

import type { RecordedEvent } from "../../core/ports/events.ts";
import type { Cursor } from "./store.ts";

export interface Item {
  readonly event: RecordedEvent;
  readonly bytes: number;
}

export class SourceQueue {
  readonly source: string;
  /** Everything up to here is settled. */
  cursor: number;
  /** Everything that matches up to here is loaded, under way, put off or settled. */
  loadedTo: number;
  /** Positions of those that are not settled, ascending; those that are not loaded yet aside. */
  readonly outstanding: Set<number> = new Set();
  /** Settled before an earlier one was. */
  readonly settled: Set<number> = new Set();
  /** Attempts that failed, and when the next may be made, on the monotonic clock. */
  readonly attempts: Map<number, { readonly attempts: number; readonly dueAt: number }> = new Map();
  readonly flying: Set<number> = new Set();
  items: Item[] = [];
  /** Of a source in order: nothing of it is delivered before. */
  blockedUntil = 0;
  /** Of a source without order: these are loaded again when they come due. */
  readonly putOff: Map<number, number> = new Map();
  /** Whether there may be more to load. */
  hasMore = false;
  isLoading = false;
  /** Whether all is to be loaded anew once nothing is under way. */
  rewinds = false;
  waiting = 0;
  waitingBytes = 0;
  /** Whether rows up to the cursor were written down one by one. */
  #hasRows = false;

  constructor(source: string, cursor: number) {
    this.source = source;
    this.cursor = cursor;
    this.loadedTo = cursor;
  }

  isSettled(position: number): boolean {
    return position <= this.cursor || this.settled.has(position);
  }

  /** Says whether it was settled before its turn, which is to be written down by itself. */
  settle(position: number): boolean {
    this.outstanding.delete(position);
    this.flying.delete(position);
    this.#hasRows ||= this.attempts.has(position);
    const [first] = this.outstanding;
    const isEarly = first !== undefined && first < position;
    if (isEarly) this.settled.add(position);
    else this.#advance();
    return isEarly;
  }

  /** It is not to be delivered any more. Says what `settle` says. */
  letGo(position: number): boolean {
    this.items = this.items.filter(({ event }) => event.position !== position);
    this.putOff.delete(position);
    this.loadedTo = Math.max(this.loadedTo, position);
    return this.settle(position);
  }

  /** What does not match is passed, as long as nothing before it waits to be loaded. */
  pass(position: number): void {
    if (this.hasMore || this.isLoading) return;
    this.loadedTo = position;
    if (this.outstanding.size === 0) this.cursor = position;
  }

  /** Begins again after what is settled; nothing may be under way. */
  rewind(): void {
    this.rewinds = false;
    this.items = [];
    this.outstanding.clear();
    this.putOff.clear();
    this.loadedTo = this.cursor;
    this.hasMore = true;
  }

  #advance(): void {
    const [first] = this.outstanding;
    this.cursor = first === undefined ? this.loadedTo : first - 1;
    for (const position of this.settled) if (position <= this.cursor) this.#hasRows = this.settled.delete(position);
    for (const position of this.attempts.keys()) if (position <= this.cursor) this.#hasRows = this.attempts.delete(position);
  }

  /** What is to be written down of it; `again` when writing it has failed. */
  written(consumer: string, again = false): Cursor {
    const hasRows = this.#hasRows || again;
    this.#hasRows = again;
    return { consumer, source: this.source, position: this.cursor, hasRows };
  }
}
