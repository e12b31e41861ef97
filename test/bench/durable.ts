// Events that are kept: what it costs to publish them, and to hear them whatever happens.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { Host } from "../../host/core/host.ts";
import type { EventLog } from "../../host/core/ports/events.ts";
import { startTrace } from "../../host/core/trace.ts";
import type { DurableDefinition } from "../../host/core/types.ts";
import { eventLogOptions } from "../../host/drivers/events/options.ts";
import { sqlite } from "../../host/drivers/events/sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { Deliveries } from "../../host/lifecycle/events/deliveries.ts";
import { Keeping } from "../../host/lifecycle/events/keeping.ts";
import { subscribedEvents } from "../../host/lifecycle/events/subscribed.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { createCell } from "../support/cells.ts";
import { hostPorts } from "../support/host-ports.ts";
import { type BareEvent, bareLog } from "./bare-log.ts";
import { definition, newHost, QUIET, text, type Wasm } from "./cells.ts";
import { figure, measureBoth, measureInTurn, median, type Row, slower } from "./measure.ts";

export const IN_FLIGHT = 100;
const PUBLISHED = 10_000;
const UNKEPT = 200_000;
const DELIVERED = 20_000;
const DELIVERED_IN_ORDER = 4_000;
export const DATA: Uint8Array = text.encode(`{"value":"${"x".repeat(188)}"}`);

export async function benchDurable(wasm: Wasm): Promise<Row[]> {
  const rows = [...(await publishing()), await unkept()];
  const ways: readonly (readonly [string, Partial<DurableDefinition>, number, number])[] = [
    ["order none", { order: "none" }, DELIVERED, 0.3],
    ["batches of 100", { batch: { max: 100, waitMs: 2 } }, DELIVERED, 0.3],
    ["order publisher, one by one", { order: "publisher" }, DELIVERED_IN_ORDER, 0.05],
  ];
  for (const [name, durable, events, goal] of ways) rows.push(await delivering(name, durable, events, goal, wasm));
  return rows;
}

export interface KeepingHost {
  readonly host: Host;
  readonly events: EventLog;
  close(): Promise<void>;
}

export async function keepingHost(patterns: readonly string[]): Promise<KeepingHost> {
  const dataDir = await mkdtemp(join(tmpdir(), "bulkhead-bench-"));
  const opening = { clock: systemClock, log: QUIET, dataDir };
  const events = (await sqlite.open(opening, eventLogOptions.parse({ maxMiB: 4_096, maxMiBPerPublisher: 4_096 }))) as EventLog &
    AsyncDisposable;
  const keeping: Keeping = new Keeping(() => host, events, patterns);
  const host: Host = new Host(hostPorts({ clock: systemClock, log: QUIET, keep: keeping.keep }));
  host.observe({ plugins: () => keeping.forget() });
  return {
    host,
    events,
    async close() {
      await events[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true });
    },
  };
}

export const publishOn = (host: Host, type: string, traceparent: string): ReturnType<Host["publish"]> =>
  host.publish(
    { type, contentType: "application/json", data: DATA, source: "/plugins/other", traceparent },
    { kind: "plugin", name: "other" },
  );

/** Calls with so many of them under way. */
export async function inFlight(times: number, work: () => unknown): Promise<void> {
  let left = times;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await work();
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

async function publishing(): Promise<Row[]> {
  const { host, close } = await keepingHost(["bench.**"]);
  const traceparent = startTrace();
  const folder = await mkdtemp(join(tmpdir(), "bulkhead-bench-"));
  const bare = new Database(join(folder, "bare.sqlite"));
  bare.pragma("journal_mode = WAL");
  bare.pragma("synchronous = FULL");
  bare.exec(
    "CREATE TABLE events (position INTEGER PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL, time INTEGER NOT NULL, data BLOB NOT NULL) STRICT",
  );
  const insert = bare.prepare("INSERT INTO events (id, type, time, data) VALUES (?, ?, ?, ?)");
  const group = bare.transaction((from: number) => {
    for (let i = 0; i < IN_FLIGHT; i += 1)
      insert.run(`an-id-that-is-about-as-long-as-ours-${from + i}`, "bench.happened", Date.now(), DATA);
  });
  const perEvent = async (work: () => Promise<void>): Promise<number> => {
    const start = performance.now();
    await work();
    return ((performance.now() - start) * 1_000) / PUBLISHED;
  };
  const thread = bareLog(join(folder, "thread.sqlite"));
  const prefix = crypto.randomUUID();
  let count = 0;
  const bareEvent = (): BareEvent => {
    count += 1;
    return { id: `${prefix}-${count}`, type: "bench.happened", time: Date.now(), data: DATA };
  };
  const times = await measureInTurn(
    {
      ours: async () => [await perEvent(() => inFlight(PUBLISHED, () => publishOn(host, "bench.happened", traceparent)))],
      inserts: async () => [
        await perEvent(async () => {
          for (let i = 0; i < PUBLISHED; i += IN_FLIGHT) group(i);
        }),
      ],
      thread: async () => [await perEvent(() => inFlight(PUBLISHED, () => thread.append(bareEvent())))],
    },
    { rounds: 9, warmUpRounds: 1 },
  );
  bare.close();
  await thread.close();
  await close();
  await rm(folder, { recursive: true });
  const work = `publish of a kept event of 200 B, ${IN_FLIGHT} in flight; vs`;
  const ours = median(times.ours);
  return [
    slower(`${work} bare better-sqlite3 in groups of ${IN_FLIGHT}`, { ours, theirs: median(times.inserts) }, 1.5),
    slower(`${work} the same in a bare thread that refuses an id twice`, { ours, theirs: median(times.thread) }, 1.5),
  ];
}

/** What those pay whose events nobody keeps. */
async function unkept(): Promise<Row> {
  const { host, close } = await keepingHost(["other.**"]);
  const before = newHost();
  const traceparent = startTrace();
  const run = (on: Host) => async (): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < UNKEPT; i += 1) void publishOn(on, "bench.happened", traceparent);
    return ((performance.now() - start) * 1_000) / UNKEPT;
  };
  const both = await measureBoth({ runOurs: run(host), runTheirs: run(before), rounds: 15 });
  await close();
  return slower("publish of an event that nobody keeps; vs a host without an event log", both, 1.05);
}

async function delivering(name: string, durable: Partial<DurableDefinition>, events: number, goal: number, wasm: Wasm): Promise<Row> {
  const ours = await subscriber(wasm, { name: "bench", from: "new", maxAttempts: 8, order: "publisher", ...durable });
  const theirs = await subscriber(wasm, undefined);
  const rate = await measureBoth({ runOurs: () => ours.deliver(events), runTheirs: () => theirs.deliver(events), rounds: 5 });
  await ours.close();
  await theirs.close();
  const ratio = rate.ours / rate.theirs;
  return {
    work: `kept events of 200 B published and handled in a process cell, ${name}; vs the same events volatile`,
    ...{ ours: figure(rate.ours, "/s"), theirs: figure(rate.theirs, "/s") },
    ...{ ratio: `${ratio.toFixed(2)} × its rate`, goal: `≥ ${goal} ×`, reached: ratio >= goal },
  };
}

async function subscriber(
  wasm: Wasm,
  durable: DurableDefinition | undefined,
): Promise<{ deliver(events: number): Promise<number>; close(): Promise<void> }> {
  const { host, events, close } = await keepingHost([]);
  const deliveries = new Deliveries({
    core: host,
    events,
    clock: systemClock,
    log: QUIET,
    isKnown: () => true,
    handling: subscribedEvents(systemClock, () => true),
    isAccepted: () => true,
  });
  deliveries.follow();
  const grants = ["events.subscribe", "events.durable"].map((permission) => ({ permission, resource: "**", reason: "benchmark" }));
  const subscriptions = [{ type: "bench.*", entryPoint: "on_event", durable }];
  const cell = createCell("process", QUIET);
  const plugin = host.add(definition("bench", wasm, { permissions: grants, grants, subscriptions }), cell);
  await startAll(host, QUIET);
  const traceparent = startTrace();
  const waiting = (): number => plugin.queued + (durable === undefined ? 0 : (events.statistics().consumers[0]?.waiting ?? 0));
  return {
    async deliver(times) {
      const start = performance.now();
      await inFlight(times, async () => {
        await publishOn(host, "bench.happened", traceparent);
        while (durable === undefined && plugin.queued >= 800) await new Promise(setImmediate);
      });
      while (waiting() > 0) await new Promise(setImmediate);
      return times / ((performance.now() - start) / 1_000);
    },
    async close() {
      await stopAll(host, 1_000);
      await cell[Symbol.asyncDispose]();
      await close();
    },
  };
}
