// How often each service may be called, by each caller and in all. What is refused costs nobody anything: either all that a call is counted for have room for it,
// or none is charged.

import { HostError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Guard } from "../core/ports/policy.ts";
import { RateLimit } from "../core/rate-limit.ts";
import type { ServiceCall } from "../core/turn.ts";
import type { Rate, ServiceDefinition } from "../core/types.ts";

/** Callers of a service that are counted one by one; those beyond share one account, so that nobody is forgotten by bringing many. */
export const MAX_CALLERS = 1_024;
/** How often the accounts of those who have been quiet are given back. */
const SWEEP_MS = 1_000;
const SECOND_MS = 1_000;

interface Charge {
  readonly key: "perCaller" | "total";
  readonly rate: Rate;
  readonly account: RateLimit;
  readonly who: string;
}

/** Accounts belong to the definition of a service, so they end with it. */
export function callRates(clock: Clock): Guard {
  const services = new WeakMap<ServiceDefinition, ServiceAccounts>();
  return {
    call(call, service) {
      const { rates } = service;
      if (rates?.perCaller === undefined && rates?.total === undefined) return;
      const accounts = services.get(service) ?? new ServiceAccounts(service, clock);
      services.set(service, accounts);
      accounts.charge(call);
    },
  };
}

class ServiceAccounts {
  readonly #service: ServiceDefinition;
  readonly #clock: Clock;
  readonly #total: RateLimit | undefined;
  readonly #callers = new Map<string, RateLimit>();
  #others: RateLimit | undefined;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(service: ServiceDefinition, clock: Clock) {
    this.#service = service;
    this.#clock = clock;
    const total = service.rates?.total;
    this.#total = total && accountOf(total, clock);
  }

  /** Throws HostError `rate-limited` with the time to wait. */
  charge(call: ServiceCall): void {
    const now = this.#clock.monotonicMs();
    const { perCaller, total } = this.#service.rates ?? {};
    const charges: Charge[] = [];
    if (perCaller !== undefined)
      for (const who of callersOf(call)) charges.push({ key: "perCaller", rate: perCaller, account: this.#of(who, perCaller, now), who });
    if (total !== undefined && this.#total !== undefined)
      charges.push({ key: "total", rate: total, account: this.#total, who: "everybody together" });
    for (const one of charges) refuseOwing(this.#service.name, one, now);
    for (const account of new Set(charges.map((one) => one.account))) account.spend(1, now);
  }

  #of(who: string, rate: Rate, now: number): RateLimit {
    const known = this.#callers.get(who);
    if (known !== undefined) return known;
    if (this.#callers.size >= MAX_CALLERS) this.#sweep(rate, now);
    if (this.#callers.size >= MAX_CALLERS) {
      this.#others ??= accountOf(rate, this.#clock);
      return this.#others;
    }
    const made = accountOf(rate, this.#clock);
    this.#callers.set(who, made);
    return made;
  }

  // Only an account that is full again is as good as a new one.
  #sweep({ burst }: Rate, now: number): void {
    if (now - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = now;
    for (const [who, account] of this.#callers) if (account.owedMs(now, burst) === 0) this.#callers.delete(who);
  }
}

const accountOf = ({ perSecond, burst }: Rate, clock: Clock): RateLimit => new RateLimit(clock, burst, (burst / perSecond) * SECOND_MS);

/** Who calls, and whoever lends it authority: a service that acts for its caller is no way around what the caller may. */
function callersOf({ caller, within }: ServiceCall): ReadonlySet<string> {
  const lenders = within?.context.authorities ?? [];
  return new Set([caller.principal ?? `${caller.kind} ${caller.name}`, ...lenders.map(({ plugin }) => `plugin ${plugin}`)]);
}

function refuseOwing(service: string, { key, rate, account, who }: Charge, now: number): void {
  const retryAfterMs = Math.ceil(account.owedMs(now, 1));
  if (retryAfterMs === 0) return;
  const limit = `${rate.perSecond} a second, ${rate.burst} at once (services.${service}.${key})`;
  throw new HostError("rate-limited", `${who} calls ${service} too often; the limit is ${limit}; try again in ${retryAfterMs} ms`, {
    retryAfterMs,
  });
}
