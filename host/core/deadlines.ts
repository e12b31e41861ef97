// One timer for many deadlines. Turns mostly end long before theirs, so adding and removing must cost next to nothing.

import type { Clock } from "./ports/clock.ts";

interface Item {
  readonly expiresAt: number;
  /** Where it stands here; undefined for one that does not. */
  place?: number | undefined;
}

/** Calls `expire` once for each item still here at its `expiresAt` (monotonic milliseconds), never before it. */
export class Deadlines<T extends Item> {
  readonly #clock: Clock;
  readonly #expire: (item: T) => void;
  // No Set: one from which much is deleted leaves tables behind that point to what they held and to each other, so that all of it grows old.
  readonly #items: T[] = [];
  #armedFor = Number.POSITIVE_INFINITY;
  #disarm: () => void = () => {};

  constructor(clock: Clock, expire: (item: T) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  add(item: T): void {
    item.place = this.#items.push(item) - 1;
    if (item.expiresAt < this.#armedFor) this.#arm(item.expiresAt);
  }

  /** Leaves the timer alone: it finds nothing to do, or arms itself for the next deadline. */
  delete(item: T): void {
    const last = item.place === undefined ? item : this.#items.pop();
    // The last takes its place.
    if (last !== undefined && last !== item) [this.#items[item.place ?? 0], last.place] = [last, item.place];
    item.place = undefined;
  }

  #arm(deadline: number): void {
    this.#disarm();
    this.#armedFor = deadline;
    this.#disarm = this.#clock.after(Math.max(0, deadline - this.#clock.monotonicMs()), () => this.#sweep());
  }

  #sweep(): void {
    const now = this.#clock.monotonicMs();
    this.#armedFor = Number.POSITIVE_INFINITY;
    for (const item of this.#items.filter(({ expiresAt }) => expiresAt <= now)) {
      // Whoever was told may have removed it.
      if (item.place === undefined) continue;
      this.delete(item);
      this.#expire(item);
    }
    // `expire` may have added items and armed the timer already.
    const next = this.#items.reduce((soonest, { expiresAt }) => Math.min(soonest, expiresAt), this.#armedFor);
    if (next < this.#armedFor) this.#arm(next);
  }
}
