// Something for each name that comes by, in bounded memory.

import type { Clock } from "../core/ports/clock.ts";

/** Names that are counted one by one; those beyond share one account, so that nobody is forgotten by bringing many. */
export const MAX_ACCOUNTS = 4_096;
/** How often the accounts of those who have been quiet are given back. */
const SWEEP_MS = 1_000;

export class AccountTable<T> {
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

  /** Those that are counted one by one, and the one that all others share. */
  all(): T[] {
    return [...this.#of.values(), ...(this.#others === undefined ? [] : [this.#others])];
  }

  // Only an account that is full again is as good as a new one.
  #sweep(): void {
    const now = this.#clock.monotonicMs();
    if (now - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = now;
    for (const [name, one] of this.#of) if (this.#isIdle(one, now)) this.#of.delete(name);
  }
}
