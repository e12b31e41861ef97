// Random input at the boundaries where a stranger's bytes arrive: each is refused with a code, or behaves.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readFromCell } from "../../host/cell/codec.ts";
import { FrameReader } from "../../host/cell/frames.ts";
import { FrameSplitter } from "../../host/cell/pipe-channel.ts";
import { HostError } from "../../host/core/errors.ts";
import { compilePattern } from "../../host/core/names.ts";
import { admitPlugin } from "../../host/engine/admit-plugin.ts";
import { DEFAULT_LIMITS } from "../../host/install/limits.ts";
import { parseManifest } from "../../host/install/manifest.ts";
import { wat } from "../support/wat.ts";

const SEED = 20_261_123;
const check = <T>(arbitrary: fc.Arbitrary<T>, property: (value: T) => void, numRuns: number): void =>
  fc.assert(fc.property(arbitrary, property), { seed: SEED, numRuns });

/** The codes with which this work is refused; undefined when it is not. Anything thrown that is no HostError fails the test. */
function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(HostError);
    return (thrown as HostError).code;
  }
}

describe("admission", () => {
  it("refuses a mutated or truncated module, or makes a valid one of it", async () => {
    const original = await wat(`(module
      (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
      (memory 1 4) (table 2 funcref) (global $g (mut i32) (i32.const 7)) (elem (i32.const 0) $f) (data (i32.const 8) "data")
      (func $f (export "f") (result i32) (local i64 f32)
        (block $out (loop $again (br_if $out (i32.eqz (global.get $g)))
          (global.set $g (i32.sub (global.get $g) (i32.const 1))) (br_table $again $out (i32.const 0))))
        (drop (call $alloc (i64.const 8))) (i32.load (i32.const 8))))`);
    const mutation = fc.record({
      at: fc.nat(original.length - 1),
      byte: fc.nat(255),
      more: fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { maxLength: 3 }),
      length: fc.oneof({ weight: 9, arbitrary: fc.constant(original.length) }, { weight: 1, arbitrary: fc.nat(original.length) }),
    });
    let admitted = 0;
    check(
      mutation,
      ({ at, byte, more, length }) => {
        const module = original.slice();
        for (const [index, value] of [[at, byte] as const, ...more]) module[index] = value;
        let result: Uint8Array<ArrayBuffer> | undefined;
        const code = codeOf(() => {
          result = admitPlugin(module.slice(0, length), { ...DEFAULT_LIMITS, memoryBytes: 65_536 * 16 }).module;
        });
        if (result === undefined) expect(code).toBe("admission-refused");
        else {
          admitted += 1;
          expect(WebAssembly.validate(result)).toBe(true);
        }
      },
      1_500,
    );
    // Were nothing admitted, the half of the property that matters most would not have been looked at.
    expect(admitted).toBeGreaterThan(50);
  });
});

describe("the channel from a cell", () => {
  it("reads any bytes as messages or refuses them, in whatever chunks", () => {
    check(
      fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }),
      (chunks) => {
        const code = codeOf(() => {
          const splitter = new FrameSplitter(() => 1_000);
          for (const chunk of chunks) for (const frame of splitter.split(Buffer.from(chunk))) readFromCell(new FrameReader(frame));
        });
        expect([undefined, "internal"]).toContain(code);
      },
      2_000,
    );
  });

  it("reads any body of a frame as a message or refuses it", () => {
    check(
      fc.tuple(fc.nat(3), fc.uint8Array({ maxLength: 200 })),
      ([kind, body]) => {
        const frame = Buffer.alloc(5 + body.length);
        frame.writeUInt32LE(body.length + 1, 0);
        frame[4] = kind;
        frame.set(body, 5);
        expect([undefined, "internal"]).toContain(codeOf(() => readFromCell(new FrameReader(frame))));
      },
      3_000,
    );
  });
});

describe("a manifest", () => {
  it("is refused or taken, whatever JSON it is, and pollutes nothing", () => {
    const key = fc.constantFrom(
      "name",
      "version",
      "api",
      "wasm",
      "services",
      "permissions",
      "limits",
      "__proto__",
      "constructor",
      "toString",
    );
    const json = fc.dictionary(key, fc.jsonValue(), { maxKeys: 8 });
    check(
      json,
      (value) => {
        expect(codeOf(() => parseManifest(JSON.stringify(value), "plugin.json"))).toMatch(/^(invalid-manifest|incompatible-api)$/);
        expect(Object.keys(Object.prototype)).toEqual([]);
      },
      500,
    );
    check(
      fc.string(),
      (text) => {
        expect(codeOf(() => parseManifest(text, "plugin.json"))).toBe("invalid-manifest");
      },
      500,
    );
  });
});

/** Slow and obvious: tries every way to lay the pattern's segments on the name's. */
function obviouslyMatches(pattern: readonly string[], name: readonly string[]): boolean {
  const [head, ...rest] = pattern;
  if (head === undefined) return name.length === 0;
  if (name.length === 0) return false;
  if (head === "**") return name.some((_, i) => obviouslyMatches(rest, name.slice(i + 1)));
  return (head === "*" || head === name[0]) && obviouslyMatches(rest, name.slice(1));
}

describe("a pattern", () => {
  it("matches what a slow reference matches", () => {
    const segment = fc.constantFrom("a", "b", "ab", "c-d", "1");
    const patterns = fc.tuple(fc.array(fc.oneof(segment, fc.constant("*")), { minLength: 1, maxLength: 4 }), fc.boolean());
    let matched = 0;
    check(
      fc.tuple(patterns, fc.array(segment, { minLength: 1, maxLength: 5 })),
      ([[segments, deep], name]) => {
        const pattern = deep ? [...segments, "**"] : segments;
        const expected = obviouslyMatches(pattern, name);
        if (expected) matched += 1;
        expect(compilePattern(pattern.join("."))(name.join(".")), `${pattern.join(".")} on ${name.join(".")}`).toBe(expected);
      },
      5_000,
    );
    expect(matched).toBeGreaterThan(100);
  });
});
