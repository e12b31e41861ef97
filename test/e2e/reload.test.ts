// A configuration that is read anew while the host runs: what is not concerned notices nothing, what is wrong changes nothing, and what cannot be is told.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startTrace } from "../../host/core/trace.ts";
import { createHost, defineProvider, type HostOptions, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

/** Answers how often it was called since it was loaded; publishes `p.happened` and answers 1, or what the host refuses it with. */
const COUNTING = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (memory (export "memory") 1)
  (global $calls (mut i32) (i32.const 0))
  (func (export "count") (result i32) (local $out i64)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (local.set $out (call $alloc (i64.const 1)))
    (call $store (local.get $out) (i32.add (i32.const 48) (global.get $calls)))
    (call $output (local.get $out) (i64.const 1))
    (i32.const 0)))`;
const NEVER_LOADS = COUNTING.replace(/\)$/, `(func (export "on_load") (result i32) (unreachable)))`);

let folder: TemporaryFolder;
const hosts: RunningHost[] = [];
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop();
  folder.remove();
});

interface World {
  readonly host: RunningHost;
  readonly log: ReturnType<typeof memoryLog>;
  /** What is written in the file from now on. */
  write(configuration: object): void;
}

const OFF = { adapters: { http: false, "control-socket": false } };

async function boot(configuration: object, options: HostOptions = {}): Promise<World> {
  let written = configuration;
  const log = memoryLog();
  const read = () => parseConfiguration(JSON.stringify({ ...OFF, ...written }), join(folder.path, "c.json"));
  const reread = async () => ({ configuration: read() });
  const host = await createHost({ configuration: read(), reread, log, ...options });
  hosts.push(host);
  const write = (next: object): void => {
    written = next;
  };
  return { host, log, write };
}

const plugin = (name: string, source = COUNTING, manifest: object = {}): Promise<string> =>
  writePlugin(folder.path, name, source, { services: { [`${name}.count`]: { entryPoint: "count" } }, ...manifest });
const inline = (name: string, more: object = {}): object => ({ path: name, isolation: "inline", ...more });
const count = (host: RunningHost, name: string): Promise<number> => host.call(`${name}.count`);

describe("a reloaded configuration", () => {
  it("restarts the plugin whose settings are different and leaves the state of others alone", async () => {
    await plugin("p");
    await plugin("q");
    const { host, write } = await boot({ plugins: { p: inline("p"), q: inline("q") } });
    for (const name of ["p", "q"]) expect([await count(host, name), await count(host, name)]).toEqual([1, 2]);
    write({ plugins: { p: inline("p", { limits: { mailboxLength: 999 } }), q: inline("q") } });
    const before = { key: "plugins.p.limits.mailboxLength", effect: "restarts the plugin", before: undefined, after: 999 };
    expect(await host.reload({ dryRun: true })).toMatchObject({ isApplied: false, changes: [before] });
    expect(await count(host, "p")).toBe(3);
    expect(await host.reload()).toMatchObject({ isApplied: true, changes: [before] });
    expect([await count(host, "p"), await count(host, "q")]).toEqual([1, 3]);
    expect(host.core.plugin("p")?.definition.limits.mailboxLength).toBe(999);
    expect(await host.reload()).toEqual({ isApplied: true, changes: [] });
  });

  it("gives and takes grants at once, and the plugin goes on", async () => {
    const permissions = [{ permission: "events.publish", resource: "devices.*", reason: "test" }];
    await plugin("p", COUNTING, { permissions });
    const { host, write } = await boot({ plugins: { p: inline("p") } });
    await count(host, "p");
    const may = () => host.core.plugin("p")?.permissions.allows("events.publish", "devices.happened");
    expect(may()).toBe(false);
    write({ plugins: { p: inline("p", { grants: "all" }) } });
    expect((await host.reload()).changes).toMatchObject([{ key: "plugins.p.grants", effect: "at once" }]);
    expect(may()).toBe(true);
    write({ plugins: { p: inline("p") } });
    await host.reload();
    expect(may()).toBe(false);
    expect(await count(host, "p")).toBe(2);
  });

  it("adds and removes plugins, those that others need first and last", async () => {
    await plugin("base");
    await plugin("needs", COUNTING, { dependencies: { base: "^1.0.0" } });
    await plugin("stays");
    const stays = { stays: inline("stays") };
    const { host, write } = await boot({ plugins: stays });
    write({ plugins: { ...stays, needs: inline("needs"), base: inline("base") } });
    await host.reload();
    expect([await count(host, "needs"), await count(host, "base"), await count(host, "stays")]).toEqual([1, 1, 1]);
    write({ plugins: stays });
    await host.reload();
    expect(host.list().map((one) => one.plugin)).toEqual(["stays"]);
    await expect(count(host, "needs")).rejects.toMatchObject({ code: "no-such-service" });
    expect(await count(host, "stays")).toBe(2);
  });

  it("moves a plugin to another cell", async () => {
    await plugin("p");
    const { host, write } = await boot({ plugins: { p: inline("p") } });
    await count(host, "p");
    write({ plugins: { p: { path: "p", isolation: "thread" } } });
    expect((await host.reload()).changes).toMatchObject([{ key: "plugins.p.isolation", effect: "moves the plugin" }]);
    expect(host.list()).toMatchObject([{ plugin: "p", state: "running", isolation: "thread" }]);
    expect(await count(host, "p")).toBe(1);
  });

  it("leaves what an operator has stopped as it is, with the new settings for its next start", async () => {
    await plugin("p");
    const { host, write } = await boot({ plugins: { p: inline("p") } });
    await host.core.plugin("p")?.stop(0);
    write({ plugins: { p: inline("p", { limits: { mailboxLength: 777 } }) } });
    await host.reload();
    expect(host.core.plugin("p")).toMatchObject({ state: "stopped", definition: { limits: { mailboxLength: 777 } } });
  });

  describe("that is wrong changes nothing, and says all that is wrong:", () => {
    const unchanged = async (before: object, after: object, options: HostOptions = {}): Promise<string> => {
      const { host, write } = await boot({ plugins: { p: inline("p"), ...before } }, options);
      await count(host, "p");
      const limits = { limits: { mailboxLength: 5 } };
      write({ drainMs: 7, plugins: { p: inline("p", limits), ...after } });
      const dry = await host.reload({ dryRun: true }).catch((thrown) => thrown);
      const thrown = await host.reload().catch((cause) => cause);
      expect(dry).toMatchObject({ code: thrown.code, message: thrown.message, detail: thrown.detail });
      expect(await count(host, "p")).toBe(2);
      expect(host.core.plugin("p")?.definition.limits.mailboxLength).not.toBe(5);
      write({ plugins: { p: inline("p"), ...before } });
      expect(await host.reload()).toEqual({ isApplied: true, changes: [] });
      return `${thrown.code} ${thrown.message} ${thrown.detail}`;
    };
    beforeEach(() => plugin("p"));

    it("a key that there is not", async () => {
      expect(await unchanged({}, { q: { path: "q", isolaton: "inline" } })).toMatch(
        /^invalid-message .*c\.json is no configuration plugins\.q/s,
      );
    });

    it("plugins that cannot be read, are none, or are others", async () => {
      mkdirSync(join(folder.path, "garbage"));
      writeFileSync(
        join(folder.path, "garbage", "plugin.json"),
        JSON.stringify({ name: "garbage", version: "1.0.0", api: "0.1", wasm: "g.wasm" }),
      );
      writeFileSync(join(folder.path, "garbage", "g.wasm"), "this is no module");
      await plugin("evil", `(module (import "env" "system" (func (param i32))))`);
      const said = await unchanged({}, { gone: inline("gone"), garbage: inline("garbage"), evil: inline("evil"), other: inline("p") });
      for (const each of [
        /plugins\.gone: /,
        /plugins\.garbage: /,
        /plugins\.evil: .*system/s,
        /plugins\.other: p holds the plugin p|holds the plugin p, not other/,
      ])
        expect(said).toMatch(each);
    });

    it("settings that the plugin does not take", async () => {
      await plugin("q", COUNTING, {
        api: "0.2",
        config: { type: "object", properties: { level: { type: "integer" } }, required: ["level"] },
      });
      expect(await unchanged({}, { q: inline("q", { config: { level: "high" } }) })).toMatch(/plugins\.q: .*level/s);
    });

    it("a plugin that others need and that goes, or comes in a version that they do not take", async () => {
      await plugin("base");
      await plugin("needs", COUNTING, { dependencies: { base: "^1.0.0" } });
      expect(await unchanged({ base: inline("base"), needs: inline("needs") }, { needs: inline("needs") })).toContain(
        "needs needs base ^1.0.0, which is not installed",
      );
    });

    it("a name that is taken by the program or by what was installed", async () => {
      await plugin("q");
      const taken = await unchanged({}, { shop: inline("q") }, { providers: [defineProvider("shop", {})] });
      expect(taken).toMatch(/plugins\.shop: shop is a provider of this host/);
      for (const host of hosts.splice(0)) await host.stop();
      const { host, write } = await boot({ plugins: { p: inline("p") } });
      await host.install(join(folder.path, "q"));
      write({ plugins: { p: inline("p"), q: inline("q") } });
      await expect(host.reload()).rejects.toMatchObject({ detail: expect.stringContaining('"bulkhead uninstall q" makes room') });
    });

    it("options of what comes with the host, also where they would wait for its restart", async () => {
      const { host, write } = await boot({});
      write({ adapters: { ...OFF.adapters, http: { prt: 1 } } });
      await expect(host.reload()).rejects.toMatchObject({ code: "invalid-message", detail: expect.stringContaining("adapters.http") });
    });
  });

  it("goes on with the old one where the new one does not start, and does the rest", async () => {
    await plugin("p");
    await plugin("q");
    await plugin("bad", NEVER_LOADS);
    await plugin("broken", NEVER_LOADS);
    const { host, write, log } = await boot({ plugins: { p: inline("p"), q: inline("q") } });
    await count(host, "p");
    mkdirSync(join(folder.path, "bad-p"));
    await plugin("bad-p/p", NEVER_LOADS, { name: "p", services: { "p.count": { entryPoint: "count" } } });
    write({ plugins: { p: inline("bad-p/p"), q: inline("q", { limits: { mailboxLength: 99 } }), broken: inline("broken") } });
    const { changes } = await host.reload();
    expect(changes.map(({ key, failure }) => [key, failure !== undefined])).toEqual([
      ["plugins.p.path", true],
      ["plugins.q.limits.mailboxLength", false],
      ["plugins.broken", true],
    ]);
    // It is another instance of the old one: the new one had its place.
    expect(await count(host, "p")).toBe(1);
    expect(host.core.plugin("q")?.definition.limits.mailboxLength).toBe(99);
    expect(host.list().map((one) => one.plugin)).toEqual(["p", "q"]);
    expect(log.lines.map(({ message }) => message)).toContainEqual(expect.stringMatching(/^plugins\.p\.path was not changed: /));
    // Nothing of it is taken for done.
    expect((await host.reload({ dryRun: true })).changes.map(({ key }) => key)).toEqual(["plugins.p.path", "plugins.broken"]);
  });

  it("says what waits for a restart of the host, each time, and does not pretend that it holds", async () => {
    await plugin("p");
    const { host, write } = await boot({ plugins: { p: inline("p") } });
    write({ dataDir: "elsewhere", hostMsPerSecond: 7, drainMs: 3, plugins: { p: inline("p", { required: true }) } });
    const waiting = { effect: "restart of the host" };
    expect((await host.reload()).changes).toMatchObject([
      { key: "dataDir", ...waiting },
      { key: "drainMs", effect: "at once" },
      { key: "hostMsPerSecond", ...waiting },
      { key: "plugins.p.required", effect: "at once" },
    ]);
    expect((await host.reload()).changes).toMatchObject([
      { key: "dataDir", ...waiting },
      { key: "hostMsPerSecond", ...waiting },
    ]);
  });

  it("changes at once what events are kept and when a plugin that fails pauses", async () => {
    await plugin("p", `(module (func (export "count") (unreachable)))`);
    const { host, write } = await boot({ plugins: { p: inline("p") } });
    const publish = async (): Promise<number> => {
      const event = { type: "shop.opened", source: "test", contentType: "application/json", data: new TextEncoder().encode("1") };
      await host.core.publish({ ...event, traceparent: startTrace() }, { kind: "host", name: "test" });
      return host.events.statistics().events;
    };
    const fail = async (): Promise<string | undefined> => {
      await expect(count(host, "p")).rejects.toThrow();
      return host.core.plugin("p")?.state;
    };
    expect([await publish(), await fail()]).toEqual([0, "running"]);
    write({ events: { keep: ["shop.*"] }, containment: { pauseAfter: 1, pauseMs: 60_000 }, plugins: { p: inline("p") } });
    await host.reload();
    expect([await publish(), await fail()]).toEqual([1, "failed"]);
  });

  it("changes from what level on lines are written, but for those that somebody has set meanwhile", async () => {
    const LOGS = `(module
      (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
      (import "extism:host/env" "log_info" (func $log (param i64)))
      (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
      (memory (export "memory") 1)
      (func (export "count") (result i32) (local $text i64)
        (local.set $text (call $alloc (i64.const 1)))
        (call $store (local.get $text) (i32.const 66))
        (call $log (local.get $text))
        (i32.const 0)))`;
    await plugin("p", LOGS);
    const { host, log, write } = await boot({ plugins: { p: inline("p") } });
    const written = async (): Promise<number> => {
      const before = log.lines.filter((line) => line.by === "guest").length;
      await host.call("p.count").catch(() => {});
      return log.lines.filter((line) => line.by === "guest").length - before;
    };
    expect(await written()).toBe(1);
    write({ plugins: { p: inline("p", { logLevel: "error" }) } });
    await host.reload();
    expect(await written()).toBe(0);
    write({ plugins: { p: inline("p") } });
    await host.reload();
    expect(await written()).toBe(1);
  });

  it("is one at a time, and refused where the program does not say what to read", async () => {
    const { host } = await boot({});
    const [first, second] = await Promise.allSettled([host.reload(), host.reload()]);
    expect(first.status).toBe("fulfilled");
    expect(second).toMatchObject({ status: "rejected", reason: { code: "conflict", message: expect.stringContaining("already") } });
    const silent = await boot({ dataDir: "other" }, { reread: undefined });
    await expect(silent.host.reload()).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("reread") });
  });
});
