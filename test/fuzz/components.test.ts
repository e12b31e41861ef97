// Components of strangers: any bytes, and any change to a valid component, are refused with a code or read, and what is read has a verdict on all that it imports.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseComponent } from "../../host/engine/component/binary/parse-component.ts";
import { entriesOf, importsOf, refusalsOfImports } from "../../host/engine/component/world.ts";
import { codeOf } from "./codes.ts";
import { check } from "./runs.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const VALID = ["attacker", "hoarder"].map(
  (name) => new Uint8Array(readFileSync(new URL(`../hostile/${name}.component.wasm`, import.meta.url))),
);
const SLOW_MS = 2_000;

function judge(bytes: Uint8Array<ArrayBuffer>): "read" | "refused" {
  const before = performance.now();
  const code = codeOf(() => {
    const parsed = parseComponent(bytes);
    const reasons = refusalsOfImports(parsed);
    if (reasons.length === 0) expect(importsOf(parsed).every((name) => /^(?:wasi|bulkhead):/.test(name))).toBe(true);
    expect(["handle", "exports", "nothing"]).toContain(entriesOf(parsed).of);
    expect(parsed.instances.coreInstances).toBeLessThanOrEqual(64);
  });
  expect(performance.now() - before).toBeLessThan(SLOW_MS);
  expect([undefined, "admission-refused"]).toContain(code);
  return code === undefined ? "read" : "refused";
}

describe("a component", () => {
  it("is refused or read, whatever its bytes are", async () => {
    await check(fc.uint8Array({ maxLength: 400 }), 3_000, (bytes) => {
      judge(Uint8Array.from([...HEADER, ...bytes]));
    });
  });

  it("with some bytes changed is refused or read, and both happen", async () => {
    const verdicts = { read: 0, refused: 0 };
    const change = fc.tuple(fc.nat(), fc.nat(255));
    await check(fc.tuple(fc.constantFrom(...VALID), fc.array(change, { minLength: 1, maxLength: 4 })), 3_000, ([valid, changes]) => {
      const bytes = valid.slice();
      for (const [at, byte] of changes) bytes[HEADER.length + (at % (bytes.length - HEADER.length))] = byte;
      verdicts[judge(bytes)] += 1;
    });
    expect(Math.min(verdicts.read, verdicts.refused)).toBeGreaterThan(0);
  });
});
