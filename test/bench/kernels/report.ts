// The kernels' figures as lines of text.

import type { KernelBench } from "./run.ts";

const units = (perMs: number): string => Math.round(perMs).toLocaleString("en");

export function kernelLines({ rows, geometricMean }: KernelBench): string[] {
  const lines = rows.map(({ kernel, unmeteredMs, meteredMs, ratio, yields, unitsPerMs, longestMs }) => {
    const times = `${unmeteredMs.toFixed(1).padStart(7)} ms ${meteredMs.toFixed(1).padStart(7)} ms  ${ratio.toFixed(2)} ×`;
    const stretches = `${String(yields).padStart(4)} yields, longest stretch ${longestMs.toFixed(2).padStart(5)} ms`;
    return `${kernel.padEnd(12)} ${times}  ${stretches}  ${units(unitsPerMs).padStart(10)} units/ms`;
  });
  const perMs = rows.map(({ unitsPerMs }) => unitsPerMs);
  const longest = rows.reduce((a, b) => (a.longestMs > b.longestMs ? a : b));
  return [
    ...lines,
    `geometric mean ${geometricMean.toFixed(3)} ×`,
    `longest stretch without a yield ${longest.longestMs.toFixed(2)} ms (${longest.kernel})`,
    `fuel per millisecond from ${units(Math.min(...perMs))} to ${units(Math.max(...perMs))} units`,
  ];
}
