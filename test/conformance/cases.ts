// What an Extism plugin may do and what is then heard of it: by Extism and by us, and where the two differ, why.

import type { LogLevel } from "../../host/core/ports/log.ts";
import type { Heard } from "./oracle.ts";

export interface Case {
  readonly title: string;
  /** Fields of the module in text format, after the prelude. */
  readonly body: string;
  readonly config?: Readonly<Record<string, string>>;
  /** Entry point, input, what is heard; all on one instance. */
  readonly calls: readonly (readonly [string, string, Heard])[];
  readonly logs?: readonly (readonly [LogLevel, string])[];
}

/** What Extism does instead, call by call. */
export interface Difference extends Case {
  readonly extism: readonly Heard[];
}

/** Every import that both sides give, and how to make a block of text, say a block and say a digit. */
export const PRELUDE = `
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "length_unsafe" (func $length_unsafe (param i64) (result i64)))
  (import "extism:host/env" "load_u8" (func $load_u8 (param i64) (result i32)))
  (import "extism:host/env" "load_u64" (func $load_u64 (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
  (import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
  (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (import "extism:host/env" "error_get" (func $error_get (result i64)))
  (import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
  (import "extism:host/env" "var_get" (func $var_get (param i64) (result i64)))
  (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
  (import "extism:host/env" "log_trace" (func $log_trace (param i64)))
  (import "extism:host/env" "log_debug" (func $log_debug (param i64)))
  (import "extism:host/env" "log_info" (func $log_info (param i64)))
  (import "extism:host/env" "log_warn" (func $log_warn (param i64)))
  (import "extism:host/env" "log_error" (func $log_error (param i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "none")
  (data (i32.const 16) "key")
  (data (i32.const 32) "it says no")
  (tag $oops)
  (global $steps (mut i32) (i32.const 0))
  (func $text (param $at i32) (param $size i32) (result i64) (local $block i64) (local $i i32)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $size))))
    (loop $next
      (call $store_u8 (i64.add (local.get $block) (i64.extend_i32_u (local.get $i))) (i32.load8_u (i32.add (local.get $at) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $size))))
    (local.get $block))
  (func $none (result i64) (call $text (i32.const 0) (i32.const 4)))
  (func $key (result i64) (call $text (i32.const 16) (i32.const 3)))
  (func $complaint (result i64) (call $text (i32.const 32) (i32.const 10)))
  (func $say (param $block i64) (call $output_set (local.get $block) (call $length (local.get $block))))
  (func $say_or_none (param $block i64)
    (if (i64.eqz (local.get $block)) (then (call $say (call $none))) (else (call $say (local.get $block)))))
  (func $say_digit (param $digit i32) (local $block i64)
    (local.set $block (call $alloc (i64.const 1)))
    (call $store_u8 (local.get $block) (i32.add (i32.const 48) (local.get $digit)))
    (call $say (local.get $block)))
  (func $step (param $digit i32)
    (global.set $steps (i32.add (i32.mul (global.get $steps) (i32.const 10)) (local.get $digit))))
  (func $say_steps (call $say_digit (i32.div_u (global.get $steps) (i32.const 10))))`;

export const pluginOf = (body: string): string => `(module ${PRELUDE} ${body})`;

const said = (text: string): Heard => ({ said: text });
const failed = (text: string): Heard => ({ failed: text });
const LARGE = "0123456789abcdef".repeat(65_536);

const ECHO = `(func (export "echo") (result i32) (call $output_set (call $input_offset) (call $input_length)) (i32.const 0))`;
const CONFIG = `(func (export "config") (result i32) (call $say_or_none (call $config_get (call $input_offset))) (i32.const 0))`;
const VARS = `
  (func (export "set") (result i32) (call $var_set (call $key) (call $input_offset)) (i32.const 0))
  (func (export "get") (result i32) (call $say_or_none (call $var_get (call $key))) (i32.const 0))
  (func (export "delete") (result i32) (call $var_set (call $key) (i64.const 0)) (i32.const 0))`;

/** Here Extism and the engines do the same. */
export const CASES: readonly Case[] = [
  {
    title: "answers with the input block, whatever its size",
    body: ECHO,
    calls: [
      ["echo", "hello", said("hello")],
      ["echo", "", said("")],
      ["echo", "grüße, 世界", said("grüße, 世界")],
      ["echo", LARGE, said(LARGE)],
    ],
  },
  {
    title: "reads the input byte by byte",
    body: `(func (export "copy") (result i32) (local $block i64) (local $i i64)
      (local.set $block (call $alloc (call $input_length)))
      (loop $next
        (call $store_u8 (i64.add (local.get $block) (local.get $i)) (call $input_load_u8 (local.get $i)))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br_if $next (i64.lt_u (local.get $i) (call $input_length))))
      (call $say (local.get $block)) (i32.const 0))`,
    calls: [["copy", "byte by byte", said("byte by byte")]],
  },
  {
    title: "moves words in little-endian order",
    body: `(func (export "next") (result i32) (local $block i64)
      (local.set $block (call $alloc (i64.const 8)))
      (call $store_u64 (local.get $block) (i64.add (call $input_load_u64 (i64.const 0)) (i64.const 1)))
      (call $store_u64 (local.get $block) (i64.add (call $load_u64 (local.get $block)) (i64.const 256)))
      (call $say (local.get $block)) (i32.const 0))`,
    calls: [["next", "AAAAAAAA", said("BBAAAAAA")]],
  },
  {
    title: "keeps the last of several outputs, and nothing of the call before",
    body: `(func (export "twice") (result i32) (call $say (call $none)) (call $say (call $key)) (i32.const 0))
      (func (export "silent") (result i32) (i32.const 0))
      (func (export "no_result"))`,
    calls: [
      ["twice", "", said("key")],
      ["silent", "", said("")],
      ["no_result", "", said("")],
    ],
  },
  {
    title: "tells the message of error_set when it returns a failure, and goes on after it",
    body: `${ECHO} (func (export "fail") (result i32) (call $say (call $none)) (call $error_set (call $complaint)) (i32.const 1))`,
    calls: [
      ["fail", "", failed("it says no")],
      ["echo", "still here", said("still here")],
      ["fail", "", failed("it says no")],
    ],
  },
  {
    title: "gets back the block of error_set, and 0 before",
    body: `(func (export "error") (result i32) (local $block i64)
      (local.set $block (call $complaint))
      (if (i64.ne (call $error_get) (i64.const 0)) (then unreachable))
      (call $error_set (local.get $block))
      (if (i64.ne (call $error_get) (local.get $block)) (then unreachable))
      (i32.const 1))`,
    calls: [["error", "", failed("it says no")]],
  },
  {
    title: "traps",
    body: `(func (export "trap") (result i32) unreachable)`,
    calls: [["trap", "", "trapped"]],
  },
  {
    title: "divides by zero",
    body: `(func (export "f") (result i32) (i32.div_u (i32.const 1) (i32.wrap_i64 (call $input_length))))`,
    calls: [["f", "", "trapped"]],
  },
  {
    title: "reads outside of its memory",
    body: `(func (export "f") (result i32) (i32.load (i32.const 65535)))`,
    calls: [["f", "", "trapped"]],
  },
  {
    title: "overflows the stack",
    body: `(func $f (export "f") (result i32) (i32.add (call $f) (i32.const 1)))`,
    calls: [["f", "", "trapped"]],
  },
  { title: "throws what nobody catches", body: `(func (export "f") (result i32) (throw $oops))`, calls: [["f", "", "trapped"]] },
  {
    title: "catches what it throws",
    body: `(func (export "f") (result i32) (try (do (throw $oops)) (catch $oops (call $say (call $key)))) (i32.const 0))`,
    calls: [["f", "", said("key")]],
  },
  {
    title: "reads beyond the input",
    body: `(func (export "f") (result i32) (call $input_load_u8 (i64.const 5)))`,
    calls: [["f", "five.", "trapped"]],
  },
  {
    title: "reads a word across the end of the input",
    body: `(func (export "f") (result i32) (i64.eqz (call $input_load_u64 (i64.const 0))))`,
    calls: [["f", "seven..", "trapped"]],
  },
  {
    title: "reads far beyond every block",
    body: `(func (export "f") (result i32) (call $load_u8 (i64.const 1099511627776)))`,
    calls: [["f", "", "trapped"]],
  },
  {
    title: "writes far beyond every block",
    body: `(func (export "f") (result i32) (call $store_u64 (i64.const 1099511627776) (i64.const 0)) (i32.const 0))`,
    calls: [["f", "", "trapped"]],
  },
  {
    title: "sets an output that is longer than its block",
    body: `(func (export "f") (result i32) (call $output_set (call $input_offset) (i64.const 99999999)) (i32.const 0))`,
    calls: [["f", "short", "trapped"]],
  },
  {
    title: "knows the length of its blocks, of a freed one and of what is none",
    body: `(func (export "lengths") (result i32) (local $block i64)
      (local.set $block (call $alloc (i64.const 5)))
      (if (i64.ne (call $length (local.get $block)) (i64.const 5)) (then unreachable))
      (if (i64.ne (call $length_unsafe (local.get $block)) (i64.const 5)) (then unreachable))
      (call $free (local.get $block))
      (if (i64.ne (call $length (local.get $block)) (i64.const 0)) (then unreachable))
      (if (i64.ne (call $length (i64.const 1152921504606846976)) (i64.const 0)) (then unreachable))
      (if (i64.ne (call $length (i64.const -8)) (i64.const 0)) (then unreachable))
      (call $free (i64.const -8))
      (i32.const 0))`,
    calls: [["lengths", "", said("")]],
  },
  {
    title: "reads its configuration, and tells an empty value from none",
    body: CONFIG,
    config: { colour: "red", empty: "", grüße: "世界" },
    calls: [
      ["config", "colour", said("red")],
      ["config", "empty", said("")],
      ["config", "grüße", said("世界")],
      ["config", "missing", said("none")],
    ],
  },
  {
    title: "keeps variables from call to call until it deletes them",
    body: VARS,
    calls: [
      ["get", "", said("none")],
      ["set", "one", said("")],
      ["get", "", said("one")],
      ["set", "another one", said("")],
      ["get", "", said("another one")],
      ["delete", "", said("")],
      ["get", "", said("none")],
      ["delete", "", said("")],
    ],
  },
  {
    title: "logs at each level",
    body: `(func (export "log") (result i32)
      (call $log_trace (call $key)) (call $log_debug (call $none)) (call $log_info (call $key))
      (call $log_warn (call $none)) (call $log_error (call $complaint)) (i32.const 0))`,
    calls: [["log", "", said("")]],
    logs: [
      ["debug", "key"],
      ["debug", "none"],
      ["info", "key"],
      ["warning", "none"],
      ["error", "it says no"],
    ],
  },
  {
    title: "runs the start function first, then the initialiser, each once",
    body: `(func $start (call $step (i32.const 3))) (start $start)
      (func (export "_initialize") (call $step (i32.const 1)))
      (func (export "steps") (result i32) (call $say_steps) (i32.const 0))
      (func (export "tens") (result i32) (if (i32.ne (global.get $steps) (i32.const 31)) (then unreachable)) (i32.const 0))`,
    calls: [
      ["steps", "", said("3")],
      ["tens", "", said("")],
      ["steps", "", said("3")],
    ],
  },
  {
    title: "runs hs_init before anything else",
    body: `(func (export "hs_init") (param i32 i32) (call $step (i32.const 3)) (call $step (i32.const 1)))
      (func (export "steps") (result i32) (call $say_steps) (i32.const 0))`,
    calls: [
      ["steps", "", said("3")],
      ["steps", "", said("3")],
    ],
  },
  {
    title: "runs _start of a module without WASI before anything else",
    body: `(func (export "_start") (call $step (i32.const 3)) (call $step (i32.const 1)))
      (func (export "steps") (result i32) (call $say_steps) (i32.const 0))`,
    calls: [["steps", "", said("3")]],
  },
  {
    title: "leaves _start and constructors to _initialize where there is one",
    body: `(func $ctors (export "__wasm_call_ctors") (call $step (i32.const 3)))
      (func (export "_start") (call $step (i32.const 9)))
      (func (export "_initialize") (call $ctors) (call $step (i32.const 1)))
      (func (export "steps") (result i32) (call $say_steps) (i32.const 0))`,
    calls: [["steps", "", said("3")]],
  },
  {
    title: "logs and keeps variables while it initialises",
    body: `${VARS} (func (export "_initialize") (call $log_info (call $key)) (call $var_set (call $key) (call $complaint)))`,
    calls: [["get", "", said("it says no")]],
    logs: [["info", "key"]],
  },
  {
    title: "keeps its memory and its globals from call to call",
    body: `(func (export "count") (result i32)
      (i32.store (i32.const 1000) (i32.add (i32.load (i32.const 1000)) (i32.const 1)))
      (drop (memory.grow (i32.const 1)))
      (call $say_digit (i32.add (i32.load (i32.const 1000)) (memory.size))) (i32.const 0))`,
    calls: [
      ["count", "", said("3")],
      ["count", "", said("5")],
      ["count", "", said("7")],
    ],
  },
];

/** Here we differ on purpose; the title gives the reason. `calls` is what the engines do. */
export const DIFFERENCES: readonly Difference[] = [
  {
    title: "gives the range that was set as output, where Extism gives the whole block: docs/abi.md promises the range",
    body: `(func (export "middle") (result i32) (call $output_set (call $input_offset) (i64.const 3)) (i32.const 0))`,
    calls: [["middle", "hello", said("hel")]],
    extism: [said("hello")],
  },
  {
    title: "takes a result that is not 0 for a failure, where Extism drops the result",
    body: `(func (export "seven") (result i32) (call $say (call $key)) (i32.const 7))`,
    calls: [["seven", "", failed("guest returned 7 without a message")]],
    extism: [said("key")],
  },
  {
    title: "takes the result 0 for success, where Extism looks at error_set alone",
    body: `(func (export "mended") (result i32) (call $error_set (call $complaint)) (call $say (call $key)) (i32.const 0))`,
    calls: [["mended", "", said("key")]],
    extism: [failed("it says no")],
  },
  {
    title: "tells what the plugin said before it trapped, where Extism tells the trap",
    body: `(func (export "last_words") (result i32) (call $error_set (call $complaint)) unreachable)`,
    calls: [["last_words", "", failed("it says no")]],
    extism: ["trapped"],
  },
  {
    title: "leaves a key alone that was asked for, where Extism frees it",
    body: `(func (export "again") (result i32) (local $key i64)
      (local.set $key (call $key))
      (drop (call $config_get (local.get $key)))
      (call $say_or_none (call $config_get (local.get $key))) (i32.const 0))`,
    config: { key: "value" },
    calls: [["again", "", said("value")]],
    extism: [said("none")],
  },
  {
    title: "takes an empty value for none when a variable is set, since alloc(0) is 0",
    body: `${VARS} (func (export "set_empty") (result i32) (call $var_set (call $key) (call $alloc (i64.const 0))) (i32.const 0))`,
    calls: [
      ["set_empty", "", said("")],
      ["get", "", said("none")],
    ],
    extism: [said(""), said("")],
  },
  {
    title: "finds no configuration that the operator did not write, where Extism finds what JavaScript objects inherit and fails on it",
    body: CONFIG,
    calls: [["config", "toString", said("none")]],
    extism: ["trapped"],
  },
  {
    title: "traps on a handle that leads nowhere, where Extism reads 0 and drops writes",
    body: `(func (export "nowhere") (result i32) (call $load_u8 (i64.shl (i64.const 5000) (i64.const 48))))`,
    calls: [["nowhere", "", "trapped"]],
    extism: [said("")],
  },
  {
    title: "lets no plugin catch an access outside of its blocks, where Extism throws a JavaScript error that it can catch",
    body: `(func (export "catch_all") (result i32)
      (try (do (drop (call $load_u8 (i64.const 1099511627776)))) (catch_all (call $say (call $key)))) (i32.const 0))`,
    calls: [["catch_all", "", "trapped"]],
    extism: [said("key")],
  },
  {
    title: "initialises Haskell's runtime as Extism's own runtime does, constructors first, where its JavaScript leaves these out",
    body: `(func (export "hs_init") (param i32 i32) (if (i32.or (local.get 0) (local.get 1)) (then unreachable)) (call $step (i32.const 1)))
      (func (export "_initialize") (call $step (i32.const 3)))
      (func (export "steps") (result i32) (call $say_steps) (i32.const 0))`,
    calls: [["steps", "", said("3")]],
    extism: [said("0")],
  },
  {
    title: "calls constructors that nothing else calls, as Extism's own runtime does and its JavaScript does not",
    body: `(func (export "__wasm_call_ctors") (call $step (i32.const 3)) (call $step (i32.const 1)))
      (func (export "steps") (result i32) (call $say_steps) (i32.const 0))`,
    calls: [["steps", "", said("3")]],
    extism: [said("0")],
  },
];
