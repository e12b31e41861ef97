// The data of a plugin move from one driver to another, by the command's own operations, and no plugin starts beside its data.

import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openControl } from "../../host/cli/control.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { describeWithServer } from "../support/servers.ts";
import { SERVER_OF, STORE_KINDS, TestStores } from "../support/stores.ts";

for (const kind of STORE_KINDS) {
  describeWithServer(SERVER_OF[kind], `a plugin's data, on their way to ${kind} and back`, () => {
    let folder: TemporaryFolder;
    let stores: TestStores;
    beforeEach(() => {
      folder = temporaryFolder();
      stores = new TestStores(kind);
    });
    afterEach(async () => {
      await stores[Symbol.asyncDispose]();
      folder.remove();
    });
    const configured = (storage: object | string) => {
      const plugins = { devices: { path: ownPlugin("devices"), isolation: "inline", grants: "all" } };
      const text = JSON.stringify({ adapters: { http: false }, drivers: { storage }, plugins });
      return parseConfiguration(text, join(folder.path, "bulkhead.json"));
    };
    const hosted = async (storage: object | string, work: (host: RunningHost, said: string) => Promise<void>): Promise<void> => {
      const log = memoryLog();
      await using host = await createHost({ configuration: configured(storage), log });
      await work(host, log.lines.map(({ message }) => message).join("\n"));
    };
    const invoke = async <T>(storage: object | string, operation: string, input: object): Promise<T> => {
      await using control = await openControl(configured(storage));
      return await control.invoke<T>(operation, input);
    };

    it("come whole, are compared, are kept where they were, and have versions of their own", async () => {
      const lamps = Array.from({ length: 30 }, (_, i) => `lamp-${i}`);
      await hosted("sqlite", async (host) => {
        for (const id of lamps) await host.call("devices.create", { id, kind: "lamp" });
      });
      const store = await stores.section(join(folder.path, "data"));

      await hosted(store, async (host, said) => {
        expect(said).toContain(`"bulkhead storage move devices --to ${kind}"`);
        await expect(host.call("devices.get", { id: "lamp-1" })).rejects.toMatchObject({ code: "no-such-service" });
      });
      await expect(invoke("sqlite", "storage-move", { plugin: "devices", to: kind })).rejects.toThrow(/says sqlite for devices/);

      const before = await invoke<{ keys: { key: string; version: number }[] }>(store, "storage-keys", { plugin: "devices", prefix: "" });
      const moved = await invoke(store, "storage-move", { plugin: "devices", to: kind });
      expect(moved).toMatchObject({ from: "sqlite", to: kind, keys: before.keys.length });
      expect(before.keys.length).toBeGreaterThanOrEqual(lamps.length);
      await expect(invoke(store, "storage-move", { plugin: "devices", to: kind })).rejects.toThrow(/are with .* already/);
      const after = await invoke<typeof before>(store, "storage-keys", { plugin: "devices", prefix: "" });
      expect(after.keys.map(({ key }) => key)).toEqual(before.keys.map(({ key }) => key));
      const greatest = Math.max(...before.keys.map(({ version }) => version));
      expect(after.keys.every(({ version }) => version > greatest)).toBe(true);
      const one = await invoke<{ value: string }>(store, "storage-get", { plugin: "devices", key: after.keys[0]?.key ?? "" });
      expect(Buffer.from(one.value, "base64").length).toBeGreaterThan(0);
      await expect(invoke(store, "storage-log", { plugin: "devices" })).rejects.toThrow(/keeps no log/);

      await hosted(store, async (host) => {
        expect(await host.call("devices.get", { id: "lamp-1" })).toMatchObject({ id: "lamp-1" });
        await host.call("devices.create", { id: "late", kind: "lamp" });
      });
      await expect(invoke("sqlite", "storage-move", { plugin: "devices", to: "sqlite" })).rejects.toThrow(
        '"bulkhead storage drop devices --from sqlite" removes the copy',
      );
      await invoke("sqlite", "storage-drop", { plugin: "devices", from: "sqlite" });
      await invoke("sqlite", "storage-move", { plugin: "devices", to: "sqlite" });
      await hosted("sqlite", async (host) => {
        expect(await host.call("devices.get", { id: "late" })).toMatchObject({ id: "late" });
      });
      await invoke("sqlite", "storage-drop", { plugin: "devices", from: kind });
      expect((await (await stores.openPlugin("devices")).keys({ prefix: "", after: undefined, limit: 10 })).length).toBe(0);

      const audit = await invoke<{ entries: { action: string }[] }>("sqlite", "audit", {});
      const actions = JSON.stringify(audit);
      for (const action of ["storage-keys", "storage-get", "storage-log", "storage-move", "storage-drop"])
        expect(actions).toContain(action);
    });
  });
}
