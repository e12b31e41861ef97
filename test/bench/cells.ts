// Cells, plugins and hosts for the benchmarks. It measures nothing.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { resolveHardening } from "../../host/cell/outside/hardening.ts";
import { Host } from "../../host/core/host.ts";
import type { Cell } from "../../host/core/ports/cell.ts";
import type { LogSink } from "../../host/core/ports/log.ts";
import type { PluginDefinition } from "../../host/core/types.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { buildPlugin } from "../../scripts/build-plugins.ts";
import { type CellKind, createCell, image, runTurn } from "../support/cells.ts";
import { hostPorts } from "../support/host-ports.ts";

export type Wasm = Uint8Array<ArrayBuffer>;

export const BUILT: URL = new URL("../../dist/cell/outside/process-cell.js", import.meta.url);
export const QUIET: LogSink = { write: () => {} };
export const text: TextEncoder = new TextEncoder();

/** Limits that a benchmark does not want to meet. */
const AMPLE = { cpuMs: 60_000, deadlineMs: 60_000, hostCalls: 1_000_000, hostMsPerSecond: 1_000 } as const;

/** The module of a plugin's folder, relative to this one; compiled if need be. */
export async function readWasm(folder: string): Promise<Wasm> {
  const { file } = await buildPlugin(fileURLToPath(new URL(folder, import.meta.url)));
  return new Uint8Array(await readFile(file));
}

export async function loaded(kind: CellKind, wasm: Wasm, dataDir?: string): Promise<Cell> {
  const cell = createCell(kind, QUIET, dataDir);
  await cell.load(image("bench", wasm, AMPLE, { key: "value" }));
  return cell;
}

export async function enter(cell: Cell, entryPoint: string, input: Uint8Array | string, plugin = "bench"): Promise<Uint8Array> {
  const outcome = await runTurn(cell, plugin, entryPoint, { input, timeoutMs: 60_000, answer: async () => text.encode("\0id") });
  if (!outcome.ok) throw new Error(`${entryPoint}: ${outcome.error.message}`);
  return outcome.output;
}

/** Microseconds a repetition of work that a plugin repeats by itself within one turn. */
export async function perRepetition(cell: Cell, entryPoint: string, times: number): Promise<number> {
  const start = performance.now();
  await enter(cell, entryPoint, String(times));
  return ((performance.now() - start) * 1_000) / times;
}

/** As it is installed: from a checkout Node strips types at each start. */
export async function builtProcessCell(): Promise<Cell> {
  const { createProcessCell }: typeof import("../../host/cell/outside/process-cell.ts") = await import(BUILT.href);
  return createProcessCell({ clock: systemClock, log: QUIET, storageDir: undefined, plugins: undefined });
}

/** A process cell with all that this machine can hold it by; those of `createCell` have nothing. */
export async function hardenedCell(): Promise<Cell> {
  const { createProcessCell }: typeof import("../../host/cell/outside/process-cell.ts") = await import(BUILT.href);
  const hardening = await resolveHardening();
  const user = hardening.users?.first;
  return createProcessCell({ clock: systemClock, log: QUIET, storageDir: undefined, plugins: undefined, hardening, user });
}

export const newHost = (): Host => new Host(hostPorts({ clock: systemClock, log: QUIET }));

/** The benchmarks' plugin under a name of its own, with nothing but what is given. */
export function definition(name: string, wasm: Wasm, rest: Partial<PluginDefinition> = {}): PluginDefinition {
  const { module, entryPoints, limits, config } = image(name, wasm, AMPLE);
  return {
    ...{ name, version: "1.0.0", module, entryPoints, limits, config },
    ...{ services: [], subscriptions: [], permissions: [], grants: [], dependencies: [] },
    ...rest,
  };
}
