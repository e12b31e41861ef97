// Blobs in memory, for plugin tests and for hosts that are to keep nothing.

import type { BlobContent, BlobDriver, BlobEntry } from "../../core/ports/blobs.ts";
import type { Bytes } from "../../core/types.ts";

interface Kept {
  readonly entries: Map<string, BlobEntry>;
  readonly contents: Map<string, Bytes>;
}

export function memoryBlobs(): BlobDriver {
  const plugins = new Map<string, Kept>();
  const of = (plugin: string): Kept => {
    const kept = plugins.get(plugin) ?? { entries: new Map(), contents: new Map() };
    plugins.set(plugin, kept);
    return kept;
  };
  const drop = ({ contents }: Kept, former: BlobEntry | undefined): void => {
    if (former !== undefined) contents.delete(former.id);
  };
  return {
    open: async (plugin) => [...of(plugin).entries.values()],
    create: async (plugin) => contentIn(of(plugin).contents),
    async put(plugin, entry, former) {
      const kept = of(plugin);
      kept.entries.set(entry.name, entry);
      drop(kept, former);
    },
    async rename(plugin, entry, to, former) {
      const kept = of(plugin);
      kept.entries.delete(entry.name);
      kept.entries.set(to, { ...entry, name: to });
      drop(kept, former);
    },
    async remove(plugin, entry) {
      const kept = of(plugin);
      kept.entries.delete(entry.name);
      drop(kept, entry);
    },
    read: async (plugin, { id }, offset, length) =>
      of(plugin)
        .contents.get(id)
        ?.slice(offset, offset + length),
    async purge(plugin) {
      plugins.delete(plugin);
    },
  };
}

function contentIn(contents: Map<string, Bytes>): BlobContent {
  const id = crypto.randomUUID();
  const pieces: Bytes[] = [];
  return {
    id,
    async write(piece) {
      pieces.push(piece.slice());
    },
    async seal() {
      contents.set(id, new Uint8Array(Buffer.concat(pieces)));
    },
    async discard() {
      contents.delete(id);
    },
  };
}
