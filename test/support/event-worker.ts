// A host of its own with an event log, a publisher and a durable subscriber, for a test that kills it. Writes down, before anything else can happen, what was
// accepted and what was handled.

import { openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { HostError } from "../../host/core/errors.ts";
import { Host } from "../../host/core/host.ts";
import type { EventLog } from "../../host/core/ports/events.ts";
import { eventLogOptions } from "../../host/drivers/events/options.ts";
import { sqlite } from "../../host/drivers/events/sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { Deliveries } from "../../host/lifecycle/events/deliveries.ts";
import { Keeping } from "../../host/lifecycle/events/keeping.ts";
import { subscribedEvents } from "../../host/lifecycle/events/subscribed.ts";
import { hostPorts } from "./host-ports.ts";
import { definition, scriptedCell, textOf, utf8 } from "./scripted-cell.ts";

const [dataDir = "", round = "", order = "publisher", batch = ""] = process.argv.slice(2);
const SOURCES = ["a", "b", "c"];
const MAX_OPEN = 8;
const isDraining = round === "drain";

const file = (name: string): ((line: string) => void) => {
  const descriptor = openSync(join(dataDir, name), "a");
  return (line) => void writeSync(descriptor, `${line}\n`);
};
const [accepted, handled] = [file("accepted"), file("handled")];

const clock = systemClock;
const log = { write(): void {} };
const events = (await sqlite.open({ clock, log, dataDir }, eventLogOptions.parse({}))) as EventLog & AsyncDisposable;
const keeping = new Keeping(() => host, events, []);
const host: Host = new Host(hostPorts({ clock, log, keep: keeping.keep }));
const deliveries = new Deliveries({
  core: host,
  events,
  clock,
  log,
  isKnown: () => true,
  handling: subscribedEvents(clock, () => true),
  isAccepted: () => true,
});
deliveries.follow();

const grants = ["events.subscribe", "events.durable"].map((permission) => ({ permission, resource: "x.**" }));
const on_event = async (input: Uint8Array): Promise<undefined> => {
  const parsed = JSON.parse(textOf(input));
  for (const { data, attempt = 1 } of Array.isArray(parsed) ? parsed : [parsed]) {
    if (Math.random() < 0.3) await delay(Math.random() * 3);
    // One publisher whose events fail now and then at first.
    if (attempt === 1 && /^c \d*0 3$/.test(data)) throw new HostError("plugin-failed", "not yet");
    handled(`${round} ${data}`);
  }
};
const durable = {
  ...{ name: "s", from: "first" as const, maxAttempts: 50, order: order as "publisher" | "none" },
  batch: batch === "" ? undefined : { max: Number(batch), waitMs: 1 },
};
const script = { on_event };
host.add(
  definition("sub", script, {
    subscriptions: [{ type: "x.**", entryPoint: "on_event", durable }],
    permissions: grants.map((grant) => ({ ...grant, reason: "test" })),
    grants,
  }),
  scriptedCell({ sub: script }),
);
await host.start("sub");
process.stdout.write("ready\n");

if (isDraining) {
  while ((events.statistics().consumers[0]?.waiting ?? 1) > 0) await delay(20);
  await events[Symbol.asyncDispose]();
  process.exit(0);
}

for (const source of SOURCES) void publishFrom(source);

async function publishFrom(source: string): Promise<void> {
  const open = new Set<Promise<void>>();
  for (let i = 0; ; i += 1) {
    const data = `${source} ${round} ${i}`;
    const event = {
      type: "x.y",
      source,
      contentType: "application/json",
      data: utf8(JSON.stringify(data)),
      traceparent: `00-${"1".repeat(32)}-${"1".repeat(16)}-01`,
    };
    const publishing: Promise<void> = Promise.resolve(host.publish(event, { kind: "plugin", name: "pub" })).then(() => {
      accepted(data);
      open.delete(publishing);
    });
    open.add(publishing);
    if (open.size >= MAX_OPEN) await Promise.race(open);
    await delay(Math.random() * 4);
  }
}
