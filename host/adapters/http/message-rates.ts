// How many messages each principal may send over all of its connections together.

import type { Clock } from "../../core/ports/clock.ts";
import { RateLimit } from "../../core/rate-limit.ts";

export const MESSAGES_PER_SECOND = 200;
const SECOND_MS = 1_000;

/** Of one connection. */
export interface MessageRate {
  /** Takes one message. Answers how long to wait, in milliseconds, where there was none to take. */
  take(): number;
  /** The connection has ended. */
  release(): void;
}

interface Shared {
  readonly limit: RateLimit;
  connections: number;
}

export class MessageRates {
  readonly #clock: Clock;
  /** Of those who are connected: as many as there may be streams. */
  readonly #of = new Map<string, Shared>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  connect(principal: string): MessageRate {
    const shared = this.#of.get(principal) ?? { limit: new RateLimit(this.#clock, MESSAGES_PER_SECOND, SECOND_MS), connections: 0 };
    this.#of.set(principal, shared);
    shared.connections += 1;
    return {
      take: () => (shared.limit.take(1) ? 0 : shared.limit.waitMs(1)),
      release: () => {
        shared.connections -= 1;
        if (shared.connections === 0) this.#of.delete(principal);
      },
    };
  }
}
