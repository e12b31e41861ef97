// How late the host's event loop comes to what is due: the one figure that says that the host itself is overloaded.

import type { Clock } from "../core/ports/clock.ts";
import { Histogram } from "./histogram.ts";

const INTERVAL_MS = 500;
const MS_PER_SECOND = 1_000;

export class LoopLag {
  readonly histogram: Histogram = new Histogram();
  readonly #clock: Clock;
  #cancel: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wait();
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }

  #wait(): void {
    const due = this.#clock.monotonicMs() + INTERVAL_MS;
    this.#cancel = this.#clock.after(INTERVAL_MS, () => {
      this.histogram.record(Math.max(0, this.#clock.monotonicMs() - due) / MS_PER_SECOND);
      this.#wait();
    });
  }
}
