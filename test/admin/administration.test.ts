// What an operator does to a running host takes effect at once, is written down, and outlives a restart.

import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditEntry, Verification } from "../../host/admin/audit.ts";
import type { PermissionStatus } from "../../host/admin/permission-overview.ts";
import type { PluginSummary } from "../../host/admin/plugin-overview.ts";
import { type Control, openControl } from "../../host/cli/control.ts";
import { startTrace } from "../../host/core/trace.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const CALLER = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/user" "services_call" (func $call (param i64 i64 i64) (result i64)))
  (import "bulkhead:host/memory" "store" (func $store (param i32 i64 i32)))
  (memory 1) (data (i32.const 0) "null")
  (func $give (param $block i64) (result i32) (call $output (local.get $block) (call $length (local.get $block))) (i32.const 0))
  (func (export "ask") (result i32) (local $null i64)
    (local.set $null (call $alloc (i64.const 4))) (call $store (i32.const 0) (local.get $null) (i32.const 4))
    (call $give (call $call (call $input) (i64.const 0) (local.get $null))))
  (func (export "echo") (result i32) (call $give (call $input)))
  (func (export "spin") (result i32) (loop (br 0)) (i32.const 0)))`;

const LEVELS = [
  { level: "inline", settings: { isolation: "inline" } },
  { level: "process", settings: { isolation: "process" } },
  { level: "shared process", settings: { isolation: "process", cell: "together" } },
] as const;

describe.each(LEVELS)("a running host with $level cells", ({ settings }) => {
  let folder: TemporaryFolder;
  let host: RunningHost;
  let control: Control;
  const log = memoryLog();

  const configuration = () =>
    parseConfiguration(
      JSON.stringify({
        adapters: { http: false },
        drainMs: 100,
        plugins: { asker: { path: "asker", ...settings }, provider: { path: "provider", ...settings, limits: { cpuMs: 60_000 } } },
      }),
      join(folder.path, "bulkhead.json"),
    );
  const boot = async (): Promise<void> => {
    host = await createHost({ configuration: configuration(), log });
    control = await openControl(configuration());
  };
  const stop = async (): Promise<void> => {
    await control[Symbol.asyncDispose]();
    await host.stop();
  };
  const ask = (service: string): Promise<string> =>
    host.core.services
      .call({
        service: "asker.ask",
        payload: new TextEncoder().encode(service),
        caller: { kind: "host", name: "test" },
        traceparent: startTrace(),
      })
      .then((output) => new TextDecoder().decode(output));
  const SERVICE = { plugin: "asker", permission: "services.call", resource: "provider.*" };

  beforeEach(async () => {
    folder = temporaryFolder();
    const permissions = [{ permission: "services.call", resource: "provider.*", reason: "to ask" }];
    await writePlugin(folder.path, "asker", CALLER, { services: { "asker.ask": { entryPoint: "ask" } }, permissions });
    const services = { "provider.echo": { entryPoint: "echo" }, "provider.spin": { entryPoint: "spin" } };
    await writePlugin(folder.path, "provider", CALLER, { services });
    await boot();
  });
  afterEach(async () => {
    await stop();
    folder.remove();
  });

  it("lets a grant count at the next host call and a revocation too, and says who did it", async () => {
    expect(control.isLive).toBe(true);
    expect(await ask("provider.echo")).toContain("bulkhead grant asker services.call 'provider.echo'");
    await control.invoke("grant", { ...SERVICE, reason: "a test" });
    expect(await ask("provider.echo")).toBe("\0");
    const [status] = await control.invoke<PermissionStatus[]>("revoke", SERVICE);
    expect(status).toMatchObject({ permission: "services.call", resource: "provider.*", status: "not granted", reason: "to ask" });
    expect(await ask("provider.echo")).toContain("permission-denied");
    const entries = await control.invoke<AuditEntry[]>("audit", {});
    const done = entries.map(({ actor, action, subject }) => `${actor.split(":")[0]} ${action} ${subject}`);
    expect(done).toEqual(expect.arrayContaining(["host start host", "user grant asker", "user revoke asker", "host denied asker"]));
    expect(entries.find(({ action }) => action === "grant")?.detail).toMatchObject({ permission: "services.call", reason: "a test" });
    expect(await control.invoke<Verification>("verify")).toMatchObject({ ok: true });
  });

  it("ends a call that is under way when its grant is taken away", async () => {
    await control.invoke("grant", SERVICE);
    const answer = ask("provider.spin");
    await eventually("the provider runs", () => host.core.plugin("provider")?.queued === 1 || undefined);
    await control.invoke("revoke", SERVICE);
    expect(await answer).toContain("permission-denied");
  });

  it("keeps grants and denials over a restart, but not those until a restart", async () => {
    await control.invoke("grant", { ...SERVICE, resource: "provider.echo" });
    await control.invoke("grant", { ...SERVICE, resource: "provider.spin", untilRestart: true });
    await stop();
    await boot();
    expect(await ask("provider.echo")).toBe("\0");
    expect(await ask("provider.spin")).toContain("permission-denied");
  });

  it("shows what is used, and refuses what it does not understand without doing half of it", async () => {
    await control.invoke("grant", SERVICE);
    await ask("provider.echo");
    const [status] = await control.invoke<PermissionStatus[]>("permissions", { plugin: "asker" });
    expect(status).toMatchObject({ status: "granted", lastUsed: expect.stringMatching(/^\d{4}-/) });
    for (const bad of [
      { ...SERVICE, resource: "a..b" },
      { ...SERVICE, permission: "root" },
      { ...SERVICE, plugin: "nobody" },
      { ...SERVICE, also: 1 },
    ]) {
      await expect(control.invoke("grant", bad)).rejects.toMatchObject({ code: "invalid-message" });
    }
    await expect(control.invoke("__proto__")).rejects.toMatchObject({ code: "invalid-message" });
    expect((await control.invoke<PermissionStatus[]>("permissions", { plugin: "asker" })).length).toBe(1);
  });

  it("stops, starts and restarts a plugin", async () => {
    expect(await control.invoke<PluginSummary>("stop", { plugin: "provider" })).toMatchObject({ state: "stopped" });
    await control.invoke("grant", SERVICE);
    expect(await ask("provider.echo")).toContain("plugin-not-running");
    expect(await control.invoke<PluginSummary>("start", { plugin: "provider" })).toMatchObject({ state: "running" });
    expect(await ask("provider.echo")).toBe("\0");
    expect(await control.invoke<PluginSummary>("restart", { plugin: "asker" })).toMatchObject({ state: "running" });
    expect((await control.invoke<PluginSummary[]>("list")).map(({ state }) => state)).toEqual(["running", "running"]);
  });
});

describe("a data folder without a host", () => {
  it("is worked on directly, by one at a time", async () => {
    const folder = temporaryFolder();
    await writePlugin(folder.path, "asker", CALLER, { permissions: [{ permission: "state.read", resource: "a.*", reason: "x" }] });
    const configuration = parseConfiguration(JSON.stringify({ plugins: { asker: { path: "asker" } } }), join(folder.path, "c.json"));
    const control = await openControl(configuration);
    expect(control.isLive).toBe(false);
    await control.invoke("grant", { plugin: "asker", permission: "state.read", resource: "a.*" });
    expect(await control.invoke("list")).toMatchObject([{ plugin: "asker", state: "not running" }]);
    await expect(openControl(configuration)).rejects.toMatchObject({ code: "conflict" });
    await expect(control.invoke("stop", { plugin: "asker" })).rejects.toMatchObject({ code: "plugin-not-running" });
    await control[Symbol.asyncDispose]();
    folder.remove();
  });
});
