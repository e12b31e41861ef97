// A token bucket: so much in an interval, all of it at once if need be, refilled steadily.

import type { Clock } from "./ports/clock.ts";

export class RateLimit {
  readonly #clock: Clock;
  readonly #amount: number;
  readonly #intervalMs: number;
  #left: number;
  #filledAt: number;

  constructor(clock: Clock, amount: number, intervalMs: number) {
    this.#clock = clock;
    this.#amount = amount;
    this.#intervalMs = intervalMs;
    this.#left = amount;
    this.#filledAt = clock.monotonicMs();
  }

  /** Takes `count` if that much is left, else nothing. */
  take(count: number): boolean {
    if (this.waitMs(count) > 0) return false;
    this.#left -= count;
    return true;
  }

  /** Until `take` takes so much, in whole milliseconds. */
  waitMs(count: number): number {
    return Math.ceil(this.owedMs(this.#clock.monotonicMs(), count));
  }

  /** Takes `count` at this moment of the clock, whether that much is left or not. */
  spend(count: number, now: number): void {
    this.#refill(now);
    this.#left -= count;
  }

  /** From this moment on, until what was spent too much is made up for, and `count` is there beside. */
  owedMs(now: number, count = 0): number {
    this.#refill(now);
    return Math.max(0, ((count - this.#left) * this.#intervalMs) / this.#amount);
  }

  #refill(now: number): void {
    this.#left = Math.min(this.#amount, this.#left + ((now - this.#filledAt) * this.#amount) / this.#intervalMs);
    this.#filledAt = now;
  }
}
