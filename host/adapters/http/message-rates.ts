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
  forgetting?: (() => void) | undefined;
}

export class MessageRates {
  readonly #clock: Clock;
  /** Of those who are connected, or were until a second ago: after that one is as good as new. */
  readonly #of = new Map<string, Shared>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  connect(principal: string): MessageRate {
    const shared = this.#of.get(principal) ?? { limit: new RateLimit(this.#clock, MESSAGES_PER_SECOND, SECOND_MS), connections: 0 };
    this.#of.set(principal, shared);
    shared.connections += 1;
    shared.forgetting?.();
    shared.forgetting = undefined;
    return {
      take: () => (shared.limit.take(1) ? 0 : shared.limit.waitMs(1)),
      release: () => {
        shared.connections -= 1;
        if (shared.connections === 0) shared.forgetting = this.#clock.after(SECOND_MS, () => this.#of.delete(principal));
      },
    };
  }
}
