// Storage in memory: the contract of every driver, and that it needs no file.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Circuit, throughCircuit } from "../../host/capabilities/storage/circuit.ts";
import { retrying } from "../../host/capabilities/storage/retrying.ts";
import { remoteStorageContract, storageDriverContract } from "../../host/contracts/storage-driver.ts";
import type { StorageToOpen } from "../../host/contracts/storage-words.ts";
import { startTrace } from "../../host/core/trace.ts";
import { MemoryStorage } from "../../host/drivers/storage-memory/driver.ts";
import { memoryStores } from "../../host/drivers/storage-memory/remote.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { createHost, parseConfiguration } from "../../host/index.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { CELL_KINDS } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";

describe("the contract of storage drivers, by memory", () => {
  const open = ({ maxBytes = 1024 * 1024, maxKeys = 1_000, clock = systemClock, keepsLog }: StorageToOpen = {}) =>
    new MemoryStorage({ plugin: "p", maxBytes, maxKeys, clock, keepsLog });
  for (const { name, run } of storageDriverContract(open)) it(name, run);
});

describe("the contract of storage on the host's side, by memory, asked through what hosts ask it through", () => {
  const open = async ({ maxBytes = 1024 * 1024, maxKeys = 1_000, clock = systemClock, keepsLog }: StorageToOpen = {}) => {
    const limits = { ...DEFAULT_LIMITS, storageBytes: maxBytes, storageKeys: maxKeys };
    const storage = await memoryStores(clock).open({ name: "p", limits, keepsStorageLog: keepsLog });
    const circuit = new Circuit(systemClock, () => {});
    return retrying(throughCircuit(storage, circuit), { clock: systemClock, deadline: Number.POSITIVE_INFINITY });
  };
  for (const { name, run } of remoteStorageContract(open)) it(name, run);
});

describe.each(CELL_KINDS)("a host whose plugins store in memory, in %s cells", (isolation) => {
  it("keeps values as long as the plugin is loaded, and writes no file", async () => {
    const folder = temporaryFolder();
    const text = JSON.stringify({
      adapters: { http: false },
      drivers: { storage: "memory" },
      plugins: { devices: { path: join(import.meta.dirname, "../../plugins/devices"), isolation, grants: "all" } },
    });
    const host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
    try {
      const call = async (service: string, input: object): Promise<unknown> => {
        const caller = { kind: "adapter", name: "test" } as const;
        const payload = new TextEncoder().encode(JSON.stringify(input));
        return JSON.parse(new TextDecoder().decode(await host.core.services.call({ service, payload, caller, traceparent: startTrace() })));
      };
      await call("devices.create", { id: "lamp-1", kind: "lamp" });
      expect(await call("devices.get", { id: "lamp-1" })).toMatchObject({ id: "lamp-1" });
      expect(existsSync(join(folder.path, "data", "storage")) ? readdirSync(join(folder.path, "data", "storage")) : []).toEqual([]);
    } finally {
      await host.stop();
      folder.remove();
    }
  });
});
