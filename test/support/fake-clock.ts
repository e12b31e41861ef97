// A clock that stands still until a test moves it.

import type { Clock } from "../../host/core/ports/clock.ts";

export interface FakeClock extends Clock {
  /** Moves time and runs what is due, in order; lets promises settle in between. */
  advance(ms: number): Promise<void>;
  /** Moves time while something works, which runs nothing. */
  pass(ms: number): void;
  /** Sets the time of day, ahead or back; no time passes. */
  set(byMs: number): void;
}

export function fakeClock(epochMs: number = Date.UTC(2026, 0, 1)): FakeClock {
  let elapsed = 0;
  let offset = 0;
  const timers = new Set<{ at: number; callback: () => void }>();
  return {
    now: () => epochMs + elapsed + offset,
    monotonicMs: () => elapsed,
    after(delayMs, callback) {
      const timer = { at: elapsed + delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    pass(ms) {
      elapsed += ms;
    },
    set(byMs) {
      offset += byMs;
    },
    async advance(ms) {
      const end = elapsed + ms;
      for (;;) {
        await settle();
        const next = [...timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        elapsed = Math.max(elapsed, next.at);
        timers.delete(next);
        next.callback();
      }
      elapsed = end;
      await settle();
    },
  };
}

/** Lets everything that waits only for promises go on. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
