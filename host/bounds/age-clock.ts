// What is too old is gone for good, so it is not judged by a clock that somebody has just set: one that jumps ahead counts only once it has stayed there for an hour.
// One that is set back counts at once, since nothing goes for that.

import type { Clock } from "../core/ports/clock.ts";

/** By so much two clocks may differ that count the same time. */
const DRIFT_MS = 60_000;
const BELIEVED_AFTER_MS = 3_600_000;

export class AgeClock {
  readonly #clock: Pick<Clock, "now" | "monotonicMs">;
  /** When it was read last and believed. */
  #wallMs: number;
  #steadyMs: number;
  /** Since when it is ahead of the time that has passed. */
  #aheadSince: number | undefined;

  /** Believes the clock as it is. */
  constructor(clock: Pick<Clock, "now" | "monotonicMs">) {
    this.#clock = clock;
    this.#wallMs = clock.now();
    this.#steadyMs = clock.monotonicMs();
  }

  /** Milliseconds since 1970, by which something may be too old. */
  now(): number {
    const [wall, steady] = [this.#clock.now(), this.#clock.monotonicMs()];
    const passed = this.#wallMs + steady - this.#steadyMs;
    if (wall - passed > DRIFT_MS) {
      this.#aheadSince ??= steady;
      if (steady - this.#aheadSince < BELIEVED_AFTER_MS) return passed;
    }
    this.#aheadSince = undefined;
    [this.#wallMs, this.#steadyMs] = [wall, steady];
    return wall;
  }
}
