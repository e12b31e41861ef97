// Whole hosts as a cluster: what their configuration says, the chain over two of them, and what their doors show.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { Host } from "../../host/core/host.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { createHost, defineProvider, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { LiveCatalog } from "../../host/lifecycle/catalog.ts";
import { KnownManifests } from "../../host/manifest/known-manifests.ts";
import { knownTraits } from "../../host/manifest/service-traits.ts";
import type { CatalogService, Principal } from "../../host/seams.ts";
import { eventually } from "../support/eventually.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

interface Booted {
  readonly host: RunningHost;
  readonly log: ReturnType<typeof memoryLog>;
  readonly url: string;
}

let folder: TemporaryFolder;
let network: string;
const running = new Set<RunningHost>();

async function boot(name: string, rest: object = {}, providers: readonly object[] = []): Promise<Booted> {
  const log = memoryLog();
  const { cluster, ...more } = { cluster: {}, ...rest };
  const configuration = {
    dataDir: name,
    adapters: { http: { port: 0 } },
    cluster: { host: name, peers: { driver: "memory", network }, beatMs: 100, ...cluster },
    ...more,
  };
  const text = JSON.stringify(configuration);
  const host = await createHost({ configuration: parseConfiguration(text, `${folder.path}/${name}.json`), log, providers });
  running.add(host);
  return { host, log, url: host.url ?? "" };
}
async function stop(host: RunningHost): Promise<void> {
  running.delete(host);
  await host.stop();
}

const plugin = (name: string, rest: object = {}): object => ({ path: ownPlugin(name), isolation: "inline", grants: "all", ...rest });

async function post(
  url: string,
  body: object,
): Promise<{ readonly status: number; readonly json: { readonly error?: { readonly code: string } } }> {
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  return { status: response.status, json: (await response.json()) as never };
}

beforeEach(() => {
  folder = temporaryFolder();
  network = folder.path;
});
afterEach(async () => {
  for (const host of running) await host.stop();
  running.clear();
  folder.remove();
});

const answers = (all: readonly Booted[], service: string): Promise<true | undefined> =>
  Promise.all(all.map(({ host }) => host.call(service, {}))).then(
    () => true,
    () => undefined,
  );
const anything = z.unknown();

describe("two hosts", () => {
  it("run the chain: devices and logger on one, automation on the other, under one trace", async () => {
    const a = await boot("a", {
      cluster: { callers: { automation: ["logger.*"] } },
      plugins: { devices: plugin("devices"), logger: plugin("logger") },
    });
    const b = await boot("b", { plugins: { automation: plugin("automation") } });
    const traces: string[] = [];
    for (const [name, { host }] of Object.entries({ a, b }))
      host.core.observe({
        turn: ({ plugin: who, caller, traceparent, outcome }) =>
          traces.push(`${traceparent.slice(3, 35)} ${name} ${who} for ${caller.kind} ${caller.name} ${outcome.ok}`),
      });
    await post(`${a.url}/devices`, { id: "lamp-1" });
    const rule = {
      id: "r1",
      trigger: "devices.state-changed",
      action: { service: "logger.log", arguments: { level: "INFO", message: "lamp is on" } },
    };
    // Each host's door shows its own plugins' routes; b has the rules.
    expect(
      (await post(`${b.url}/automation/rules`, { ...rule, condition: { field: "desired.on", operator: "equals", value: true } })).status,
    ).toBe(200);
    await eventually("b hears of a's events", async () => {
      await post(`${a.url}/devices/lamp-1/turn-on`, {});
      return a.log.lines.find((line) => line.plugin === "logger" && line.message.includes("lamp is on"));
    });
    const logged = await eventually("the logger's turn has ended", () =>
      traces.find((one) => one.includes("a logger for plugin automation true")),
    );
    const [trace = ""] = logged.split(" ");
    const chain = (): string[] => traces.filter((one) => one.startsWith(trace)).map((one) => one.slice(33));
    // A turn that asks ends after the one that it asked for.
    await eventually("all turns have ended", () => chain().length === 3 || undefined);
    expect(chain().sort()).toEqual([
      "a devices for adapter http true",
      "a logger for plugin automation true",
      "b automation for host events true",
    ]);
  });

  it("answer at each door what either provides, to those who may, and say where it is", async () => {
    const shop = defineProvider("shop", {
      services: {
        price: { input: anything, output: anything, description: "What it costs.", readOnly: true, run: () => ({ price: 7 }) },
        buy: { input: anything, output: anything, run: () => ({ bought: true }) },
      },
    });
    await boot("a", {}, [shop]);
    const auth = { mode: "required" };
    const b = await boot("b");
    const c = await boot("c", { auth });
    await eventually("b and c know the shop", () => answers([b, c], "shop.price"));
    expect(await post(`${b.url}/v1/services/shop.price`, {})).toMatchObject({ status: 200, json: { price: 7 } });
    expect(await b.host.call("shop.buy", {})).toEqual({ bought: true });
    expect(await post(`${c.url}/v1/services/shop.buy`, {})).toMatchObject({ status: 401 });
    const document = await (await fetch(`${b.url}/v1/openapi.json`)).json();
    expect(JSON.stringify(document)).toContain('"x-hosts":["a"]');
  });

  it("go on without each other, and find each other again", async () => {
    const one = () => defineProvider("clock", { services: { now: { input: anything, output: anything, run: () => "now" } } });
    const a = await boot("a", {}, [one()]);
    const b = await boot("b");
    await eventually("b knows the clock", () => answers([b], "clock.now"));
    expect(await b.host.call("clock.now")).toBe("now");
    await stop(a.host);
    await expect(b.host.call("clock.now")).rejects.toMatchObject({ code: "no-such-service" });
    await boot("a", {}, [one()]);
    expect(await eventually("it is back", () => b.host.call("clock.now").catch(() => undefined))).toBe("now");
    expect(b.log.lines.map(({ message }) => message).filter((message) => message.startsWith("the host a"))).toEqual([
      "the host a is there",
      "the host a has stopped",
      "the host a is there",
    ]);
  });
});

it("a catalog has services of other hosts, as far as somebody may call them, and of this host in their place", async () => {
  const log = memoryLog();
  const core = new Host(hostPorts({ clock: systemClock, log }));
  const service = (name: string, hosts?: readonly string[]): CatalogService => ({
    ...{ name, provider: "shop", hosts, description: undefined, input: undefined, output: undefined, errors: {}, rates: {}, isRead: false },
    ...knownTraits({ readOnly: name === "shop.price" }),
  });
  const elsewhere = {
    services: [service("shop.price", ["b"]), service("shop.buy", ["b"]), service("shop.stock", ["b", "c"])],
    onChange: () => () => {},
  };
  const words = { holds: () => true, onChange: () => () => {} };
  const native = { services: [service("shop.stock")], events: [], points: [] };
  const catalog = new LiveCatalog({ core, log, native, elsewhere, words, parsers: new Map(), manifests: new KnownManifests() });
  const shown = (principal: Principal): string[] =>
    catalog.for(principal).services.map(({ name, hosts = ["here"] }) => `${name} on ${hosts.join()}`);
  const allowing = (permission: string, resource: string): Principal => ({
    name: "x",
    allows: (...asked) => asked.join() === `${permission},${resource}`,
  });
  expect(shown({ name: "all", allows: () => true })).toEqual(["shop.stock on here", "shop.price on b", "shop.buy on b"]);
  expect(shown(allowing("services.call", "shop.buy"))).toEqual(["shop.buy on b"]);
  expect(shown(allowing("services.read", "shop.price"))).toEqual(["shop.price on b"]);
  expect(shown(allowing("services.read", "shop.buy"))).toEqual([]);
  expect([catalog.isReadOnly("shop.price"), catalog.isReadOnly("shop.buy")]).toEqual([true, false]);
});

describe("the configuration of a cluster", () => {
  it.each([
    [{ host: "A b" }, "cluster.host"],
    [{ host: "a", peers: "memory", beat: 1 }, "cluster"],
    [{ host: "a", peers: "memory", beatMs: 1 }, "cluster.beatMs"],
    [{ host: "a" }, "cluster.nats"],
    [{ host: "a", peers: "memory", callers: { automation: ["no pattern"] } }, "cluster.callers"],
  ])("is refused where it is wrong: %j", (cluster, key) => {
    const parse = () => parseConfiguration(JSON.stringify({ cluster }), `${folder.path}/b.json`);
    expect(parse).toThrow(expect.objectContaining({ code: "invalid-message", detail: expect.stringContaining(key) }));
  });

  it("names a driver that there is, its options, and a host that is not there yet", async () => {
    await expect(boot("a", { cluster: { peers: "pigeons" } })).rejects.toMatchObject({ code: "invalid-message" });
    await expect(boot("a", { cluster: { peers: { driver: "memory", net: "x" } } })).rejects.toMatchObject({
      detail: expect.stringContaining("cluster.peers.net"),
    });
    await boot("a");
    await expect(boot("a", { dataDir: "other" })).rejects.toMatchObject({ code: "conflict" });
  });
});
