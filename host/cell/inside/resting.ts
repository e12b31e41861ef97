// Gives back what V8 keeps for work that a cell has done, once it has none. Of itself V8 does that while it works, and a process that rests would keep its young
// heap at its largest for good.

import v8 from "node:v8";
import { runInNewContext } from "node:vm";
import type { Clock } from "../../core/ports/clock.ts";

/** Without work for so long. */
const REST_MS = 2_000;
/** A turn now and then leaves little; looking for it would cost more than the turn. */
const LEAST_BYTES = 1024 * 1024;

export interface RestingPorts {
  readonly clock: Pick<Clock, "after">;
  /** What V8 holds, in bytes. */
  readonly heldBytes: () => number;
  readonly collect: () => void;
}

export class Resting {
  readonly #ports: RestingPorts;
  #hasWorked = false;
  #isWaiting = false;
  /** After the last time. */
  #keptBytes = 0;

  constructor({ clock = PATIENT, heldBytes = heapBytes, collect = collectAll }: Partial<RestingPorts> = {}) {
    this.#ports = { clock, heldBytes, collect };
  }

  /** To be called with each piece of work. */
  worked(): void {
    this.#hasWorked = true;
    if (!this.#isWaiting) this.#wait();
  }

  #wait(): void {
    this.#isWaiting = true;
    this.#hasWorked = false;
    this.#ports.clock.after(REST_MS, () => this.#look());
  }

  #look(): void {
    if (this.#hasWorked) return this.#wait();
    this.#isWaiting = false;
    const { heldBytes, collect } = this.#ports;
    if (heldBytes() - this.#keptBytes < LEAST_BYTES) return;
    collect();
    this.#keptBytes = heldBytes();
  }
}

const heapBytes = (): number => v8.getHeapStatistics().total_heap_size;

/** Does not keep a process from ending. */
const PATIENT: Pick<Clock, "after"> = {
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs).unref();
    return () => clearTimeout(timer);
  },
};

/** Both heaps, as small as they can be; some 20 ms. */
function collectAll(): void {
  collector ??= takeCollector();
  collector({ type: "major", execution: "sync", flavor: "last-resort" });
}

let collector: NodeJS.GCFunction | undefined;

/** In a realm of its own, so that nothing else that runs here has it. */
function takeCollector(): NodeJS.GCFunction {
  v8.setFlagsFromString("--expose-gc");
  const taken = runInNewContext("gc") as NodeJS.GCFunction;
  v8.setFlagsFromString("--no-expose-gc");
  return taken;
}
