// Plain events from host to host.

import { afterEach, beforeEach, expect, it } from "vitest";
import { startTrace } from "../../host/core/trace.ts";
import type { UnstampedEvent } from "../../host/core/types.ts";
import { MemoryNetwork } from "../../host/drivers/peers/memory.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { type HostInCluster, hostInCluster } from "../support/clusters.ts";
import { eventually } from "../support/eventually.ts";
import { settle } from "../support/fake-clock.ts";
import { memoryLog } from "../support/memory-log.ts";
import { textOf, utf8 } from "../support/scripted-cell.ts";

let network: MemoryNetwork;
const hosts: HostInCluster[] = [];
const host = async (name: string): Promise<HostInCluster> => {
  const made = await hostInCluster(network.join(name, { clock: systemClock, log: memoryLog() }));
  hosts.push(made);
  return made;
};
const hearing = (heard: string[]) => ({
  permissions: [{ permission: "events.subscribe", resource: "lamps.*", reason: "test" }],
  grants: [{ permission: "events.subscribe", resource: "lamps.*" }],
  subscriptions: [{ type: "lamps.*", entryPoint: "on" }],
  script: {
    on(input: Uint8Array) {
      heard.push(JSON.parse(textOf(input)).data.n);
      return undefined;
    },
  },
});
const lit = (n: number, source = "/plugins/lamps"): UnstampedEvent => ({
  ...{ type: "lamps.lit", source, contentType: "application/json", traceparent: startTrace(), data: utf8(JSON.stringify({ n })) },
});
const BY = { kind: "plugin", name: "lamps" } as const;

beforeEach(() => {
  network = new MemoryNetwork();
});
afterEach(async () => {
  for (const one of hosts.splice(0)) await one[Symbol.asyncDispose]();
});

async function listener(on: HostInCluster, name: string): Promise<string[]> {
  const heard: string[] = [];
  const { script, ...rest } = hearing(heard);
  await on.add(name, script, { ...rest, services: [] });
  return heard;
}

it("events come to subscribers of all hosts, here first, in order, once, and stamped once", async () => {
  const [a, b, c] = [await host("a"), await host("b"), await host("c")];
  await a.add("lamps", {});
  const here = await listener(a, "here");
  const [there, third] = [await listener(b, "there"), await listener(c, "third")];
  await eventually(
    "a knows who listens",
    () =>
      ([...a.cluster.membership.members.values()].every(({ announced }) => announced.hears.length > 0) &&
        a.cluster.membership.members.size === 2) ||
      undefined,
  );
  await eventually(
    "b and c know what a runs",
    () => [b, c].every(({ cluster }) => cluster.membership.members.get("a")?.announced.plugins.includes("lamps")) || undefined,
  );
  const published: unknown[] = [];
  for (let n = 0; n < 50; n += 1) published.push(await a.core.publish(lit(n), BY));
  await eventually("all are there", () => (there.length >= 50 && third.length >= 50) || undefined);
  for (let i = 0; i < 5; i += 1) await settle();
  const all = Array.from({ length: 50 }, (_, n) => n);
  expect([here, there, third]).toEqual([all, all, all]);
});

it("an event goes to nobody who does not subscribe, and to no host again that it has been on", async () => {
  const [a, b] = [await host("a"), await host("b")];
  await a.add("lamps", {});
  const heard = await listener(b, "there");
  const came: string[] = [];
  b.core.observe({ event: ({ source }) => came.push(source) });
  await eventually(
    "they know each other",
    () =>
      (a.cluster.membership.members.get("b")?.announced.hears.length && b.cluster.membership.members.get("a")?.announced.plugins.length) ||
      undefined,
  );
  await a.core.publish({ ...lit(0), type: "lamps.deep.lit" }, BY);
  await a.core.publish({ ...lit(1), type: "lamps.lit" }, BY);
  await a.core.publish({ ...lit(2), source: "/host/observer" }, { kind: "host", name: "host" });
  await a.core.publish(lit(3), BY);
  await eventually("the last is heard", () => heard.includes(3 as never) || undefined);
  expect(heard).toEqual([1, 3]);
  expect(came).toEqual(["/plugins/lamps", "/plugins/lamps"]);
});

it("nobody hears later what was published while his host was away", async () => {
  const [a, b] = [await host("a"), await host("b")];
  await a.add("lamps", {});
  const heard = await listener(b, "there");
  await eventually(
    "they know each other",
    () =>
      (a.cluster.membership.members.get("b")?.announced.hears.length && b.cluster.membership.members.get("a")?.announced.plugins.length) ||
      undefined,
  );
  network.cut("a", "b");
  await a.core.publish(lit(1), BY);
  await settle();
  network.heal("a", "b");
  await a.core.publish(lit(2), BY);
  await eventually("the next is heard", () => heard.length > 0 || undefined);
  expect(heard).toEqual([2]);
});
