// Metered modules answer what the originals answer, wherever they are interrupted.

import { describe, expect, it } from "vitest";
import { admitAll, exportedFunction, Metered } from "../meter/metered.ts";
import { corpus } from "./corpus.ts";

const NUMBERS = [0, 1, 2, 3, 7, 10, 100, -1, -20, 77];
const TYPES: Readonly<Record<string, (value: number) => unknown>> = {
  i32: (value) => value,
  i64: (value) => BigInt(value) * 1_000_000_007n,
  f32: (value) => value / 4,
  f64: (value) => value / 3,
};

// With slices of one unit every check suspends.
const SLICES = [1, 37, 1_000, 1_000_000_000];

/** A result as text, or the failure as its kind: a trap says what it was, an exception only that it was one. */
async function outcome(run: () => unknown): Promise<string> {
  try {
    const result = await run();
    return Array.isArray(result) ? result.map(String).join() : String(result);
  } catch (error) {
    return error instanceof WebAssembly.RuntimeError ? `trap: ${error.message}` : "exception";
  }
}

describe.each(corpus)("$name", ({ bytes }) => {
  const { bytes: admitted, report } = admitAll(bytes);
  const functions = report.exports.filter(({ kind }) => kind === "function");
  const calls = functions.flatMap(({ name, params = [] }) =>
    NUMBERS.map((number) => ({ name, values: params.map((type) => TYPES[type]?.(number)) })),
  );

  it.each(SLICES)("answers the same in slices of %i units", async (units) => {
    const original = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
    const metered = new Metered(admitted, { units });
    await metered.start();
    for (const { name, values } of calls) {
      const expected = await outcome(() => exportedFunction(original, name)(...values));
      const actual = await outcome(() => metered.call(name, ...values));
      expect({ name, values, outcome: actual }).toEqual({ name, values, outcome: expected });
    }
  });
});

describe("the features in the report", () => {
  it.each([
    ["simd", "simd"],
    ["relaxed-simd", "relaxed-simd"],
    ["gc", "gc"],
    ["typed-references", "typed-function-references"],
    ["tail-calls", "tail-calls"],
    ["exceptions", "exceptions"],
    ["legacy-exceptions", "legacy-exceptions"],
    ["extended-constants", "extended-constants"],
    ["references", "reference-types"],
    ["memory", "bulk-memory"],
    ["numbers", "sign-extension"],
    ["numbers", "saturating-conversions"],
  ])("of %s name %s", (module, feature) => {
    const bytes = corpus.find(({ name }) => name === module)?.bytes ?? new Uint8Array();
    expect(admitAll(bytes).report.features).toContain(feature);
  });

  it("are none for a module of the first version", () => {
    const bytes = corpus.find(({ name }) => name === "control")?.bytes ?? new Uint8Array();
    expect(admitAll(bytes).report.features).toEqual([]);
  });
});
