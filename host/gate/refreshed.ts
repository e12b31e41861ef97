// Something of somebody else's, such as his keys: kept for a while, asked for now and then by one at a time, and as it was as long as it cannot be had anew.

import type { Clock } from "../core/ports/clock.ts";

/** It is asked for again this often at most, whatever comes. */
export const REFRESH_MS = 30_000;

export class Refreshed<T> {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #ask: () => Promise<T>;
  readonly #failed: (cause: unknown) => void;
  #value: T | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;

  /** `failed` is told why it cannot be had. */
  constructor(clock: Pick<Clock, "monotonicMs">, ask: () => Promise<T>, failed: (cause: unknown) => void) {
    this.#clock = clock;
    this.#ask = ask;
    this.#failed = failed;
  }

  /** Asked for anew unless it was within so many milliseconds; undefined when there is none. */
  async get(holdMs: number): Promise<T | undefined> {
    const age = this.#clock.monotonicMs() - this.#askedAt;
    if (age >= (this.#value === undefined ? REFRESH_MS : holdMs)) {
      this.#asking ??= this.#renew().finally(() => {
        this.#asking = undefined;
      });
    }
    await this.#asking;
    return this.#value;
  }

  async #renew(): Promise<void> {
    this.#askedAt = this.#clock.monotonicMs();
    try {
      this.#value = await this.#ask();
    } catch (cause) {
      this.#failed(cause);
    }
  }
}
