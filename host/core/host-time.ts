// The host's own time, which all plugins share: what it works for them goes one after the other, for whom it has worked least first, and never takes
// more of a second than it may, so that the host itself and its neighbours are not held up.

import type { Clock } from "./ports.ts";
import { RateLimit } from "./rate-limit.ts";

const SECOND_MS = 1_000;
// How far ahead of the others one may be who asked for little so far.
const CREDIT_MS = 50;

interface Waiting {
  readonly account: HostTimeAccount;
  begin(): void;
}

/** One plugin's share. */
export class HostTimeAccount {
  readonly own: RateLimit;
  readonly #time: HostTime;
  /** What was worked for it, but never much less than for those who had to wait when it came. */
  virtualMs = 0;

  constructor(time: HostTime, own: RateLimit) {
    this.#time = time;
    this.own = own;
  }

  /** Does the work now, or once its turn comes. What it takes until it waits for something else is what it costs. Settles as the work does. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#time.run(this, work);
  }

  /** Bills what was worked already. */
  spend(ms: number): void {
    this.#time.spend(this, ms);
  }
}

export class HostTime {
  readonly #clock: Clock;
  readonly #all: RateLimit;
  readonly #waiting: Waiting[] = [];
  #virtualMs = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, msPerSecond: number) {
    this.#clock = clock;
    this.#all = new RateLimit(clock, msPerSecond, SECOND_MS);
  }

  account(msPerSecond: number): HostTimeAccount {
    return new HostTimeAccount(this, new RateLimit(this.#clock, msPerSecond, SECOND_MS));
  }

  run<T>(account: HostTimeAccount, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length === 0 && this.#owedMs(account) === 0) return this.#billed(account, work);
    return new Promise((resolve) => {
      this.#waiting.push({ account, begin: () => resolve(this.#billed(account, work)) });
      account.virtualMs = Math.max(account.virtualMs, this.#virtualMs - CREDIT_MS);
      this.#serve();
      this.#plan();
    });
  }

  #billed<T>(account: HostTimeAccount, work: () => Promise<T>): Promise<T> {
    const start = this.#clock.monotonicMs();
    try {
      return work();
    } finally {
      this.spend(account, this.#clock.monotonicMs() - start);
    }
  }

  spend(account: HostTimeAccount, ms: number): void {
    account.own.spend(ms);
    this.#all.spend(ms);
    account.virtualMs = Math.max(account.virtualMs, this.#virtualMs - CREDIT_MS) + ms;
  }

  #owedMs({ own }: HostTimeAccount): number {
    return Math.max(own.owedMs, this.#all.owedMs);
  }

  #plan(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#waiting.length === 0) return;
    const soonest = Math.min(...this.#waiting.map(({ account }) => this.#owedMs(account)));
    this.#cancel = this.#clock.after(soonest, () => {
      this.#cancel = undefined;
      this.#serve();
      this.#plan();
    });
  }

  /** As much as there is time for. What is begun here may ask for more, which then waits its turn. */
  #serve(): void {
    for (;;) {
      let next: Waiting | undefined;
      for (const one of this.#waiting)
        if (this.#owedMs(one.account) === 0 && (next === undefined || one.account.virtualMs < next.account.virtualMs)) next = one;
      if (next === undefined) return;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#virtualMs = Math.max(this.#virtualMs, next.account.virtualMs);
      next.begin();
    }
  }
}
