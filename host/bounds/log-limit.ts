// How much a plugin may log. The cell drops what is too much and says so; the host, which cannot trust a cell to do so,
// ends one that sends twice as much.

import type { Clock } from "../core/ports/clock.ts";
import { RateLimit } from "../core/rate-limit.ts";

const MINUTE_MS = 60_000;
// An empty line costs something too: its frame, its time stamp, its trace.
const LINE_BYTES = 256;

export class LogLimit {
  readonly #clock: Clock;
  readonly #rate: RateLimit;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, bytesPerMinute: number) {
    this.#clock = clock;
    this.#rate = new RateLimit(clock, bytesPerMinute, MINUTE_MS);
  }

  /** Whether the line may pass, and if not, whether to say so: once a minute is enough. */
  judge(message: string): "pass" | "drop" | "drop-and-tell" {
    if (this.#rate.take(LINE_BYTES + message.length)) return "pass";
    const now = this.#clock.monotonicMs();
    if (now - this.#toldAt < MINUTE_MS) return "drop";
    this.#toldAt = now;
    return "drop-and-tell";
  }
}
