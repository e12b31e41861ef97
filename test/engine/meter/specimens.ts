// Small modules in which the meter has to do everything that it can do, for tests that break it. It asserts nothing.

import { readFile } from "node:fs/promises";
import { compileKernels } from "../../bench/kernels/compile.ts";
import { ownPlugin } from "../../support/plugin-folders.ts";
import { corpus } from "../corpus/corpus.ts";
import { assemble } from "../corpus/text.ts";

const adds = (count: number): string => "(local.set 0 (i32.add (local.get 0) (i32.const 3)))".repeat(count);
const count = "(br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 9)))";

const TEXTS: Readonly<Record<string, string>> = {
  "a pure loop": `(func (export "run") (param i32) (local i32) (loop ${adds(40)} ${count}))`,
  "a loop with a way out": `(func (export "run") (param i32) (local i32) (block (loop (br_if 1 (local.get 0)) ${adds(40)} ${count})) ${adds(40)})`,
  "a loop that calls": `(func $f (param i32) (loop)) (func (export "run") (param i32) (local i32) (loop ${adds(40)} (call $f (local.get 0)) ${count}))`,
  "a pure loop and a call": `(func $f (param i32) (local i32) (loop ${adds(9)} ${count}))
    (func (export "run") (param i32) (local i32) (loop ${adds(40)} ${count}) (call $f (i32.const 0)) (loop ${adds(40)} ${count}) (return))`,
  "long straight code": `(func (export "run") (param i32) ${adds(900)})`,
  "bounded functions": `(func $b (param i32) ${adds(200)}) (func (export "run") (param i32) (local i32) (loop (call $b (i32.const 0)) ${count}))`,
  "a function that passes": `(import "h" "f" (func $host)) (func $p (param i32) ${adds(150)} (call $host))
    (func (export "run") (param i32) (local i32) (loop (call $p (i32.const 0)) ${count}))`,
  "host calls": `(import "h" "f" (func $host)) (func (export "run") (param i32) ${"(call $host)".repeat(400)})`,
  "a recursion": `(func $r (export "run") (param i32) (if (local.get 0) (then ${adds(20)} (call $r (i32.sub (local.get 0) (i32.const 1))))))`,
  "a recursion through a table": `(type $t (func (param i32))) (table funcref (elem $r))
    (func $r (export "run") (param i32) (if (local.get 0) (then (call_indirect (type $t) (i32.const 0) (i32.const 0)))))`,
  "a table of bounded functions": `(type $t (func (param i32))) (table funcref (elem $b)) (func $b (param i32) ${adds(200)})
    (func (export "run") (param i32) (local i32) (loop (call_indirect (type $t) (i32.const 0) (i32.const 0)) ${count}))`,
  "tail calls": `(func $r (export "run") (param i32) (if (local.get 0) (then (return_call $r (i32.sub (local.get 0) (i32.const 1))))))`,
  "cold calls": `(func $fail (param i32) (local i32) (loop ${count})) (func $b (param i32) (if (local.get 0) (then (call $fail (i32.const 1)) (unreachable))))
    (func (export "run") (param i32) (local i32) (loop (call $b (i32.const 0)) ${count}))`,
  // In some of them the call itself is what makes the debt too large.
  "cold calls where much is owed": `(func $fail (param i32) (local i32) (loop ${count})) ${[500, 503, 506, 509, 512]
    .map(
      (owed) => `(func (param i32) (local i32) (loop ${count})
      (if (local.get 0) (then ${"(drop (i32.const 1))".repeat(owed)} (call $fail (i32.const 1)) (unreachable))))`,
    )
    .join(" ")}`,
  "exceptions in a loop": `(tag $e) (func $t (param i32) ${adds(200)} (throw $e)) (func $m (param i32) (loop) ${adds(20)} (call $t (i32.const 0)))
    (func (export "run") (param i32) (local i32) (loop (try (do (call $t (i32.const 0))) (catch_all)) (try (do (call $m (i32.const 0))) (catch_all)) ${count}))
    (func (export "cold") (param i32) (call $m (i32.const 0)) (unreachable))`,
  "many tries": `(tag $e) (func $t (param i32) ${adds(200)} (throw $e))
    (func (export "run") (param i32) ${"(try (do (call $t (i32.const 1))) (catch_all))".repeat(9)})`,
  "a dear way to a trap": `(table funcref (elem $f)) (func $f (export "run") (param i32) (if (local.get 0) (then ${adds(100)} (unreachable))))`,
  "calls where nothing leads": `(type $t (func (param i32))) (table funcref (elem $f)) (func $f (export "run") (param i32)
    (unreachable) (call $f (i32.const 0)) (call_indirect (type $t) (i32.const 0) (i32.const 0)))`,
  "operations on many bytes": `(memory 1) (table $t 9 funcref) (func (export "run") (param i32)
    (memory.fill (i32.const 0) (i32.const 0) (local.get 0)) (memory.copy (i32.const 0) (i32.const 0) (local.get 0))
    (table.fill $t (i32.const 0) (ref.null func) (local.get 0)) (drop (memory.grow (local.get 0))) (memory.fill (i32.const 0) (i32.const 0) (i32.const 9)))`,
  "early returns": `(func (export "run") (param i32) (local i32) (loop) ${adds(60)} (br_if 0 (local.get 0)) ${adds(60)} (if (local.get 0) (then (return))) ${adds(60)})`,
  arms: `(func (export "run") (param i32) (local i32) (loop (if (local.get 0) (then ${adds(300)}) (else (nop))) (block (br_if 0 (local.get 0)) ${adds(300)}) ${count}))`,
};

export interface Specimen {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export async function specimens(): Promise<readonly Specimen[]> {
  return [
    ...Object.entries(TEXTS).map(([name, text]) => ({ name, bytes: assemble(`(module ${text})`) })),
    ...corpus,
    { name: "the kernels", bytes: await compileKernels() },
    { name: "hello", bytes: new Uint8Array(await readFile(`${ownPlugin("hello")}/hello.wasm`)) },
  ];
}
