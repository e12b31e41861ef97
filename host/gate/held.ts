// Principals for whom somebody else stands: held for a moment, so that he is not asked each time, and the same one as before when he says the same.

import type { Clock } from "../core/ports/clock.ts";
import type { Vouched } from "./authenticator.ts";
import type { KnownPrincipal } from "./known.ts";

interface Held {
  readonly principal: KnownPrincipal;
  readonly said: string;
  /** On the monotonic clock. */
  readonly untilMs: number;
}

const MAX_HELD = 1_024;
const HOLDS_MS = 60_000;

export class HeldPrincipals {
  readonly #clock: Pick<Clock, "now" | "monotonicMs">;
  readonly #make: (who: Vouched) => KnownPrincipal;
  /** Whoever was asked for least recently stands first. */
  readonly #held = new Map<string, Held>();

  constructor(clock: Pick<Clock, "now" | "monotonicMs">, make: (who: Vouched) => KnownPrincipal) {
    this.#clock = clock;
    this.#make = make;
  }

  /** Undefined for one who has to be asked for. */
  find(key: string): KnownPrincipal | undefined {
    const { principal, untilMs } = this.#held.get(key) ?? {};
    if (principal === undefined || untilMs === undefined || this.#clock.monotonicMs() >= untilMs) return undefined;
    const { hasEnded, expiresAt = Number.POSITIVE_INFINITY } = principal;
    return hasEnded || this.#clock.now() >= expiresAt ? undefined : principal;
  }

  hold(key: string, who: Vouched, roles: readonly string[]): KnownPrincipal {
    const said = JSON.stringify([who.name, who.expiresAt, roles]);
    const before = this.#held.get(key);
    const isSame = before?.said === said && !before.principal.hasEnded;
    // Of one who may something else now, what goes on ends.
    if (!isSame) before?.principal.end();
    const principal = isSame ? before.principal : this.#make(who);
    this.#held.delete(key);
    const [oldest] = this.#held.size >= MAX_HELD ? this.#held.keys() : [];
    // What goes on for him goes on; he is asked for again when he comes again.
    if (oldest !== undefined) this.#held.delete(oldest);
    this.#held.set(key, { principal, said, untilMs: this.#clock.monotonicMs() + HOLDS_MS });
    return principal;
  }

  /** All of whom this is true may nothing more. */
  endWhere(isOver: (principal: KnownPrincipal) => boolean): void {
    for (const [key, { principal }] of this.#held) if (isOver(principal)) this.end(key);
  }

  /** Whoever it is may nothing more. */
  end(key: string): void {
    this.#held.get(key)?.principal.end();
    this.#held.delete(key);
  }
}
