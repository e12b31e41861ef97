// What the configuration names: under its own key and under that of 0.1, what comes with the host and what others wrote, and what is missing.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { OwnListeners } from "../../host/bounds/own-listeners.ts";
import { HashingLine } from "../../host/capabilities/crypto/hashing-line.ts";
import { memoryKeys } from "../../host/capabilities/crypto/memory-keys.ts";
import type { HostError } from "../../host/core/errors.ts";
import { Host } from "../../host/core/host.ts";
import type { CapabilityFunction } from "../../host/core/ports/capability.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { contributionParsers, openAdapters } from "../../host/lifecycle/adapters.ts";
import { openCapabilities } from "../../host/lifecycle/capabilities.ts";
import { openOurs } from "../../host/lifecycle/foreign.ts";
import { openRemoteStores } from "../../host/lifecycle/remote-stores.ts";
import { chosenDriver, optionsOf, sectionOf } from "../../host/lifecycle/sections.ts";
import { storageOf } from "../../host/lifecycle/storage.ts";
import { type Configuration, parseConfiguration } from "../../host/manifest/configuration.ts";
import { blobsInMemory } from "../support/blobs.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { definition, type Script, scriptedCell, textOf, utf8 } from "../support/scripted-cell.ts";

describe("what the configuration chooses", () => {
  let folder: TemporaryFolder;
  let booting: AsyncDisposableStack;
  beforeEach(() => {
    folder = temporaryFolder();
    booting = new AsyncDisposableStack();
  });
  afterEach(async () => {
    await booting.disposeAsync();
    folder.remove();
  });
  const configuration = (given: object): Configuration => parseConfiguration(JSON.stringify(given), join(folder.path, "bulkhead.json"));
  const opening = () => ({ clock: systemClock, log: memoryLog(), dataDir: folder.path });
  const refusal = async (given: object): Promise<string> => {
    const functions = await openCapabilities(
      configuration(given),
      opening(),
      {
        secrets: { find: () => undefined },
        blobs: blobsInMemory(),
        keys: memoryKeys(),
        hashing: new HashingLine(systemClock),
        ownListeners: new OwnListeners(),
      },
      booting,
    );
    const { answer } = functions["http.fetch"] as CapabilityFunction;
    return (answer as () => Promise<unknown>)().then(
      () => "answered",
      ({ code, message }: HostError) => `${code}: ${message}`,
    );
  };

  it("may have the names of 0.1, which messages then use, and not both", async () => {
    expect(await refusal({ capabilities: { http: false } })).toBe(
      "permission-denied: this host does not answer http.fetch (capabilities.http is false)",
    );
    expect(await refusal({ adapters: { httpClient: false } })).toContain("(adapters.httpClient is false)");
    expect(sectionOf(configuration({ adapters: { log: { level: "error" } } }), "drivers", "log")).toEqual({
      key: "adapters.log",
      value: { level: "error" },
    });
    await expect(refusal({ adapters: { httpClient: { concurrency: 0 } } })).rejects.toMatchObject({
      message: "the configuration of adapters.httpClient is malformed",
      detail: expect.stringMatching(/^adapters\.httpClient\.concurrency \(0\): /),
    });
    await expect(refusal({ adapters: { httpClient: {} }, capabilities: { http: {} } })).rejects.toMatchObject({
      code: "invalid-message",
      message: expect.stringContaining("write capabilities.http only"),
    });
  });

  it("is refused with its key when it is nothing, and never found on a prototype", async () => {
    for (const name of ["teleport", "constructor", "toString", "hasOwnProperty"]) {
      await expect(refusal({ capabilities: { [name]: {} } }), name).rejects.toMatchObject({
        message: expect.stringContaining(`"${name}"`),
      });
      const storage = openRemoteStores({
        configuration: configuration({ drivers: { storage: name } }),
        opening: opening(),
        secrets: { find: () => undefined },
        core: () => new Host(hostPorts(opening())),
      });
      await expect(storage, name).rejects.toMatchObject({ message: expect.stringContaining("memory, sqlite") });
      await expect(openAdapters(configuration({ adapters: { [name]: {} } }), opening(), booting), name).rejects.toMatchObject({
        code: "invalid-message",
      });
    }
    for (const value of [7, [], null])
      expect(() => chosenDriver({ key: "drivers.log", value }, "json"), String(value)).toThrow(/drivers\.log/);
    expect(() => chosenDriver({ key: "drivers.log", value: { driver: 7 } }, "json")).toThrow("drivers.log.driver is the name of a driver");
    for (const readCacheKiB of [0, 1.5, "64", 65_537])
      expect(() => storageOf(configuration({ drivers: { storage: { driver: "memory-remote", readCacheKiB } } }))).toThrow(
        "drivers.storage.readCacheKiB is a whole number from 1 to 65536",
      );
    expect(() => storageOf(configuration({ drivers: { storage: { driver: "sqlite", readCacheKiB: 64 } } }))).toThrow(
      "drivers.storage.readCacheKiB: the driver sqlite has no such option",
    );
    expect(storageOf(configuration({ drivers: { storage: { driver: "postgres", url: "u", readCacheKiB: 64 } } }))).toEqual({
      ...{ driver: "postgres", side: "host", readCacheBytes: 65_536 },
      options: { key: "drivers.storage", value: { url: "u" } },
    });
    expect(() => storageOf(configuration({ drivers: { storage: { driver: "memory", size: 1 } } }))).toThrow(
      "drivers.storage.size: the driver memory has no such option",
    );
    expect(() => optionsOf(z.strictObject({}), { key: "adapters.x", value: "text" })).toThrow(
      "the configuration of adapters.x is malformed",
    );
  });

  it("may be a package that is installed beside the configuration, also one that can only be imported", async () => {
    const home = join(folder.path, "node_modules", "@acme", "door");
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "package.json"), JSON.stringify({ name: "@acme/door", type: "module", exports: { import: "./door.js" } }));
    const source = `export const adapter = { name: "door", options: { safeParse: (data) => ({ success: true, data }) },
      parseContribution(_plugin, section) { return { read: section }; },
      start: async (_context, options) => ({ address: "door:" + options.at, [Symbol.asyncDispose]: async () => {} }) };`;
    writeFileSync(join(home, "door.js"), source);
    const given = configuration({ adapters: { http: false, "control-socket": false, "@acme/door": { at: 7 } } });
    const adapters = await openAdapters(given, opening(), booting);
    expect([...(await adapters.start(() => ({}) as never, new OwnListeners(), booting))]).toEqual([["door", "door:7"]]);
    expect((await contributionParsers(given)).get("door")?.("p", 1)).toEqual({ read: 1 });
    writeFileSync(join(home, "door.js"), "export const nothing = 1;");
    writeFileSync(join(folder.path, "other.mjs"), "export const nothing = 1;");
    await expect(openAdapters(configuration({ adapters: { "./other.mjs": {} } }), opening(), booting)).rejects.toThrow(
      'exports no "adapter"',
    );
    await expect(openAdapters(configuration({ adapters: { "./none.mjs": {} } }), opening(), booting)).rejects.toMatchObject({
      message: "adapters../none.mjs cannot be loaded; its name is the path of a module",
    });
  });

  it("may open one object and offer several seams over it, before the core exists", async () => {
    const source = `let calls = 0;
      const object = {
        functions: { "http.fetch": { needs: "http.fetch", answer: async () => ({ status: 200, headers: [], body: new Uint8Array([calls]) }) } },
        guard: { call: ({ service }) => { calls += 1; if (service === "p.no") throw new Error("closed"); } },
        observer: { call: () => { calls += 10; } },
        [Symbol.asyncDispose]: async () => {},
      };
      export const adapter = { name: "many", options: { safeParse: (data) => ({ success: true, data }) }, open: async () => object,
        start: async (_context, _options, opened) => ({ address: String(opened === object), [Symbol.asyncDispose]: async () => {} }) };`;
    writeFileSync(join(folder.path, "many.mjs"), source);
    const given = configuration({ adapters: { http: false, "control-socket": false, "./many.mjs": {} } });
    const { functions, guards, observers, start } = await openAdapters(given, opening(), booting);
    const host = new Host(hostPorts({ clock: systemClock, log: memoryLog(), capabilities: functions, guards }));
    for (const observer of observers) host.observe(observer);
    const asked: Script = {
      yes: (_input, turn) => turn.answer("http.fetch", [utf8('{"method":"GET","url":"http://a.test/","headers":[]}'), utf8("")]),
    };
    const permissions = [{ permission: "http.fetch", resource: "http://a.test", reason: "to test" }];
    const services = ["p.yes", "p.no"].map((name) => ({ name, entryPoint: "yes" }));
    host.add(definition("p", asked, { services, permissions, grants: permissions }), scriptedCell({ p: asked }));
    await host.start("p");
    const call = (service: string) =>
      host.services.call({ service, payload: utf8(""), caller: { kind: "adapter", name: "t" }, traceparent: "t" });
    await expect(call("p.no")).rejects.toMatchObject({ code: "internal", cause: expect.objectContaining({ message: "closed" }) });
    // One question to the guard before and this one, and one ended call told.
    expect(textOf(await call("p.yes"))).toContain(Buffer.from([12]).toString("base64"));
    expect([...(await start(() => ({}) as never, new OwnListeners(), booting))]).toEqual([["many", "true"]]);
  });

  it("says which package is missing and how to get it, for what comes with the host", async () => {
    const missing = Object.assign(new Error("Cannot find package 'pg' imported from /x.js"), { code: "ERR_MODULE_NOT_FOUND" });
    const fails = (cause: Error) => openOurs({ name: "postgres", packages: { pg: "^8.23.0" } }, () => Promise.reject(cause));
    await expect(fails(missing)).rejects.toMatchObject({
      code: "invalid-message",
      message: 'postgres needs the package pg, which is not installed: npm install "pg@^8.23.0"',
    });
    // What is missing for another reason is told as it is.
    const other = Object.assign(new Error("Cannot find package 'left-pad'"), { code: "ERR_MODULE_NOT_FOUND" });
    await expect(fails(other)).rejects.toBe(other);
    await expect(fails(new Error("it says 'pg' is down"))).rejects.toThrow("is down");
  });
});
