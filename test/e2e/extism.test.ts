// A plugin written with Extism's own AssemblyScript SDK, unmodified: the example that comes with the SDK.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cell } from "../../host/core/ports/cell.ts";
import { asPdkExample } from "../support/as-pdk-example.ts";
import { CELL_KINDS, createCell, image, runTurn } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";
import { textOf } from "../support/scripted-cell.ts";

describe.each(CELL_KINDS)("an Extism plugin in a %s cell", (kind) => {
  let cell: Cell;
  beforeAll(async () => {
    cell = createCell(kind, memoryLog());
    await cell.load(image("extism", await asPdkExample(), {}, { thing: "configured" }));
  });
  afterAll(() => cell[Symbol.asyncDispose]());

  it("reads input, config and variables and gives its output", async () => {
    for (let i = 0; i < 3; i += 1) {
      const outcome = await runTurn(cell, "extism", "count_vowels", { input: "Hello World" });
      expect(outcome.ok ? textOf(outcome.output) : outcome.error).toBe('{"count": 3, "config": "configured", "a": "this is var a"}');
    }
  });
});
