// Limits on rates and numbers, each with a plugin that tries to pass it, in every kind of cell.

import { afterEach, describe, expect, it } from "vitest";
import type { HostError } from "../../host/core/errors.ts";
import { Host } from "../../host/core/host.ts";
import { Permissions } from "../../host/core/permissions.ts";
import type { Cell } from "../../host/core/ports/cell.ts";
import { startTrace } from "../../host/core/trace.ts";
import type { Limits, PluginDefinition, PluginImage } from "../../host/core/types.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { CELL_KINDS, createCell, image, runTurn } from "../support/cells.ts";
import { eventually } from "../support/eventually.ts";
import { hostPorts, PERMISSION_PORTS } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { definition, textOf, utf8 } from "../support/scripted-cell.ts";
import { wat } from "../support/wat.ts";

const GREEDY = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/env" "log_info" (func $log (param i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/user" "config_get" (func $config_get (param i64) (result i64)))
  (import "extism:host/user" "storage_set" (func $storage_set (param i64 i64) (result i64)))
  (import "extism:host/user" "events_publish" (func $publish (param i64 i64 i64) (result i64)))
  (import "extism:host/user" "services_call" (func $call (param i64 i64 i64) (result i64)))
  (import "bulkhead:host/memory" "release" (func $release (param i64)))
  (import "bulkhead:host/memory" "store" (func $store (param i32 i64 i32)))
  (memory 1)
  (table $t 0 funcref)
  (global $depth (mut i32) (i32.const 0))
  (data (i32.const 0) "text/plainnext.run\\00")
  (func $text (param $at i32) (param $length i32) (result i64) (local $block i64)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $length))))
    (call $store (local.get $at) (local.get $block) (local.get $length)) (local.get $block))
  (func $give (param $block i64) (result i32) (call $output (local.get $block) (call $length (local.get $block))) (i32.const 0))
  (func (export "spin") (result i32) (loop (br 0)) (i32.const 0))
  (func (export "ask_for_ever") (result i32) (loop $again (call $release (call $config_get (call $input))) (br $again)) (i32.const 0))
  (func (export "call_for_ever") (result i32)
    (loop $again (call $release (call $call (call $input) (i64.const 0) (call $text (i32.const 18) (i32.const 1)))) (br $again)) (i32.const 0))
  (func (export "log_for_ever") (result i32) (loop $again (call $log (call $input)) (br $again)) (i32.const 0))
  (func (export "store") (result i32) (call $give (call $storage_set (call $input) (i64.const 0))))
  (func (export "grow_table") (result i32)
    (if (i32.ne (table.grow $t (ref.null func) (i32.const 50)) (i32.const 0)) (then (unreachable)))
    (table.grow $t (ref.null func) (i32.const 51)))
  (func $deeper (param i32) (if (local.get 0) (then (call $deeper (i32.sub (local.get 0) (i32.const 1))) (global.set $depth (i32.const 0)))))
  (func (export "nest_2000") (result i32) (call $deeper (i32.const 2000)) (i32.const 0))
  (func (export "nest_for_ever") (result i32) (call $deeper (i32.const -1)) (i32.const 0))
  (func (export "publish") (result i32)
    (call $give (call $publish (call $input) (call $text (i32.const 0) (i32.const 10)) (i64.const 0))))
  (func (export "relay") (result i32)
    (call $give (call $call (call $input) (i64.const 0) (call $text (i32.const 18) (i32.const 1))))))`;

describe.each(CELL_KINDS)("%s cell", (kind) => {
  let cell: Cell;
  const log = memoryLog();

  afterEach(() => cell[Symbol.asyncDispose]());

  const load = async (limits: Partial<Limits> = {}): Promise<PluginImage> => {
    cell = createCell(kind, log);
    const greedy = image("greedy", await wat(GREEDY), limits);
    await cell.load(greedy);
    return greedy;
  };

  it("ends a turn that calls the host more often than it may", async () => {
    await load({ hostCalls: 1_000 });
    const outcome = await runTurn(cell, "greedy", "ask_for_ever", { input: "x" });
    expect(outcome).toMatchObject({ ok: false, error: { code: "quota-exceeded", message: expect.stringContaining("limits.hostCalls") } });
    expect(outcome.usage.hostCalls).toBeLessThanOrEqual(1_002);
  });

  it("asks the host no more often than a turn may, and goes on with the next", async () => {
    await load({ hostCalls: 100 });
    let answered = 0;
    const answer = async (): Promise<Uint8Array> => {
      answered += 1;
      return new Uint8Array(1);
    };
    for (const turn of [1, 2]) {
      const outcome = await runTurn(cell, "greedy", "call_for_ever", { input: "x.y", answer });
      expect(outcome).toMatchObject({ ok: false, error: { code: "quota-exceeded", message: expect.stringContaining("limits.hostCalls") } });
      expect(answered).toBe(turn * 100);
    }
  });

  it("keeps a plugin from more of a second's CPU than it may have", async () => {
    await load({ cpuMs: 300, cpuMsPerSecond: 100 });
    const start = performance.now();
    const outcome = await runTurn(cell, "greedy", "spin", { timeoutMs: 20_000 });
    expect(outcome).toMatchObject({ ok: false, error: { code: "cpu-exhausted" } });
    // Three shares of 100 ms lie in three different seconds.
    expect(performance.now() - start).toBeGreaterThan(1_500);
  });

  it("refuses a storage key more than it may have", async () => {
    await load({ storageKeys: 2 });
    const answers: string[] = [];
    for (const input of ["a", "b", "a", "c"]) {
      const outcome = await runTurn(cell, "greedy", "store", { input });
      answers.push(outcome.ok ? textOf(outcome.output) : outcome.error.code);
    }
    expect(answers.slice(0, 3)).toEqual(["\0", "\0", "\0"]);
    expect(answers[3]).toMatch(/quota-exceeded.*limits\.storageKeys/);
  });

  it("lets a table grow as far as it may", async () => {
    await load({ tableElements: 100 });
    // The first growth works, the second answers -1, which the export returns.
    expect(await runTurn(cell, "greedy", "grow_table")).toMatchObject({ ok: false, error: { message: expect.stringContaining("-1") } });
  });

  it("ends a turn that nests too deep, and tells so from a trap", async () => {
    await load();
    expect(await runTurn(cell, "greedy", "nest_2000")).toMatchObject({ ok: true });
    const outcome = await runTurn(cell, "greedy", "nest_for_ever");
    const error = { code: "memory-exhausted", message: expect.stringContaining("limits.stackKiB") };
    expect(outcome).toMatchObject({ ok: false, error, broken: true });
  });

  it("drops log lines beyond the limit and keeps the cell", async () => {
    log.lines.length = 0;
    await load({ cpuMs: 200, logBytesPerMinute: 10_000 });
    expect(await runTurn(cell, "greedy", "log_for_ever", { input: "flood" })).toMatchObject({ ok: false });
    const lines = log.lines.filter(({ plugin }) => plugin === "greedy");
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.length).toBeLessThan(100);
    expect(lines.some(({ message }) => message.includes("limits.logMiBPerMinute"))).toBe(true);
    expect(await runTurn(cell, "greedy", "ask_for_ever", { input: "x" })).toMatchObject({
      ok: false,
      error: { code: expect.stringMatching("-exhausted|quota-exceeded") },
    });
  });
});

describe("a process cell", () => {
  it("gives less stack than V8 does to a plugin that may have less", async () => {
    const cell = createCell("process", memoryLog());
    await cell.load(image("greedy", await wat(GREEDY), { stackBytes: 64 * 1024 }));
    expect(await runTurn(cell, "greedy", "nest_2000")).toMatchObject({ ok: false, error: { code: "memory-exhausted" } });
    expect(await runTurn(cell, "greedy", "store", { input: "a" })).toMatchObject({ ok: true });
    await cell[Symbol.asyncDispose]();
  });
});

describe("admission", () => {
  it("refuses a module that is larger, or has larger tables, than the plugin may have", async () => {
    const wasm = await wat(GREEDY.replace("(table $t 0", "(table $t 11"));
    const refusal = (limits: Partial<Limits>): string | undefined => {
      try {
        image("greedy", wasm, limits);
        return undefined;
      } catch (thrown) {
        return (thrown as HostError).detail;
      }
    };
    expect(refusal({ tableElements: 11, moduleBytes: wasm.length })).toBeUndefined();
    expect(refusal({ tableElements: 10 })).toContain("the limit maxTableElements is 10");
    expect(refusal({ moduleBytes: 100 })).toContain("maxModuleBytes");
  });
});

describe("in the core", () => {
  let cell: Cell;

  afterEach(() => cell[Symbol.asyncDispose]());

  const host = async (names: readonly string[], limits: Partial<Limits>, rest: Partial<PluginDefinition> = {}): Promise<Host> => {
    cell = createCell("inline", memoryLog());
    const made = new Host(hostPorts({ clock: systemClock, log: memoryLog() }));
    for (const name of names) {
      const { module, entryPoints, limits: all } = image(name, await wat(GREEDY), limits);
      const permissions = [{ permission: "services.call" as const, resource: "**", reason: "test" }];
      const services = ["relay", "publish", "spin"].map((entryPoint) => ({ name: `${name}.${entryPoint}`, entryPoint }));
      made.add(definition(name, {}, { module, entryPoints, limits: all, permissions, grants: permissions, services, ...rest }), cell);
    }
    await startAll(made, memoryLog());
    return made;
  };
  const call = (on: Host, service: string, payload: Uint8Array): Promise<string> =>
    on.services
      .call({ service, payload, caller: { kind: "host", name: "test" }, traceparent: startTrace() })
      .then(textOf, ({ code }) => code);

  it("refuses events beyond the rate, with a code that the plugin can act on", async () => {
    const made = await host(["greedy"], { publishesPerSecond: 3 });
    const answers: string[] = [];
    for (let i = 0; i < 6; i += 1) answers.push(await call(made, "greedy.publish", utf8("greedy.happened")));
    expect(answers.slice(0, 3).every((answer) => answer.startsWith("\0"))).toBe(true);
    expect(answers.some((answer) => answer.includes("rate-limited"))).toBe(true);
  });

  it("refuses inputs beyond the bytes of a mailbox, but never the only one", async () => {
    const made = await host(["greedy"], { mailboxBytes: 1_000, cpuMs: 100 });
    const large = new Uint8Array(900);
    const answers = await Promise.all([call(made, "greedy.spin", large), call(made, "greedy.spin", large)]);
    expect(answers).toEqual(["cpu-exhausted", "queue-full"]);
    expect(await call(made, "greedy.spin", new Uint8Array(2_000))).toBe("cpu-exhausted");
  });

  it("refuses a call that too many plugins would wait for", async () => {
    const made = await host(["a", "b", "c"], { callDepth: 1 });
    // The host calls a, a calls b's relay with no name, which is as deep as it may be and fails for another reason.
    expect(await call(made, "a.relay", utf8("b.relay"))).not.toContain("callDepth");
    const plugin = made.plugin("c");
    const within = {
      plugin: { name: "b", permissions: new Permissions("b", [], [], PERMISSION_PORTS) },
      context: { caller: { kind: "host", name: "x" }, traceparent: startTrace(), deadline: 1e12, waiting: ["a"], authorities: [] },
    } as const;
    const deep = made.services.call({
      service: "c.relay",
      payload: new Uint8Array(0),
      caller: { kind: "plugin", name: "b" },
      traceparent: startTrace(),
      within,
    });
    await expect(deep).rejects.toMatchObject({ code: "quota-exceeded", message: expect.stringContaining("limits.callDepth") });
    expect(plugin?.state).toBe("running");
  });

  it("starts others while one hangs in on_load, but nothing that depends on it, and stops all at once", async () => {
    cell = createCell("inline", memoryLog());
    const made = new Host(hostPorts({ clock: systemClock, log: memoryLog() }));
    const hanging = image("hanging", await wat(GREEDY.replace('(export "spin")', '(export "on_load")')), {
      startMs: 400,
      cpuMs: 60_000,
      deadlineMs: 60_000,
    });
    const polite = image("polite", await wat(GREEDY));
    const services = [{ name: "polite.store", entryPoint: "store" }];
    made.add(definition("hanging", {}, hanging), cell);
    made.add(definition("waiting", {}, { ...polite, name: "waiting", dependencies: ["hanging"] }), cell);
    made.add(definition("polite", {}, { ...polite, services }), cell);
    const starting = startAll(made, memoryLog());
    await eventually("polite runs", () => made.plugin("polite")?.state === "running" || undefined);
    expect(made.plugins.map(({ state }) => state)).toEqual(["starting", "installed", "running"]);
    expect(await call(made, "polite.store", utf8("key"))).toBe("\0");
    await starting;
    expect(made.plugins.map(({ state }) => state)).toEqual(["failed", "failed", "running"]);
    await stopAll(made, 100);
    expect(await call(made, "polite.store", utf8("key"))).toBe("plugin-not-running");
  });

  it("fails a plugin that takes too long to start, and goes on", async () => {
    const source = GREEDY.replace('(export "spin")', '(export "on_load")');
    cell = createCell("inline", memoryLog());
    const made = new Host(hostPorts({ clock: systemClock, log: memoryLog() }));
    const { module, entryPoints, limits } = image("slow", await wat(source), { startMs: 50, cpuMs: 60_000, deadlineMs: 60_000 });
    made.add(definition("slow", {}, { module, entryPoints, limits }), cell);
    await startAll(made, memoryLog());
    expect(made.plugin("slow")).toMatchObject({ state: "failed", failure: { code: "deadline-exceeded" } });
    expect(made.plugin("slow")?.failure?.message).toContain("(limits.startMs)");
  });
});
