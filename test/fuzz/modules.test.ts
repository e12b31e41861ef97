// Damaged modules: each is refused, or becomes a valid module that behaves as a plugin does, whatever it was changed into. It returns, fails with a
// code, or is ended by its fuel, and stays within its limits.

import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_ADMISSION_LIMITS } from "../../host/engine/admission.ts";
import { admitPlugin } from "../../host/engine/admit-plugin.ts";
import { parseModule } from "../../host/engine/wasm/parse-module.ts";
import { ownPlugin } from "../support/plugin-folders.ts";
import { wat } from "../support/wat.ts";
import { codeOf } from "./codes.ts";
import { GuestJobs, LIMITS } from "./guest-jobs.ts";
import { check, TEST_TIMEOUT_MS } from "./runs.ts";

const SLICES = 20;
const CODES = /^(plugin-failed|refused|memory-exhausted|quota-exceeded|permission-denied): /;

const SMALL = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error (param i64)))
  (import "extism:host/env" "log_info" (func $log (param i64)))
  (import "extism:host/env" "var_set" (func $var (param i64 i64)))
  (import "bulkhead:host/memory" "load" (func $load (param i64 i32 i32)))
  (import "bulkhead:host/memory" "store" (func $copy (param i32 i64 i32)))
  (import "bulkhead:host/memory" "release" (func $release (param i64)))
  (import "extism:host/user" "storage_set" (func $set (param i64 i64) (result i64)))
  (import "extism:host/user" "state_get" (func $get (param i64) (result i64)))
  (memory 1 4) (table 2 funcref) (global $g (mut i32) (i32.const 7)) (elem (i32.const 0) $f $talk) (data (i32.const 8) "data")
  (func $f (export "f") (result i32) (local i64 f32)
    (block $out (loop $again (br_if $out (i32.eqz (global.get $g)))
      (global.set $g (i32.sub (global.get $g) (i32.const 1))) (br_table $again $out (i32.const 0))))
    (drop (call $alloc (i64.const 8))) (i32.load (i32.const 8)))
  (func $talk (export "talk") (result i32) (local $block i64) (local $i i32)
    (local.set $block (call $alloc (i64.const 32)))
    (loop $next
      (call $store (i64.add (local.get $block) (i64.extend_i32_u (local.get $i))) (i32.const 97))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 32))))
    (call $copy (i32.const 8) (local.get $block) (i32.const 4))
    (call $load (local.get $block) (i32.const 100) (i32.const 32))
    (drop (call $set (local.get $block) (local.get $block))) (drop (call $get (local.get $block)))
    (call $log (local.get $block)) (call $var (local.get $block) (local.get $block)) (call $error (i64.const 0))
    (call $output (local.get $block) (i64.const 16)) (call $release (call $alloc (i64.const 8)))
    (drop (memory.grow (i32.const 1))) (memory.fill (i32.const 0) (i32.const 1) (i32.const 100))
    (call_indirect (result i32) (i32.const 0))))`;

/** Opcodes that can stand for each other: a change within a row mostly leaves the module valid. */
const EXCHANGEABLE: readonly (readonly [number, number])[] = [
  [0x0c, 0x0d],
  [0x20, 0x22],
  [0x23, 0x24],
  [0x2c, 0x2f],
  [0x46, 0x4f],
  [0x51, 0x5a],
  [0x61, 0x66],
  [0x6a, 0x78],
  [0x7c, 0x8a],
  [0xa0, 0xa6],
];

type Change = { readonly at: number } & ({ readonly byte: number } | { readonly by: number });

function changed(module: Uint8Array<ArrayBuffer>, changes: readonly Change[]): void {
  for (const change of changes) {
    const old = module[change.at] ?? 0;
    if ("byte" in change) module[change.at] = change.byte;
    else {
      const [first, last] = EXCHANGEABLE.find(([from, to]) => old >= from && old <= to) ?? [0, 0x7f];
      module[change.at] = first + ((old - first + change.by) % (last - first + 1));
    }
  }
}

function damaged(original: Uint8Array<ArrayBuffer>): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  const { bodies } = parseModule(original, DEFAULT_ADMISSION_LIMITS);
  const code = fc.integer({ min: bodies[0]?.start ?? 0, max: (bodies.at(-1)?.end ?? 1) - 1 });
  // Damage outside of the code is mostly refused, and what is refused was not looked at for long.
  const at = fc.oneof({ weight: 5, arbitrary: code }, { weight: 1, arbitrary: fc.nat(original.length - 1) });
  const change = fc.oneof(
    { weight: 1, arbitrary: fc.record({ at, byte: fc.nat(255) }) },
    { weight: 2, arbitrary: fc.record({ at, by: fc.integer({ min: 1, max: 14 }) }) },
  );
  const length = fc.oneof({ weight: 14, arbitrary: fc.constant(original.length) }, { weight: 1, arbitrary: fc.nat(original.length) });
  return fc.tuple(fc.array(change, { minLength: 1, maxLength: 2 }), length).map(([changes, cut]) => {
    const module = original.slice();
    changed(module, changes);
    return module.slice(0, cut);
  });
}

describe("a damaged module", () => {
  const jobs = new GuestJobs();
  const originals = new Map<string, Uint8Array<ArrayBuffer>>();

  beforeAll(async () => {
    originals.set("a small one", await wat(SMALL));
    originals.set("a shipped plugin", new Uint8Array(await readFile(`${ownPlugin("hello")}/hello.wasm`)));
  });
  afterAll(() => jobs[Symbol.asyncDispose]());

  it.each([
    { name: "a small one", runs: 2_000 },
    { name: "a shipped plugin", runs: 200 },
  ])(
    "is refused, or valid and well-behaved ($name)",
    async ({ name, runs }) => {
      let admitted = 0;

      await check(damaged(originals.get(name) ?? new Uint8Array()), runs, async (module) => {
        let result: ReturnType<typeof admitPlugin> | undefined;
        const code = codeOf(() => {
          result = admitPlugin(module, LIMITS);
        });
        if (result === undefined) {
          expect(code).toBe("admission-refused");
          return;
        }
        admitted += 1;
        expect(WebAssembly.validate(result.module)).toBe(true);
        const { entryPoints } = result;
        for (const ending of await jobs.endings({
          module: result.module,
          entryPoints,
          as: "engine",
          unitsPerSlice: 5_000,
          slices: SLICES,
        })) {
          if (!ending.returned) expect(ending.message).toMatch(CODES);
          if (ending.slices > SLICES) expect(ending.returned, "returns without fuel").toBe(false);

          expect(ending.slices).toBeLessThanOrEqual(SLICES + 1);
          expect(ending.outputBytes).toBeLessThanOrEqual(LIMITS.payloadBytes);
          expect(ending.memoryBytes).toBeLessThanOrEqual(LIMITS.memoryBytes + LIMITS.blockBytes);
          expect(ending.faults).toEqual([]);
        }
      });
      // Were nothing admitted, the half of the property that matters most would not have been looked at.
      expect(admitted).toBeGreaterThan(runs / 25);
    },
    TEST_TIMEOUT_MS,
  );
});
