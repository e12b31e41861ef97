// What is played on the host of a released version, to write down what it answers, and on this one, to compare.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Language } from "../../host/cli/toolchains/languages.ts";
import { eventually } from "../support/eventually.ts";
import { wat } from "../support/wat.ts";
import type { Answer, Serving } from "./serving.ts";

/** What was written down, by the name of what was asked. */
export type Answers = Readonly<Record<string, Answer>>;

export interface Recorded {
  readonly counter: Answers;
  readonly home: Answers;
}

export const FIXTURES: URL = new URL("./0.1/", import.meta.url);
export const moduleFile = (language: Language): URL => new URL(`counter.${language}.wasm.br`, FIXTURES);

const PATIENCE_MS = 60_000;

/** Puts an exclamation mark behind what it is given. */
const GREETER = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $load (param i64) (result i32)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (func (export "greet") (result i32) (local $n i64) (local $at i64) (local $i i64)
    (local.set $n (call $length))
    (local.set $at (call $alloc (i64.add (local.get $n) (i64.const 1))))
    (loop $next (if (i64.lt_u (local.get $i) (local.get $n)) (then
      (call $store (i64.add (local.get $at) (local.get $i)) (call $load (local.get $i)))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $next))))
    (call $store (i64.add (local.get $at) (local.get $n)) (i32.const 33))
    (call $output (local.get $at) (i64.add (local.get $n) (i64.const 1)))
    (i32.const 0)))`;

/** Publishes what it is given. */
const SENSOR = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/user" "events_publish" (func $publish (param i64 i64 i64) (result i64)))
  (import "bulkhead:host/memory" "store" (func $store (param i32 i64 i32)))
  (memory 1)
  (data (i32.const 0) "sensors.measuredapplication/json")
  (func $text (param $at i32) (result i64) (local $block i64)
    (local.set $block (call $alloc (i64.const 16)))
    (call $store (local.get $at) (local.get $block) (i32.const 16))
    (local.get $block))
  (func (export "measure") (result i32)
    (drop (call $publish (call $text (i32.const 0)) (call $text (i32.const 16)) (call $input)))
    (i32.const 0)))`;

const TRAPPER = '(module (func (export "trap") (result i32) unreachable))';

const MEASURED = [
  { sensor: "attic", value: 21.5, unit: "celsius" },
  { sensor: "garage", value: 70, unit: "fahrenheit" },
  { sensor: "Küche 🌍", value: -4, unit: "celsius" },
];

async function writePlugin(folder: string, name: string, text: string, manifest: object): Promise<void> {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, `${name}.wasm`), await wat(text));
  writeFileSync(
    join(folder, name, "plugin.json"),
    JSON.stringify({ name, version: "1.0.0", api: "0.1", wasm: `${name}.wasm`, ...manifest }, null, 2),
  );
}

export const writeTrapper = (folder: string): Promise<void> =>
  writePlugin(folder, "trapper", TRAPPER, { services: { "trapper.trap": { entryPoint: "trap" } } });

/** A configuration with the counter and the two that it needs; the counter is the module of one language and the manifest of all. */
export async function writeCounter(folder: string, module: Uint8Array, manifest: string): Promise<void> {
  const publishing = { permission: "events.publish", resource: "sensors.measured" };
  await writePlugin(folder, "greeter", GREETER, { services: { "greeter.greet": { entryPoint: "greet" } } });
  await writePlugin(folder, "sensor", SENSOR, {
    services: { "sensor.measure": { entryPoint: "measure" } },
    permissions: [{ ...publishing, reason: "To tell what was measured." }],
  });
  mkdirSync(join(folder, "counter"), { recursive: true });
  writeFileSync(join(folder, "counter", "counter.wasm"), module);
  writeFileSync(join(folder, "counter", "plugin.json"), manifest);
  const grants = [
    { permission: "events.subscribe", resource: "sensors.measured" },
    { permission: "services.call", resource: "greeter.greet" },
  ];
  const plugins = {
    greeter: { path: "greeter" },
    sensor: { path: "sensor", grants: [publishing] },
    counter: { path: "counter", grants, config: { unit: "celsius" } },
  };
  writeFileSync(join(folder, "bulkhead.json"), JSON.stringify({ plugins }, null, 2));
}

export async function playCounter(host: Serving): Promise<Answers> {
  const answers: Record<string, Answer> = { "read nothing": await host.call("counter.read") };
  for (const data of MEASURED) await host.call("sensor.measure", JSON.stringify(data));
  const greeted = (): readonly string[] => host.log.filter((line) => line.includes("greeter said"));
  await eventually("both were counted", () => greeted().length === 2 || undefined, PATIENCE_MS);
  return Object.assign(answers, {
    "read two": await host.call("counter.read"),
    log: [0, greeted().join("\n")],
    environment: await host.call("counter.environment"),
    denied: await host.call("counter.denied"),
    greet: await host.call("counter.greet", "Zoë"),
    "echo nothing": await host.call("counter.echo"),
    "echo bytes": await host.call("counter.echo", Uint8Array.of(0, 0xff, 0xfe, 0)),
    "echo much": await echoMuch(host),
    fail: await host.call("counter.fail", "wozu? 🤷"),
  });
}

async function echoMuch(host: Serving): Promise<Answer> {
  const much = "å🌍".repeat(50_000);
  const [status, body] = await host.call("counter.echo", much);
  return [status, body === much ? "all of it" : "something else"];
}

/** What can be asked of the home's host before and after, without changing anything. */
export async function askHome(host: Serving): Promise<Answers> {
  const answers: Record<string, Answer> = {};
  for (const [service, payload] of [
    ["devices.get", '{"id":"lamp-1"}'],
    ["devices.list", "{}"],
    ["devices.get", '{"id":"nobody"}'],
    ["automation.list", "{}"],
    ["trapper.trap", ""],
  ] as const)
    answers[`${service} ${payload}`] = await host.call(service, payload);
  return answers;
}
