// What hostile plugins make of extension points, in real cells: an answer is all that each of them can spoil, and the polite one beside them is heard.

import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HostError } from "../../host/core/errors.ts";
import { startTrace } from "../../host/core/trace.ts";
import type { ExtensionPoint } from "../../host/core/types.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { CELL_KINDS, type CellKind } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const POINT = "shop.discount";
/** Long enough for every polite answer, and what an endless one costs. */
const PATIENCE_MS = 2_000;
const MIB = 1_024 * 1_024;

/** Answers a point in every bad way; `polite` answers 5, `ask` gives what it is told of its own question, `flood` asks until it is stopped. */
const MODULE = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "bulkhead:host/memory" "store" (func $store (param i32 i64 i32)))
  (import "extism:host/user" "extensions_ask" (func $ask (param i64 i64 i64) (result i64)))
  (memory 1)
  (data (i32.const 0) "${POINT}")
  (data (i32.const 32) "${PATIENCE_MS}")
  (data (i32.const 64) "5")
  (data (i32.const 80) "\\ff{]nonsense")
  (func $text (param $at i32) (param $size i32) (result i64) (local $block i64)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $size))))
    (call $store (local.get $at) (local.get $block) (local.get $size))
    (local.get $block))
  (func $give (param $block i64) (result i32) (call $output (local.get $block) (call $length (local.get $block))) (i32.const 0))
  (func $asked (result i64)
    (call $ask (call $text (i32.const 0) (i32.const ${POINT.length})) (call $input) (call $text (i32.const 32) (i32.const 4))))
  (func (export "polite") (result i32) (call $give (call $text (i32.const 64) (i32.const 1))))
  (func (export "garbage") (result i32) (call $give (call $text (i32.const 80) (i32.const 11))))
  (func (export "greedy") (result i32) (call $give (call $alloc (i64.const ${MIB}))))
  (func (export "endless") (result i32) (loop (br 0)) (i32.const 0))
  (func (export "trap") (result i32) unreachable)
  (func (export "fail") (result i32) (i32.const 1))
  (func (export "ask") (result i32) (call $give (call $asked)))
  (func (export "flood") (result i32) (loop (drop (call $asked)) (br 0)) (i32.const 0)))`;

interface Extending {
  readonly entryPoint?: string;
  readonly priority?: number;
  /** Whether it may ask. */
  readonly asks?: boolean;
  readonly limits?: object;
}

let folder: TemporaryFolder;
let host: RunningHost | undefined;
let turns: string[];
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await host?.stop();
  folder.remove();
});

/** Whatever is no number is no discount. */
const DISCOUNT: ExtensionPoint = {
  name: POINT,
  owner: "shop",
  checkInput() {},
  checkAnswer(answer, plugin) {
    if (!/^\d+$/.test(Buffer.from(answer).toString())) throw new HostError("plugin-failed", `${plugin} gives no discount`);
  },
};

async function open(isolation: CellKind, plugins: Readonly<Record<string, Extending>>, point = DISCOUNT): Promise<void> {
  const settings: Record<string, object> = {};
  for (const [name, { entryPoint, priority = 0, asks = false, limits = {} }] of Object.entries(plugins)) {
    const wanted = ["extensions.answer", ...(asks ? ["extensions.ask"] : [])];
    const path = await writePlugin(folder.path, name, MODULE, {
      api: "0.2",
      services: { [`${name}.ask`]: { entryPoint: "ask" }, [`${name}.flood`]: { entryPoint: "flood" } },
      extends: entryPoint === undefined ? {} : { [POINT]: { entryPoint, priority } },
      permissions: wanted.map((permission) => ({ permission, resource: POINT, reason: "test" })),
    });
    settings[name] = { path, isolation, grants: "all", limits };
  }
  const text = JSON.stringify({ adapters: { http: false }, plugins: settings });
  host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
  host.core.extensions.declare(point);
  turns = [];
  host.core.observe({ turn: ({ plugin }) => turns.push(plugin) });
}

async function call(service: string): Promise<Uint8Array> {
  if (host === undefined) throw new Error("the host does not run");
  return host.core.services.call({
    service,
    payload: new Uint8Array(0),
    caller: { kind: "adapter", name: "test" },
    traceparent: startTrace(),
  });
}

/** Who answered, or the code of what the asking plugin is told. */
async function heard(): Promise<string[] | string> {
  const block = await call("till.ask");
  const value = JSON.parse(new TextDecoder().decode(block.subarray(1)));
  return block[0] === 0 ? value.map(({ plugin }: { plugin: string }) => plugin) : value.code;
}

describe.each(CELL_KINDS)("in %s cells", (isolation) => {
  it("one that answers too much, garbage or not in time, fails or traps spoils its own answer only", async () => {
    const bad = ["garbage", "greedy", "endless", "trap", "fail"];
    const hostile = Object.fromEntries(bad.map((entryPoint) => [`p-${entryPoint}`, { entryPoint, priority: 9 }]));
    await open(isolation, { till: { asks: true }, ...hostile, loyal: { entryPoint: "polite" } });
    expect(await heard()).toEqual(["loyal"]);
    expect(new Set(turns)).toEqual(new Set(["till", "loyal", ...Object.keys(hostile)]));
    expect(await heard()).toEqual(["loyal"]);
  });

  it("those that ask each other in circles end with their time, and the polite one is heard", async () => {
    const ring = Object.fromEntries(["a", "b", "c"].map((name) => [name, { entryPoint: "ask", asks: true }]));
    await open(isolation, { till: { asks: true }, ...ring, loyal: { entryPoint: "polite" } });
    // What they answer is what they were told, which is no number.
    expect(await heard()).toEqual(["loyal"]);
  });
});

it("who may not ask reaches nobody", async () => {
  await open("inline", { till: {}, loyal: { entryPoint: "polite" } });
  expect(await heard()).toBe("permission-denied");
  expect(turns).toEqual(["till"]);
});

it("a flood of questions ends with the host calls that a turn has", async () => {
  const asked: number[] = [];
  const counting = { ...DISCOUNT, checkInput: () => void asked.push(1) };
  await open("inline", { till: { asks: true, limits: { hostCalls: 100, deadlineMs: 60_000 } }, loyal: { entryPoint: "polite" } }, counting);
  await expect(call("till.flood")).rejects.toMatchObject({ code: "quota-exceeded", message: expect.stringContaining("hostCalls") });
  expect(asked).toHaveLength(100);
  expect(await heard()).toEqual(["loyal"]);
});

it("of 40 that extend one point the first 32 by priority are asked, and no other runs", async () => {
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`p${i}`, { entryPoint: "polite", priority: i }]));
  await open("inline", { till: { asks: true }, ...many });
  const first = Array.from({ length: 32 }, (_, i) => `p${39 - i}`);
  expect(await heard()).toEqual(first);
  expect(turns.sort()).toEqual([...first, "till"].sort());
});
