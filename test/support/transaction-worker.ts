// A host of its own whose plugin handles durable events in transactions, for a test that kills it. What it counts, what it has seen and what it publishes is the
// plugin's own, in SQLite, or in a part of PostgreSQL; what was accepted is written down by the worker, before anything else can happen.

import { openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { storageFunctions } from "../../host/capabilities/storage/functions.ts";
import { RemoteTransactions } from "../../host/capabilities/storage/remote-transactions.ts";
import { Transactions } from "../../host/capabilities/transactions/transactions.ts";
import { HostError } from "../../host/core/errors.ts";
import { Host } from "../../host/core/host.ts";
import type { EventLog } from "../../host/core/ports/events.ts";
import { eventLogOptions } from "../../host/drivers/events/options.ts";
import { sqlite } from "../../host/drivers/events/sqlite.ts";
import { openPluginStorage } from "../../host/drivers/storage-sqlite/storage-sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { Deliveries } from "../../host/lifecycle/events/deliveries.ts";
import { Keeping } from "../../host/lifecycle/events/keeping.ts";
import { subscribedEvents } from "../../host/lifecycle/events/subscribed.ts";
import { hostPorts } from "./host-ports.ts";
import { definition, utf8 } from "./scripted-cell.ts";
import { type GuestTurn, scriptedGuests } from "./scripted-guests.ts";
import { TestStores } from "./stores.ts";
import { testedOnHost, testedTurn, WORLD_LIMITS } from "./transaction-world.ts";

const [dataDir = "", round = "", batch = "", part = ""] = process.argv.slice(2);
const MAX_OPEN = 8;
const isDraining = round === "drain";
const acceptedFile = openSync(join(dataDir, "accepted"), "a");

const clock = systemClock;
const log = { write(): void {} };
const events = (await sqlite.open({ clock, log, dataDir }, eventLogOptions.parse({}))) as EventLog & AsyncDisposable;
const keeping = new Keeping(() => host, events, ["p.**"]);
const transactions = new Transactions({ core: () => host, clock, log });
const remote = part === "" ? undefined : await new TestStores("postgres", part).openPlugin("tally");
const stores = { of: () => remote ?? Promise.reject(new Error("it is in its cell")) };
const remoteTransactions = new RemoteTransactions({ core: () => host, clock, stores, transactions });
const host: Host = new Host(
  hostPorts({
    ...{ clock, log, stage: transactions.stage, keep: keeping.keep },
    cellFunctions: new Map([...transactions.functions, ...remoteTransactions.functions]),
    capabilities: storageFunctions(remoteTransactions, clock),
  }),
);
const handling = subscribedEvents(clock, () => true);
new Deliveries({ ...{ core: host, events, clock, log, handling }, isKnown: () => true, isAccepted: () => true }).follow();
transactions.follow();
remoteTransactions.follow();

/** Counts each event, keeps what it has seen, and says so; fails now and then after all of that. */
async function on_event(turn: GuestTurn): Promise<undefined> {
  const { get, set, publish } = remote === undefined ? testedTurn(turn) : testedOnHost(turn);
  const parsed = JSON.parse(turn.input);
  for (const { data } of Array.isArray(parsed) ? parsed : [parsed]) {
    const count = Number((await get("count")) ?? 0) + 1;
    await set("count", String(count));
    if (Math.random() < 0.2) await delay(Math.random() * 3);
    await set(`seen/${data}`, String(count));
    await publish(`${count} ${data}`);
  }
  if (Math.random() < 0.05) throw new HostError("plugin-failed", "not this time");
}

const hears = ["events.subscribe", "events.durable"].map((permission) => ({ permission, resource: "x.**" }));
const grants = [...hears, { permission: "events.publish", resource: "p.**" }];
const durable = {
  ...{ name: "s", from: "first" as const, maxAttempts: 100, order: "publisher" as const },
  batch: batch === "" ? undefined : { max: Number(batch), waitMs: 1 },
};
const plugin = {
  ...{ limits: WORLD_LIMITS, grants, transaction: "turn" as const },
  storage: remote === undefined ? ("cell" as const) : ("host" as const),
  subscriptions: [{ type: "x.**", entryPoint: "on_event", durable }],
  permissions: grants.map((grant) => ({ ...grant, reason: "test" })),
};
const openStorage = () => openPluginStorage(dataDir, { name: "tally", limits: WORLD_LIMITS, transaction: "turn" }, clock);
host.add(
  definition("tally", {}, { ...plugin, entryPoints: ["on_event"] }),
  scriptedGuests({ clock, log, scripts: { tally: { on_event } }, openStorage }),
);
await host.start("tally");
process.stdout.write("ready\n");

if (isDraining) {
  while ((events.statistics().consumers[0]?.waiting ?? 1) > 0) await delay(20);
  await events[Symbol.asyncDispose]();
  process.exit(0);
}

const open = new Set<Promise<void>>();
for (let i = 0; ; i += 1) {
  const data = `${round}-${i}`;
  const event = {
    ...{ type: "x.y", source: "/plugins/pub", contentType: "application/json", data: utf8(JSON.stringify(data)) },
    traceparent: `00-${"1".repeat(32)}-${"1".repeat(16)}-01`,
  };
  const publishing: Promise<void> = Promise.resolve(host.publish(event, { kind: "plugin", name: "pub" })).then(() => {
    writeSync(acceptedFile, `${data}\n`);
    open.delete(publishing);
  });
  open.add(publishing);
  if (open.size >= MAX_OPEN) await Promise.race(open);
  await delay(Math.random() * 4);
}
