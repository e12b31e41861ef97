// What metering costs: the CPU-bound kernels and the shipped plugins, metered and not.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { INLINING } from "../../host/cell/outside/process-cell.ts";
import { kernelLines } from "./kernels/report.ts";
import { benchKernels } from "./kernels/run.ts";
import type { Row } from "./measure.ts";
import { SHIPPED, type ShippedFigures } from "./shipped.ts";

const KERNELS_MOST = 1.08;
const KERNEL_MOST = 1.2;
const STRETCH_MOST_MS = 5;
const PLUGINS_MOST = 1.1;

export async function benchKernelMetering(): Promise<Row[]> {
  const bench = await benchKernels();
  for (const line of kernelLines(bench)) console.log(`  ${line}`);
  const { rows, geometricMean } = bench;
  const worst = Math.max(...rows.map(({ ratio }) => ratio));
  const longestMs = Math.max(...rows.map((row) => row.longestMs));
  const work = `CPU-bound kernels (${rows.length}); metered and preemptible vs unmetered`;
  const beside = { ours: "see above", theirs: "see above" };
  return [
    {
      ...{ work: `${work}, geometric mean`, ...beside, ratio: `${geometricMean.toFixed(2)} × its time` },
      ...{ goal: `≤ ${KERNELS_MOST} ×`, reached: geometricMean <= KERNELS_MOST },
    },
    {
      ...{ work: `${work}, the worst`, ...beside, ratio: `${worst.toFixed(2)} × its time` },
      ...{ goal: `≤ ${KERNEL_MOST} ×`, reached: worst <= KERNEL_MOST },
    },
    {
      ...{ work: "the longest stretch of a kernel without a yield", ...beside, ratio: `${longestMs.toFixed(2)} ms` },
      ...{ goal: `≤ ${STRETCH_MOST_MS} ms`, reached: longestMs <= STRETCH_MOST_MS },
    },
  ];
}

export async function benchPluginMetering(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const shipped of SHIPPED) {
    const { meteredUs, unmeteredUs } = benchAsProcessCell(shipped.name);
    const ratio = meteredUs / unmeteredUs;
    rows.push({
      work: `${shipped.name}: ${shipped.work}; metered vs unmetered`,
      ours: `${meteredUs.toFixed(1)} µs`,
      theirs: `${unmeteredUs.toFixed(1)} µs`,
      ratio: `${ratio.toFixed(2)} × its time`,
      goal: `≤ ${PLUGINS_MOST} ×`,
      reached: ratio <= PLUGINS_MOST,
    });
  }
  return rows;
}

// In a Node of its own with the flags of a process cell, for both sides.
function benchAsProcessCell(plugin: string): ShippedFigures {
  const script = fileURLToPath(new URL("./shipped.ts", import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, [...INLINING, script, plugin], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${plugin}: ${stderr}`);
  return JSON.parse(stdout) as ShippedFigures;
}
