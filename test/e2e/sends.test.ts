// Plugins that send to each other without waiting, in a whole host: what is durable outlives the host, and an operator sees and mends what could not be handled.

import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditEntry } from "../../host/admin/audit.ts";
import { openControl } from "../../host/cli/control.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { bulkhead } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { type MemoryLog, memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

// Logs its input; traps when the configuration variable "broken" is there.
const KEEPER = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "config_get" (func $config (param i64) (result i64)))
  (import "extism:host/env" "log_info" (func $log (param i64)))
  (func (export "keep") (result i32) (local $key i64)
    (local.set $key (call $alloc (i64.const 1)))
    (call $store (local.get $key) (i32.const 98))
    (if (i64.ne (call $config (local.get $key)) (i64.const 0)) (then unreachable))
    (call $log (call $input))
    (i32.const 0)))`;

// Sends its input on, and answers with the block that the host answered: 0 and the id, or the error.
const SENDER = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/user" "services_send" (func $send (param i64 i64 i64) (result i64)))
  (memory 1)
  (data (i32.const 0) "keeper.keep")
  (data (i32.const 100) "{\\"durable\\":false}")
  (data (i32.const 200) "{\\"durable\\":true}")
  (func $text (param $from i32) (param $size i32) (result i64) (local $block i64) (local $i i32)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $size))))
    (loop $next
      (call $store (i64.add (local.get $block) (i64.extend_i32_u (local.get $i))) (i32.load8_u (i32.add (local.get $from) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $size))))
    (local.get $block))
  (func $pass (param $options i64) (local $answer i64)
    (local.set $answer (call $send (call $text (i32.const 0) (i32.const 11)) (call $input) (local.get $options)))
    (call $output (local.get $answer) (call $length (local.get $answer))))
  (func (export "pass") (result i32) (call $pass (call $text (i32.const 100) (i32.const 17))) (i32.const 0))
  (func (export "pass_durably") (result i32) (call $pass (call $text (i32.const 200) (i32.const 16))) (i32.const 0)))`;

const asks = ["services.call", "services.durable"].map((permission) => ({ permission, resource: "keeper.*", reason: "to pass on" }));

describe("sends in a host", () => {
  let folder: TemporaryFolder;
  beforeEach(async () => {
    folder = temporaryFolder();
    await writePlugin(folder.path, "keeper", KEEPER, { api: "0.2", services: { "keeper.keep": { entryPoint: "keep" } } });
    const services = { "sender.pass": { entryPoint: "pass" }, "sender.pass-durably": { entryPoint: "pass_durably" } };
    await writePlugin(folder.path, "sender", SENDER, { api: "0.2", services, permissions: asks });
  });
  afterEach(() => folder.remove());

  const text = (isolation: string, config: object, grants: unknown): string =>
    JSON.stringify({
      adapters: { http: false },
      sends: { maxAttempts: 1 },
      plugins: { sender: { path: "sender", isolation, grants }, keeper: { path: "keeper", isolation, config } },
    });
  const open = async (
    isolation: string,
    { config = {}, grants = "all" as unknown } = {},
  ): Promise<{ readonly host: RunningHost; readonly log: MemoryLog }> => {
    const file = join(folder.path, "bulkhead.json");
    writeFileSync(file, text(isolation, config, grants));
    const log = memoryLog();
    return { log, host: await createHost({ configuration: parseConfiguration(text(isolation, config, grants), file), log }) };
  };
  const passing = async ({ core }: RunningHost, service: string, payload: string): Promise<string> => {
    const call = { service, payload: new TextEncoder().encode(payload), caller: { kind: "host", name: "test" } as const };
    return new TextDecoder().decode(await core.services.call({ ...call, traceparent: `00-${"1".repeat(32)}-${"1".repeat(16)}-01` }));
  };
  const heardBy = (log: MemoryLog): string[] => log.lines.filter(({ by }) => by === "guest").map(({ message }) => message);

  it.each(["inline", "process"])(
    "are handled, and durable ones also after a restart of the host, in cells of kind %s",
    async (isolation) => {
      const first = await open(isolation);
      try {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: the answer's first byte.
        expect(await passing(first.host, "sender.pass", "1")).toMatch(/^\u0000[0-9a-f-]{36}-\d+$/);
        await eventually("what was sent", () => heardBy(first.log).length === 1 || undefined);
        expect(existsSync(join(folder.path, "data", "sends"))).toBe(false);
        await first.host.core.plugin("keeper")?.stop(1_000);
        expect(await passing(first.host, "sender.pass", "lost")).toContain("plugin-not-running");
        await passing(first.host, "sender.pass-durably", "2");
        expect(await first.host.send("keeper.keep", 3, { durable: true, id: "mine" })).toBe("mine");
        expect(await first.host.send("keeper.keep", 3, { durable: true, id: "mine" })).toBe("mine");
      } finally {
        await first.host.stop();
      }
      expect(statSync(join(folder.path, "data", "sends")).mode & 0o077).toBe(0);
      const second = await open(isolation);
      try {
        await eventually("what was kept", () => heardBy(second.log).length === 2 || undefined);
        expect(heardBy(second.log).toSorted()).toEqual(["2", "3"]);
        const stats = await bulkhead(["sends", "stats"], { cwd: folder.path });
        for (const word of ["volatile: 0", "keeper.keep", "yes"]) expect(stats.stdout).toContain(word);
      } finally {
        await second.host.stop();
      }
    },
  );

  it("keep nothing on disk for a plugin that may not, whatever its manifest says", async () => {
    const { host } = await open("inline", { grants: [asks[0]].map((ask) => ({ permission: ask?.permission, resource: ask?.resource })) });
    try {
      expect(await passing(host, "sender.pass-durably", "x")).toContain("permission-denied");
      expect(existsSync(join(folder.path, "data", "sends"))).toBe(false);
    } finally {
      await host.stop();
    }
  });

  it("that could not be handled are shown, handed out again and dropped, and that is written down", async () => {
    const run = (...args: string[]) => bulkhead(["sends", "dead", ...args], { cwd: folder.path });
    const broken = await open("inline", { config: { b: "yes" } });
    try {
      for (const one of ["1", "2", "3"]) await passing(broken.host, "sender.pass-durably", one);
      const dead = async (): Promise<unknown[]> => JSON.parse((await run("list", "keeper", "--json")).stdout);
      await eventually("three dead letters", async () => ((await dead()).length === 3 ? true : undefined), 30_000);
      const shown = await run("list");
      for (const word of ["keeper/keeper.keep", "/plugins/sender", "plugin-failed", "service"]) expect(shown.stdout).toContain(word);
      expect((await run("show", "1")).stdout).toContain('"data_base64":"MQ=="');
      expect(await run("show", "99")).toMatchObject({ code: 2, stderr: expect.stringContaining("bulkhead sends dead list") });
      expect(await run("redeliver", "1")).toMatchObject({ code: 1, stderr: expect.stringContaining("0 handled, 1 not") });
      expect(await run("drop", "2")).toMatchObject({ code: 0 });
    } finally {
      await broken.host.stop();
    }
    const { host, log } = await open("inline");
    try {
      expect(await run("redeliver", "keeper")).toMatchObject({ code: 0, stderr: expect.stringContaining("2 handled, 0 not") });
      expect(heardBy(log)).toEqual(["1", "3"]);
      expect((await run("list")).stdout).toContain("there are no dead letters");
      await using control = await openControl(parseConfiguration(text("inline", {}, "all"), join(folder.path, "bulkhead.json")));
      const actions = (await control.invoke<AuditEntry[]>("audit", {})).map(({ action }) => action);
      expect(actions).toEqual(expect.arrayContaining(["read-dead-letter", "redeliver-sends", "drop-sends"]));
    } finally {
      await host.stop();
    }
  });

  it("say what is wrong with their section of the configuration", () => {
    const wrong = (sends: unknown): unknown => {
      try {
        return parseConfiguration(JSON.stringify({ sends }), join(folder.path, "bulkhead.json"));
      } catch (thrown) {
        return (thrown as { readonly detail?: string }).detail;
      }
    };
    expect(wrong({ volatile: { maxPerPlugin: 0 } })).toContain("sends.volatile.maxPerPlugin");
    expect(wrong({ durable: { maxMib: 1 } })).toContain("sends.durable");
    expect(wrong({ maxAttempts: 101 })).toContain("sends.maxAttempts");
  });
});
