// Plugin storage in a map, for tests that are about something else: no limits, no checks, and nothing ever ends.

import type { CellStorage } from "../../host/engine/guest/cell-functions.ts";

export function memoryStorage(): CellStorage {
  const stored = new Map<string, Uint8Array>();
  return {
    get: (key) => stored.get(key),
    getMany: (keys) => keys.map((key) => stored.get(key)),
    set: (key, value) => void stored.set(key, value.slice()),
    delete: (key) => stored.delete(key),
    apply(changes) {
      for (const { key, value } of changes) value === undefined ? stored.delete(key) : stored.set(key, value.slice());
    },
    keys: ({ prefix, limit }) => [...stored.keys()].filter((key) => key.startsWith(prefix)).slice(0, limit),
    close: () => stored.clear(),
  };
}
