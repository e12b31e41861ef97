// Found by attack: what one plugin could learn of another through the host's shared buffer, and take of its cell's time.

import { afterEach, describe, expect, it } from "vitest";
import { Host } from "../../host/core/host.ts";
import type { Cell } from "../../host/core/ports/cell.ts";
import { startTrace } from "../../host/core/trace.ts";
import type { Permission } from "../../host/core/types.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { CELL_KINDS, createCell, image, runTurn } from "../support/cells.ts";
import { hostPorts, SET } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { definition, textOf, utf8 } from "../support/scripted-cell.ts";
import { wat } from "../support/wat.ts";

const ASKER = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/user" "config_get" (func $config_get (param i64) (result i64)))
  (import "extism:host/user" "state_get" (func $state_get (param i64) (result i64)))
  (import "bulkhead:host/memory" "load" (func $load (param i64 i32 i32)))
  (import "bulkhead:host/memory" "release" (func $release (param i64)))
  (memory 200)
  (func $give (param $block i64) (result i32) (call $output (local.get $block) (call $length (local.get $block))) (i32.const 0))
  (func (export "config") (result i32) (call $give (call $config_get (call $input))))
  (func (export "forged") (result i32) (call $give (call $config_get (i64.const 12345))))
  (func (export "state") (result i32) (call $give (call $state_get (call $input))))
  (global $count (mut i32) (i32.const 0))
  (func (export "count") (result i32) (local $block i64)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (local.set $block (call $alloc (i64.const 1)))
    (call $store_u8 (local.get $block) (global.get $count)) (call $give (local.get $block)))
  (func (export "ask_for_ever") (result i32) (loop $again (call $release (call $state_get (call $input))) (br $again)) (i32.const 0))
  (func (export "ask_large") (result i32) (call $give (call $state_get (call $alloc (i64.const 10000)))))
  (func (export "copy_for_ever") (result i32) (local $block i64)
    (local.set $block (call $alloc (i64.const 12000000)))
    (loop $again (call $load (local.get $block) (i32.const 0) (i32.const 12000000)) (br $again)) (i32.const 0)))`;

describe.each(CELL_KINDS)("%s cell", (kind) => {
  let cell: Cell;

  afterEach(() => cell[Symbol.asyncDispose]());

  it("shows nothing of another plugin's answers to one that forges a handle", async () => {
    cell = createCell(kind, memoryLog());
    await cell.load(image("victim", await wat(ASKER), {}, { password: "hunter2" }));
    await cell.load(image("thief", await wat(ASKER)));
    await runTurn(cell, "victim", "config", { input: "password" });
    const outcome = await runTurn(cell, "thief", "forged");
    expect(outcome.ok && textOf(outcome.output)).toContain("not the handle of a block");
    expect(outcome.ok && textOf(outcome.output)).not.toContain("hunter2");
  });

  it("shows nothing of another plugin's answers to one that is refused at the same time", async () => {
    cell = createCell(kind, memoryLog());
    const host = new Host(hostPorts({ clock: systemClock, log: memoryLog() }));
    const { module, entryPoints } = image("asker", await wat(ASKER));
    const read = { permission: "state.read" as Permission, resource: "secrets.*", reason: "its own" };
    for (const [name, permissions] of [["thief", []] as const, ["victim", [read]] as const]) {
      const services = [{ name: `${name}.get`, entryPoint: "state" }];
      host.add(definition(name, {}, { module, entryPoints, services, permissions, grants: permissions }), cell);
    }
    await startAll(host, memoryLog());
    host.state.set("secrets.key", utf8("hunter2 ".repeat(40)), SET);
    const call = async (service: string): Promise<string> =>
      textOf(
        await host.services.call({
          service,
          payload: utf8("secrets.key"),
          caller: { kind: "host", name: "test" },
          traceparent: startTrace(),
        }),
      );
    for (let i = 0; i < 50; i += 1) {
      const [stolen, own] = await Promise.all([call("thief.get"), call("victim.get")]);
      expect(own).toContain("hunter2");
      expect(stolen).toContain("permission-denied");
      expect(stolen).not.toContain("hunter2");
    }
    await stopAll(host, 0);
  });

  it("lets a polite plugin in between long copies of blocks", async () => {
    cell = createCell(kind, memoryLog());
    await cell.load(image("copier", await wat(ASKER), { cpuMs: 300 }));
    await cell.load(image("polite", await wat(ASKER)));
    let copying = true;
    const copier = runTurn(cell, "copier", "copy_for_ever").finally(() => {
      copying = false;
    });
    let served = 0;
    for (; copying; served += 1) await runTurn(cell, "polite", "config", { input: "x" });
    expect(await copier).toMatchObject({ ok: false, error: { code: "cpu-exhausted" } });
    // Thousands of copies fit into the fuel of one slice; by the clock a few do.
    expect(served).toBeGreaterThan(10);
  });

  it("counts what asking the host costs against the CPU budget, and lets the event loop in between", async () => {
    cell = createCell(kind, memoryLog());
    await cell.load(image("asker", await wat(ASKER), { cpuMs: 100, hostCalls: 1_000_000_000 }));
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks += 1;
    }, 1);
    const outcome = await runTurn(cell, "asker", "ask_for_ever", { input: "some.key", answer: async () => utf8("\0") });
    clearInterval(ticking);
    expect(outcome).toMatchObject({ ok: false, error: { code: "cpu-exhausted" } });
    expect(ticks).toBeGreaterThan(5);
  });

  it("refuses arguments larger than any payload before they leave the cell", async () => {
    cell = createCell(kind, memoryLog());
    await cell.load(image("asker", await wat(ASKER), { payloadBytes: 1_000 }));
    let asked = 0;
    const answer = async (): Promise<Uint8Array> => {
      asked += 1;
      return utf8("\0");
    };
    const outcome = await runTurn(cell, "asker", "ask_large", { answer });
    expect(outcome.ok && textOf(outcome.output)).toContain("quota-exceeded");
    expect(asked).toBe(0);
  });

  it("keeps the instance when a turn is refused before the guest runs", async () => {
    cell = createCell(kind, memoryLog());
    await cell.load(image("counter", await wat(ASKER), { blockBytes: 65_536 }));
    const count = async (): Promise<number> => {
      const outcome = await runTurn(cell, "counter", "count");
      return outcome.ok ? (outcome.output[0] ?? -1) : -1;
    };
    expect(await count()).toBe(1);
    expect(await runTurn(cell, "counter", "count", { input: new Uint8Array(100_000) })).toMatchObject({
      ok: false,
      error: { code: "memory-exhausted" },
    });
    expect(await runTurn(cell, "counter", "nope")).toMatchObject({ ok: false, error: { code: "plugin-failed" } });
    expect(await count()).toBe(2);
  });

  it("starts nothing more once it is closed, also for whoever asks again as soon as it is refused", async () => {
    cell = createCell(kind, memoryLog());
    await cell.load(image("asker", await wat(ASKER)));
    const running = runTurn(cell, "asker", "state", { input: "some.key" });
    const again = runTurn(cell, "asker", "count").then(() => runTurn(cell, "asker", "count"));
    await cell[Symbol.asyncDispose]();
    for (const outcome of [await running, await again]) expect(outcome).toMatchObject({ ok: false, error: { code: "plugin-not-running" } });
  });
});
