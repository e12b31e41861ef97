// The real clock.

import type { Clock } from "../core/ports/clock.ts";

/** What Node's timers can wait at most; a longer wait would end at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const end = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    const wait = (): void => {
      // Node's timers count whole milliseconds and may end up to one too early; a longer wait than they can takes several.
      const leftMs = end - performance.now();
      if (leftMs <= 0) callback();
      else timer = setTimeout(wait, Math.min(leftMs, MAX_DELAY_MS)).unref();
    };
    timer = setTimeout(wait, Math.min(delayMs, MAX_DELAY_MS)).unref();
    return () => clearTimeout(timer);
  },
};
