// Starts and stops all plugins of a host: at once, but each after those it depends on, or before them. What cannot start is data,
// never an exception.

import pLimit from "p-limit";
import { HostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { PluginDefinition } from "../core/types.ts";

// A start takes a process and a compilation; a hundred at once would take so long that all of them look silent.
const MAX_STARTING = 8;

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

/** Starts what is installed, but for `except`. Whatever fails is failed and logged; nothing waits for it but what depends on it. */
export async function startAll(host: Host, log: LogSink, except: ReadonlySet<string> = new Set()): Promise<void> {
  const { order, blocked } = startOrder(host.plugins.map(({ definition }) => definition));
  for (const [name, reason] of blocked) {
    await host.plugin(name)?.fail(new HostError("plugin-not-running", `${name} ${reason}`));
    log.write({ level: "error", plugin: "host", message: `${name} ${reason}` });
  }
  const starting = pLimit(MAX_STARTING);
  const started = new Map<string, Promise<void>>();
  const startAfter = async (name: string): Promise<void> => {
    const plugin = host.plugin(name);
    await Promise.all(plugin?.definition.dependencies.map((dependency) => started.get(dependency)) ?? []);
    if (plugin?.state === "installed" && !except.has(name)) await starting(() => host.start(name));
  };
  for (const name of order) started.set(name, startAfter(name));
  await Promise.all(started.values());
}

/** Stops what runs; each gets up to `drainMs` for what is queued. */
export async function stopAll(host: Host, drainMs: number): Promise<void> {
  const { order } = startOrder(host.plugins.map(({ definition }) => definition));
  const stopped = new Map<string, Promise<void>>();
  const stopAfter = async (name: string): Promise<void> => {
    const dependents = host.plugins.filter(({ definition }) => definition.dependencies.includes(name));
    await Promise.all(dependents.map((dependent) => stopped.get(dependent.name)));
    await host.plugin(name)?.stop(drainMs, true);
  };
  for (const name of order.toReversed()) stopped.set(name, stopAfter(name));
  await Promise.all(stopped.values());
}
