// A plugin of a running host is updated, restarted or asleep, and nobody who calls it or tells it something loses anything: every call is answered,
// every event handled, in order, once; what fails leaves version, data, grants and queue as they were.

import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Installation } from "../../host/admin/installations.ts";
import type { Plan } from "../../host/admin/installer.ts";
import { type Control, openControl } from "../../host/cli/control.ts";
import { HostError } from "../../host/core/errors.ts";
import { startTrace } from "../../host/core/trace.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { CELL_KINDS, type CellKind } from "../support/cells.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

/**
 * Appends the five bytes that it is given to a list in storage, which it reads and writes whole, and answers them after its version; handles events
 * likewise, in a list of their own. `ask` calls two services of another plugin, one after the other. Logs each instance and each start.
 */
const list = (version: number, onStart = "(i32.const 0)"): string => `(module
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $input (param i64) (result i32)))
  (import "extism:host/env" "input_offset" (func $whole_input (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "load_u8" (func $load (param i64) (result i32)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/env" "log_info" (func $log (param i64)))
  (import "extism:host/user" "storage_set" (func $set (param i64 i64) (result i64)))
  (import "extism:host/user" "storage_get" (func $get (param i64) (result i64)))
  (import "extism:host/user" "config_get" (func $config_get (param i64) (result i64)))
  (import "extism:host/user" "services_call" (func $call (param i64 i64 i64) (result i64)))
  (import "bulkhead:host/memory" "store" (func $store_all (param i32 i64 i32)))
  (memory 1) (data (i32.const 0) "null") (data (i32.const 8) "other.slow") (data (i32.const 24) "other.quick")
  (func $byte (param $value i32) (result i64) (local $block i64)
    (local.set $block (call $alloc (i64.const 1))) (call $store (local.get $block) (local.get $value)) (local.get $block))
  (func $text (param $at i32) (param $length i32) (result i64) (local $block i64)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $length))))
    (call $store_all (local.get $at) (local.get $block) (local.get $length)) (local.get $block))
  (func $give (param $block i64) (result i32) (call $output (local.get $block) (call $length (local.get $block))) (i32.const 0))
  (func $append (param $key i32) (param $from i64) (local $old i64) (local $new i64) (local $n i64) (local $i i64)
    (local.set $old (call $get (call $byte (local.get $key))))
    (local.set $n (i64.sub (call $length (local.get $old)) (i64.const 2)))
    (local.set $new (call $alloc (i64.add (local.get $n) (i64.const 5))))
    (block $copied (loop $copy
      (br_if $copied (i64.ge_s (local.get $i) (local.get $n)))
      (call $store (i64.add (local.get $new) (local.get $i)) (call $load (i64.add (i64.add (local.get $old) (local.get $i)) (i64.const 2))))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $copy)))
    (local.set $i (i64.const 0))
    (loop $add
      (call $store (i64.add (i64.add (local.get $new) (local.get $n)) (local.get $i)) (call $input (i64.add (local.get $from) (local.get $i))))
      (br_if $add (i64.lt_u (local.tee $i (i64.add (local.get $i) (i64.const 1))) (i64.const 5))))
    (drop (call $set (call $byte (local.get $key)) (local.get $new))))
  (func $answer (result i32) (local $block i64) (local $i i64)
    (local.set $block (call $alloc (i64.const 6)))
    (call $store (local.get $block) (i32.const ${48 + version}))
    (loop $copy
      (call $store (i64.add (i64.add (local.get $block) (local.get $i)) (i64.const 1)) (call $input (local.get $i)))
      (br_if $copy (i64.lt_u (local.tee $i (i64.add (local.get $i) (i64.const 1))) (i64.const 5))))
    (call $give (local.get $block)))
  (func (export "append") (result i32) (call $append (i32.const 99) (i64.const 0)) (call $answer))
  (func (export "hear") (result i32)
    (call $append (i32.const 101) (i64.sub (call $input_length) (i64.const 7))) (i32.const 0))
  (func (export "read") (result i32) (call $give (call $get (call $whole_input))))
  (func (export "setting") (result i32) (call $give (call $config_get (call $whole_input))))
  (func (export "version") (result i32) (call $give (call $byte (i32.const ${48 + version}))))
  (func (export "ask") (result i32) (local $slow i64) (local $quick i64)
    (local.set $slow (call $call (call $text (i32.const 8) (i32.const 10)) (i64.const 0) (call $text (i32.const 0) (i32.const 4))))
    (local.set $quick (call $call (call $text (i32.const 24) (i32.const 11)) (i64.const 0) (call $text (i32.const 0) (i32.const 4))))
    (if (call $load (local.get $slow)) (then (return (call $give (local.get $slow)))))
    (if (call $load (local.get $quick)) (then (return (call $give (local.get $quick)))))
    (call $give (call $byte (i32.const ${48 + version}))))
  (func (export "on_load") (result i32) (call $log (call $byte (i32.const 76))) (i32.const 0))
  (func (export "on_start") (result i32) (call $log (call $byte (i32.const 83))) ${onStart}))`;
const SPOILS = `(drop (call $set (call $byte (i32.const 99)) (call $byte (i32.const 33))))
  (drop (call $set (call $byte (i32.const 101)) (call $byte (i32.const 33)))) (i32.const 1)`;

const OTHER = `(module (memory 1)
  (func (export "slow") (result i32) (local $n i32)
    (loop $again (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 150000000)))) (i32.const 0))
  (func (export "quick") (result i32) (i32.const 0)))`;

const servicesOf = (plugin: string, names: readonly string[]): object =>
  Object.fromEntries(names.map((name) => [`${plugin}.${name}`, { entryPoint: name }]));
const CALLS = { permission: "services.call", resource: "other.*" };
const HEARS = { permission: "events.subscribe", resource: "news.*" };
const READS = { permission: "state.read", resource: "lamps.*" };
const WRITES = { permission: "state.write", resource: "lamps.*" };
const asking = (...grants: readonly object[]): object[] => grants.map((grant) => ({ ...grant, reason: "to be tried" }));
const MANIFEST = {
  services: servicesOf("list", ["append", "read", "setting", "version", "ask"]),
  subscriptions: [{ type: "news.*", entryPoint: "hear" }],
  permissions: asking(CALLS, HEARS),
};
const SLEEPS = { activation: "on-demand", idleMs: 60 };
const TAGS = /\p{Cc}/gu;
const numbered = (n: number): string => `${String(n).padStart(4, "0")} `;
const upTo = (n: number): string[] => Array.from({ length: n }, (_, i) => numbered(i + 1).trim());
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

class Bench {
  readonly folder: TemporaryFolder = temporaryFolder();
  readonly log: ReturnType<typeof memoryLog> = memoryLog();
  host: RunningHost | undefined;
  #control: Control | undefined;

  get #configuration(): ReturnType<typeof parseConfiguration> {
    const plugins = { other: { path: "other", isolation: "thread", limits: { cpuMs: 20_000, deadlineMs: 20_000 } } };
    return parseConfiguration(
      JSON.stringify({ hardening: { acceptVulnerableNode: true }, adapters: { http: false }, drainMs: 20_000, plugins }),
      join(this.folder.path, "bulkhead.json"),
    );
  }

  async boot(): Promise<void> {
    await writePlugin(this.folder.path, "other", OTHER, { services: servicesOf("other", ["slow", "quick"]) });
    this.host = await createHost({ configuration: this.#configuration, log: this.log });
    this.#control = await openControl(this.#configuration);
  }

  async stop(): Promise<void> {
    await this.#control?.[Symbol.asyncDispose]();
    await this.host?.stop();
    this.host = undefined;
  }

  /** Without a host, but with its folder. */
  async offline(): Promise<void> {
    await this.stop();
    this.#control = await openControl(this.#configuration);
  }

  get core(): RunningHost["core"] {
    if (this.host === undefined) throw new Error("the host does not run");
    return this.host.core;
  }

  invoke<T = unknown>(operation: string, input: object = { plugin: "list" }): Promise<T> {
    if (this.#control === undefined) throw new Error("nothing is open");
    return this.#control.invoke<T>(operation, input);
  }

  write(version: number, onStart?: string, manifest: object = {}): Promise<string> {
    const parent = join(this.folder.path, `v${version}`);
    return writePlugin(parent, "list", list(version, onStart), { ...MANIFEST, version: `${version}.0.0`, ...manifest });
  }

  async install(path: string, settings: object, grants: readonly object[] = [CALLS, HEARS]): Promise<void> {
    await this.invoke("install", { ...(await this.plan(path)), grants, settings });
  }

  async update(path: string, grants: readonly object[] = []): Promise<void> {
    await this.invoke("update", { ...(await this.plan(path)), grants, settings: {}, approved: true });
  }

  async installed(): Promise<Installation | undefined> {
    return (await this.invoke<Installation[]>("installations", {})).find(({ plugin }) => plugin === "list");
  }

  /** The version that is running or about to. */
  async version(): Promise<string | undefined> {
    return (await this.invoke<{ plugin: string; version: string }[]>("list", {})).find(({ plugin }) => plugin === "list")?.version;
  }

  async call(service: string, text = ""): Promise<string> {
    const payload = new TextEncoder().encode(text);
    const caller = { kind: "host", name: "test" } as const;
    const output = await this.core.services.call({ service: `list.${service}`, payload, caller, traceparent: startTrace() });
    return new TextDecoder().decode(output).replaceAll(TAGS, "");
  }

  tell(n: number): void {
    const data = new TextEncoder().encode(JSON.stringify(numbered(n)));
    const event = { type: "news.came", contentType: "application/json", source: "/test", traceparent: startTrace(), data };
    this.core.events.publish(this.core.stamp(event));
  }

  /** What is stored: `c` for calls, `e` for events. */
  async stored(key: "c" | "e"): Promise<string[]> {
    return (await this.call("read", key)).split(" ").filter((part) => part !== "");
  }

  /** How often the plugin logged that an instance of it was made (L), or started (S). */
  count(letter: "L" | "S"): number {
    return this.log.lines.filter(({ plugin, message }) => plugin === "list" && message === letter).length;
  }

  async plan(path: string): Promise<object> {
    const { package: id, source, integrity, wasmSha256 } = await this.invoke<Plan & Record<string, unknown>>("plan", { spec: path });
    return { package: id, source, integrity, wasmSha256 };
  }
}

const MAX_OPEN = 300;

/** Calls and publishes, a number each, before, while and after `change` happens; answers what was answered, in the order in which it came. */
async function keepBusy(bench: Bench, change: () => Promise<unknown>): Promise<{ readonly sent: number; readonly answers: string[] }> {
  const answers: string[] = [];
  const calls: Promise<unknown>[] = [];
  const send = (): void => {
    const n = calls.length + 1;
    calls.push(bench.call("append", numbered(n)).then((answer) => answers.push(answer.trim())));
    bench.tell(n);
  };
  while (calls.length < 100) send();
  let isDone = false;
  const changing = change().finally(() => {
    isDone = true;
  });
  while (!isDone) {
    // Each is a call and an event; a mailbox has room for a thousand, however long the change takes.
    if (calls.length - answers.length < MAX_OPEN) send();
    await wait(2);
  }
  await changing;
  while (calls.length < 300) send();
  send();
  await Promise.all(calls);
  return { sent: calls.length, answers };
}

describe.each(CELL_KINDS)("a busy plugin in a %s cell", (isolation: CellKind) => {
  let bench: Bench;

  beforeEach(async () => {
    bench = new Bench();
    await bench.boot();
  });
  afterEach(async () => {
    await bench.stop();
    bench.folder.remove();
  });

  it("is updated without losing, doubling or reordering a call or an event", async () => {
    await bench.install(await bench.write(1), { isolation });
    const next = await bench.write(2);
    const { sent, answers } = await keepBusy(bench, () => bench.update(next));
    expect(answers.map((answer) => answer.slice(1))).toEqual(upTo(sent));
    const versions = answers.map((answer) => answer[0]).join("");
    expect(versions).toMatch(/^1+2+$/);
    expect(await bench.stored("c")).toEqual(upTo(sent));
    expect(await bench.stored("e")).toEqual(upTo(sent));
    expect([bench.count("L"), bench.count("S")]).toEqual([2, 2]);
  });

  it("is restarted without losing, doubling or reordering a call or an event", async () => {
    await bench.install(await bench.write(1), { isolation });
    const { sent, answers } = await keepBusy(bench, () => bench.invoke("restart"));
    expect(answers).toEqual(upTo(sent).map((number) => `1${number}`));
    expect(await bench.stored("c")).toEqual(upTo(sent));
    expect(await bench.stored("e")).toEqual(upTo(sent));
    expect([bench.count("L"), bench.count("S")]).toEqual([2, 2]);
  });

  it("goes on as it was, with its queue and its data, when the new version does not start", async () => {
    await bench.install(await bench.write(1), { isolation });
    const broken = await bench.write(3, SPOILS);
    let refused: unknown;
    const { sent, answers } = await keepBusy(bench, () =>
      bench.update(broken).catch((thrown: unknown) => {
        refused = thrown;
      }),
    );
    expect(refused).toMatchObject({ message: expect.stringContaining("on_start failed") });
    expect(answers).toEqual(upTo(sent).map((number) => `1${number}`));
    expect(await bench.stored("c")).toEqual(upTo(sent));
    expect(await bench.stored("e")).toEqual(upTo(sent));
    expect(await bench.installed()).toMatchObject({ version: "1.0.0", onProbation: false });
  });

  it("ends what it was doing when the update began, by its own answer and with its own permissions", async () => {
    await bench.install(await bench.write(1), { isolation });
    const next = await bench.write(2, undefined, { permissions: asking(HEARS) });
    // What is admitted already is exchanged at once.
    await bench.plan(next);
    const running = bench.call("ask");
    await eventually("the other plugin is asked", () => bench.core.plugin("other")?.queued === 1 || undefined);
    const updating = bench.update(next);
    await eventually("the update has begun", async () => (await bench.version()) === "2.0.0" || undefined);
    expect(bench.core.plugin("other")?.queued).toBe(1);
    const during = bench.call("version");
    expect(await running).toBe("1");
    await updating;
    // It came before the door was shut, or after.
    expect(await during).toMatch(/^[12]$/);
    expect(await bench.call("version")).toBe("2");
    expect(await bench.call("ask")).toContain("permission-denied");
  });

  it("is loaded by its first turn, sleeps when nobody asks, and comes back with storage, configuration and grants", async () => {
    await bench.install(await bench.write(1), { isolation, ...SLEEPS, config: { greeting: "hello" } });
    expect([bench.core.plugin("list")?.state, bench.count("L"), bench.count("S")]).toEqual(["running", 0, 0]);
    const send = (from: number): Promise<string[]> =>
      Promise.all(Array.from({ length: 20 }, (_, i) => bench.call("append", numbered(from + i)).then((answer) => answer.trim())));
    const wanted = upTo(40).map((number) => `1${number}`);
    expect(await send(1)).toEqual(wanted.slice(0, 20));
    expect([bench.count("L"), bench.count("S")]).toEqual([1, 1]);
    await eventually("it slept and is made anew", async () => {
      await wait(4 * SLEEPS.idleMs);
      await bench.call("version");
      return bench.count("L") >= 2 || undefined;
    });
    await wait(4 * SLEEPS.idleMs);
    expect(await send(21)).toEqual(wanted.slice(20));
    expect(await bench.stored("c")).toEqual(upTo(40));
    expect([await bench.call("setting", "greeting"), await bench.call("ask")]).toEqual(["hello", "1"]);
    expect(bench.count("S")).toBe(1);
  });

  it("is updated and restarted while it sleeps, wakes or falls asleep", async () => {
    await bench.install(await bench.write(1), { isolation, ...SLEEPS });
    const sent: Promise<string>[] = [];
    const append = (): void => void sent.push(bench.call("append", numbered(sent.length + 1)));
    // Nothing is loaded; then a turn is waking it; then it may be falling asleep.
    await bench.invoke("restart");
    for (let round = 0; round < 3; round += 1) {
      append();
      await bench.invoke("restart");
      await wait(SLEEPS.idleMs + round);
      append();
      await bench.invoke("restart");
    }
    await wait(4 * SLEEPS.idleMs);
    append();
    await bench.update(await bench.write(2));
    append();
    expect((await Promise.all(sent)).at(-1)?.trim()).toBe(`2${numbered(sent.length).trim()}`);
    expect(await bench.stored("c")).toEqual(upTo(sent.length));
  });
});

describe("an update", () => {
  let bench: Bench;
  const isolation = "inline";
  const may = (): string[] =>
    [READS, WRITES]
      .filter(({ permission, resource }) =>
        bench.core.plugin("list")?.permissions.allows(permission as "state.read" | "state.write", resource.replace("*", "one")),
      )
      .map(({ permission }) => permission);
  const written = async (): Promise<string[]> =>
    (await bench.invoke<{ permission: string; status: string }[]>("permissions"))
      .filter(({ permission, status }) => permission.startsWith("state.") && status === "granted")
      .map(({ permission }) => permission);
  const wide = { permissions: asking(CALLS, HEARS, READS, WRITES) };

  beforeEach(async () => {
    bench = new Bench();
    await bench.boot();
  });
  afterEach(async () => {
    await bench.stop();
    bench.folder.remove();
  });

  it("brings the grants that were given with it, at once", async () => {
    await bench.install(await bench.write(1), { isolation });
    await bench.update(await bench.write(2, undefined, wide), [READS]);
    expect([await written(), may()]).toEqual([["state.read"], ["state.read"]]);
  });

  it("that fails takes its grants back, and gives nothing back that was revoked", async () => {
    await bench.install(await bench.write(1, undefined, wide), { isolation }, [READS]);
    await bench.invoke("revoke", { plugin: "list", ...READS });
    expect([await written(), may()]).toEqual([[], []]);
    await expect(bench.update(await bench.write(3, SPOILS, wide), [WRITES])).rejects.toMatchObject({ code: "plugin-failed" });
    expect([await written(), may()]).toEqual([[], []]);
  });

  it("that fails leaves the version to go back to", async () => {
    await bench.install(await bench.write(1), { isolation });
    await bench.update(await bench.write(2));
    await expect(bench.update(await bench.write(3, SPOILS))).rejects.toMatchObject({ code: "plugin-failed" });
    expect(await bench.installed()).toMatchObject({ version: "2.0.0", previous: { version: "1.0.0" } });
    expect(await bench.invoke("rollback")).toBe("1.0.0");
    expect(await bench.call("version")).toBe("1");
  });

  it("that was put in without a host is taken back when it does not start, also when it is loaded on demand", async () => {
    await bench.install(await bench.write(1), { isolation, ...SLEEPS });
    await bench.call("append", numbered(1));
    await bench.offline();
    await bench.update(await bench.write(3, SPOILS));
    await bench.stop();
    await bench.boot();
    expect(await bench.call("version")).toBe("1");
    expect(await bench.stored("c")).toEqual(upTo(1));
  });
});

describe("an installation", () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = new Bench();
    await bench.boot();
  });
  afterEach(async () => {
    await bench.stop();
    bench.folder.remove();
  });

  it("that is refused leaves nothing behind", async () => {
    const path = await bench.write(1, undefined, { services: servicesOf("list", ["missing"]) });
    await expect(bench.install(path, { isolation: "inline" })).rejects.toMatchObject({ code: "invalid-manifest" });
    expect(await bench.installed()).toBeUndefined();
    expect(bench.core.plugin("list")).toBeUndefined();
    await bench.install(await bench.write(2), { isolation: "inline" });
    expect(await bench.call("version")).toBe("2");
  });

  it("that does not start when it is first needed serves nobody, however often it is asked", async () => {
    await bench.install(await bench.write(3, SPOILS), { isolation: "inline", ...SLEEPS });
    for (let n = 0; n < 2; n += 1) await expect(bench.call("version")).rejects.toMatchObject({ code: "plugin-failed" });
  });

  it("is updated and removed also while it is just starting again", async () => {
    const slow = `(loop $again (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
      (br_if $again (i32.lt_u (i32.load (i32.const 64)) (i32.const 50000000)))) (i32.const 0)`;
    await bench.install(await bench.write(1, slow), { isolation: "process" });
    const startAgain = async (): Promise<void> => {
      await bench.core.plugin("list")?.fail(new HostError("plugin-failed", "to be tried"));
      void bench.core.start("list");
      await eventually("its start", () => bench.core.plugin("list")?.state === "starting");
    };
    await startAgain();
    await bench.update(await bench.write(2, slow));
    expect(await bench.call("version")).toBe("2");
    await startAgain();
    await bench.invoke("uninstall", { plugin: "list", purge: true });
    expect(bench.core.plugin("list")).toBeUndefined();
    expect(await bench.installed()).toBeUndefined();
  });
});
