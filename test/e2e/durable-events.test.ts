// A plugin that subscribes durably, in a whole host: it hears after a restart what came while it was away, and an operator sees and mends what it could not handle.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditEntry } from "../../host/admin/audit.ts";
import { openControl } from "../../host/cli/control.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { bulkhead } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { type MemoryLog, memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { utf8 } from "../support/scripted-cell.ts";

// Logs its input; traps when the configuration variable "broken" is there.
const LISTENER = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "config_get" (func $config (param i64) (result i64)))
  (import "extism:host/env" "log_info" (func $log (param i64)))
  (func (export "on_event") (result i32) (local $key i64)
    (local.set $key (call $alloc (i64.const 1)))
    (call $store (local.get $key) (i32.const 98))
    (if (i64.ne (call $config (local.get $key)) (i64.const 0)) (then unreachable))
    (call $log (call $input))
    (i32.const 0)))`;

const asks = ["events.subscribe", "events.durable"].map((permission) => ({ permission, resource: "doors.**", reason: "to listen" }));
const MANIFEST = {
  api: "0.2",
  permissions: asks,
  subscriptions: [{ type: "doors.**", entryPoint: "on_event", durable: true, name: "doors", maxAttempts: 1 }],
};

describe("a durable subscription in a host", () => {
  let folder: TemporaryFolder;
  beforeEach(async () => {
    folder = temporaryFolder();
    await writePlugin(folder.path, "listener", LISTENER, MANIFEST);
  });
  afterEach(() => folder.remove());

  const text = (isolation: string, config: object = {}): string =>
    JSON.stringify({
      adapters: { http: false },
      events: { keep: ["lamps.*"] },
      plugins: { listener: { path: "listener", isolation, grants: "all", config } },
    });
  const open = async (isolation: string, config: object = {}): Promise<{ host: RunningHost; log: MemoryLog }> => {
    const file = join(folder.path, "bulkhead.json");
    writeFileSync(file, text(isolation, config));
    const log = memoryLog();
    return { log, host: await createHost({ configuration: parseConfiguration(text(isolation, config), file), log }) };
  };
  const publish = async ({ core }: RunningHost, type: string, data: unknown): Promise<void> => {
    const traceparent = `00-${"1".repeat(32)}-${"1".repeat(16)}-01`;
    const event = { type, source: "/plugins/doors", contentType: "application/json", data: utf8(JSON.stringify(data)), traceparent };
    await core.publish(event, { kind: "host", name: "test" });
  };
  const heardBy = (log: MemoryLog): { readonly data: number; readonly attempt?: number; readonly replayed?: boolean }[] =>
    log.lines.filter(({ by }) => by === "guest").map(({ message }) => JSON.parse(message));

  it.each(["inline", "process"])(
    "hears what came while it was stopped and while the host was away, in a cell of kind %s",
    async (isolation) => {
      const first = await open(isolation);
      try {
        await publish(first.host, "doors.opened", 1);
        await eventually("the first", () => heardBy(first.log).length === 1 || undefined);
        await first.host.core.plugin("listener")?.stop(1_000);
        await publish(first.host, "doors.opened", 2);
      } finally {
        await first.host.stop();
      }
      const second = await open(isolation);
      try {
        await eventually("what came meanwhile", () => heardBy(second.log).length === 1 || undefined);
        await publish(second.host, "doors.closed", 3);
        await eventually("what comes now", () => heardBy(second.log).length === 2 || undefined);
        expect(heardBy(second.log).map(({ data }) => data)).toEqual([2, 3]);
        const kept: number[] = [];
        for await (const event of second.host.events.history({ types: "doors.*" })) kept.push(Number(new TextDecoder().decode(event.data)));
        expect(kept).toEqual([1, 2, 3]);
        // The line of a turn is there before the turn has ended.
        await eventually("nothing waits", () => second.host.events.statistics().consumers[0]?.waiting === 0 || undefined);
      } finally {
        await second.host.stop();
      }
    },
  );

  it("shows dead letters, hands them out again and drops them, and writes that down", async () => {
    const broken = await open("inline", { b: "yes" });
    try {
      for (const data of [1, 2, 3]) await publish(broken.host, "doors.opened", data);
      const dead = async (): Promise<{ id: number; reason: string }[]> =>
        JSON.parse((await bulkhead(["events", "dead", "list", "listener", "--json"], { cwd: folder.path })).stdout);
      await eventually("three dead letters", async () => ((await dead()).length === 3 ? true : undefined), 30_000);
      const shown = await bulkhead(["events", "dead", "list"], { cwd: folder.path });
      for (const word of ["listener/doors", "doors.opened", "/plugins/doors", "plugin-failed"]) expect(shown.stdout).toContain(word);
      const one = await bulkhead(["events", "dead", "show", "1"], { cwd: folder.path });
      expect(one.stdout).toContain('"data":1');
      expect(await bulkhead(["events", "dead", "show", "99"], { cwd: folder.path })).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("there is no dead letter 99"),
      });
      const failed = await bulkhead(["events", "dead", "redeliver", "1"], { cwd: folder.path });
      expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining("0 handled, 1 not") });
      expect(await bulkhead(["events", "dead", "drop", "2"], { cwd: folder.path })).toMatchObject({ code: 0 });
    } finally {
      await broken.host.stop();
    }
    const { host, log } = await open("inline");
    try {
      const done = await bulkhead(["events", "dead", "redeliver", "listener"], { cwd: folder.path });
      expect(done).toMatchObject({ code: 0, stderr: expect.stringContaining("2 handled, 0 not") });
      expect(heardBy(log)).toMatchObject([
        { data: 1, replayed: true },
        { data: 3, replayed: true },
      ]);
      expect((await bulkhead(["events", "dead", "list"], { cwd: folder.path })).stdout).toContain("there are no dead letters");
      await using control = await openControl(parseConfiguration(text("inline"), join(folder.path, "bulkhead.json")));
      const actions = (await control.invoke<AuditEntry[]>("audit", {})).map(({ action }) => action);
      expect(actions).toEqual(expect.arrayContaining(["read-dead-letter", "redeliver-events", "drop-events"]));
      expect(host.list()).toMatchObject([{ state: "running" }]);
    } finally {
      await host.stop();
    }
  });

  it("shows what is kept and what waits, and replays it to whom the operator says", async () => {
    const { host, log } = await open("inline");
    try {
      await publish(host, "doors.opened", 1);
      await publish(host, "lamps.on", 2);
      await publish(host, "lamps.dim.low", 3);
      await eventually("the event", () => heardBy(log).length === 1 || undefined);
      const run = (...args: string[]) => bulkhead(["events", ...args], { cwd: folder.path });
      const history = await run("history", "--json", "--plugin", "doors", "--since", "1h");
      expect(
        history.stdout
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line).data),
      ).toEqual([1, 2]);
      expect((await run("history", "--types", "lamps.*")).stdout).toContain("lamps.on");
      expect(await run("history", "--since", "yesterday")).toMatchObject({ code: 2, stderr: expect.stringContaining("--since") });
      const stats = await run("stats");
      for (const word of ["2 events of", "doors.opened", "listener/doors"]) expect(stats.stdout).toContain(word);
      const replayed = await run("replay", "--to", "listener", "--types", "doors.**");
      expect(replayed).toMatchObject({ code: 0, stderr: expect.stringContaining("1 handled, 0 not") });
      expect(heardBy(log)).toMatchObject([{ data: 1 }, { data: 1, replayed: true }]);
      // What it may not hear it does not hear as a replay either.
      expect((await run("replay", "--to", "listener")).stderr).toContain("1 handled, 0 not");
      expect(await run("replay", "--to", "nobody")).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("there is no plugin nobody"),
      });
    } finally {
      await host.stop();
    }
    expect(await bulkhead(["events", "stats"], { cwd: folder.path })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no host runs"),
    });
  });

  it("refuses a manifest whose subscription says too much, or says what only a durable one has", async () => {
    const refused = async (subscriptions: object[], api = "0.2"): Promise<string> => {
      await writePlugin(folder.path, "bad", LISTENER, { ...MANIFEST, api, subscriptions });
      const { stderr } = await bulkhead(["inspect", "bad"], { cwd: folder.path });
      return stderr;
    };
    const one = { type: "doors.**", entryPoint: "on_event" };
    expect(await refused([{ ...one, order: "none" }])).toContain('only a durable subscription has it; write "durable": true');
    expect(await refused([{ ...one, durable: true, maxAttempts: 101 }])).toContain("maxAttempts");
    expect(await refused([{ ...one, durable: true, batch: { max: 101 } }])).toContain("batch.max");
    expect(
      await refused([
        { ...one, durable: true },
        { ...one, durable: true },
      ]),
    ).toContain("two durable subscriptions are called doors.**");
    expect(await refused([{ ...one, priority: 101 }])).toContain("priority");
    expect(await refused([{ ...one, durable: true }], "0.1")).toContain("subscriptions.durable, which came with 0.2");
  });
});
