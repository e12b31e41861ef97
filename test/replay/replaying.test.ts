// A turn that fails, recorded in each kind of cell and run again in a process of its own: it ends the same way, whatever it was told by.

import { describe, expect, it } from "vitest";
import type { Bytes, Limits, PluginImage } from "../../host/core/types.ts";
import { CELL_KINDS, type CellKind, image, runTurn, type TurnOptions } from "../support/cells.ts";
import { recordingCell, recordOf, replayed } from "../support/recorded.ts";
import { wat } from "../support/wat.ts";
import { WITNESS } from "./witness.wat.ts";

const utf8 = (text: string): Bytes => new TextEncoder().encode(text);
const LIMITS: Partial<Limits> = { cpuMs: 200, cpuMsPerSecond: 1_000, deadlineMs: 20_000, hostCalls: 50, memoryBytes: 4 * 1_024 * 1_024 };

async function witness(limits: Partial<Limits> = {}): Promise<PluginImage> {
  return { ...image("witness", await wat(WITNESS, { names: true }), { ...LIMITS, ...limits }), tape: "failures" };
}

type Step = readonly [entryPoint: string, options?: TurnOptions];

/** Does the steps in a cell; the record of the last, which fails. */
async function recorded(kind: CellKind, steps: readonly Step[], plugin?: PluginImage) {
  const one = plugin ?? (await witness());
  await using world = recordingCell(kind);
  await world.cell.load(one);
  for (const [entryPoint, options] of steps) await runTurn(world.cell, "witness", entryPoint, { timeoutMs: 20_000, ...options });
  const turn = world.turns.at(-1);
  if (turn === undefined) throw new Error("nothing was recorded");
  return { record: recordOf(turn, one), image: one, count: world.turns.length };
}

describe.each(CELL_KINDS)("a turn that failed in a %s cell", (kind) => {
  it.each<readonly [what: string, code: string, steps: readonly Step[]]>([
    ["by what was random", "plugin-failed", [["fail_random"]]],
    ["by what time it was", "plugin-failed", [["fail_clock"]]],
    [
      "by what it had stored",
      "plugin-failed",
      [
        ["put", { input: "key" }],
        ["fail_stored", { input: "key" }],
      ],
    ],
    ["by what a service answered", "plugin-failed", [["fail_called", { input: "a", answer: async () => utf8("\0it is so") }]]],
    ["by what the host refused", "plugin-failed", [["fail_called", { input: "a", answer: () => Promise.reject(new Error("no")) }]]],
    ["by what it had counted before", "plugin-failed", [["count"], ["count"], ["fail_counted"], ["count"], ["fail_counted"]]],
    ["with a trap, after as long as chance had it", "plugin-failed", [["trap_by_random"]]],
    ["without end", "cpu-exhausted", [["spin"]]],
    ["with all its memory", "memory-exhausted", [["hog"]]],
    ["with all its stack", "memory-exhausted", [["overflow"]]],
    ["with all its calls", "quota-exceeded", [["chatter"]]],
    ["waiting for what never came", "deadline-exceeded", [["fail_called", { input: "a", timeoutMs: 300 }]]],
  ])("%s ends the same way", async (_what, code, steps) => {
    const { record, image: same } = await recorded(kind, steps);
    expect(record.error.code).toBe(code);
    const again = await replayed(record, same);
    expect(again).toMatchObject({ verdict: "same", build: "same", notes: [], before: record.tape.before.length });
    expect(again.error?.code).toBe(code);
    // A trap within a loop leaves uncounted what the loop has in a local.
    if (["plugin-failed", "cpu-exhausted", "quota-exceeded"].includes(code)) expect(again.fuel.replayed).toBe(again.fuel.recorded);
    expect(again.error?.message.replace(/; it was in .*/, "")).toBe(record.error.message.replace(/; it was in .*/, ""));
  });
});
