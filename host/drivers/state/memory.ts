// The shared state in memory: it ends with the host.

import type { Clock } from "../../core/ports/clock.ts";
import type { StateDriver } from "../../core/ports/state.ts";
import type { Driver } from "../../seams.ts";
import { MIB, type StateOptions, stateOptions } from "./options.ts";
import { StateTable } from "./table.ts";

export const memory: Driver<StateDriver, StateOptions> = {
  name: "memory",
  options: stateOptions,
  async open({ clock }, { maxMiB, maxKeys }) {
    const table = new StateTable({ clock, maxKeys, maxBytes: maxMiB * MIB });
    return Object.assign(table, { [Symbol.asyncDispose]: async () => table.close() });
  },
};

/** For a host of its own that keeps nothing. */
export function memoryState(clock: Clock): StateTable {
  const { maxMiB, maxKeys } = stateOptions.parse({});
  return new StateTable({ clock, maxKeys, maxBytes: maxMiB * MIB });
}
