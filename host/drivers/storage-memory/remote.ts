// Storage in the memory of the host: ends with it. For trying out what is answered on the host's side, and for tests.

import { z } from "zod";
import { asRemote } from "../../bounds/remote-storage.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { RemoteStorage, RemoteStorageDriver } from "../../core/ports/storage.ts";
import type { StoredPlugin } from "../../core/types.ts";
import type { StorageDriverOfHost } from "../../seams.ts";
import { MemoryStorage } from "./driver.ts";

export const memoryRemote: StorageDriverOfHost<object> = {
  name: "memory-remote",
  options: z.strictObject({}),
  open: async ({ clock }) => memoryStores(clock),
};

/** What a plugin stored is there again when it is opened with other limits. */
export function memoryStores(clock: Pick<Clock, "now">): RemoteStorageDriver {
  const stores = new Map<string, MemoryStorage>();
  return {
    async open({ name, limits, keepsStorageLog }: StoredPlugin): Promise<RemoteStorage> {
      const options = { plugin: name, maxBytes: limits.storageBytes, maxKeys: limits.storageKeys, keepsLog: keepsStorageLog, clock };
      const store = stores.get(name) ?? new MemoryStorage(options);
      stores.set(name, store);
      store.reconfigure(options);
      return { ...asRemote(store), close: async () => {} };
    },
    async purge(plugin) {
      stores.delete(plugin);
    },
    async [Symbol.asyncDispose]() {
      stores.clear();
    },
  };
}
