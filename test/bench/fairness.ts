// How long a short turn waits in a thread cell in which endless loops run.

import { SLICE_MS } from "../../host/cell/scheduler.ts";
import { createCell, image, runTurn } from "../support/cells.ts";
import { enter, QUIET, type Wasm } from "./cells.ts";
import { figure, percentile, type Row } from "./measure.ts";

const LOOPS = 200;
const TURNS = 300;
const REST_MS = 40;

export async function benchFairness(wasm: Wasm): Promise<Row[]> {
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
    // Longer than its turn times the number of plugins: one that uses more than its share waits like the others.
    await new Promise((resolve) => setTimeout(resolve, REST_MS + (i % 7)));
  }
  await cell[Symbol.asyncDispose]();
  const p99 = percentile(latencies, 0.99);
  const slices = p99 / SLICE_MS;
  return [
    {
      work: `polite plugin among ${LOOPS} endless loops in one thread cell; p99 of ${TURNS} turns`,
      ours: figure(p99, "ms"),
      theirs: `slice ${SLICE_MS} ms, p50 ${figure(percentile(latencies, 0.5), "ms")}`,
      ratio: `${slices.toFixed(1)} slices`,
      goal: "≤ 10",
      reached: slices <= 10,
    },
  ];
}
