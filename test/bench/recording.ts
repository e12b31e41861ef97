// What it costs to write down what turns are told, which end well: the same turns in a cell of the same kind, with and without it.

import type { PluginImage } from "../../host/core/types.ts";
import { WITNESS } from "../replay/witness.wat.ts";
import { image, runTurn } from "../support/cells.ts";
import { recordingCell } from "../support/recorded.ts";
import { wat } from "../support/wat.ts";
import { QUIET } from "./cells.ts";
import { measureInTurn, median, type Row } from "./measure.ts";

const TURNS = 5_000;
const ROUNDS = { rounds: 15, warmUpRounds: 3 };
const AMPLE = { cpuMs: 60_000, cpuMsPerSecond: 1_000, deadlineMs: 60_000 };
const WORKS = {
  "that asks for nothing": ["count", ""],
  "that stores 16 bytes": ["put", "0123456789abcdef"],
} as const;

/** Microseconds a turn. */
async function side(tape: PluginImage["tape"], [entryPoint, input]: readonly [string, string]): Promise<() => Promise<readonly number[]>> {
  const { cell } = recordingCell("inline", QUIET);
  await cell.load({ ...image("witness", await wat(WITNESS), AMPLE), tape });
  return async () => {
    const start = performance.now();
    for (let i = 0; i < TURNS; i += 1) await runTurn(cell, "witness", entryPoint, { input });
    return [((performance.now() - start) * 1_000) / TURNS];
  };
}

export async function benchRecording(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [what, work] of Object.entries(WORKS)) {
    const sides = { off: await side(undefined, work), failures: await side("failures", work) };
    const figures = await measureInTurn(sides, ROUNDS);
    const [off, on] = [median(figures.off), median(figures.failures)];
    rows.push({
      work: `what a turn ${what} costs more with record: failures; vs record: off`,
      ...{
        ours: `${on.toFixed(2)} µs`,
        theirs: `${off.toFixed(2)} µs`,
        ratio: `${(on - off).toFixed(2)} µs more`,
        goal: "none",
        reached: true,
      },
    });
  }
  return rows;
}
