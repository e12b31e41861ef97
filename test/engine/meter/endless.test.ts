// Every way to run for ever that we know of is stopped once the host gives no more fuel, and cannot catch it.

import { describe, expect, it } from "vitest";
import { assemble, assembleWithGc } from "../corpus/text.ts";
import { body, section, text, vector, wasm } from "../wasm/build.ts";
import { admitAll, exportedFunction, Metered } from "./metered.ts";

const SLICES = { units: 1_000, max: 20 };

/** Functions of the name "run", without parameters, that never end. */
const LEGACY = {
  "an empty loop": `(func $run (export "run") (loop (br 0)))`,
  "a loop with a counter": `(func $run (export "run") (local i32)
    (loop (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br 0)))`,
  "a loop that goes on by br_if": `(func $run (export "run") (loop (br_if 0 (i32.const 1))))`,
  "a loop that goes on by br_table": `(func $run (export "run") (loop (br_table 0 0 0 (i32.const 7))))`,
  "a loop with parameters": `(func $run (export "run") (i32.const 0)
    (loop (param i32) (result i32) (br 0 (i32.add (i32.const 1)))) (drop))`,
  "a loop that calls": `(func $one (result i32) (i32.const 1)) (func $run (export "run") (loop (drop (call $one)) (br 0)))`,
  "a loop that calls what loops": `(func $some (local i32) (loop
      (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 10)))))
    (func $run (export "run") (loop (call $some) (br 0)))`,
  "nested loops": `(func $run (export "run") (local i32) (loop $outer (local.set 0 (i32.const 0))
    (loop $inner (br_if $inner (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 100))))
    (br $outer)))`,
  "a loop of divisions": `(func $run (export "run") (local i64) (local.set 0 (i64.const 1))
    (loop (local.set 0 (i64.div_u (i64.const 77777777) (local.get 0))) (br_if 0 (i64.ne (local.get 0) (i64.const 0)))))`,
  "a tail call of itself": `(func $run (export "run") (return_call $run))`,
  "tail calls of each other": `(func $run (export "run") (return_call $other)) (func $other (return_call $run))`,
  "a tail call through a table": `(table funcref (elem $run)) (type $t (func))
    (func $run (export "run") (return_call_indirect (type $t) (i32.const 0)))`,
  "a loop of calls through a table": `(table funcref (elem $nothing)) (type $t (func)) (func $nothing)
    (func $run (export "run") (loop (call_indirect (type $t) (i32.const 0)) (br 0)))`,
  "a recursion that returns": `(func $run (export "run") (drop (call $deep (i32.const 60))))
    (func $deep (param i32) (result i32) (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 1))
      (else (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))`,
  "a mutual recursion that returns": `(func $run (export "run") (drop (call $even (i32.const 60))))
    (func $even (param i32) (result i32) (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 1))
      (else (i32.add (call $odd (i32.sub (local.get 0) (i32.const 1))) (call $odd (i32.sub (local.get 0) (i32.const 1)))))))
    (func $odd (param i32) (result i32) (i32.add (call $even (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))`,
  "a recursion through a table": `(table funcref (elem $deep)) (type $t (func (param i32) (result i32)))
    (func $run (export "run") (drop (call $deep (i32.const 60))))
    (func $deep (param i32) (result i32) (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 1))
      (else (i32.add (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))
        (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))))))`,
  "a loop of memory.fill": `(memory 16) (func $run (export "run")
    (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 1000000)) (br 0)))`,
  "a loop of memory.copy": `(memory 16) (func $run (export "run")
    (loop (memory.copy (i32.const 0) (i32.const 1) (i32.const 1000000)) (br 0)))`,
  "a loop of memory.init": `(memory 1) (data $d "0123456789") (func $run (export "run")
    (loop (memory.init $d (i32.const 0) (i32.const 0) (i32.const 10)) (br 0)))`,
  "a loop of memory.grow": `(memory 1) (func $run (export "run") (loop (drop (memory.grow (i32.const 1))) (br 0)))`,
  "a loop of table.grow": `(table $t 1 funcref) (func $run (export "run")
    (loop (drop (table.grow $t (ref.null func) (i32.const 100))) (br 0)))`,
  "a loop of table.fill": `(table $t 100 funcref) (func $run (export "run")
    (loop (table.fill $t (i32.const 0) (ref.null func) (i32.const 100)) (br 0)))`,
  "a loop of table.copy": `(table $t 100 funcref) (func $run (export "run")
    (loop (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 99)) (br 0)))`,
  "a loop of table.init": `(table $t 100 funcref) (elem $e func $run) (func $run (export "run")
    (loop (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1)) (br 0)))`,
  "a loop in dead code that is not": `(func $run (export "run") (block (block (br 0)) (loop (br 0))))`,
} as const;

const LEGACY_EXCEPTIONS = {
  "a throw caught in a loop": `(tag $e) (func $run (export "run") (loop (try (do (throw $e)) (catch $e)) (br 0)))`,
  "a loop in catch_all": `(tag $e) (func $run (export "run")
    (try (do (throw $e)) (catch_all (loop (br 0)))))`,
  "a throw out of a callee caught in a loop": `(tag $e) (func $thrower (throw $e))
    (func $run (export "run") (loop (try (do (call $thrower)) (catch_all)) (br 0)))`,
  "a throw out of a recursion caught in a loop": `(tag $e) (func $thrower (param i32)
      (if (local.get 0) (then (call $thrower (i32.sub (local.get 0) (i32.const 1)))) (else (throw $e))))
    (func $run (export "run") (loop (try (do (call $thrower (i32.const 50))) (catch_all)) (br 0)))`,
  "a rethrow caught in a loop": `(tag $e) (func $run (export "run")
    (loop (try (do (try (do (throw $e)) (catch_all (rethrow 0)))) (catch_all)) (br 0)))`,
  "a delegate in a loop": `(tag $e) (func $run (export "run")
    (loop (try $outer (do (try (do (throw $e)) (delegate $outer))) (catch_all)) (br 0)))`,
  "a handler that calls itself": `(tag $e) (func $run (export "run") (call $deep (i32.const 40)))
    (func $deep (param i32) (if (local.get 0) (then
      (try (do (throw $e)) (catch_all (call $deep (i32.sub (local.get 0) (i32.const 1)))))
      (try (do (throw $e)) (catch_all (call $deep (i32.sub (local.get 0) (i32.const 1))))))))`,
} as const;

const WITH_GC = {
  "a loop that goes on by br_on_null": `(func $run (export "run") (loop $l (drop (br_on_null $l (ref.null any)))))`,
  "a tail call through a reference": `(type $t (func)) (elem declare func $run)
    (func $run (export "run") (return_call_ref $t (ref.func $run)))`,
  "a loop of calls through a reference": `(type $t (func)) (elem declare func $nothing) (func $nothing)
    (func $run (export "run") (loop (call_ref $t (ref.func $nothing)) (br 0)))`,
  "a recursion through a reference": `(type $t (func (param i32))) (elem declare func $deep)
    (func $run (export "run") (call $deep (i32.const 60)))
    (func $deep (type $t) (param i32) (if (local.get 0) (then
      (call_ref $t (i32.sub (local.get 0) (i32.const 1)) (ref.func $deep))
      (call_ref $t (i32.sub (local.get 0) (i32.const 1)) (ref.func $deep)))))`,
  "a loop of array.new": `(type $a (array (mut i8))) (func $run (export "run")
    (loop (drop (array.new_default $a (i32.const 1000))) (br 0)))`,
  "a loop of array.fill": `(type $a (array (mut i8))) (func $run (export "run") (local (ref null $a))
    (local.set 0 (array.new $a (i32.const 1) (i32.const 1000)))
    (loop (array.fill $a (local.get 0) (i32.const 0) (i32.const 7) (i32.const 1000)) (br 0)))`,
  "a loop of array.copy": `(type $a (array (mut i8))) (func $run (export "run") (local (ref null $a))
    (local.set 0 (array.new $a (i32.const 1) (i32.const 1000)))
    (loop (array.copy $a $a (local.get 0) (i32.const 0) (local.get 0) (i32.const 1) (i32.const 999)) (br 0)))`,
  "a throw caught by try_table in a loop": `(tag $e) (func $run (export "run")
    (loop $l (block $caught (try_table (catch_all $caught) (throw $e))) (br $l)))`,
  "a throw caught into the loop itself": `(tag $e) (func $run (export "run")
    (loop $l (try_table (catch_all $l) (throw $e))))`,
  "a throw_ref caught into the loop itself": `(tag $e) (func $run (export "run") (local exnref)
    (local.set 0 (block $b (result exnref) (try_table (catch_all_ref $b) (throw $e)) (unreachable)))
    (loop $l (try_table (catch_all $l) (throw_ref (local.get 0)))))`,
  "a throw out of a callee caught by try_table": `(tag $e) (func $thrower (throw $e)) (func $run (export "run")
    (loop $l (block $caught (try_table (catch_all $caught) (call $thrower))) (br $l)))`,
} as const;

/** Bodies whose loops take a reference as parameter, which binaryen cannot write. Type 0 is a struct. */
const BY_REFERENCE = {
  "a loop that goes on by br_on_non_null": [0xfb, 1, 0, 0x03, 2, 0xd6, 0, 0x0b],
  "a loop that goes on by br_on_cast": [0xfb, 1, 0, 0x03, 3, 0xfb, 0x18, 1, 0, 0x6e, 0, 0x1a, 0x0b],
  "a loop that goes on by br_on_cast_fail": [0xd0, 0x6e, 0x03, 3, 0xfb, 0x19, 1, 0, 0x6e, 0, 0x1a, 0x0b],
} as const;

function byReference(code: readonly number[]): Uint8Array<ArrayBuffer> {
  return wasm(
    section(
      1,
      vector([
        [0x5f, 0],
        [0x60, 0, 0],
        [0x60, 1, 0x64, 0, 0],
        [0x60, 1, 0x6e, 0],
      ]),
    ),
    section(3, vector([[1]])),
    section(7, vector([[text("run"), 0, 0]])),
    section(10, vector([body(code)])),
  );
}

const LEGACY_GUARD = `(func (export "guarded") (result i32)
  (try (result i32) (do (call $run) (i32.const 0)) (catch_all (i32.const 1))))`;
const LEGACY_LOOPING_GUARD = `(func (export "stubborn") (loop (try (do (call $run)) (catch_all)) (br 0)))`;
const GUARD = `(func (export "guarded") (result i32)
  (block $caught (try_table (catch_all $caught) (call $run)) (return (i32.const 0))) (i32.const 1))`;
const LOOPING_GUARD = `(func (export "stubborn")
  (loop $l (block $caught (try_table (catch_all $caught) (call $run))) (br $l)))`;

const cases = [
  ...Object.entries(BY_REFERENCE).map(([name, code]) => ({ name, bytes: byReference(code), hasGuards: false })),
  ...Object.entries(LEGACY).map(([name, source]) => ({ name, bytes: assemble(`(module ${source})`), hasGuards: false })),
  ...Object.entries({ ...LEGACY, ...LEGACY_EXCEPTIONS }).map(([name, source]) => ({
    name: `${name}, under a legacy catch_all`,
    bytes: assemble(`(module ${source} ${LEGACY_GUARD} ${LEGACY_LOOPING_GUARD})`),
    hasGuards: true,
  })),
  ...Object.entries(WITH_GC).map(([name, source]) => ({
    name: `${name}, under a catch_all of try_table`,
    bytes: assembleWithGc(`(module ${source} ${GUARD} ${LOOPING_GUARD})`),
    hasGuards: true,
  })),
];

describe.each(cases)("$name", ({ bytes }) => {
  it("yields after every slice and dies when the fuel is left negative", async () => {
    const guest = new Metered(admitAll(bytes).bytes, SLICES);
    await expect(guest.call("run")).rejects.toThrow(WebAssembly.RuntimeError);
    expect(guest.slices).toBe(SLICES.max + 1);
  });
});

describe.each(cases.filter(({ hasGuards }) => hasGuards))("$name", ({ bytes }) => {
  const admitted = admitAll(bytes).bytes;

  it.each(["guarded", "stubborn"])("cannot catch its death (%s)", async (entry) => {
    const guest = new Metered(admitted, SLICES);
    await expect(guest.call(entry)).rejects.toThrow(WebAssembly.RuntimeError);
    expect(guest.fuel).toBeLessThan(0);
  });

  it("cannot catch that the refuel function throws", async () => {
    const guest = new Metered(admitted, SLICES);
    guest.refuelWith(() => {
      throw new Error("refuel failed");
    });
    await expect(guest.call("stubborn")).rejects.toThrow("unreachable");
  });

  it("cannot catch that the refuel function rejects", async () => {
    const guest = new Metered(admitted, SLICES);
    guest.refuelWith(async () => {
      throw new Error("refuel failed");
    });
    await expect(guest.call("stubborn")).rejects.toThrow("unreachable");
  });

  it("cannot catch that it was entered without a stack to suspend", () => {
    const guest = new Metered(admitted, SLICES);
    guest.fuel = SLICES.units;
    expect(() => exportedFunction(guest.exports, "stubborn")()).toThrow("unreachable");
  });
});

describe("a start function that never ends", () => {
  it("does not run on instantiation, and is stopped like any turn", async () => {
    const { bytes, report } = admitAll(assemble(`(module (func $run (loop (br 0))) (start $run))`));
    expect(report.hasStart).toBe(true);
    const guest = new Metered(bytes, SLICES);
    expect(guest.slices).toBe(0);
    await expect(guest.start()).rejects.toThrow("unreachable");
  });
});

describe("an instance whose refuel function was never set", () => {
  it("traps when the fuel is negative", async () => {
    const { bytes } = admitAll(assemble(`(module (func (export "run") (loop (br 0))))`));
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    expect(() => exportedFunction(instance.exports, "run")()).toThrow(WebAssembly.RuntimeError);
  });
});
