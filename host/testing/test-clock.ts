// The clock of a plugin under test. The time of day stands still until a test moves it; what bounds a turn runs on in real time.

import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import { HostError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import { systemClock } from "../drivers/system-clock.ts";

interface Timer {
  /** On the monotonic clock. */
  readonly at: number;
  fire(): void;
}

export class TestClock implements Clock {
  readonly #startMs: number;
  readonly #timers = new Set<Timer>();
  #advancedMs = 0;

  /** Throws HostError `invalid-message` for what is no date. */
  constructor(start: Date | number) {
    this.#startMs = Number(start);
    if (!Number.isSafeInteger(this.#startMs)) throw new HostError("invalid-message", `now is ${start}; write a Date or its milliseconds`);
  }

  /** Whole milliseconds, since a store of times to live takes nothing else. */
  now(): number {
    return this.#startMs + Math.round(this.#advancedMs);
  }

  /** Real time and what was advanced: a guest that never ends still meets its deadline and its CPU budget. */
  monotonicMs(): number {
    return systemClock.monotonicMs() + this.#advancedMs;
  }

  /** Calls when so much time has passed, in reality or by `advance`. */
  after(delayMs: number, callback: () => void): () => void {
    const cancel = (): void => {
      this.#timers.delete(timer);
      cancelReal();
    };
    const fire = (): void => {
      cancel();
      callback();
    };
    const timer = { at: this.monotonicMs() + delayMs, fire };
    const cancelReal = systemClock.after(delayMs, fire);
    this.#timers.add(timer);
    return cancel;
  }

  /**
   * Moves both clocks. What is due on the way is called in its order and at its time, and what waits for it goes on meanwhile. No guest runs while the
   * clocks move, so nobody is billed for it; but a turn that is under way has so much less left before its deadline.
   */
  async advance(ms: number): Promise<void> {
    if (!(Number.isFinite(ms) && ms >= 0)) throw new HostError("invalid-message", `the clock cannot advance by ${ms} ms; write 0 or more`);
    let leftMs = ms;
    for (;;) {
      await settle();
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      const stepMs = Math.max(0, (next?.at ?? Number.POSITIVE_INFINITY) - this.monotonicMs());
      if (next === undefined || stepMs > leftMs) break;
      this.#advancedMs += stepMs;
      leftMs -= stepMs;
      next.fire();
    }
    this.#advancedMs += leftMs;
    await settle();
  }
}

// A guest's slice ends with the pass of the event loop in which it began, and the scheduler may leave the next one to the pass after.
async function settle(): Promise<void> {
  await turnOfTheLoop();
  await turnOfTheLoop();
}

/** The host's timers do not keep a process alive; the test that waits for one must not end by that. */
export async function awake<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 60_000);
  return work.finally(() => clearInterval(timer));
}
