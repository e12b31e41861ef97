// Plugin storage in a map, for tests that are about something else: no limits, no checks of keys, no log, and nothing ever ends.

import type { StorageDriver } from "../../host/core/ports/storage.ts";
import type { StorageVersioned } from "../../host/core/wit.ts";
import type { CellStorage } from "../../host/engine/guest/cell-functions.ts";

export function memoryDriver(): StorageDriver {
  const stored = new Map<string, StorageVersioned>();
  let version = 0;
  const put = (key: string, value: Uint8Array | undefined): boolean => {
    if (value === undefined) return stored.delete(key);
    const wasThere = stored.has(key);
    stored.set(key, { value: value.slice(), version, expiresAt: undefined });
    return wasThere;
  };
  return {
    get: (key) => stored.get(key)?.value,
    getVersioned: (key) => stored.get(key),
    set(key, value) {
      version += 1;
      return put(key, value);
    },
    commit({ checks, changes }) {
      if (!checks.every((check) => (stored.get(check.key)?.version ?? 0) === check.version)) return { committed: false, version: 0 };
      version += 1;
      for (const { key, value } of changes) put(key, value);
      return { committed: true, version };
    },
    keys: ({ prefix, limit }) => [...stored.keys()].filter((key) => key.startsWith(prefix)).slice(0, limit),
    scan: ({ prefix, limit }) => {
      const found = [...stored].filter(([key]) => key.startsWith(prefix)).slice(0, limit);
      return { entries: found.map(([key, { value, version: ofValue }]) => ({ key, value, version: ofValue })), next: undefined };
    },
    changes: () => [],
    close: () => stored.clear(),
  };
}

export function memoryStorage(): CellStorage {
  const driver = memoryDriver();
  const commit: CellStorage["commit"] = (checks, changes) => driver.commit({ checks, changes });
  return {
    ...driver,
    getMany: (keys) => keys.map((key) => driver.get(key)),
    set: (key, value) => void driver.set(key, value),
    delete: (key) => driver.set(key, undefined),
    apply: (changes) => void commit([], changes),
    commit,
    scan: (range) => driver.scan({ ...range, maxBytes: Number.POSITIVE_INFINITY }),
  };
}
