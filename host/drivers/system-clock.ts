// The real clock.

import type { Clock } from "../core/ports/clock.ts";

/** What Node's timers can wait at most; a longer wait would end at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(delayMs, MAX_DELAY_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
