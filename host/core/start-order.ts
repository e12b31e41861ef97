// The order in which plugins start: dependencies first. What cannot start is data, never an exception.

export interface Startable {
  readonly name: string;
  readonly dependencies: readonly string[];
}

export interface StartOrder {
  readonly order: readonly string[];
  /** Why the others cannot start, in words. */
  readonly blocked: ReadonlyMap<string, string>;
}

/** Keeps the given order where dependencies allow it. Linear in plugins and dependencies, no recursion. */
export function startOrder(plugins: readonly Startable[]): StartOrder {
  const known = new Set(plugins.map((plugin) => plugin.name));
  const blocked = new Map<string, string>();
  const order: string[] = [];
  const started = new Set<string>();
  let waiting = plugins.filter((plugin) => {
    const missing = plugin.dependencies.find((dependency) => !known.has(dependency));
    if (missing !== undefined) blocked.set(plugin.name, `needs ${missing}, which is not installed`);
    return missing === undefined;
  });
  for (let progress = true; progress; ) {
    const left = waiting.filter((plugin) => {
      const culprit = plugin.dependencies.find((dependency) => blocked.has(dependency));
      if (culprit !== undefined) {
        blocked.set(plugin.name, `needs ${culprit}, which cannot start`);
        return false;
      }
      if (!plugin.dependencies.every((dependency) => started.has(dependency))) return true;
      started.add(plugin.name);
      order.push(plugin.name);
      return false;
    });
    progress = left.length < waiting.length;
    waiting = left;
  }
  for (const plugin of waiting)
    blocked.set(plugin.name, `is part of or waits for a cycle of dependencies: ${waiting.map((other) => other.name).join(", ")}`);
  return { order, blocked };
}
