// Looks for a while where a plugin's CPU goes.

import { HostError } from "../core/errors.ts";
import type { ProfiledStack } from "../core/ports/cell.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Cells } from "./cells.ts";

/** For a cell that does not answer. */
const ANSWER_MS = 5_000;

export class Profiler {
  readonly #clock: Clock;
  readonly #cells: Pick<Cells, "of">;
  readonly #busy = new Set<string>();

  constructor(clock: Clock, cells: Pick<Cells, "of">) {
    this.#clock = clock;
    this.#cells = cells;
  }

  /** Rejects with HostError `plugin-not-running`, `conflict` while somebody else does so, `deadline-exceeded` when its cell does not answer. */
  async profile(plugin: string, seconds: number): Promise<readonly ProfiledStack[]> {
    const cell = this.#cells.of(plugin);
    if (cell?.profile === undefined) throw new HostError("plugin-not-running", `${plugin} has no cell that can be looked into`);
    if (this.#busy.has(plugin)) throw new HostError("conflict", `somebody profiles ${plugin} already`);
    this.#busy.add(plugin);
    try {
      await this.#answered(plugin, cell.profile(plugin, true));
      await this.#wait(seconds * 1_000);
      return await this.#answered(plugin, cell.profile(plugin, false));
    } finally {
      this.#busy.delete(plugin);
    }
  }

  async #answered<T>(plugin: string, work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const late = new HostError("deadline-exceeded", `the cell of ${plugin} did not answer within ${ANSWER_MS} ms`);
    const cancel = this.#clock.after(ANSWER_MS, () => reject(late));
    return Promise.race([work, promise]).finally(cancel);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(ms, resolve));
  }
}
