// A plugin that is a process of its own: it waits for its peer, is entered and asks like every plugin, and goes on when its peer comes back.

import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { startTrace } from "../../host/core/trace.ts";
import { config, currentTurn, type Event, events, log, services, storage } from "../../plugin-sdk/remote-node/src/index.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
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

it("brings a durable event again whose peer went away while it handled it", async () => {
  const permissions = [
    { permission: "events.subscribe", resource: "sensors.measured", reason: "to count" },
    { permission: "events.durable", resource: "sensors.measured", reason: "to miss none" },
  ];
  const subscriptions = [{ type: "sensors.measured", entryPoint: "on_measured", durable: true }];
  await using world = await RemoteWorld.start({ manifest: { permissions, subscriptions } });
  const handled: string[] = [];
  const entered = Promise.withResolvers<void>();
  const first = world.connect({
    events: {
      on_measured() {
        entered.resolve();
        return new Promise<void>(() => {});
      },
    },
  });
  await world.running();
  for (const value of [1, 2])
    await world.host.core.publish(
      {
        ...{ type: "sensors.measured", contentType: "application/json", source: "/test", traceparent: startTrace() },
        data: bytes(JSON.stringify({ value })),
      },
      { kind: "host", name: "test" },
    );
  await entered.promise;
  first.close();
  await eventually("it waits", () => world.state === "failed" || undefined);
  world.connect({
    events: {
      on_measured({ data }: Event<{ value: number }>) {
        handled.push(String(data.value));
      },
    },
  });
  await eventually("both are handled, in order", () => handled.length >= 2 || undefined);
  expect([...new Set(handled)]).toEqual(["1", "2"]);
});

it("is exchanged for another manifest when a peer of that one is there, and the old one goes on without", async () => {
  await using world = await RemoteWorld.start({ manifest: SERVICES, settings: { limits: { startMs: 1_500 } } });
  world.connect({ services: { read: () => "old" } });
  await world.running();
  const old = readFileSync(world.manifest, "utf8");
  writeFileSync(world.manifest, old.replace('"1.0.0"', '"2.0.0"'));
  const restarted = world.operate("restart", { plugin: "meter" });
  const next = world.connect({ services: { read: () => "new" } });
  await restarted;
  await next.connected;
  expect(await world.call("meter.read")).toBe("new");
  expect(world.host.list()).toMatchObject([{ plugin: "meter", version: "2.0.0", state: "running", isolation: "remote" }]);
});

it("goes on when its host is restarted, without being told", async () => {
  await using world = await RemoteWorld.start({ manifest: SERVICES, configuration: { remotePlugins: { port: await freePort() } } });
  world.connect({ services: { read: () => "here" } });
  await world.running();
  await world.stopHost();
  await world.boot();
  await world.running();
  expect(await world.call("meter.read")).toBe("here");
});

it.each([
  ["has no module and another isolation", { remote: {} }, { isolation: "process" }, "is a remote plugin"],
  ["is remote and sleeps", { remote: {} }, { activation: "on-demand" }, 'which has no activation "on-demand"'],
])("is left out when it %s", async (_name, manifest, settings, said) => {
  await using world = await RemoteWorld.start({ manifest: { ...SERVICES, ...manifest }, settings });
  expect(world.host.list()).toMatchObject([{ plugin: "meter", state: "left out", failure: expect.stringContaining(said) }]);
});

it("is left out when its host waits for no remote plugins", async () => {
  await using world = await RemoteWorld.start({ manifest: SERVICES, configuration: { remotePlugins: undefined } });
  expect(world.host.list()).toMatchObject([{ state: "left out", failure: expect.stringContaining('write "remotePlugins": {}') }]);
});

it("is waited for beyond this machine with TLS only", async () => {
  await using world = new RemoteWorld({ manifest: SERVICES, configuration: { remotePlugins: { host: "0.0.0.0", port: 0 } } });
  await expect(world.boot()).rejects.toMatchObject({
    message: "the host does not wait for remote plugins on 0.0.0.0 without TLS (remotePlugins.host)",
    detail: expect.stringContaining('"tls"'),
  });
});

it("tells a plugin that its turn is over, refuses what that asks then, and goes on with the next", async () => {
  await using world = await RemoteWorld.start({ manifest: SERVICES, settings: { limits: { deadlineMs: 300 } } });
  const seen: string[] = [];
  const asked = Promise.withResolvers<void>();
  let calls = 0;
  world.connect({
    services: {
      async read() {
        calls += 1;
        if (calls > 1) return "next";
        const { signal, remainingMs } = currentTurn();
        seen.push(remainingMs <= 300 ? "deadline" : "none");
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        const late = await storage.set("late", bytes("1")).catch(({ code }: { code: string }) => code);
        seen.push(String(late));
        asked.resolve();
        return "late";
      },
    },
  });
  await world.running();
  await expect(world.call("meter.read")).rejects.toMatchObject({ code: "deadline-exceeded" });
  await asked.promise;
  expect(seen).toEqual(["deadline", "plugin-not-running"]);
  expect(await world.call("meter.read")).toBe("next");
});
