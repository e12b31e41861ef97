// Replays of what is told by other ways than our own functions: WASI, Extism, components, transactions that are refused at their end.

import { describe, expect, it } from "vitest";
import type { PluginImage } from "../../host/core/types.ts";
import { guest, IMPORTS } from "../engine/component/guests.ts";
import { image, runTurn } from "../support/cells.ts";
import { componentImage, componentOf } from "../support/components.ts";
import { recordingCell, recordOf, replayed } from "../support/recorded.ts";
import { wat } from "../support/wat.ts";
import { WITNESS } from "./witness.wat.ts";

const LIMITS = { cpuMs: 1_000, cpuMsPerSecond: 1_000, deadlineMs: 20_000 };

/** Sleeps for a while, and loops as often as chance and the clock say, then traps. */
const SLEEPER = `(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 512) "hello\\n")
  (func (export "_initialize"))
  (func $loops (param $n i32) (local $i i32)
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (local.get $n)))))
  (func (export "sleep") (result i32)
    (i32.store8 (i32.const 8) (i32.const 0))
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 30000000))
    (drop (call $poll (i32.const 0) (i32.const 128) (i32.const 1) (i32.const 256)))
    (drop (call $random (i32.const 300) (i32.const 1)))
    (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 304)))
    (i32.store (i32.const 400) (i32.const 512)) (i32.store (i32.const 404) (i32.const 6))
    (drop (call $write (i32.const 1) (i32.const 400) (i32.const 1) (i32.const 408)))
    (call $loops (i32.mul (i32.const 1009) (i32.add
      (i32.load8_u (i32.const 300)) (i32.and (i32.wrap_i64 (i64.shr_u (i64.load (i32.const 304)) (i64.const 20))) (i32.const 255)))))
    unreachable))`;

const component = async (imports: readonly string[], handle: string): Promise<PluginImage> =>
  componentImage("witness", await componentOf(guest({ imports, handle })), LIMITS);

const RANDOM = '(import "bulkhead:plugin/random@0.2.0" "bytes" (func $bytes (param i32 i32)))';

describe("a replay", () => {
  it.each<readonly [what: string, make: () => Promise<PluginImage>, entryPoint: string, input: string]>([
    ["WASI", async () => image("witness", await wat(SLEEPER), LIMITS), "sleep", ""],
    ["the engine extism", async () => ({ ...image("witness", await wat(WITNESS), LIMITS), engine: "extism" }), "fail_random", ""],
    [
      "a component, by randomness",
      () =>
        component(
          [RANDOM],
          "(call $bytes (i32.const 16) (i32.const 256)) (call $err (i32.load (i32.const 260)) (i32.load (i32.const 264)))",
        ),
      "any",
      "",
    ],
    [
      "a component, by what it has stored",
      () =>
        component(
          [IMPORTS.get ?? "", IMPORTS.set ?? ""],
          `(call $set (local.get $input) (local.get $inputLength) (local.get $input) (local.get $inputLength) (i32.const 256))
           (call $get (local.get $input) (local.get $inputLength) (i32.const 256))
           (call $err (i32.load (i32.const 264)) (i32.load (i32.const 268)))`,
        ),
      "any",
      "key",
    ],
    ["a component that does not end", () => component([RANDOM], "(call $spin) unreachable"), "any", ""],
  ])("of %s ends as the turn did", async (_what, make, entryPoint, input) => {
    const one: PluginImage = { ...(await make()), tape: "failures" };
    await using world = recordingCell("inline");
    await world.cell.load(one);
    const outcome = await runTurn(world.cell, "witness", entryPoint, { input, timeoutMs: 20_000 });
    expect(outcome.ok).toBe(false);
    const [turn] = world.turns;
    if (turn === undefined) throw new Error("nothing was recorded");
    const again = await replayed(recordOf(turn, one), one);
    expect(again).toMatchObject({ verdict: "same", notes: [] });
    if (entryPoint === "sleep") {
      expect(again.fuel.replayed).toBe(again.fuel.recorded);
      expect(again.lines).toEqual([{ level: "info", message: "hello" }]);
    }
  });

  it("of a turn whose guest ended well, and whose commit was refused, is refused as then", async () => {
    const limits = { ...LIMITS, storageBytes: 4_096 };
    const one: PluginImage = { ...image("witness", await wat(WITNESS), limits), tape: "failures", transaction: "turn" };
    await using world = recordingCell("inline");
    await world.cell.load(one);
    const input = "k".repeat(500);
    let failed = await runTurn(world.cell, "witness", "put", { input });
    for (let i = 0; failed.ok && i < 50; i += 1) failed = await runTurn(world.cell, "witness", "put", { input: `${i}${input}` });
    expect(failed).toMatchObject({ ok: false, error: { code: "quota-exceeded" } });
    const [turn] = world.turns;
    if (turn === undefined) throw new Error("nothing was recorded");
    const record = recordOf(turn, one);
    const again = await replayed(record, one);
    expect(again).toMatchObject({ verdict: "same", error: { code: "quota-exceeded" } });
  });
});
