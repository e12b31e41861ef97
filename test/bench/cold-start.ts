// From no process to the first answer of a process cell, for a module that was admitted before; beside a Node process that does nothing.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolveHardening } from "../../host/cell/outside/hardening.ts";
import type { Cell } from "../../host/core/ports/cell.ts";
import { image } from "../support/cells.ts";
import { builtProcessCell, enter, hardenedCell, type Wasm } from "./cells.ts";
import { measureInTurn, median, type Row, slower } from "./measure.ts";

export async function benchColdStart(wasm: Wasm): Promise<Row[]> {
  const admitted = image("bench", wasm);
  await resolveHardening();
  const start = async (cell: Cell): Promise<number> => {
    const began = performance.now();
    await cell.load(admitted);
    await enter(cell, "echo", "x");
    const tookMs = performance.now() - began;
    await cell[Symbol.asyncDispose]();
    return tookMs;
  };
  const figures = await measureInTurn(
    {
      ours: async () => [await start(await builtProcessCell())],
      hardened: async () => [await start(await hardenedCell())],
      bare: async () => [await bareNode()],
    },
    { rounds: 11, warmUpRounds: 1 },
  );
  const theirs = median(figures.bare);
  return [
    slower("cold start of a process cell from an admitted module vs a bare node", { ours: median(figures.ours), theirs }, 1.3, "ms"),
    {
      ...slower("the same, as a user of its own behind bubblewrap", { ours: median(figures.hardened), theirs }, 1.3, "ms"),
      ...{ goal: "none", reached: true },
    },
  ];
}

async function bareNode(): Promise<number> {
  const began = performance.now();
  await once(spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }), "exit");
  return performance.now() - began;
}
