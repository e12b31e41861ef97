// What many plugins weigh in hosts that `bulkhead serve` runs, with all that holds cells here, after work; and what an event to all of them costs. Needs Linux.

import { setTimeout as delay } from "node:timers/promises";
import type { ProcessCellOptions } from "../../host/cell/outside/process-cell.ts";
import type { Host } from "../../host/core/host.ts";
import type { Plugin } from "../../host/core/plugin.ts";
import { startTrace } from "../../host/core/trace.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { createCell, image } from "../support/cells.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { BUILT, definition, enter, newHost, QUIET, text, type Wasm } from "./cells.ts";
import { figure, measureBoth, measureInTurn, median, type Row, slower } from "./measure.ts";
import { call, childrenOf, configure, type Isolation, privateBytes, proportionalBytes, put, type Serving, serve } from "./serving.ts";

const CELLS = 30;
const CALLS = 1_000;
const MANY_CALLS = 200_000;
const AT_ONCE = 16;
const INLINE = 1_000;
/** Longer than a cell waits before it gives back what it does not need. */
const REST_MS = 6_000;
const MB = 1_000_000;
const MIB = 1_048_576;

export async function benchWeight(wasm: Wasm): Promise<Row[]> {
  return [...(await cells()), ...(await beside(wasm)), await subscribed(), await fanOut(wasm)];
}

async function cells(): Promise<Row[]> {
  return await withHost("process", CELLS, async (host) => {
    for (let i = 0; i < CELLS; i += 1) {
      await put(host.url, `p${i}`);
      await callOften(host, `p${i}.echo`, CALLS);
    }
    await delay(REST_MS);
    const bytes = childrenOf(host.pid).map(proportionalBytes);
    const each = bytes.reduce((sum, one) => sum + one, 0) / bytes.length;
    await callOften(host, "p0.echo", MANY_CALLS);
    const most = Math.max(...childrenOf(host.pid).map(proportionalBytes));
    return [
      atMost(`memory of a process cell at rest after ${CALLS.toLocaleString("en")} calls, of ${CELLS}`, each / MB, 15, "MB"),
      atMost(`memory of one of them right after ${MANY_CALLS.toLocaleString("en")} calls more`, most / MB, 40, "MB"),
    ];
  });
}

/** One cell as it is, and one as it was before decision 48: a file for each module, and V8's own settings. */
async function beside(wasm: Wasm): Promise<Row[]> {
  const { createProcessCell }: typeof import("../../host/cell/outside/process-cell.ts") = await import(BUILT.href);
  const once = async (how: Pick<ProcessCellOptions, "entry" | "weight">): Promise<{ readonly startMs: number; readonly bytes: number }> => {
    let pid = 0;
    const started = performance.now();
    const cell = createProcessCell({
      ...{ clock: systemClock, log: QUIET, storageDir: undefined, plugins: undefined, ...how },
      onStart: (id) => {
        pid = id;
      },
    });
    await cell.load(image("bench", wasm));
    const startMs = performance.now() - started;
    for (let i = 0; i < CALLS; i += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, () => enter(cell, "echo", "1")));
    await delay(REST_MS);
    const bytes = privateBytes(pid);
    await cell[Symbol.asyncDispose]();
    return { startMs, bytes };
  };
  const found = await measureInTurn(
    {
      ours: async () => [await once({})],
      theirs: async () => [await once({ entry: new URL("../inside/process-main.js", BUILT), weight: [] })],
    },
    { rounds: 3, warmUpRounds: 0 },
  );
  const medians = (of: (one: { readonly startMs: number; readonly bytes: number }) => number): { ours: number; theirs: number } => ({
    ours: median(found.ours.map(of)),
    theirs: median(found.theirs.map(of)),
  });
  const before = "vs one with a file for each module and V8's own settings";
  return [
    slower(
      `start of a process cell; ${before}`,
      medians(({ startMs }) => startMs),
      1,
      "ms",
    ),
    slower(
      `memory of its own of a process cell at rest; ${before}`,
      medians(({ bytes }) => bytes / MB),
      1,
      "MB",
    ),
  ];
}

async function subscribed(): Promise<Row> {
  return await withHost("inline", INLINE, async (host) => {
    for (let i = 0; i < 3; i += 1) await publish(host);
    await call(host.url, `p${INLINE - 1}.echo`);
    const bytes = proportionalBytes(host.pid);
    return atMost(
      `memory of a host with ${INLINE.toLocaleString("en")} plugins inline that have all handled an event`,
      bytes / MIB,
      512,
      "MiB",
    );
  });
}

/** One event to all, beside the same turns put into the same plugins one by one. */
async function fanOut(wasm: Wasm): Promise<Row> {
  const host = newHost();
  const cell = createCell("inline", QUIET);
  const grants = [{ permission: "events.subscribe" as const, resource: "**", reason: "benchmark" }];
  const subscriptions = [{ type: "bench.*", entryPoint: "on_event" }];
  const made = definition("p", wasm, { permissions: grants, grants, subscriptions });
  const plugins = Array.from({ length: INLINE }, (_, i) => host.add({ ...made, name: `p${i}` }, cell));
  for (const { name } of plugins) await host.start(name);
  const data = text.encode(`{"value":"${"x".repeat(86)}"}`);
  const event = { type: "bench.happened", contentType: "application/json", data, source: "/plugins/other" };
  const times = await measureBoth({
    runOurs: () => untilAllEnded(host, () => host.events.publish(host.stamp({ ...event, traceparent: startTrace() }))),
    runTheirs: () => untilAllEnded(host, () => void plugins.map((plugin) => submit(plugin, data))),
    rounds: 15,
  });
  await cell[Symbol.asyncDispose]();
  return slower(`one event of 100 B to ${INLINE.toLocaleString("en")} plugins inline; vs a loop of turns in them`, times, 2);
}

function submit(plugin: Plugin, input: Uint8Array): void {
  const deadline = systemClock.monotonicMs() + 60_000;
  const caller = { kind: "host", name: "bench" } as const;
  plugin.submit("on_event", input, { caller, traceparent: startTrace(), deadline, waiting: [], authorities: [] }, () => {});
}

/** Microseconds until as many turns have ended as there are plugins. */
function untilAllEnded(host: Host, begin: () => void): Promise<number> {
  return new Promise((resolve, reject) => {
    let left = INLINE;
    const start = performance.now();
    const undo = host.observe({
      turn({ outcome }) {
        left -= 1;
        if (!outcome.ok) reject(new Error(outcome.error.message));
        if (left > 0) return;
        undo();
        resolve((performance.now() - start) * 1_000);
      },
    });
    begin();
  });
}

async function callOften(host: Serving, service: string, times: number): Promise<void> {
  let left = times;
  const ask = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await call(host.url, service);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
}

/** Resolves once the host has taken it. */
function publish(host: Serving): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${host.url.replace("http", "ws")}/v1/events/ws`, "bulkhead.v1");
    socket.onerror = () => reject(new Error("the host takes no event"));
    socket.onmessage = () => {
      socket.close();
      resolve();
    };
    socket.onopen = () => socket.send(JSON.stringify({ publish: { type: "bench.happened", data: 1 } }));
  });
}

async function withHost<T>(isolation: Isolation, count: number, work: (host: Serving) => Promise<T>): Promise<T> {
  const folder = temporaryFolder();
  try {
    await configure(folder.path, isolation, count);
    const host = await serve(folder.path);
    try {
      return await work(host);
    } finally {
      await host.stop();
    }
  } finally {
    folder.remove();
  }
}

const atMost = (work: string, value: number, goal: number, unit: string): Row => ({
  ...{ work, ours: "", theirs: "", ratio: figure(value, unit) },
  ...{ goal: `≤ ${goal} ${unit}`, reached: value <= goal },
});
