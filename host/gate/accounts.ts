// How much each principal may do at once and in a second, over all doors together.

import type { Clock } from "../core/ports/clock.ts";
import { RateLimit } from "../core/rate-limit.ts";
import type { AuthLimits } from "../manifest/auth.ts";
import { AccountTable } from "./account-table.ts";
import { tooMany } from "./attempts.ts";

const SECOND_MS = 1_000;
/** To wait where a place becomes free as soon as a call ends. */
const BUSY_RETRY_MS = 100;

interface Account {
  calls: number;
  streams: number;
  rate: RateLimit;
}

export class Accounts {
  #limits: AuthLimits;
  readonly #clock: Clock;
  readonly #principals: AccountTable<Account>;

  constructor(clock: Clock, limits: AuthLimits) {
    this.#limits = limits;
    this.#clock = clock;
    this.#principals = new AccountTable<Account>(
      clock,
      () => ({ calls: 0, streams: 0, rate: this.#rate() }),
      ({ calls, streams, rate }, now) => calls === 0 && streams === 0 && rate.owedMs(now, this.#limits.callsPerSecond) === 0,
    );
  }

  /** What goes on goes on, also where it is more than these allow. */
  limit(limits: AuthLimits): void {
    const isOther = limits.callsPerSecond !== this.#limits.callsPerSecond;
    this.#limits = limits;
    if (!isOther) return;
    for (const account of this.#principals.all()) account.rate = this.#rate();
  }

  /** A call begins; answers what is to be called when it has ended. Throws HostError `rate-limited`. */
  beginCall(name: string): () => void {
    const { callsAtOnce, callsPerSecond } = this.#limits;
    const account = this.#principals.of(name);
    if (account.calls >= callsAtOnce)
      throw tooMany(name, `has ${callsAtOnce} calls under way, which is the limit (auth.limits.callsAtOnce)`, BUSY_RETRY_MS);
    const waitMs = account.rate.waitMs(1);
    if (waitMs > 0) throw tooMany(name, `calls too often; the limit is ${callsPerSecond} a second (auth.limits.callsPerSecond)`, waitMs);
    account.rate.take(1);
    account.calls += 1;
    return () => {
      account.calls -= 1;
    };
  }

  /** The same for a stream of events. */
  beginStream(name: string): () => void {
    const { streamsAtOnce } = this.#limits;
    const account = this.#principals.of(name);
    if (account.streams >= streamsAtOnce)
      throw tooMany(name, `has ${streamsAtOnce} streams, which is the limit (auth.limits.streamsAtOnce)`, SECOND_MS);
    account.streams += 1;
    return () => {
      account.streams -= 1;
    };
  }

  #rate(): RateLimit {
    return new RateLimit(this.#clock, this.#limits.callsPerSecond, SECOND_MS);
  }
}
