// A host whose plugins keep what they store elsewhere: with two drivers at once, without its store, and when that comes back.

import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openHostDatabase } from "../../host/admin/database.ts";
import { SecretStore } from "../../host/admin/secrets.ts";
import { STORE_DESTINATION } from "../../host/bounds/store-address.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { RemoteStores } from "../../host/lifecycle/remote-stores.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { describeWithServer, ownServer, PASSWORD } from "../support/servers.ts";

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const hosted = (drivers: object, plugin: object): Promise<RunningHost> => {
  const plugins = { devices: { path: ownPlugin("devices"), grants: "all", ...plugin } };
  const text = JSON.stringify({ adapters: { http: false }, drivers, plugins });
  return createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
};

describe("the storage of one plugin", () => {
  it("may be on the host's side while that of all others is in their cells, and the other way round", async () => {
    for (const [ofAll, ofOne, side] of [
      ["memory", "memory-remote", "host"],
      ["memory-remote", "memory", "cell"],
    ] as const) {
      await using host = await hosted({ storage: ofAll }, { isolation: "thread", storage: ofOne });
      expect(host.core.plugin("devices")?.definition.storage).toBe(side);
      await host.call("devices.create", { id: "lamp-1", kind: "lamp" });
      expect(await host.call("devices.get", { id: "lamp-1" })).toMatchObject({ id: "lamp-1" });
    }
  });

  it.each(["thread", "process"])("is what was written last also where a cell of kind %s keeps what it has read", async (isolation) => {
    await using host = await hosted({}, { isolation, storage: { driver: "memory-remote", readCacheKiB: 64 } });
    expect(host.core.plugin("devices")?.definition.readCacheBytes).toBe(65_536);
    await expect(host.call("devices.get", { id: "lamp-1" })).rejects.toMatchObject({ reason: "not-found" });
    await host.call("devices.create", { id: "lamp-1", kind: "lamp" });
    for (let level = 1; level <= 3; level += 1) {
      await host.call("devices.set-state", { id: "lamp-1", state: { level } });
      for (let i = 0; i < 2; i += 1) expect(await host.call("devices.get", { id: "lamp-1" })).toMatchObject({ desired: { level } });
    }
    await host.call("devices.remove", { id: "lamp-1" });
    await expect(host.call("devices.get", { id: "lamp-1" })).rejects.toMatchObject({ reason: "not-found" });
  });

  it("is not there for a cell that asks the host for it and has it itself", async () => {
    const configuration = parseConfiguration("{}", join(folder.path, "bulkhead.json"));
    const opening = { clock: systemClock, log: memoryLog(), dataDir: folder.path, secrets: { find: () => undefined } };
    await using stores = new RemoteStores({ configuration, opening, plugin: () => undefined });
    expect(() => stores.of("devices")).toThrow(expect.objectContaining({ code: "permission-denied" }));
  });
});

describeWithServer("postgres", "a store that goes away under a host", () => {
  it("fails what is asked of it, and has all that it acknowledged once it is back", async () => {
    const server = await ownServer("postgres");
    const dataDir = join(folder.path, "data");
    const database = openHostDatabase(dataDir);
    const url = `postgres://postgres:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}/postgres`;
    new SecretStore(database.connection, systemClock, dataDir).set("store-url", url, [STORE_DESTINATION]);
    database.close();
    await using host = await hosted({ storage: { driver: "postgres", urlSecret: "store-url" } }, { isolation: "process" });
    const lamps: string[] = [];
    const create = async (id: string): Promise<void> => {
      await host.call("devices.create", { id, kind: "lamp" });
      lamps.push(id);
    };
    for (let i = 0; i < 5; i += 1) await create(`lamp-${i}`);
    await server.kill();
    let failures = 0;
    await eventually("it is back", async () => {
      const made = await create(`late-${failures}`).catch((error: { readonly message: string }) => error);
      if (made === undefined) return true;
      failures += 1;
      return undefined;
    });
    for (const id of lamps) expect(await host.call("devices.get", { id })).toMatchObject({ id });
    expect(host.core.plugin("devices")?.state).toBe("running");
  });
});
