// `npm run bench`: the table of promises, ours and the alternative measured in turn in one run. Prints what was reached,
// also where it falls short. `npm run bench -- events memory` runs the benches whose names contain one of the words.

import { availableParallelism } from "node:os";
import { CELL_KINDS } from "../support/cells.ts";
import { benchCalls } from "./calls.ts";
import { readWasm } from "./cells.ts";
import { benchEvents } from "./events.ts";
import { compileExtismPlugin } from "./extism.ts";
import { benchFairness } from "./fairness.ts";
import type { Row } from "./measure.ts";
import { benchMemory } from "./memory.ts";
import { benchKernelMetering, benchPluginMetering } from "./metering.ts";
import { benchServices } from "./services.ts";
import { benchStorage } from "./storage.ts";

function print(rows: readonly Row[]): void {
  const columns = ["work", "ours", "theirs", "ratio", "goal"] as const;
  const header = { work: "work", ours: "ours", theirs: "side by side", ratio: "ratio", goal: "goal" };
  const widths = columns.map((column) => Math.max(...[header, ...rows].map((row) => row[column].length)));
  const line = (row: Pick<Row, (typeof columns)[number]>, mark: string): string =>
    `${columns.map((column, i) => row[column].padEnd(widths[i] ?? 0)).join("  ")}  ${mark}`;
  console.log(`\n${line(header, "")}\n${widths.map((width) => "-".repeat(width)).join("  ")}`);
  for (const row of rows) console.log(line(row, row.goal === "none" ? "" : row.reached ? "reached" : "FALLS SHORT"));
}

async function main(words: readonly string[]): Promise<void> {
  console.log(`node ${process.versions.node}, v8 ${process.versions.v8}, ${availableParallelism()} cores; medians over interleaved rounds`);
  const wasm = await readWasm("plugin");
  const extism = await compileExtismPlugin();
  const benches: Readonly<Record<string, () => Promise<Row[]>>> = {
    memory: benchMemory,
    calls: () => benchCalls(wasm, extism),
    storage: () => benchStorage(wasm),
    events: async () => {
      const rows: Row[] = [];
      for (const kind of CELL_KINDS) rows.push(await benchEvents(kind, wasm, extism));
      return rows;
    },
    services: () => benchServices(wasm),
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
}

await main(process.argv.slice(2));
process.exit();
