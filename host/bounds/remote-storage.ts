// A storage that answers at once, behind the port of those that answer later.

import type { RemoteStorage, StorageDriver } from "../core/ports/storage.ts";
import { boundedRead } from "./storage-rules.ts";

export function asRemote(driver: StorageDriver): RemoteStorage {
  return {
    read: async (keys, maxBytes) =>
      boundedRead(
        keys,
        (key) => driver.getVersioned(key),
        ({ value }) => value.length,
        maxBytes,
      ),
    set: async ({ key, value, trace }) => driver.set(key, value, trace),
    commit: async (commit) => driver.commit(commit),
    keys: async (range) => driver.keys(range),
    scan: async (range) => driver.scan(range),
    changes: async (after, limit) => driver.changes(after, limit),
    close: async () => driver.close(),
  };
}
