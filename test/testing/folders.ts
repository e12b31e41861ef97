// Folders of plugins to load: the counter in AssemblyScript, and a probe that does with its input what its entry points are named after.

import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPlugin } from "../../scripts/build-plugins.ts";
import { ownPlugin, writePlugin } from "../support/plugin-folders.ts";

/** `<parent>/counter` with the manifest that all languages share. */
export async function counterFolder(parent: string): Promise<string> {
  const { file } = await buildPlugin(join(ownPlugin("counter"), "assemblyscript"));
  const folder = join(parent, "counter");
  mkdirSync(folder, { recursive: true });
  copyFileSync(file, join(folder, "counter.wasm"));
  copyFileSync(fileURLToPath(new URL("../../plugins/counter/plugin.json", import.meta.url)), join(folder, "plugin.json"));
  return folder;
}

/** What crosses to the host is answered as it came back: a tag byte, 0 or 1, then the value or the error as JSON. */
const PROBE = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "bulkhead:host/memory" "store" (func $store (param i32 i64 i32)))
  (import "extism:host/user" "http_fetch" (func $fetch (param i64 i64) (result i64)))
  (import "extism:host/user" "services_call" (func $call (param i64 i64 i64) (result i64)))
  (import "extism:host/user" "state_get" (func $state_get (param i64) (result i64)))
  (import "extism:host/user" "state_set" (func $state_set (param i64 i64) (result i64)))
  (import "extism:host/user" "storage_set" (func $storage_set (param i64 i64) (result i64)))
  (import "extism:host/user" "events_publish" (func $publish (param i64 i64 i64) (result i64)))
  (memory 1)
  (data (i32.const 0) "greeter.greet")
  (data (i32.const 32) "null")
  (data (i32.const 48) "probe.heard")
  (data (i32.const 64) "application/octet-stream")
  (data (i32.const 96) "started")
  (data (i32.const 112) "stopped")
  (func $text (param $at i32) (param $size i32) (result i64) (local $block i64)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $size))))
    (call $store (local.get $at) (local.get $block) (local.get $size))
    (local.get $block))
  (func $give (param $block i64) (result i32) (call $output (local.get $block) (call $length (local.get $block))) (i32.const 0))
  (func $note (param $at i32) (result i32)
    (drop (call $storage_set (call $text (local.get $at) (i32.const 7)) (call $text (local.get $at) (i32.const 7)))) (i32.const 0))
  (func (export "on_start") (result i32) (call $note (i32.const 96)))
  (func (export "on_stop") (result i32) (call $note (i32.const 112)))
  (func (export "echo") (result i32) (call $give (call $input)))
  (func (export "fetch") (result i32) (call $give (call $fetch (call $input) (call $alloc (i64.const 0)))))
  (func (export "greet") (result i32)
    (call $give (call $call (call $text (i32.const 0) (i32.const 13)) (call $input) (call $text (i32.const 32) (i32.const 4)))))
  (func (export "read") (result i32) (call $give (call $state_get (call $input))))
  (func (export "write") (result i32) (call $give (call $state_set (call $input) (call $input))))
  (func (export "hear") (result i32)
    (drop (call $publish (call $text (i32.const 48) (i32.const 11)) (call $text (i32.const 64) (i32.const 24)) (call $input))) (i32.const 0))
  (func (export "loop") (result i32) (loop (br 0)) (i32.const 0))
  (func (export "trap") (result i32) unreachable))`;

const ASKS = [
  ["services.call", "greeter.*"],
  ["state.read", "devices.**"],
  ["state.write", "devices.lamp"],
  ["http.fetch", "https://api.test"],
  ["http.fetch", "http://localhost:*"],
  ["http.private", "127.0.0.0/8"],
  ["secrets.read", "TOKEN"],
  ["events.subscribe", "**"],
].map(([permission, resource]) => ({ permission, resource, reason: "to test" }));

const services = ["echo", "fetch", "greet", "read", "write", "loop", "trap"].map((name) => [`probe.${name}`, { entryPoint: name }]);

export const probeFolder = (parent: string, manifest: object = {}): Promise<string> =>
  writePlugin(parent, "probe", PROBE, {
    services: { ...Object.fromEntries(services), "probe.deputy": { entryPoint: "read", authority: "caller" } },
    subscriptions: [
      { type: "sensors.*", entryPoint: "hear" },
      { type: "sensors.broken", entryPoint: "trap" },
      { type: "probe.heard", entryPoint: "echo" },
    ],
    permissions: ASKS,
    ...manifest,
  });
