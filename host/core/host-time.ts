// The host's own time, which all plugins share: what it works for them goes one after the other, for whom it has worked least first, and never takes
// more of a second than it may, so that the host itself and its neighbours are not held up.

import type { Clock } from "./ports/clock.ts";
import { RateLimit } from "./rate-limit.ts";

const SECOND_MS = 1_000;
// How far ahead of the others one may be who asked for little so far.
const CREDIT_MS = 50;

interface Waiting {
  readonly account: HostTimeAccount;
  begin(now: number): void;
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
    // Once for the answer and the bill: every host function passes here.
    const now = this.#clock.monotonicMs();
    if (this.#waiting.length === 0 && this.#owedMs(account, now) === 0) return this.#billed(account, now, work);
    return new Promise((resolve) => {
      this.#waiting.push({ account, begin: (now) => resolve(this.#billed(account, now, work)) });
      account.virtualMs = Math.max(account.virtualMs, this.#virtualMs - CREDIT_MS);
      this.#serve();
      this.#plan();
    });
  }

  #billed<T>(account: HostTimeAccount, start: number, work: () => Promise<T>): Promise<T> {
    try {
      return work();
    } finally {
      const end = this.#clock.monotonicMs();
      this.#spendAt(account, end - start, end);
    }
  }

  spend(account: HostTimeAccount, ms: number): void {
    this.#spendAt(account, ms, this.#clock.monotonicMs());
  }

  #spendAt(account: HostTimeAccount, ms: number, now: number): void {
    account.own.spend(ms, now);
    this.#all.spend(ms, now);
    account.virtualMs = Math.max(account.virtualMs, this.#virtualMs - CREDIT_MS) + ms;
  }

  #owedMs({ own }: HostTimeAccount, now: number): number {
    return Math.max(own.owedMs(now), this.#all.owedMs(now));
  }

  #plan(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#waiting.length === 0) return;
    const now = this.#clock.monotonicMs();
    const soonest = Math.min(...this.#waiting.map(({ account }) => this.#owedMs(account, now)));
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
      const now = this.#clock.monotonicMs();
      for (const one of this.#waiting)
        if (this.#owedMs(one.account, now) === 0 && (next === undefined || one.account.virtualMs < next.account.virtualMs)) next = one;
      if (next === undefined) return;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#virtualMs = Math.max(this.#virtualMs, next.account.virtualMs);
      next.begin(now);
    }
  }
}
