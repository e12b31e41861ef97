// The order in which plugins start: dependencies first. What cannot start is data, never an exception.

import type { PluginDefinition } from "../core/types.ts";

export interface StartOrder {
  readonly order: readonly string[];
  /** Why the others cannot start, in words. */
  readonly blocked: ReadonlyMap<string, string>;
}

/** Dependencies first, otherwise as given. */
export function startOrder(plugins: readonly Pick<PluginDefinition, "name" | "dependencies">[]): StartOrder {
  const names = new Set(plugins.map(({ name }) => name));
  const order = new Set<string>();
  const blocked = new Map<string, string>();
  for (let before = -1; before < order.size + blocked.size; ) {
    before = order.size + blocked.size;
    for (const { name, dependencies } of plugins) {
      if (order.has(name) || blocked.has(name)) continue;
      const missing = dependencies.find((dependency) => !names.has(dependency));
      const stuck = dependencies.find((dependency) => blocked.has(dependency));
      if (missing !== undefined) blocked.set(name, `needs ${missing}, which is not installed`);
      else if (stuck !== undefined) blocked.set(name, `needs ${stuck}, which cannot start`);
      else if (dependencies.every((dependency) => order.has(dependency))) order.add(name);
    }
  }
  const cycle = [...names].filter((name) => !order.has(name) && !blocked.has(name));
  for (const name of cycle) blocked.set(name, `is part of or waits for a cycle of dependencies: ${cycle.join(", ")}`);
  return { order: [...order], blocked };
}
