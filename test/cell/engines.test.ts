// The engine that a plugin's configuration names, in every kind of cell.

import { describe, expect, it } from "vitest";
import { CELL_KINDS, createCell, image, runTurn } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";
import { wat } from "../support/wat.ts";

const ECHO = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64))) (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (memory 1)
  (func (export "echo") (result i32) (call $output (call $input) (call $length)) (i32.const 0))
  (func (export "loop") (result i32) (loop (br 0)) (i32.const 0)))`;

describe.each(CELL_KINDS)("%s cell", (kind) => {
  it.each(["metered", "extism"])("runs a plugin on the engine %s", async (engine) => {
    const cell = createCell(kind, memoryLog());
    try {
      await cell.load({ ...image("p", await wat(ECHO), { cpuMs: 50 }), engine });
      const outcome = await runTurn(cell, "p", "echo", { input: "hello" });
      expect(outcome.ok && new TextDecoder().decode(outcome.output)).toBe("hello");
      expect(await runTurn(cell, "p", "loop")).toMatchObject({ ok: false, error: { code: "cpu-exhausted" } });
    } finally {
      await cell[Symbol.asyncDispose]();
    }
  });

  it("refuses to load a plugin for an engine that there is not", async () => {
    const cell = createCell(kind, memoryLog());
    await expect(cell.load({ ...image("p", await wat(ECHO)), engine: "warp" })).rejects.toMatchObject({ code: "internal" });
    await cell[Symbol.asyncDispose]();
  });
});
