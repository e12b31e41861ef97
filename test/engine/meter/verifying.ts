// What the tests of the checker share: modules as the meter makes them, and what the checker says of one.

import { expect } from "vitest";
import { DEFAULT_ADMISSION_LIMITS } from "../../../host/engine/admission.ts";
import { type RewriteOptions, rewrite } from "../../../host/engine/meter/rewrite.ts";
import { verify } from "../../../host/engine/meter/verify.ts";
import { parseModule } from "../../../host/engine/wasm/parse-module.ts";

const SIZES = { maxMemoryPages: 100, maxTableElements: 1_000 };
/** What the checker says of a module; undefined when it takes it. */
export function refusal(admitted: Uint8Array<ArrayBuffer>, hasGuestCallers = false): string | undefined {
  try {
    verify(admitted, { ...SIZES, hasGuestCallers });
    return undefined;
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: "internal" });
    return (thrown as Error).message;
  }
}

export function metered(source: Uint8Array, by: typeof rewrite = rewrite, hasGuestCallers = false): Uint8Array<ArrayBuffer> {
  const module = parseModule(source, DEFAULT_ADMISSION_LIMITS);
  // The corpus uses either encoding, and what the meter adds must be of the same.
  const exceptions: RewriteOptions["exceptions"] = "legacy";
  const options = { ...SIZES, maxTableGrowth: SIZES.maxTableElements, hasGuestCallers };
  const legacy = by(module, { ...options, exceptions });
  return WebAssembly.validate(legacy) ? legacy : by(module, { ...options, exceptions: "try-table" });
}

export const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** A guest that does harmless things to what a byte makes the meter's: three globals, three functions. */
export const GUEST = `(module (type $plain (func)) (table 2 funcref) (elem (i32.const 0) $f $g) (memory 1)
  (global $a (export "a") (mut i32) (i32.const 0)) (global $b (mut i32) (i32.const 0))
  (func $f (export "f") (global.set $a (global.get $b)) (call $g (i32.const 1) ) (drop) (call_indirect (type $plain) (i32.const 0))
    (drop (ref.func $g)) (block (nop)))
  (func $g (param i32) (result i32) (loop (br_if 0 (i32.eqz (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))) (local.get 0))
  (elem declare func $g))`;
