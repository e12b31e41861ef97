// One timer for many deadlines. Turns mostly end long before theirs, so adding and removing must cost next to nothing.

import type { Clock } from "./ports/clock.ts";

/** Calls `expire` once for each item still here at its `expiresAt` (monotonic milliseconds), never before it. */
export class Deadlines<T extends { readonly expiresAt: number }> {
  readonly #clock: Clock;
  readonly #expire: (item: T) => void;
  readonly #items = new Set<T>();
  #armedFor = Number.POSITIVE_INFINITY;
  #disarm: () => void = () => {};

  constructor(clock: Clock, expire: (item: T) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  add(item: T): void {
    this.#items.add(item);
    if (item.expiresAt < this.#armedFor) this.#arm(item.expiresAt);
  }

  /** Leaves the timer alone: it finds nothing to do, or arms itself for the next deadline. */
  delete(item: T): void {
    this.#items.delete(item);
  }

  #arm(deadline: number): void {
    this.#disarm();
    this.#armedFor = deadline;
    this.#disarm = this.#clock.after(Math.max(0, deadline - this.#clock.monotonicMs()), () => this.#sweep());
  }

  #sweep(): void {
    const now = this.#clock.monotonicMs();
    let next = Number.POSITIVE_INFINITY;
    this.#armedFor = next;
    for (const item of this.#items) {
      if (item.expiresAt <= now) {
        this.#items.delete(item);
        this.#expire(item);
      } else if (item.expiresAt < next) next = item.expiresAt;
    }
    // `expire` may have added items and armed the timer already.
    if (next < this.#armedFor) this.#arm(next);
  }
}
