// How often somebody may fail to be known, by his address or by whom he says he is.

import { HostError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import { RateLimit } from "../core/rate-limit.ts";
import { AccountTable } from "./account-table.ts";

export interface AttemptRule {
  /** So many at once, and as many again in the interval. */
  readonly count: number;
  readonly intervalMs: number;
  /** What whoever is counted by this key is called, and what he did too often. */
  words(key: string): readonly [who: string, what: string];
}

export class FailedAttempts {
  readonly #clock: Clock;
  readonly #rule: AttemptRule;
  readonly #rates: AccountTable<RateLimit>;

  constructor(clock: Clock, rule: AttemptRule) {
    this.#clock = clock;
    this.#rule = rule;
    const { count, intervalMs } = rule;
    this.#rates = new AccountTable(
      clock,
      () => new RateLimit(clock, count, intervalMs),
      (rate, now) => rate.owedMs(now, count) === 0,
    );
  }

  /** Before what costs work to check. Throws HostError `rate-limited` for one who has failed too often. */
  require(key: string): void {
    const waitMs = this.#rates.of(key).waitMs(1);
    if (waitMs > 0) throw tooMany(...this.#rule.words(key), waitMs);
  }

  /** Somebody has failed, or begins what counts as a failure unless what is returned is called. Throws like `require`. */
  count(key: string): () => void {
    this.require(key);
    const rate = this.#rates.of(key);
    rate.take(1);
    // Less than nothing is spent, which makes up for it.
    return () => rate.spend(-1, this.#clock.monotonicMs());
  }
}

/** What an address is counted by: one who has an IPv6 address has a whole /64 of them. */
export function networkOf(address: string): string {
  if (!address.includes(":") || address.startsWith("::ffff:")) return address;
  const [head = "", tail] = address.split("::", 2);
  const groups = head === "" ? [] : head.split(":");
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === "" ? 0 : tail.split(":").length);
  return [...groups, ...Array<string>(Math.max(0, missing)).fill("0")].slice(0, 4).join(":");
}

export function tooMany(who: string, what: string, retryAfterMs: number): HostError {
  return new HostError("rate-limited", `${who} ${what}; try again in ${retryAfterMs} ms`, { retryAfterMs });
}
