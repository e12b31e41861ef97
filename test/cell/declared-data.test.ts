// What a plugin takes, answers and publishes is held to what its manifest declares, in its cell and at its expense.

import { afterEach, describe, expect, it } from "vitest";
import type { Cell } from "../../host/core/ports/cell.ts";
import type { DataSchemas, Limits, TurnOutcome } from "../../host/core/types.ts";
import { CELL_KINDS, createCell, image, runTurn } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";
import { textOf, utf8 } from "../support/scripted-cell.ts";
import { wat } from "../support/wat.ts";

// `echo` and `lie` answer their input, `told` and `bytes` publish it; `count` says how many turns its instance has seen.
const PLUGIN = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/user" "events_publish" (func $publish (param i64 i64 i64) (result i64)))
  (import "bulkhead:host/memory" "store" (func $store (param i32 i64 i32)))
  (memory 1)
  (global $turns (mut i32) (i32.const 48))
  (data (i32.const 0) "p.toldapplication/json")
  (data (i32.const 64) "application/octet-stream")
  (func $text (param $at i32) (param $length i32) (result i64) (local $block i64)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $length))))
    (call $store (local.get $at) (local.get $block) (local.get $length)) (local.get $block))
  (func $give (param $block i64) (result i32)
    (global.set $turns (i32.add (global.get $turns) (i32.const 1)))
    (call $output (local.get $block) (call $length (local.get $block))) (i32.const 0))
  (func (export "echo") (result i32) (call $give (call $input)))
  (func (export "lie") (result i32) (call $give (call $input)))
  (func (export "free") (result i32) (call $give (call $input)))
  (func (export "count") (result i32) (i32.store8 (i32.const 128) (global.get $turns)) (call $give (call $text (i32.const 128) (i32.const 1))))
  (func (export "told") (result i32)
    (call $give (call $publish (call $text (i32.const 0) (i32.const 6)) (call $text (i32.const 6) (i32.const 16)) (call $input))))
  (func (export "bytes") (result i32)
    (call $give (call $publish (call $text (i32.const 0) (i32.const 6)) (call $text (i32.const 64) (i32.const 24)) (call $input)))))`;

const LAMP = { type: "object", required: ["id"], properties: { id: { type: "string", pattern: "^[a-z0-9-]{1,20}$" } } };
const SCHEMAS: DataSchemas = {
  entryPoints: {
    echo: { service: "p.echo", input: LAMP },
    lie: { service: "p.lie", output: LAMP },
  },
  events: { "p.told": LAMP },
};

describe.each(CELL_KINDS)("%s cell", (kind) => {
  let cell: Cell;
  afterEach(() => cell[Symbol.asyncDispose]());

  const load = async (schemas: DataSchemas | undefined = SCHEMAS, limits: Partial<Limits> = {}): Promise<void> => {
    cell = createCell(kind, memoryLog());
    await cell.load({ ...image("p", await wat(PLUGIN), limits), schemas });
  };
  const run = (entryPoint: string, input: string, asked: Uint8Array[][] = []): Promise<TurnOutcome> =>
    runTurn(cell, "p", entryPoint, {
      input,
      answer: async (_, args) => {
        asked.push([...args]);
        return new Uint8Array([0, 0x31]);
      },
    });
  const told = (outcome: TurnOutcome): string => (outcome.ok ? textOf(outcome.output) : `${outcome.error.code}: ${outcome.error.message}`);

  it("hands a service what fits, and refuses what does not, before the guest runs", async () => {
    await load();
    expect(told(await run("echo", '{"id":"lamp-1"}'))).toBe('{"id":"lamp-1"}');
    expect(await run("echo", '{"id":"Lamp"}')).toMatchObject({
      ok: false,
      error: { code: "refused", reason: "invalid-input", message: "the input of p.echo at /id must match ^[a-z0-9-]{1,20}$" },
      broken: false,
    });
    expect(told(await run("echo", "[1"))).toBe("refused: the input of p.echo is no JSON text in UTF-8");
    expect(told(await run("echo", ""))).toBe("refused: the input of p.echo must have id");
    expect(told(await run("count", ""))).toBe("1");
  });

  it("does not let out what a service answers against its own schema", async () => {
    await load();
    expect(told(await run("lie", '{"id":"lamp-1"}'))).toBe('{"id":"lamp-1"}');
    const outcome = await run("lie", '{"id":5}');
    expect(told(outcome)).toBe("plugin-failed: what p.lie answers at /id must be a string, and is a number; its own schema says otherwise");
    expect(outcome).toMatchObject({ broken: false });
    expect(told(await run("lie", "{"))).toMatch(/^plugin-failed: what p\.lie answers is no JSON text/);
    expect(told(await run("lie", ""))).toMatch(/^plugin-failed: what p\.lie answers must be an object, and is null/);
  });

  it("does not publish what the plugin's own events are not", async () => {
    await load();
    const asked: Uint8Array[][] = [];
    expect(told(await run("told", '{"id":"lamp-1"}', asked))).toBe("\0" + "1");
    expect(asked.map((args) => args.map(textOf))).toEqual([["p.told", "application/json", '{"id":"lamp-1"}']]);
    expect(told(await run("told", "{}", asked))).toContain('"code":"invalid-message","message":"the data of p.told must have id"');
    expect(told(await run("told", "", asked))).toContain("the data of p.told is no JSON text in UTF-8");
    expect(told(await run("bytes", '{"id":"lamp-1"}', asked))).toContain("publish application/json");
    expect(asked).toHaveLength(1);
  });

  it("leaves alone what nothing was declared of", async () => {
    await load();
    expect(told(await run("free", "no JSON"))).toBe("no JSON");
    await cell[Symbol.asyncDispose]();
    await load({});
    expect(told(await run("echo", "no JSON"))).toBe("no JSON");
    expect(told(await run("bytes", "no JSON"))).toBe("\0" + "1");
  });

  it("bills a check to the turn, and gives up on one that takes too long, whoever gave cause", async () => {
    const bomb = { items: { not: { enum: Array.from({ length: 5_000 }, (_, i) => i) } } };
    await load({ entryPoints: { echo: { service: "p.echo", input: bomb }, lie: { service: "p.lie", output: bomb } } });
    const input = JSON.stringify(Array.from({ length: 5_000 }, () => -1));
    const outcome = await run("echo", input);
    expect(told(outcome)).toMatch(/^quota-exceeded: the input of p\.echo: it takes more than 1000000 steps to check/);
    expect(outcome.usage.cpuUs).toBeGreaterThan(1_000);
    expect(told(await run("lie", input))).toMatch(/^plugin-failed: what p\.lie answers: it takes more than 1000000 steps to check/);
    expect(told(await run("echo", `[${"[],".repeat(600_000)}0]`))).toMatch(/^quota-exceeded: .*more than 500000 values/);
    expect(told(await run("echo", `${"[".repeat(2_000)}${"]".repeat(2_000)}`))).toMatch(/^quota-exceeded: .*nests deeper than 1000/);
    expect(told(await run("echo", "[-1]"))).toBe("[-1]");
  });

  it("takes what it was checked for off the CPU of the second", async () => {
    const slow = { items: { not: { enum: Array.from({ length: 1_000 }, (_, i) => i) } } };
    await load({ entryPoints: { echo: { service: "p.echo", input: slow } } }, { cpuMsPerSecond: 10 });
    const input = utf8(JSON.stringify(Array.from({ length: 900 }, () => -1)));
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => runTurn(cell, "p", "echo", { input })));
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true, true]);
    expect(Math.max(...outcomes.map(({ usage }) => usage.cpuUs))).toBeGreaterThan(500);
  });
});
