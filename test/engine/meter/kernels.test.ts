// Real programs from a real compiler answer the same when metered, however often they are interrupted.

import { beforeAll, describe, expect, it } from "vitest";
import { compileKernels, SMALL_SIZES } from "../../bench/kernels/compile.ts";
import { admitAll, exportedFunction, Metered } from "./metered.ts";

describe("the AssemblyScript kernels", () => {
  let source: Uint8Array<ArrayBuffer>;
  let admitted: Uint8Array<ArrayBuffer>;

  beforeAll(async () => {
    source = await compileKernels();
    admitted = admitAll(source).bytes;
  });

  describe.each(Object.entries(SMALL_SIZES))("%s", (kernel, size) => {
    it.each([200, 1_000, 1_000_000_000])("answers the same in slices of %i units", async (units) => {
      const original = new WebAssembly.Instance(new WebAssembly.Module(source)).exports;
      const metered = new Metered(admitted, { units });
      await metered.start();
      expect(await metered.call(kernel, size)).toBe(exportedFunction(original, kernel)(size));
      if (units <= 1_000) expect(metered.slices).toBeGreaterThan(2);
    });
  });

  it("are of about the same size as before", () => {
    expect(admitted.length).toBeLessThan(source.length * 1.6);
  });
});
