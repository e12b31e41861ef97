// A plugin that is a process of its own: it waits for its peer, is entered and asks like every plugin, and goes on when its peer comes back.

import { expect, it } from "vitest";
import { config, events, log, services, storage } from "../../plugin-sdk/remote-node/src/index.ts";
import { eventually } from "../support/eventually.ts";
import { RemoteWorld } from "./world.ts";

const text = new TextDecoder();
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

const SERVICES = { services: { "meter.read": { entryPoint: "read" } } };

it("waits for its peer, and says so, while the host and others run", async () => {
  await using world = await RemoteWorld.start({ manifest: SERVICES });
  expect(world.state).toBe("failed");
  expect(world.failure).toBe("meter waits for its peer; nothing has connected for it");
  await expect(world.call("meter.read")).rejects.toMatchObject({ code: "plugin-not-running" });
});

it("is entered when its peer is there, and has storage, configuration, log and permissions like every plugin", async () => {
  const permissions = [{ permission: "services.call", resource: "vault.open", reason: "to be refused" }];
  await using world = await RemoteWorld.start({
    manifest: { ...SERVICES, permissions, config: { type: "object", properties: { unit: { type: "string" } } } },
    settings: { grants: [], config: { unit: "celsius" } },
  });
  const published: string[] = [];
  world.host.core.events.subscribe("meter.*", ({ type, source, data }) => published.push(`${type} ${source} ${text.decode(data)}`));
  world.connect({
    onLoad: () => log.write("info", "loaded"),
    services: {
      async read(request) {
        await storage.set("last", request.bytes);
        await events.publish("meter.was-read", "application/json", bytes("1"));
        const refused = await services.call("vault.open", bytes("")).catch((error: { code: string }) => error.code);
        const { kind, name } = await services.currentCaller();
        return `${await config.get("unit")} ${text.decode(await storage.get("last"))} ${refused} ${kind}:${name}`;
      },
    },
  });
  await world.running();
  expect(await world.call("meter.read", "21")).toBe("celsius 21 permission-denied adapter:test");
  expect(published).toEqual(["meter.was-read /plugins/meter 1"]);
  expect(world.log.lines.filter(({ plugin }) => plugin === "meter").map(({ message }) => message)).toEqual(["loaded"]);
});

it("ends the turns of a peer that goes away, and serves again with what it stored when one is back", async () => {
  await using world = await RemoteWorld.start({ manifest: SERVICES });
  const entered = Promise.withResolvers<void>();
  const first = world.connect({
    services: {
      async read() {
        await storage.set("count", bytes("1"));
        entered.resolve();
        return new Promise<string>(() => {});
      },
    },
  });
  await world.running();
  const hanging = world.call("meter.read").catch((error: unknown) => error);
  await entered.promise;
  first.close();
  expect(await hanging).toMatchObject({ code: "plugin-failed", message: expect.stringContaining("the peer of meter is gone") });
  await eventually("it waits", () => world.state === "failed" || undefined);
  expect(world.failure).toContain("meter waits for its peer; the last session ended");
  world.connect({ services: { read: async () => text.decode(await storage.get("count")) } });
  await world.running();
  expect(await world.call("meter.read")).toBe("1");
});
