// Code that only names a type of exceptions counts as code of the current encoding to V8, which refuses to mix it with the legacy one: what the
// meter adds must be of the same. Found by fuzzing: the meter's helper was a legacy one, and the module was refused as the host's own fault.

import { describe, expect, it } from "vitest";
import { body, section, sized, vector, wasm } from "../wasm/build.ts";
import { admitAll, Metered } from "./metered.ts";

const EXNREF = 0x69;
const NULLEXNREF = 0x74;
const NOTHING_TO_NOTHING = [0x60, 0, 0];
const LOOP = body([0x03, 0x40, 0x0c, 0, 0x0b]);
const LEGACY_TRY = body([0x06, 0x40, 0x19, 0x0b]);

const NAMING: Readonly<Record<string, number[]>> = {
  "a local exnref": sized([1, 1, EXNREF, 0x0b]),
  "a local nullexnref": sized([1, 1, NULLEXNREF, 0x0b]),
  "a local (ref null exn)": sized([1, 1, 0x63, EXNREF, 0x0b]),
  "a block with the result exnref": body([0x02, EXNREF, 0x00, 0x0b, 0x1a]),
  "ref.null exn": body([0xd0, EXNREF, 0x1a]),
  "ref.null noexn": body([0xd0, NULLEXNREF, 0x1a]),
  "a select of exnref": body([0x00, 0x1c, 1, EXNREF, 0x1a]),
};

const moduleOf = (...bodies: number[][]): Uint8Array<ArrayBuffer> =>
  wasm(
    section(1, vector([NOTHING_TO_NOTHING])),
    section(3, vector(bodies.map(() => [0]))),
    section(7, vector([[1, 0x66, 0, 0]])),
    section(10, vector(bodies)),
  );

describe.each(Object.entries(NAMING))("%s", (_, naming) => {
  it("goes with a meter of the same encoding", async () => {
    const { bytes, report } = admitAll(moduleOf(LOOP, naming));
    expect(report.features).toContain("exceptions");
    await expect(new Metered(bytes, { units: 1_000, max: 3 }).call("f")).rejects.toThrow(WebAssembly.RuntimeError);
  });

  it("is refused beside legacy exception handling", () => {
    expect(() => admitAll(moduleOf(LOOP, naming, LEGACY_TRY))).toThrow(expect.objectContaining({ code: "admission-refused" }));
  });
});
