// Points that a plugin declares and asks itself, in real cells: what is asked and answered there is held to its schemas in its own cell, whoever answers what, and
// nobody else asks.

import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startTrace } from "../../host/core/trace.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { CELL_KINDS, type CellKind } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const POINT = "till.discount";
const QUESTION = { type: "object", required: ["total"], properties: { total: { type: "number" } } };
const PERCENT = { type: "integer", minimum: 0, maximum: 100 };
/** 5,000 steps for a list of one, so that a list of 300 takes more than there are. */
const DEAR = { anyOf: [PERCENT, { type: "array", items: { not: { enum: Array.from({ length: 5_000 }, (_, i) => i) } } }] };

/** `ask` hands its input on as the question and gives what it is told; the others answer. */
const MODULE = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "bulkhead:host/memory" "store" (func $store (param i32 i64 i32)))
  (import "extism:host/user" "extensions_ask" (func $ask (param i64 i64 i64) (result i64)))
  (memory 1)
  (data (i32.const 0) "${POINT}")
  (data (i32.const 32) "2000")
  (data (i32.const 64) "5")
  (data (i32.const 70) "500")
  (data (i32.const 80) "\\ff{]nonsense")
  (data (i32.const 128) "[${"-1,".repeat(400)}-1]")
  (func $text (param $at i32) (param $size i32) (result i64) (local $block i64)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $size))))
    (call $store (local.get $at) (local.get $block) (local.get $size))
    (local.get $block))
  (func $give (param $block i64) (result i32) (call $output (local.get $block) (call $length (local.get $block))) (i32.const 0))
  (func (export "polite") (result i32) (call $give (call $text (i32.const 64) (i32.const 1))))
  (func (export "wrong") (result i32) (call $give (call $text (i32.const 70) (i32.const 3))))
  (func (export "garbage") (result i32) (call $give (call $text (i32.const 80) (i32.const 11))))
  (func (export "nothing") (result i32) (i32.const 0))
  (func (export "dear") (result i32) (call $give (call $text (i32.const 128) (i32.const 1204))))
  (func (export "trap") (result i32) unreachable)
  (func (export "ask") (result i32)
    (call $give (call $ask (call $text (i32.const 0) (i32.const ${POINT.length})) (call $input) (call $text (i32.const 32) (i32.const 4))))))`;

let folder: TemporaryFolder;
let host: RunningHost | undefined;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await host?.stop();
  folder.remove();
});

interface Scene {
  readonly isolation: CellKind;
  /** Entry points by plugin. */
  readonly answering: Readonly<Record<string, { readonly entryPoint: string; readonly priority?: number }>>;
  readonly point?: { readonly input?: unknown; readonly output?: unknown };
}

async function open({ isolation, answering, point = { input: QUESTION, output: PERCENT } }: Scene): Promise<void> {
  const extending = Object.entries(answering).map(([name, one]) => ({
    name,
    manifest: {
      extends: { [POINT]: one },
      permissions: [{ permission: "extensions.answer", resource: POINT, reason: "test" }],
    },
  }));
  const spying = { name: "spy", manifest: { permissions: [{ permission: "extensions.ask", resource: "till.**", reason: "test" }] } };
  const settings: Record<string, object> = {};
  for (const { name, manifest } of [{ name: "till", manifest: { extensionPoints: { [POINT]: point } } }, spying, ...extending]) {
    const path = await writePlugin(folder.path, name, MODULE, {
      api: "0.2",
      services: { [`${name}.ask`]: { entryPoint: "ask" } },
      ...manifest,
    });
    settings[name] = { path, isolation, grants: "all" };
  }
  const text = JSON.stringify({ adapters: { http: false }, plugins: settings });
  host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
}

/** Who answered, or what the asking plugin is told instead. */
async function heard(question = '{"total":3}', asker = "till"): Promise<unknown> {
  const block = await host?.core.services.call({
    ...{ service: `${asker}.ask`, payload: new TextEncoder().encode(question) },
    ...{ caller: { kind: "adapter", name: "test" }, traceparent: startTrace() },
  });
  const value = JSON.parse(new TextDecoder().decode(block?.subarray(1)));
  return block?.[0] === 0 ? value.map(({ plugin }: { plugin: string }) => plugin) : `${value.code}: ${value.message}`;
}

describe.each(CELL_KINDS)("a point of a plugin in %s cells", (isolation) => {
  it("is asked by the plugin without a permission, and answered in order by whoever fits", async () => {
    const answering = {
      ...{ after: { entryPoint: "polite" }, before: { entryPoint: "polite", priority: 5 }, wrong: { entryPoint: "wrong" } },
      ...{ garbage: { entryPoint: "garbage" }, trap: { entryPoint: "trap" }, nothing: { entryPoint: "nothing" } },
    };
    await open({ isolation, answering });
    expect(await heard()).toEqual(["before", "after"]);
  });

  it("is not asked what its schema does not take, nor by anybody else", async () => {
    await open({ isolation, answering: { polite: { entryPoint: "polite" } } });
    expect(await heard("{}")).toBe(`invalid-message: what ${POINT} is asked must have total`);
    expect(await heard("[1")).toBe(`invalid-message: what ${POINT} is asked is no JSON text in UTF-8`);
    expect(await heard("")).toBe(`invalid-message: what ${POINT} is asked is no JSON text in UTF-8`);
    expect(await heard('{"total":3}', "spy")).toBe(
      `permission-denied: spy may not ask ${POINT}; a point of a plugin is asked by that plugin alone, till`,
    );
    expect(await heard('{"total":3}', "polite")).toMatch(/^permission-denied: polite has no permission extensions\.ask/);
    expect(await heard()).toEqual(["polite"]);
  });

  it("leaves out answers that take too long to check, and shares what there is among all", async () => {
    const dear = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`dear-${i}`, { entryPoint: "dear", priority: 1 }]));
    await open({ isolation, answering: { ...dear, polite: { entryPoint: "polite" } }, point: { output: DEAR } });
    expect(await heard()).toEqual(["polite"]);
    expect(await heard("no JSON")).toEqual(["polite"]);
  });

  it("goes away with its plugin", async () => {
    await open({ isolation, answering: { polite: { entryPoint: "polite" } } });
    await host?.core.plugin("till")?.stop(0);
    host?.core.remove("till");
    expect(await heard('{"total":3}', "spy")).toBe(`no-such-service: nobody declares ${POINT}`);
  });
});
