// Where a guest's CPU goes: found in every kind of cell, told within bounds, and what no cell of ours would tell ends it.

import { afterEach, describe, expect, it } from "vitest";
import { lastFunctionOf } from "../../host/cell/inside/last-function.ts";
import { Profile } from "../../host/cell/inside/profile.ts";
import { sharesOf } from "../../host/cli/profile.ts";
import { HostError } from "../../host/core/errors.ts";
import type { Cell } from "../../host/core/ports/cell.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { Profiler } from "../../host/lifecycle/profiling.ts";
import { CELL_KINDS, createCell, image, runTurn } from "../support/cells.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { memoryLog } from "../support/memory-log.ts";
import { wat } from "../support/wat.ts";

/** `heavy` takes nine tenths of what `work` does, in a function below another. */
const WORK = `(module
  (memory (export "memory") 1)
  (func $loop (param $n i32) (result i32) (local $i i32)
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $i))
  (func $heavy (result i32) (call $loop (i32.const 9000000)))
  (func $light (result i32) (call $loop (i32.const 1000000)))
  (func (export "work") (result i32) (drop (call $heavy)) (drop (call $light)) (i32.const 0))
  (func (export "nothing") (result i32) (i32.const 0)))`;

let cell: Cell | undefined;
afterEach(async () => {
  await cell?.[Symbol.asyncDispose]();
  cell = undefined;
});

describe.each(CELL_KINDS)("a profile in a %s cell", (kind) => {
  async function profiled(entryPoint: string): Promise<ReturnType<typeof sharesOf>> {
    cell = createCell(kind, memoryLog());
    await cell.load(image("p", await wat(WORK), { cpuMs: 60_000, deadlineMs: 60_000 }));
    expect(await cell.profile?.("p", true)).toEqual([]);
    const outcome = await runTurn(cell, "p", entryPoint, { timeoutMs: 60_000 });
    expect(outcome.ok).toBe(true);
    return sharesOf((await cell.profile?.("p", false)) ?? []);
  }

  it("counts fuel where the guest spends it, and with whom it was called", async () => {
    const shares = await profiled("work");
    const [first] = shares;
    expect(first?.self).toBeGreaterThan(0.8);
    // Nine tenths are below `heavy`, and the meter's own function is none of them.
    expect(shares.some(({ name, total }) => name === "function 1" && total > 0.8 && total < 0.95)).toBe(true);
    expect(shares.map(({ name }) => name).filter((name) => !/^function [0-3]$/.test(name))).toEqual(["(before the next look)", "work"]);
  });

  it("has a turn that was over before the next look under its entry point", async () => {
    expect((await profiled("nothing")).map(({ name }) => name)).toEqual(expect.arrayContaining(["nothing"]));
  });

  it("is none of a plugin that is not there", async () => {
    cell = createCell(kind, memoryLog());
    await cell.load(image("p", await wat(WORK)));
    expect(await cell.profile?.("q", true)).toEqual([]);
    expect(await cell.profile?.("q", false)).toEqual([]);
  });
});

describe("the last function of a module", () => {
  it("is counted with those that are imported, whatever else is", async () => {
    const imports =
      '(import "a" "f" (func)) (import "a" "t" (table 1 2 funcref)) (import "a" "m" (memory 1)) (import "a" "g" (global i32))';
    expect(lastFunctionOf(await wat(`(module ${imports} (import "a" "h" (func (param i32))) (func) (func) (func))`))).toBe(4);
    expect(lastFunctionOf(await wat("(module (func))"))).toBe(0);
    expect(lastFunctionOf(await wat("(module)"))).toBeUndefined();
    expect(lastFunctionOf(new Uint8Array([1, 2, 3]))).toBeUndefined();
  });
});

describe("what is told of a profile", () => {
  it("fits into a frame, however many stacks there are and however long names are", () => {
    const profile = new Profile(undefined);
    for (let i = 0; i < 20_000; i += 1) profile.rest(`entry_${i}_${"x".repeat(1_000)}`, i);
    const stacks = profile.stacks();
    expect(stacks.reduce((sum, { stack }) => sum + stack.length, 0)).toBeLessThan(48 * 1_024);
    expect(stacks.at(-1)?.stack).toBe("(others)");
    expect(stacks.reduce((sum, { fuel }) => sum + fuel, 0)).toBe((20_000 * 19_999) / 2);
  });

  it("takes no name for more than one function, and shows what is hidden in it", () => {
    const profile = new Profile(undefined);
    profile.rest("a;b\u202e", 1);
    expect(profile.stacks()[0]?.stack).toBe("a:b\\u{202e};(before the next look)");
  });
});

describe("looking into a plugin", () => {
  it("is for one at a time, and does not wait for a cell that says nothing", async () => {
    const clock = fakeClock();
    const mute = { profile: () => new Promise<never>(() => {}) } as unknown as Cell;
    const profiler = new Profiler(clock, { of: (name) => (name === "p" ? mute : undefined) });
    await expect(profiler.profile("q", 1)).rejects.toMatchObject({ code: "plugin-not-running" });
    const first = profiler.profile("p", 1);
    await expect(profiler.profile("p", 1)).rejects.toMatchObject({ code: "conflict" });
    const late = expect(first).rejects.toMatchObject({ code: "deadline-exceeded" });
    await clock.advance(5_000);
    await late;
  });

  it("ends when the cell dies", async () => {
    cell = createCell("process", memoryLog());
    await cell.load(image("p", await wat(WORK)));
    const dying = cell;
    const profiler = new Profiler(systemClock, { of: () => dying });
    const asked = profiler.profile("p", 0.2).then(
      (stacks) => expect(stacks).toEqual([]),
      (thrown: unknown) => expect(thrown).toBeInstanceOf(HostError),
    );
    await dying[Symbol.asyncDispose]();
    await asked;
  });
});
