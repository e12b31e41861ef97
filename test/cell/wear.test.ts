import { describe, expect, it } from "vitest";
import { Wear } from "../../host/cell/inside/wear.ts";
import { CELL_KINDS, createCell, image, runTurn } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";
import { wat } from "../support/wat.ts";

describe("wear", () => {
  it("is there once memory has grown often and is nearly all that is allowed", () => {
    const wear = new Wear();
    expect([10, 20, 30, 40, 50, 74, 75, 75, 76].map((bytes) => wear.isWorn(bytes, 100))).toEqual([
      ...[false, false, false, false, false, false, true, false, true],
    ]);
  });

  it("is not there for what is large and stays so, or filled itself at once", () => {
    const wear = new Wear();
    expect([10, 99, 99, 99, 99, 99, 100].map((bytes) => wear.isWorn(bytes, 100))).not.toContain(true);
  });
});

// Each turn takes a page for ever and answers how many turns the instance has run.
const LEAKS = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64))) (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $out (param i64 i64)))
  (memory 1) (global $turns (mut i32) (i32.const 0))
  (func (export "leak") (result i32) (local $at i64)
    (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
    (global.set $turns (i32.add (global.get $turns) (i32.const 1)))
    (local.set $at (call $alloc (i64.const 1)))
    (call $store (local.get $at) (global.get $turns)) (call $out (local.get $at) (i64.const 1)) (i32.const 0)))`;

describe.each(CELL_KINDS)("a plugin that leaks (%s)", (kind) => {
  it("gets another instance before a turn fails for want of memory", async () => {
    const cell = createCell(kind, memoryLog());
    await cell.load(image("leaky", await wat(LEAKS), { memoryBytes: 20 * 65_536 }));
    const turns: number[] = [];
    for (let i = 0; i < 60; i += 1) {
      const outcome = await runTurn(cell, "leaky", "leak");
      turns.push(outcome.ok ? (outcome.output[0] ?? 0) : -1);
    }
    await cell[Symbol.asyncDispose]();
    expect(turns).not.toContain(-1);
    expect(turns.filter((turn) => turn === 1).length).toBeGreaterThan(2);
  });
});
