// How much each principal may do at once and in a second, over all doors together; and how often an address may show what is nobody's.

import { HostError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import { RateLimit } from "../core/rate-limit.ts";
import type { AuthLimits } from "../manifest/auth.ts";

/** Principals, and addresses, that are counted one by one; those beyond share one account, so that nobody is forgotten by bringing many. */
export const MAX_ACCOUNTS = 4_096;
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** How often the accounts of those who have been quiet are given back. */
const SWEEP_MS = 1_000;
/** To wait where a place becomes free as soon as a call ends. */
const BUSY_RETRY_MS = 100;

interface Account {
  calls: number;
  streams: number;
  readonly rate: RateLimit;
}

class Table<T> {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #of = new Map<string, T>();
  readonly #make: () => T;
  readonly #isIdle: (one: T, now: number) => boolean;
  #others: T | undefined;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, "monotonicMs">, make: () => T, isIdle: (one: T, now: number) => boolean) {
    this.#clock = clock;
    this.#make = make;
    this.#isIdle = isIdle;
  }

  of(name: string): T {
    const known = this.#of.get(name);
    if (known !== undefined) return known;
    if (this.#of.size >= MAX_ACCOUNTS) this.#sweep();
    if (this.#of.size >= MAX_ACCOUNTS) {
      this.#others ??= this.#make();
      return this.#others;
    }
    const made = this.#make();
    this.#of.set(name, made);
    return made;
  }

  // Only an account that is full again is as good as a new one.
  #sweep(): void {
    const now = this.#clock.monotonicMs();
    if (now - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = now;
    for (const [name, one] of this.#of) if (this.#isIdle(one, now)) this.#of.delete(name);
  }
}

export class Accounts {
  readonly #limits: AuthLimits;
  readonly #principals: Table<Account>;

  constructor(clock: Clock, limits: AuthLimits) {
    this.#limits = limits;
    const { callsPerSecond } = limits;
    this.#principals = new Table<Account>(
      clock,
      () => ({ calls: 0, streams: 0, rate: new RateLimit(clock, callsPerSecond, SECOND_MS) }),
      ({ calls, streams, rate }, now) => calls === 0 && streams === 0 && rate.owedMs(now, callsPerSecond) === 0,
    );
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
}

export class FailedAttempts {
  readonly #limit: number;
  readonly #addresses: Table<RateLimit>;

  constructor(clock: Clock, { failuresPerMinute }: AuthLimits) {
    this.#limit = failuresPerMinute;
    this.#addresses = new Table(
      clock,
      () => new RateLimit(clock, failuresPerMinute, MINUTE_MS),
      (rate, now) => rate.owedMs(now, failuresPerMinute) === 0,
    );
  }

  /** Before what costs work to check. Throws HostError `rate-limited` for an address that has shown too often what is nobody's. */
  require(address: string): void {
    const waitMs = this.#addresses.of(networkOf(address)).waitMs(1);
    if (waitMs === 0) return;
    const limit = `the limit is ${this.#limit} a minute (auth.limits.failuresPerMinute)`;
    throw tooMany(`the address ${address}`, `showed too often what is nobody's; ${limit}`, waitMs);
  }

  /** An address has shown what is nobody's. Throws like `require`. */
  failed(address: string): void {
    this.require(address);
    this.#addresses.of(networkOf(address)).take(1);
  }
}

/** One who has an IPv6 address has a whole /64 of them. */
function networkOf(address: string): string {
  if (!address.includes(":") || address.startsWith("::ffff:")) return address;
  const [head = "", tail] = address.split("::", 2);
  const groups = head === "" ? [] : head.split(":");
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === "" ? 0 : tail.split(":").length);
  return [...groups, ...Array<string>(Math.max(0, missing)).fill("0")].slice(0, 4).join(":");
}

function tooMany(who: string, what: string, retryAfterMs: number): HostError {
  return new HostError("rate-limited", `${who} ${what}; try again in ${retryAfterMs} ms`, { retryAfterMs });
}
