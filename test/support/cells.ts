// Real cells of every kind for tests, and turns to put into them.

import { readdirSync, readFileSync } from "node:fs";
import { createInlineCell } from "../../host/cell/outside/inline-cell.ts";
import { createProcessCell } from "../../host/cell/outside/process-cell.ts";
import { createThreadCell } from "../../host/cell/outside/thread-cell.ts";
import type { Cell, Turn } from "../../host/core/ports/cell.ts";
import type { LogSink } from "../../host/core/ports/log.ts";
import { startTrace } from "../../host/core/trace.ts";
import type { Limits, PluginImage, TurnOutcome } from "../../host/core/types.ts";
import { openPluginStorage } from "../../host/drivers/storage-sqlite/storage-sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { admitPlugin } from "../../host/engine/admit-plugin.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";

export type CellKind = "inline" | "thread" | "process";
export const CELL_KINDS: readonly CellKind[] = ["inline", "thread", "process"];

export function createCell(kind: CellKind, log: LogSink, storageDir?: string): Cell {
  if (kind === "thread") return createThreadCell({ clock: systemClock, log, storageDir });
  if (kind === "process") return createProcessCell({ clock: systemClock, log, storageDir, plugins: undefined });
  return createInlineCell({ clock: systemClock, log, openStorage: (image) => openPluginStorage(storageDir, image, systemClock) });
}

export function image(
  name: string,
  wasm: Uint8Array<ArrayBuffer>,
  limits: Partial<Limits> = {},
  config: Record<string, string> = {},
): PluginImage {
  const all = { ...DEFAULT_LIMITS, ...limits };
  const { module, entryPoints, report } = admitPlugin(wasm, all);
  return { name, module, compileBytes: report.compileBytes, entryPoints, limits: all, config };
}

export type TurnOptions = Partial<Omit<Turn, "end">> & { readonly timeoutMs?: number };

/** Runs one turn in a cell and resolves with its outcome. */
export function runTurn(cell: Cell, plugin: string, entryPoint: string, options: TurnOptions = {}): Promise<TurnOutcome> {
  const { timeoutMs = 10_000, ...rest } = options;
  const { promise, resolve } = Promise.withResolvers<TurnOutcome>();
  cell.run({
    plugin,
    entryPoint,
    input: "",
    caller: { kind: "adapter", name: "test" },
    traceparent: startTrace(),
    deadline: systemClock.monotonicMs() + timeoutMs,
    answer: () => new Promise(() => {}),
    end: resolve,
    ...rest,
  });
  return promise;
}

/** The cell as a plugin's mailbox uses it: turns wait while it asks for that. */
export function gated<C extends Cell>(cell: C): C {
  const waiting: Turn[] = [];
  let holds = 0;
  const hold = (): (() => void) => {
    holds += 1;
    return () => {
      holds -= 1;
      if (holds === 0) for (const turn of waiting.splice(0)) cell.run(turn);
    };
  };
  return new Proxy(cell, {
    get(target, name) {
      if (name === "load") return (plugin: PluginImage) => target.load(plugin, hold);
      if (name === "run") return (turn: Turn) => (holds > 0 ? waiting.push(turn) : target.run(turn));
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** The processes of cells that a process has, for tests that kill them. Needs /proc. */
export function cellsOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" "),
  );
  return children.map(Number).filter((child) => child > 0 && readFileSync(`/proc/${child}/cmdline`, "utf8").includes("process-main"));
}
