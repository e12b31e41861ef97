// A plugin's own extension points in the kit: others that are faked answer, and what does not fit is left out.

import { afterAll, beforeAll, expect, it } from "vitest";
import { loadPlugin } from "../../host/testing/index.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const TILL = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "bulkhead:host/memory" "store" (func $store (param i32 i64 i32)))
  (import "extism:host/user" "extensions_ask" (func $ask (param i64 i64 i64) (result i64)))
  (memory 1)
  (data (i32.const 0) "till.discountnull")
  (func $text (param $at i32) (param $size i32) (result i64) (local $block i64)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $size))))
    (call $store (local.get $at) (local.get $block) (local.get $size))
    (local.get $block))
  (func (export "ask") (result i32) (local $block i64)
    (local.set $block (call $ask (call $text (i32.const 0) (i32.const 13)) (call $input) (call $text (i32.const 13) (i32.const 4))))
    (call $output (local.get $block) (call $length (local.get $block))) (i32.const 0)))`;

let folder: TemporaryFolder;
let till: string;
beforeAll(async () => {
  folder = temporaryFolder();
  till = await writePlugin(folder.path, "till", TILL, {
    api: "0.2",
    services: { "till.ask": { entryPoint: "ask" } },
    extensionPoints: { "till.discount": { input: { required: ["total"] }, output: { type: "number" } } },
  });
});
afterAll(() => folder.remove());

it("a plugin asks its own point of those that are faked, and hears what fits", async () => {
  const answers = { loyal: () => 5, liar: () => "a lot", season: () => 7 };
  await using plugin = await loadPlugin(till, { extensionPoints: { "till.discount": answers } });
  const heard = (await plugin.call("till.ask", { total: 3 })).text();
  expect(JSON.parse(heard.slice(1))).toEqual([
    { plugin: "loyal", output: btoa("5") },
    { plugin: "season", output: btoa("7") },
  ]);
  expect((await plugin.call("till.ask", {})).text()).toContain("what till.discount is asked must have total");
});

it("a plugin whose point nobody answers hears nothing", async () => {
  await using plugin = await loadPlugin(till);
  expect((await plugin.call("till.ask", { total: 3 })).text()).toBe("\0[]");
});
