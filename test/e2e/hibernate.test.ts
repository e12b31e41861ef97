// Plugins that hibernate in a real host: they go on from where they were, in every kind of cell and after the host's restart, and never from anywhere else.

import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { UsedNow } from "../../host/admin/telemetry-operations.ts";
import { openControl } from "../../host/cli/control.ts";
import { type Configuration, createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { eventually } from "../support/eventually.ts";
import { runWorker } from "../support/killed-host.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { describeOnSmallDisk, mountSmallDisk, unmountDisk } from "../support/small-disk.ts";

/** Counts its turns in a global, in memory that it has grown, and by a function that its table holds once it has counted; says when it is loaded, started and stopped. */
const COUNTER = (more = ""): string => `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/env" "log_info" (func $log (param i64)))
  (memory 1 200) (global $turns (mut i32) (i32.const 0)) (table 1 4 funcref) ${more}
  (type $step (func (result i32)))
  (func $none (type $step) (i32.const 0)) (func $one (type $step) (i32.const 1)) (elem (i32.const 0) $none) (elem declare func $one)
  (func $byte (param $byte i32) (result i64) (local $block i64)
    (local.set $block (call $alloc (i64.const 1))) (call $store (local.get $block) (local.get $byte)) (local.get $block))
  (func $say (param i32) (result i32) (call $log (call $byte (local.get 0))) (i32.const 0))
  (func $end (result i32) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)))
  (func (export "count") (result i32)
    (if (i32.eq (memory.size) (i32.const 1)) (then (drop (memory.grow (i32.const 1)))))
    (global.set $turns (i32.add (global.get $turns) (i32.const 1)))
    (table.set (i32.const 0) (ref.func $one))
    (i32.store (call $end) (i32.add (i32.load (call $end)) (call_indirect (type $step) (i32.const 0))))
    (if (i32.ne (i32.load (call $end)) (global.get $turns)) (then (unreachable)))
    (call $output (call $byte (i32.add (global.get $turns) (i32.const 48))) (i64.const 1)) (i32.const 0))
  (func (export "fill") (result i32) (local $at i32) (local $x i32)
    (drop (memory.grow (i32.const 30))) (local.set $x (i32.const 88172645))
    (loop $next
      (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 13))))
      (local.set $x (i32.xor (local.get $x) (i32.shr_u (local.get $x) (i32.const 17))))
      (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 5))))
      (i32.store (local.get $at) (local.get $x))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (i32.const 1966080))))
    (call $output (call $byte (i32.const 49)) (i64.const 1)) (i32.const 0))
  (func (export "crash") (result i32) (unreachable))
  (func (export "on_load") (result i32) (call $say (i32.const 76)))
  (func (export "on_start") (result i32) (call $say (i32.const 83)))
  (func (export "on_stop") (result i32) (call $say (i32.const 84))))`;

/** Takes all the memory and the longest table that it gets, and answers a sum over both as eight digits behind a one. */
const HOARDER = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (memory 1) (table $t 1 funcref) (func $mark) (elem declare func $mark)
  (func $end (result i32) (i32.mul (memory.size) (i32.const 65536)))
  (func $sum (export "sum") (result i32) (local $at i32) (local $sum i32) (local $block i64) (local $digit i32)
    (loop $next
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (i32.load (local.get $at))))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (call $end))))
    (local.set $at (i32.const 0))
    (loop $next
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (ref.is_null (table.get $t (local.get $at)))))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (table.size $t))))
    (local.set $block (call $alloc (i64.const 9))) (call $store (local.get $block) (i32.const 49))
    (loop $next
      (local.set $digit (i32.add (local.get $digit) (i32.const 1)))
      (call $store (i64.add (local.get $block) (i64.extend_i32_u (local.get $digit))) (i32.add (i32.const 48) (i32.rem_u (local.get $sum) (i32.const 10))))
      (local.set $sum (i32.div_u (local.get $sum) (i32.const 10)))
      (br_if $next (i32.lt_u (local.get $digit) (i32.const 8))))
    (call $output (local.get $block) (i64.const 9)) (i32.const 0))
  (func (export "hoard") (result i32) (local $at i32) (local $x i32)
    (loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (loop $more (br_if $more (i32.ne (table.grow $t (ref.func $mark) (i32.const 999)) (i32.const -1))))
    (local.set $x (i32.const 88172645))
    (loop $next
      (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 13))))
      (local.set $x (i32.xor (local.get $x) (i32.shr_u (local.get $x) (i32.const 17))))
      (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 5))))
      (i32.store (local.get $at) (local.get $x))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (call $end))))
    (call $sum)))`;

const WORKER = fileURLToPath(new URL("../support/sleep-worker.ts", import.meta.url));
const SERVICES = Object.fromEntries(["count", "fill", "crash"].map((name) => [`counter.${name}`, { entryPoint: name }]));
const IDLE_MS = 40;

let folder: TemporaryFolder;
let host: RunningHost | undefined;
let log: ReturnType<typeof memoryLog>;
let settings: Readonly<Record<string, unknown>>;

beforeEach(async () => {
  folder = temporaryFolder();
  log = memoryLog();
  settings = { isolation: "inline", activation: "hibernate", idleMs: IDLE_MS };
  await writePlugin(folder.path, "counter", COUNTER(), { services: SERVICES });
});
afterEach(async () => {
  await stop();
  folder.remove();
});

async function start(plugins: object = { counter: { path: "counter", grants: "all", ...settings } }): Promise<void> {
  host = await createHost({ configuration: configurationOf(plugins), log });
}

function configurationOf(plugins: object): Configuration {
  const text = JSON.stringify({ hardening: { acceptVulnerableNode: true }, adapters: { http: false }, plugins });
  return parseConfiguration(text, join(folder.path, "bulkhead.json"));
}

async function stop(): Promise<void> {
  await host?.stop();
  host = undefined;
}

const call = (service: string): Promise<unknown> => host?.call(`counter.${service}`) ?? Promise.reject(new Error("there is no host"));
const count = (): Promise<unknown> => call("count");
const stateFile = (): string => join(folder.path, "data", "asleep", "counter.state");
const isAsleep = (): boolean => existsSync(stateFile());
const asleep = (): Promise<unknown> => eventually("it is asleep", () => (isAsleep() && host?.list()[0]?.sleep?.isAsleep) || undefined);
/** How often it said that it was loaded (L), started (S) or stopped (T). */
const said = (): string =>
  log.lines.flatMap(({ plugin, message }) => (plugin === "counter" && /^[LST]$/.test(message) ? [message] : [])).join("");
const told = (part: string): number => log.lines.filter(({ message }) => message.includes(part)).length;

it("is forgotten when somebody takes it out while no host runs", async () => {
  await start();
  await count();
  await asleep();
  await using control = await openControl(configurationOf({}));
  expect((await control.invoke<UsedNow>("top")).plugins).toMatchObject([{ plugin: "counter", state: "asleep", memoryBytes: 0 }]);
  await stop();
  expect(isAsleep()).toBe(true);
  await start({});
  expect(isAsleep()).toBe(false);
});

describe.each(["inline", "thread", "process"])("a plugin that hibernates in a cell of its own: %s", (isolation) => {
  it("goes on from where it was, on the same host and after its restart, and is loaded and started once", async () => {
    settings = { ...settings, isolation };
    await start();
    expect([said(), isAsleep()]).toEqual(["", false]);
    expect([await count(), await count()]).toEqual([1, 2]);
    await asleep();
    expect(statSync(stateFile()).mode & 0o777).toBe(0o600);
    const keptBytes = statSync(stateFile()).size;
    expect(host?.list()).toMatchObject([{ state: "running", sleep: { isAsleep: true, keptBytes, trouble: undefined } }]);
    expect(await count()).toBe(3);
    // What was kept is gone as soon as it goes on.
    expect(isAsleep()).toBe(false);
    await asleep();
    await stop();
    await start();
    expect([await count(), isAsleep()]).toEqual([4, false]);
    // Stopped while it is awake.
    await stop();
    expect(isAsleep()).toBe(true);
    await start();
    expect(await count()).toBe(5);
    expect(said()).toBe("LS");
  });
});

describe("a plugin that hibernates", () => {
  it("begins anew where its instance was lost, and after the death of its host", async () => {
    await start();
    expect(await count()).toBe(1);
    await asleep();
    copyFileSync(stateFile(), join(folder.path, "kept"));
    expect(await count()).toBe(2);
    await expect(call("crash")).rejects.toMatchObject({ code: "plugin-failed" });
    expect([await count(), said()]).toEqual([1, "LSL"]);
    await asleep();
    expect(await count()).toBe(2);
    // A host that dies now leaves nothing that the next one could go on from.
    expect(readdirSync(join(folder.path, "data", "asleep"))).toEqual([]);
  });

  it.each([
    ["asleep", 2],
    // It may have done anything since.
    ["awake", 1],
  ])("begins anew after the death of its host unless it slept: %s", async (how, next) => {
    const file = join(folder.path, "bulkhead.json");
    const plugins = { counter: { path: "counter", grants: "all", ...settings } };
    writeFileSync(file, JSON.stringify({ hardening: { acceptVulnerableNode: true }, adapters: { http: false }, plugins }));
    await runWorker(WORKER, [file, "counter.count", how], 0);
    expect(isAsleep()).toBe(how === "asleep");
    await start();
    expect([await count(), said()]).toEqual([next, how === "asleep" ? "" : "LS"]);
  });

  it.each(["inline", "process"])("goes on with all the memory and all the table that it may have: %s", async (isolation) => {
    await writePlugin(folder.path, "counter", HOARDER, {
      services: { "counter.hoard": { entryPoint: "hoard" }, "counter.sum": { entryPoint: "sum" } },
    });
    settings = { ...settings, isolation, limits: { memoryMiB: 16, cpuMs: 60_000, deadlineMs: 60_000, cpuMsPerSecond: 1_000 } };
    await start();
    const sum = await call("hoard");
    await asleep();
    expect(statSync(stateFile()).size).toBeGreaterThan(15 * 1024 * 1024);
    expect(statSync(stateFile()).size).toBeLessThan(20 * 1024 * 1024);
    expect([await call("sum"), isAsleep()]).toEqual([sum, false]);
    await asleep();
    await stop();
    await start();
    expect(await call("sum")).toEqual(sum);
  });

  it("begins anew after it was stopped, restarted or configured otherwise, and when it did not hibernate in between", async () => {
    await start();
    await count();
    await asleep();
    await host?.core.plugin("counter")?.stop(0);
    expect(isAsleep()).toBe(false);
    await host?.core.start("counter");
    expect(await count()).toBe(1);
    await asleep();
    await stop();
    settings = { ...settings, limits: { memoryMiB: 20 } };
    await start();
    expect(await count()).toBe(1);
    expect(told("it begins anew: what was kept of it is of another version, configuration or host")).toBe(1);
    await asleep();
    await stop();
    const hibernating = settings;
    settings = { isolation: "inline" };
    await start();
    await stop();
    settings = hibernating;
    await start();
    expect(await count()).toBe(1);
  });

  it.each<readonly [string, string, (file: string) => void]>([
    ["damaged", "cannot be opened", (file) => flip(file, 100)],
    ["damaged at its end", "cannot be opened", (file) => flip(file, statSync(file).size - 1)],
    ["cut off", "cannot be opened", (file) => truncateSync(file, statSync(file).size - 40)],
    ["empty", "is of another version, configuration or host", (file) => truncateSync(file, 0)],
    ["too large", "the limit is", (file) => truncateSync(file, 400 * 1024 * 1024)],
    ["of another plugin", "is of another version, configuration or host", (file) => renameSync(join(file, "..", "other.state"), file)],
  ])("begins anew, and says so, where what was kept of it is %s", async (_, why, spoil) => {
    await start();
    await count();
    await asleep();
    await stop();
    const other = readFileSync(stateFile(), "latin1").replace(/^(\S+ \d) [0-9a-f]{64}/, `$1 ${"0".repeat(64)}`);
    writeFileSync(join(stateFile(), "..", "other.state"), other, "latin1");
    spoil(stateFile());
    await start();
    expect([await count(), said()]).toEqual([1, "LSLS"]);
    expect(log.lines.filter(({ message }) => message.startsWith("it begins anew: ") && message.includes(why))).toHaveLength(1);
    await asleep();
    expect(await count()).toBe(2);
  });

  it("stays awake where its state cannot be kept, and says why", async () => {
    const globals = "(global (mut i32) (i32.const 0))".repeat(4_100);
    await writePlugin(folder.path, "counter", COUNTER(globals), { services: SERVICES });
    await start();
    expect(told("it cannot hibernate, and stays awake: it has 4101 globals that change, and 4096 can be kept")).toBe(1);
    expect(await count()).toBe(1);
    expect(said()).toBe("LS");
    expect(host?.list()).toMatchObject([
      { state: "running", sleep: { isAsleep: false, trouble: "it has 4101 globals that change, and 4096 can be kept" } },
    ]);
  });
});

describeOnSmallDisk("a plugin that hibernates on a disk without room for it", () => {
  it("stays awake and says so once, and sleeps when there is room", async () => {
    const { mkdirSync, rmSync } = await import("node:fs");
    const data = join(folder.path, "data");
    mkdirSync(data);
    mountSmallDisk(data, "4m");
    try {
      await start();
      expect([await count(), await call("fill")]).toEqual([1, 1]);
      writeFileSync(join(data, "ballast"), Buffer.alloc(2_500_000));
      const stays = "it cannot hibernate, and stays awake: the disk of the host is full";
      await eventually("it says so", () => told(stays) > 0 || undefined);
      await call("fill").catch(() => {});
      await eventually("it has been idle again", () => new Promise<true>((resolve) => setTimeout(() => resolve(true), 4 * IDLE_MS)));
      expect([told(stays), isAsleep(), readdirSync(join(data, "asleep"))]).toEqual([1, false, []]);
      rmSync(join(data, "ballast"));
      await call("fill");
      await asleep();
      expect(said()).toBe("LS");
      await stop();
    } finally {
      unmountDisk(data);
    }
  });
});

function flip(file: string, at: number): void {
  const content = readFileSync(file);
  content[at] = (content[at] ?? 0) ^ 1;
  writeFileSync(file, content);
}
