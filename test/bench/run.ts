// `npm run bench`: the table of promises, ours and the alternative measured in turn in one run. Prints what was reached,
// also where it falls short. `npm run bench -- events memory` runs the benches whose names contain one of the words. `-- --write` renews the rows of
// docs/benchmarks.md and says what is worse than what stood there.

import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { arch, availableParallelism, cpus, platform } from "node:os";
import { benchBlobs } from "./blobs.ts";
import { benchCalls } from "./calls.ts";
import { benchCapacity } from "./capacity.ts";
import { readWasm } from "./cells.ts";
import { benchColdStart } from "./cold-start.ts";
import { benchCrypto } from "./crypto.ts";
import { benchDoors } from "./doors.ts";
import { benchDurable } from "./durable.ts";
import { benchEvents } from "./events.ts";
import { compileExtismPlugin } from "./extism.ts";
import { benchFairness } from "./fairness.ts";
import type { Row } from "./measure.ts";
import { benchMemory } from "./memory.ts";
import { benchKernelMetering, benchPluginMetering } from "./metering.ts";
import { merged, PAGE, pageOf, parsePage, regressions } from "./page.ts";
import { benchRecording } from "./recording.ts";
import { benchRemote } from "./remote.ts";
import { benchSchemas } from "./schemas.ts";
import { benchSends } from "./sends.ts";
import { benchServices } from "./services.ts";
import { benchSleep } from "./sleep.ts";
import { benchStorage } from "./storage.ts";
import { benchStores } from "./stores.ts";
import { benchStreams } from "./streams.ts";
import { benchTelemetry } from "./telemetry.ts";
import { benchWeight } from "./weight.ts";

function print(rows: readonly Row[]): void {
  const columns = ["work", "ours", "theirs", "ratio", "goal"] as const;
  const header = { work: "work", ours: "ours", theirs: "side by side", ratio: "ratio", goal: "goal" };
  const widths = columns.map((column) => Math.max(...[header, ...rows].map((row) => row[column].length)));
  const line = (row: Pick<Row, (typeof columns)[number]>, mark: string): string =>
    `${columns.map((column, i) => row[column].padEnd(widths[i] ?? 0)).join("  ")}  ${mark}`;
  console.log(`\n${line(header, "")}\n${widths.map((width) => "-".repeat(width)).join("  ")}`);
  for (const row of rows) console.log(line(row, row.goal === "none" ? "" : row.reached ? "reached" : "FALLS SHORT"));
}

async function main(args: readonly string[]): Promise<void> {
  const words = args.filter((arg) => !arg.startsWith("--"));
  console.log(`node ${process.versions.node}, v8 ${process.versions.v8}, ${availableParallelism()} cores; medians over interleaved rounds`);
  const wasm = await readWasm("plugin");
  const extism = await compileExtismPlugin();
  const benches: Readonly<Record<string, () => Promise<Row[]>>> = {
    memory: benchMemory,
    capacity: benchCapacity,
    weight: () => benchWeight(wasm),
    sleep: benchSleep,
    calls: () => benchCalls(wasm, extism),
    storage: () => benchStorage(wasm),
    stores: benchStores,
    blobs: benchBlobs,
    crypto: () => benchCrypto(wasm),
    events: () => benchEvents(wasm, extism),
    durable: () => benchDurable(wasm),
    sends: () => benchSends(wasm),
    doors: () => benchDoors(wasm),
    streams: benchStreams,
    telemetry: benchTelemetry,
    recording: benchRecording,
    "cold-start": () => benchColdStart(wasm),
    services: () => benchServices(wasm),
    remote: benchRemote,
    schemas: benchSchemas,
    "metering-cpu": benchKernelMetering,
    "metering-plugins": benchPluginMetering,
    fairness: () => benchFairness(wasm),
  };
  const rows: Row[] = [];
  for (const [name, bench] of Object.entries(benches)) {
    if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
    console.log(`${name} …`);
    rows.push(...(await bench()));
  }
  print(rows);
  if (args.includes("--write")) await writePage(rows, words.length === 0);
}

async function writePage(rows: readonly Row[], isAll: boolean): Promise<void> {
  const before = parsePage(await readFile(PAGE, "utf8").catch(() => ""));
  const measured = rows.map((row) => ({ ...row, measured: stamp() }));
  for (const line of regressions(before, measured)) console.log(`WORSE  ${line}`);
  await writeFile(PAGE, pageOf(isAll ? measured : merged(before, measured), machine()));
  console.log("docs/benchmarks.md is written");
}

/** Day and commit; what is not committed yet stands upon it. */
function stamp(): string {
  const commit = execFileSync("git", ["rev-parse", "--short=9", "HEAD"], { encoding: "utf8" }).trim();
  return `${new Date().toISOString().slice(0, 10)} ${commit}`;
}

function machine(): string {
  const [cpu] = cpus();
  return `${availableParallelism()} cores of ${cpu?.model.trim() ?? "an unknown processor"}, ${platform()} ${arch()}, Node ${process.versions.node}`;
}

await main(process.argv.slice(2));
process.exit();
