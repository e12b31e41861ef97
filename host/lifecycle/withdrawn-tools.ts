// Says in the log when a plugin's services are no tools any more, because it says something else of them than what the operator has read.

import type { Stores } from "../admin/stores.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { Manifest } from "../manifest/manifest.ts";

/** Once for each manifest, from those on that are there; returns its undo. */
export function tellOfWithdrawnTools({ manifests, toolWords }: Pick<Stores, "manifests" | "toolWords">, log: LogSink): () => void {
  const told = new WeakSet<Manifest>();
  const look = (): void => {
    for (const plugin of toolWords.plugins()) {
      const manifest = manifests.get(plugin);
      if (manifest === undefined || told.has(manifest) || toolWords.holds(manifest)) continue;
      told.add(manifest);
      const remedy = `"bulkhead mcp allow ${plugin}" shows what, and allows it`;
      log.write({
        level: "warning",
        plugin: "host",
        message: `${plugin} says something else of its services; they are no tools: ${remedy}`,
      });
    }
  };
  look();
  return manifests.onChange(look);
}
