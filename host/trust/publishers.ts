// Who may publish under which names.

export interface Publisher {
  /** As people call him. */
  readonly name: string;
  /** Patterns of plugins' names, such as acme-* */
  readonly plugins: readonly string[];
  readonly keyids: readonly string[];
  /** How many of his keys must have signed. */
  readonly threshold: number;
  /** How many, of a version that asks for more than the one before. */
  readonly toWiden: number;
}

/** The publisher of a plugin's name: of those that match the one whose pattern says most, the first among equals. */
export function publisherOf(plugin: string, publishers: readonly Publisher[]): Publisher | undefined {
  let found: { readonly publisher: Publisher; readonly length: number } | undefined;
  for (const publisher of publishers)
    for (const pattern of publisher.plugins) {
      const length = matchLength(pattern, plugin);
      if (length !== undefined && length > (found?.length ?? -1)) found = { publisher, length };
    }
  return found?.publisher;
}

/** How much of the name a pattern says; undefined when it does not match. A whole name says more than any beginning. */
function matchLength(pattern: string, plugin: string): number | undefined {
  if (!pattern.endsWith("*")) return pattern === plugin ? Number.POSITIVE_INFINITY : undefined;
  const beginning = pattern.slice(0, -1);
  return plugin.startsWith(beginning) ? beginning.length : undefined;
}
