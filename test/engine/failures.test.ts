// What a turn that went wrong says: where it was, and whose limit it met.

import { afterEach, describe, expect, it } from "vitest";
import { type CellKind, createCell, image, runTurn } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";
import { wat } from "../support/wat.ts";

const GUEST = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "error_set" (func $error (param i64)))
  (import "bulkhead:host/memory" "store" (func $store (param i32 i64 i32)))
  (memory 1) (data (i32.const 0) "memory allocation of 999 bytes failed")
  (func $grind (loop $again (br $again)))
  (func $turn_the_mill (call $grind))
  (func (export "spin") (result i32) (call $turn_the_mill) (i32.const 0))
  (func $allocate (loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable)
  (func (export "grow") (result i32) (call $allocate) (i32.const 0))
  (func (export "allocate_much") (result i32) (local i64)
    (drop (memory.grow (i32.const 60000)))
    (local.set 0 (call $alloc (i64.const 37))) (call $store (i32.const 0) (local.get 0) (i32.const 37)) (call $error (local.get 0))
    unreachable)
  (func (export "divide") (result i32) (i32.div_s (i32.const 1) (i32.const 0)))
  (func (export "give_up") (result i32) unreachable))`;

describe.each(["inline", "process"] as const satisfies CellKind[])("in a cell of kind %s, what went wrong", (kind) => {
  let cell: ReturnType<typeof createCell>;
  afterEach(() => cell[Symbol.asyncDispose]());

  const failure = async (entryPoint: string): Promise<object> => {
    cell = createCell(kind, memoryLog());
    await cell.load(
      image("guest", await wat(GUEST, { names: true }), { cpuMs: 50, memoryBytes: 4 * 1_048_576, deadlineMs: 20_000 }),
      () => () => {},
    );
    const outcome = await runTurn(cell, "guest", entryPoint);
    return outcome.ok ? { code: "none" } : outcome.error;
  };

  it("names the function in which an endless loop was, and how it came there", async () => {
    const error = await failure("spin");
    expect(error).toMatchObject({ code: "cpu-exhausted", message: expect.stringMatching(/\(limits\.cpuMs\); it was in grind$/) });
    expect(error).toMatchObject({ detail: expect.stringMatching(/at grind [\s\S]*at turn_the_mill /) });
  });

  it("is memory where the memory was full, or the guest says that an allocation failed before it traps", async () => {
    for (const entryPoint of ["grow", "allocate_much"]) {
      const message = expect.stringContaining("the limit is 4.0 MiB (limits.memoryMiB)");
      expect(await failure(entryPoint), entryPoint).toMatchObject({ code: "memory-exhausted", message });
      await cell[Symbol.asyncDispose]();
    }
  });

  it("is not memory where it was something else", async () => {
    for (const entryPoint of ["divide", "give_up"]) {
      expect(await failure(entryPoint), entryPoint).toMatchObject({ code: "plugin-failed" });
      await cell[Symbol.asyncDispose]();
    }
  });
});
