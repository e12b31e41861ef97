// `npm run bench`: the table of promises, ours and the alternative measured in turn in one run. Prints what was reached,
// also where it falls short. `npm run bench -- events memory` runs the rows whose names contain one of the words.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { systemClock } from "../../host/adapters/system-clock.ts";
import { SLICE_MS } from "../../host/cell/scheduler.ts";
import { Host } from "../../host/core/host.ts";
import type { Cell, PluginImage } from "../../host/core/ports.ts";
import { startTrace } from "../../host/core/trace.ts";
import { startAll, stopAll } from "../../host/install/start-order.ts";
import { buildPlugin } from "../../scripts/build-plugins.ts";
import { createCell, image, runTurn } from "../support/cells.ts";
import { compileExtismPlugin, extismPlugin } from "./extism.ts";
import { benchKernels } from "./kernels/run.ts";
import { figure, measureBoth, perCall, percentile, type Row } from "./measure.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const QUIET = { write: (): void => {} };
const text = new TextEncoder();
const bytesOf = (length: number): Uint8Array => new Uint8Array(length).fill(0x61);

async function readWasm(folder: string): Promise<Uint8Array<ArrayBuffer>> {
  const { file } = await buildPlugin(folder);
  return new Uint8Array(await readFile(file));
}

async function loaded(kind: "inline" | "thread", wasm: Uint8Array<ArrayBuffer>, dataDir?: string): Promise<Cell> {
  const cell = createCell(kind, QUIET, dataDir);
  await cell.load(image("bench", wasm, { cpuMs: 60_000, deadlineMs: 60_000, hostCalls: 1_000_000 }, { key: "value" }));
  return cell;
}

async function enter(cell: Cell, entryPoint: string, input: Uint8Array | string, plugin = "bench"): Promise<Uint8Array> {
  const outcome = await runTurn(cell, plugin, entryPoint, { input, timeoutMs: 60_000, answer: async () => text.encode("\0id") });
  if (!outcome.ok) throw new Error(`${entryPoint}: ${outcome.error.message}`);
  return outcome.output;
}

/** Microseconds a repetition of work that a plugin repeats by itself within one turn. */
async function perRepetition(cell: Cell, entryPoint: string, times: number): Promise<number> {
  const start = performance.now();
  await enter(cell, entryPoint, String(times));
  return ((performance.now() - start) * 1_000) / times;
}

function faster(work: string, ours: number, theirs: number, goal: number, unit = "µs"): Row {
  const ratio = theirs / ours;
  return {
    work,
    ours: figure(ours, unit),
    theirs: figure(theirs, unit),
    ratio: `${ratio.toFixed(1)} × faster`,
    goal: `≥ ${goal} ×`,
    reached: ratio >= goal,
  };
}

async function benchCalls(wasm: Uint8Array<ArrayBuffer>, extism: Uint8Array<ArrayBuffer>): Promise<Row[]> {
  const cell = await loaded("inline", wasm);
  const worker = await extismPlugin(extism, { worker: true });
  const foreground = await extismPlugin(extism, { worker: false });
  const [small, large] = [bytesOf(100), bytesOf(10_000)];
  const of100 = await measureBoth({
    runOurs: () => perCall(20_000, () => enter(cell, "echo", small)),
    runTheirs: () => perCall(1_000, () => worker.call("echo", small)),
  });
  const of10k = await measureBoth({
    runOurs: () => perCall(5_000, () => enter(cell, "echo", large)),
    runTheirs: () => perCall(500, () => foreground.call("echo", large)),
  });
  const hostCall = await measureBoth({
    runOurs: () => perRepetition(cell, "config_get", 50_000),
    runTheirs: async () => (await perCall(1, () => worker.call("ask", "300"))) / 300,
    rounds: 5,
  });
  await Promise.all([worker.close(), foreground.close(), cell[Symbol.asyncDispose]()]);
  return [
    faster("call, 100 B in and out; inline vs extism worker", of100.ours, of100.theirs, 20),
    faster("call, 10 KB in and out; inline vs extism foreground", of10k.ours, of10k.theirs, 20),
    faster("host call answered in the cell; vs extism worker", hostCall.ours, hostCall.theirs, 50),
  ];
}

async function benchStorage(wasm: Uint8Array<ArrayBuffer>): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), "bulkhead-bench-"));
  const cell = await loaded("thread", wasm, folder);
  const bare = new Database(join(folder, "bare.sqlite"));
  bare.pragma("journal_mode = WAL");
  bare.pragma("synchronous = NORMAL");
  bare.exec("CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT");
  const put = bare.prepare("INSERT INTO entries (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
  const get = bare.prepare("SELECT value FROM entries WHERE key = ?").pluck();
  const value = Buffer.alloc(200);
  // SQLite does not write a page whose bytes stay the same, so the value changes here too.
  const putChanged = (key: string, i: number): unknown => {
    value[0] = i;
    return put.run(key, value);
  };
  const bareRun = (times: number, work: (key: string, i: number) => unknown) => async (): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < times; i += 1) work(`key-${i % 100}`, i);
    return ((performance.now() - start) * 1_000) / times;
  };
  const puts = await measureBoth({
    runOurs: () => perRepetition(cell, "storage_put", 20_000),
    runTheirs: bareRun(20_000, putChanged),
  });
  const gets = await measureBoth({
    runOurs: () => perRepetition(cell, "storage_get", 50_000),
    runTheirs: bareRun(50_000, (key) => get.get(key)),
  });
  await cell[Symbol.asyncDispose]();
  bare.close();
  await rm(folder, { recursive: true });
  const row = (work: string, { ours, theirs }: { ours: number; theirs: number }): Row => {
    const ratio = ours / theirs;
    return {
      work,
      ours: figure(ours, "µs"),
      theirs: figure(theirs, "µs"),
      ratio: `${ratio.toFixed(2)} × its time`,
      goal: "≤ 2 ×",
      reached: ratio <= 2,
    };
  };
  return [
    row("storage get of 200 B; thread cell vs bare better-sqlite3", gets),
    row("storage put of 200 B; thread cell vs bare better-sqlite3", puts),
  ];
}

async function benchEvents(kind: "thread" | "process", wasm: Uint8Array<ArrayBuffer>, extism: Uint8Array<ArrayBuffer>): Promise<Row[]> {
  const EVENTS = 40_000;
  const host = new Host({ clock: systemClock, log: QUIET });
  const cell = createCell(kind, QUIET);
  const { module, entryPoints, limits, config } = image("bench", wasm);
  const grants = [{ permission: "events.subscribe" as const, resource: "**", reason: "benchmark" }];
  const definition = { name: "bench", version: "1.0.0", module, entryPoints, limits, config, services: [], dependencies: [] };
  const plugin = host.add(
    { ...definition, permissions: grants, grants, subscriptions: [{ type: "bench.*", entryPoint: "on_event" }] },
    cell,
  );
  await startAll(host, QUIET);
  const worker = await extismPlugin(extism, { worker: true });
  const data = text.encode(`{"value":"${"x".repeat(86)}"}`);
  const traceparent = startTrace();
  const publish = (): void =>
    host.events.publish(
      host.stamp({ type: "bench.happened", contentType: "application/json", data, source: "/plugins/other", traceparent }),
    );
  const publishAll = async (): Promise<number> => {
    let ended = 0;
    let failed = 0;
    const start = performance.now();
    const undo = host.onTurn(({ outcome }) => {
      ended += 1;
      if (!outcome.ok) failed += 1;
    });
    for (let published = 0; ended < EVENTS; ) {
      while (published < EVENTS && plugin.queued < limits.mailboxLength) {
        publish();
        published += 1;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    undo();
    if (failed > 0) throw new Error(`${failed} events were not handled`);
    return EVENTS / ((performance.now() - start) / 1_000);
  };
  const rate = await measureBoth({
    runOurs: publishAll,
    runTheirs: async () => 1e6 / (await perCall(1_000, () => worker.call("on_event", data))),
    rounds: 5,
  });
  await stopAll(host, 1_000);
  await Promise.all([worker.close(), cell[Symbol.asyncDispose]()]);
  const ratio = rate.ours / rate.theirs;
  const work = `events of 100 B to one subscriber; ${kind} cell vs extism worker call`;
  const row =
    kind === "thread" ? { work, goal: "≥ 30 ×", reached: ratio >= 30 } : { work, goal: "≥ 100,000/s", reached: rate.ours >= 100_000 };
  return [{ ...row, ours: figure(rate.ours, "/s"), theirs: figure(rate.theirs, "/s"), ratio: `${ratio.toFixed(1)} × more` }];
}

async function benchCpu(): Promise<Row[]> {
  const { rows, geometricMean } = await benchKernels();
  for (const { kernel, unmeteredMs, meteredMs, ratio } of rows) {
    console.log(
      `  ${kernel.padEnd(12)} ${figure(unmeteredMs, "ms").padStart(12)} ${figure(meteredMs, "ms").padStart(12)}  ${ratio.toFixed(2)} ×`,
    );
  }
  const work = `CPU-bound kernels (${rows.length}); metered and preemptible vs unmetered`;
  return [
    {
      work,
      ours: "see above",
      theirs: "see above",
      ratio: `${geometricMean.toFixed(2)} × geometric mean`,
      goal: "≤ 1.3 ×",
      reached: geometricMean <= 1.3,
    },
  ];
}

async function benchFairness(wasm: Uint8Array<ArrayBuffer>): Promise<Row[]> {
  const LOOPS = 200;
  const TURNS = 300;
  const cell = createCell("thread", QUIET);
  const template = image("bench", wasm, { cpuMs: 600_000, deadlineMs: 600_000 });
  await cell.load({ ...template, name: "polite" });
  for (let i = 0; i < LOOPS; i += 1) await cell.load({ ...template, name: `loop-${i}` });
  await enter(cell, "echo", "warm", "polite");
  for (let i = 0; i < LOOPS; i += 1) void runTurn(cell, `loop-${i}`, "spin", { timeoutMs: 600_000 });
  // Every loop gets its first slices before the measurement begins.
  await new Promise((resolve) => setTimeout(resolve, LOOPS * SLICE_MS * 3));
  const latencies: number[] = [];
  for (let i = 0; i < TURNS; i += 1) {
    const start = performance.now();
    await enter(cell, "echo", "x", "polite");
    latencies.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, i % 7));
  }
  await cell[Symbol.asyncDispose]();
  const p99 = percentile(latencies, 0.99);
  const work = `polite plugin among ${LOOPS} endless loops in one thread cell; p99 of ${TURNS} turns`;
  const slices = p99 / SLICE_MS;
  return [
    {
      work,
      ours: figure(p99, "ms"),
      theirs: `slice ${SLICE_MS} ms, p50 ${figure(percentile(latencies, 0.5), "ms")}`,
      ratio: `${slices.toFixed(1)} slices`,
      goal: "≤ 10",
      reached: slices <= 10,
    },
  ];
}

async function benchMemory(): Promise<Row[]> {
  const INSTANCES = 300;
  const folder = await mkdtemp(join(tmpdir(), "bulkhead-bench-"));
  const template = image("devices", await readWasm(here("../../plugins/devices")));
  const cell = createCell("inline", QUIET, folder);
  const add = async (name: string): Promise<void> => {
    const named: PluginImage = { ...template, name };
    await cell.load(named);
    await enter(cell, "create", '{"id":"lamp-1","name":"Lamp"}', name);
  };
  for (let i = 0; i < 20; i += 1) await add(`warm-${i}`);
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  for (let i = 0; i < INSTANCES; i += 1) await add(`d-${i}`);
  globalThis.gc?.();
  const perInstance = (process.memoryUsage.rss() - before) / INSTANCES / 1024;
  await cell[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
  const work = `resident memory per extra instance of devices, its storage open (${INSTANCES})`;
  return [{ work, ours: figure(perInstance, "KiB"), theirs: "", ratio: "", goal: "≤ 256 KiB", reached: perInstance <= 256 }];
}

function print(rows: readonly Row[]): void {
  const columns = ["work", "ours", "theirs", "ratio", "goal"] as const;
  const header = { work: "work", ours: "ours", theirs: "side by side", ratio: "ratio", goal: "goal" };
  const widths = columns.map((column) => Math.max(...[header, ...rows].map((row) => row[column].length)));
  const line = (row: Pick<Row, (typeof columns)[number]>, mark: string): string =>
    `${columns.map((column, i) => row[column].padEnd(widths[i] ?? 0)).join("  ")}  ${mark}`;
  console.log(`\n${line(header, "")}\n${widths.map((width) => "-".repeat(width)).join("  ")}`);
  for (const row of rows) console.log(line(row, row.reached ? "reached" : "FALLS SHORT"));
}

async function main(words: readonly string[]): Promise<void> {
  console.log(`node ${process.versions.node}, v8 ${process.versions.v8}, ${availableParallelism()} cores; medians over interleaved rounds`);
  const wasm = await readWasm(here("plugin"));
  const extism = await compileExtismPlugin();
  const benches: Readonly<Record<string, () => Promise<Row[]>>> = {
    memory: benchMemory,
    calls: () => benchCalls(wasm, extism),
    storage: () => benchStorage(wasm),
    events: async () => [...(await benchEvents("thread", wasm, extism)), ...(await benchEvents("process", wasm, extism))],
    cpu: benchCpu,
    fairness: () => benchFairness(wasm),
  };
  const rows: Row[] = [];
  for (const [name, bench] of Object.entries(benches)) {
    if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
    console.log(`${name} …`);
    rows.push(...(await bench()));
  }
  print(rows);
}

await main(process.argv.slice(2));
process.exit();
