// What metering costs: the CPU-bound kernels and the shipped plugins, metered and not.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { INLINING } from "../../host/cell/process-cell.ts";
import { kernelLines } from "./kernels/report.ts";
import { benchKernels } from "./kernels/run.ts";
import type { Row } from "./measure.ts";
import { SHIPPED, type ShippedFigures } from "./shipped.ts";

const KERNELS_MOST = 1.15;
const PLUGINS_MOST = 1.1;

export async function benchKernelMetering(): Promise<Row[]> {
  const bench = await benchKernels();
  for (const line of kernelLines(bench)) console.log(`  ${line}`);
  return [
    {
      work: `CPU-bound kernels (${bench.rows.length}); metered and preemptible vs unmetered`,
      ours: "see above",
      theirs: "see above",
      ratio: `${bench.geometricMean.toFixed(2)} × geometric mean`,
      goal: `≤ ${KERNELS_MOST} ×`,
      reached: bench.geometricMean <= KERNELS_MOST,
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
