// A stranger's plugin is installed, updated, goes back and is removed, with and without a running host; what fails leaves things as they were.

import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditEntry } from "../../host/admin/audit.ts";
import { openHostDatabase } from "../../host/admin/database.ts";
import { type Installation, Installations } from "../../host/admin/installations.ts";
import type { Plan, UpdateOutcome } from "../../host/admin/installer.ts";
import type { PluginSummary } from "../../host/admin/plugin-overview.ts";
import { escapesOf } from "../../host/cell/outside/known-escapes.ts";
import { describePlan } from "../../host/cli/consent.ts";
import { type Control, openControl } from "../../host/cli/control.ts";
import { startTrace } from "../../host/core/trace.ts";
import { openSqliteStorage } from "../../host/drivers/storage-sqlite/storage-sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { pluginSettings } from "../../host/manifest/configuration.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

/** Says its version; keeps what it is told under one key; the third version breaks its data before it fails to start. */
const source = (version: number, onStart = ""): string => `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/user" "storage_set" (func $set (param i64 i64) (result i64)))
  (import "extism:host/user" "storage_get" (func $get (param i64) (result i64)))
  (memory 1)
  (func $byte (param $value i32) (result i64) (local $block i64)
    (local.set $block (call $alloc (i64.const 1))) (call $store (local.get $block) (local.get $value)) (local.get $block))
  (func $give (param $block i64) (result i32) (call $output (local.get $block) (call $length (local.get $block))) (i32.const 0))
  (func (export "version") (result i32) (call $give (call $byte (i32.const ${48 + version}))))
  (func (export "keep") (result i32) (call $give (call $set (call $byte (i32.const 107)) (call $input))))
  (func (export "kept") (result i32) (call $give (call $get (call $byte (i32.const 107)))))
  ${onStart})`;
const BREAKS = `(func (export "on_start") (result i32)
  (drop (call $set (call $byte (i32.const 107)) (call $byte (i32.const 33)))) (i32.const 1))`;

const SERVICES = Object.fromEntries(["version", "keep", "kept"].map((name) => [`thing.${name}`, { entryPoint: name }]));
const MIB = 1_024 * 1_024;
// The bytes before a host function's answer: whether it is an error, and whether there is a value.
const TAGS = /\p{Cc}/gu;
const READS = { permission: "state.read", resource: "devices.*", reason: "to look" };
const WRITES = { permission: "state.write", resource: "devices.*", reason: "to change" };

describe("a stranger's plugin", () => {
  let folder: TemporaryFolder;
  let host: RunningHost | undefined;
  let control: Control;
  const log = memoryLog();

  let auth: object = {};
  const configuration = () =>
    parseConfiguration(JSON.stringify({ adapters: { http: false }, drainMs: 200, auth }), join(folder.path, "bulkhead.json"));
  const boot = async (): Promise<void> => {
    host = await createHost({ configuration: configuration(), log });
    control = await openControl(configuration());
  };
  const stop = async (): Promise<void> => {
    await control[Symbol.asyncDispose]();
    await host?.stop();
    host = undefined;
  };
  const version = (name: string, number: number, manifest: object = {}, onStart?: string): Promise<string> =>
    writePlugin(join(folder.path, name), "thing", source(number, onStart), { version: `${number}.0.0`, services: SERVICES, ...manifest });
  const call = (service: string, text = ""): Promise<string> =>
    running()
      .core.services.call({
        service: `thing.${service}`,
        payload: new TextEncoder().encode(text),
        caller: { kind: "host", name: "test" },
        traceparent: startTrace(),
      })
      .then((output) => new TextDecoder().decode(output).replaceAll(TAGS, ""));
  const running = (): RunningHost => {
    if (host === undefined) throw new Error("the host does not run");
    return host;
  };
  const plan = (path: string): Promise<Plan & Record<string, unknown>> => control.invoke("plan", { spec: path });
  const packageOf = ({ package: id, source: from, integrity, wasmSha256 }: Plan & Record<string, unknown>) => ({
    package: id,
    source: from,
    integrity,
    wasmSha256,
  });
  const install = async (path: string, grants: object[] = [], accepted: readonly string[] = []): Promise<void> => {
    await control.invoke("install", { ...packageOf(await plan(path)), grants, settings: {}, accepted });
  };
  const update = async (path: string, approved = true): Promise<UpdateOutcome> =>
    control.invoke("update", { ...packageOf(await plan(path)), grants: [], settings: {}, approved });
  const installed = async (): Promise<Installation | undefined> => (await control.invoke<Installation[]>("installations"))[0];

  beforeEach(async () => {
    folder = temporaryFolder();
    auth = {};
    await boot();
  });
  afterEach(async () => {
    await stop();
    folder.remove();
  });

  it("shows what it asks for before anything is given, and gets exactly what it was given", async () => {
    const planned = await plan(await version("v1", 1, { permissions: [READS, WRITES] }));
    expect(planned).toMatchObject({
      plugin: "thing",
      version: "1.0.0",
      asks: [READS, WRITES],
      refusals: [],
      unmet: [],
    });
    expect(await control.invoke("list")).toEqual([]);
    const { permission, resource } = READS;
    await control.invoke("install", { ...packageOf(planned), grants: [{ permission, resource }], settings: {} });
    expect(await call("version")).toBe("1");
    const status = await control.invoke<{ permission: string; status: string }[]>("permissions", { plugin: "thing" });
    expect(status.map((line) => `${line.permission} ${line.status}`)).toEqual(["state.read granted", "state.write not granted"]);
    expect(await control.invoke<PluginSummary[]>("list")).toMatchObject([{ plugin: "thing", state: "running", isolation: "process" }]);
    await expect(install(join(folder.path, "v1", "thing"))).rejects.toMatchObject({ code: "conflict" });
  });

  it("is there again after a restart, without its folder, and not with a package that was changed", async () => {
    await install(await version("v1", 1));
    rmSync(join(folder.path, "v1"), { recursive: true });
    await call("keep", "x");
    await stop();
    await boot();
    expect([await call("version"), await call("kept")]).toEqual(["1", "x"]);
    const id = (await installed())?.package ?? "";
    await stop();
    writeFileSync(join(folder.path, "data", "packages", id, "module.wasm"), "evil");
    await boot();
    expect(host?.core.plugin("thing")).toBeUndefined();
    expect(log.lines.some(({ message }) => message.includes("install the plugin again"))).toBe(true);
  });

  it("waits with a version that asks for more, and runs it once that is approved", async () => {
    await install(await version("v1", 1, { permissions: [READS] }));
    const next = await version("v2", 2, { permissions: [READS, WRITES] });
    expect(await plan(next)).toMatchObject({ installed: "1.0.0", newlyAsks: [WRITES], noLongerAsks: [] });
    expect(await update(next, false)).toMatchObject({ state: "waits for approval", newlyAsks: [WRITES] });
    expect(await call("version")).toBe("1");
    expect(await installed()).toMatchObject({ version: "1.0.0", pending: { version: "2.0.0" } });
    expect(await update(next)).toMatchObject({ state: "updated" });
    expect(await call("version")).toBe("2");
    expect(await installed()).toMatchObject({ version: "2.0.0", previous: { version: "1.0.0" }, onProbation: false });
  });

  it("waits with every version once the operator has named it to say who comes in, and says what that means", async () => {
    const contributes = { authenticate: { service: "thing.version", schemes: ["bearer"] } };
    const fetches = { permission: "http.fetch", resource: "GET https://example.com/*", reason: "to look" };
    const planned = await plan(await version("v1", 1, { contributes, permissions: [fetches] }));
    expect(planned).toMatchObject({ authenticates: true, isAuthenticator: false });
    expect(describePlan(planned as never, planned.asks)).toContain(
      "It can say who comes in, if auth.plugin names thing: it sees the passwords and tokens that people show, AND COULD SEND THEM AWAY with http.fetch.",
    );
    await install(join(folder.path, "v1", "thing"), [], ["could-send-away"]);
    await stop();
    auth = { mode: "required", plugin: { name: "thing", groups: [] } };
    await boot();
    const next = await version("v2", 2, { contributes });
    expect(await plan(next)).toMatchObject({ newlyAsks: [], isAuthenticator: true });
    expect(await update(next, false)).toMatchObject({ state: "waits for approval", newlyAsks: [] });
    expect(await call("version")).toBe("1");
    expect(await update(next)).toMatchObject({ state: "updated" });
    expect(await call("version")).toBe("2");
  });

  it("is back with its data when the new version does not start", async () => {
    await install(await version("v1", 1));
    await call("keep", "old");
    await expect(update(await version("v3", 3, {}, BREAKS))).rejects.toMatchObject({ message: expect.stringContaining("on_start failed") });
    expect([await call("version"), await call("kept")]).toEqual(["1", "old"]);
    expect(await installed()).toMatchObject({ version: "1.0.0", onProbation: false });
    await stop();
    await boot();
    expect([await call("version"), await call("kept")]).toEqual(["1", "old"]);
  });

  it("is back with its data when the new version was put in without a host and does not start", async () => {
    await install(await version("v1", 1));
    await call("keep", "old");
    await stop();
    control = await openControl(configuration());
    await update(await version("v3", 3, {}, BREAKS));
    expect(await installed()).toMatchObject({ version: "3.0.0", onProbation: true });
    await control[Symbol.asyncDispose]();
    await boot();
    expect([await call("version"), await call("kept")]).toEqual(["1", "old"]);
    expect(await installed()).toMatchObject({ version: "1.0.0", onProbation: false });
  });

  it("goes back by hand, and keeps its data", async () => {
    await install(await version("v1", 1));
    await update(await version("v2", 2));
    await call("keep", "new");
    expect(await control.invoke("rollback", { plugin: "thing" })).toBe("1.0.0");
    expect([await call("version"), await call("kept")]).toEqual(["1", "new"]);
  });

  it("is uninstalled with its grants; its data go with --purge only", async () => {
    const first = await version("v1", 1, { permissions: [READS] });
    await install(first, [{ permission: READS.permission, resource: READS.resource }]);
    await call("keep", "x");
    await control.invoke("uninstall", { plugin: "thing", purge: false });
    await expect(call("version")).rejects.toMatchObject({ code: "no-such-service" });
    await install(first);
    expect(await call("kept")).toBe("x");
    expect(await control.invoke("permissions", { plugin: "thing" })).toMatchObject([{ status: "not granted" }]);
    await control.invoke("uninstall", { plugin: "thing", purge: true });
    await install(first);
    expect(await call("kept")).toBe("");
  });

  it("shows how often services may be called: as the manifest asks, and as the operator sets instead", async () => {
    const asked = { perCaller: { perSecond: 2.5 }, total: { perSecond: 9, burst: 20 } };
    const services = Object.fromEntries(Object.entries(SERVICES).map(([name, service]) => [name, { ...service, ...asked }]));
    const planned = packageOf(await plan(await version("v1", 1, { api: "0.2", services })));
    await expect(control.invoke("install", { ...planned, grants: [], settings: { services: { "thing.none": {} } } })).rejects.toMatchObject(
      {
        code: "invalid-message",
        message: "plugins.thing.services names thing.none; it provides thing.version, thing.keep, thing.kept",
      },
    );
    const settings = { services: { "thing.keep": { perCaller: { perSecond: 7 } }, "thing.kept": { perCaller: false, total: false } } };
    await control.invoke("install", { ...planned, grants: [], settings });
    const both = { perCaller: { perSecond: 2.5, burst: 3 }, total: { perSecond: 9, burst: 20 } };
    const { rates } = await control.invoke<{ rates: unknown }>("info", { plugin: "thing" });
    expect(rates).toEqual({ "thing.version": both, "thing.keep": { ...both, perCaller: { perSecond: 7, burst: 7 } } });
  });

  it("stays stopped over a restart of the host when an operator stopped it, and shows all that is known of it", async () => {
    await install(await version("v1", 1, { permissions: [READS] }));
    await control.invoke("stop", { plugin: "thing" });
    await stop();
    await boot();
    await expect(call("version")).rejects.toMatchObject({ code: "plugin-not-running" });
    await control.invoke("start", { plugin: "thing" });
    expect(await call("version")).toBe("1");
    await stop();
    await boot();
    expect(await call("version")).toBe("1");
    expect(await control.invoke("info", { plugin: "thing" })).toMatchObject({
      state: "running",
      services: Object.keys(SERVICES),
      rates: {},
      permissions: [{ permission: "state.read", status: "not granted" }],
      installation: { version: "1.0.0", enabled: true, source: expect.stringContaining("folder:") },
    });
    await expect(control.invoke("info", { plugin: "ghost" })).rejects.toMatchObject({ code: "invalid-message" });
    await expect(control.invoke("release", { plugin: "thing" })).rejects.toMatchObject({ code: "invalid-message" });
  });

  it("is refused when it says to an adapter what that cannot read, with the path and what to write instead", async () => {
    const routes = [{ method: "GET", path: "/other/x", service: "thing.kept" }];
    const foreign = await version("foreign", 1, { contributes: { http: { routes } } });
    const malformed = await version("malformed", 1, { contributes: { http: { routes: [{ method: "TRACE" }] } } });
    expect((await plan(foreign)).refusals).toEqual([
      'plugin.json:1: contributes.http.routes.0.path ("/other/x"): thing contributes the route /other/x; its routes must begin with /thing',
    ]);
    expect((await plan(malformed)).refusals).toContainEqual(
      expect.stringMatching(/^plugin\.json:1: contributes\.http\.routes\.0\.method \("TRACE"\): /),
    );
    // What no adapter of this host reads is nobody's concern.
    const unknown = await version("unknown", 1, { contributes: { teletext: { page: 100 } } });
    expect((await plan(unknown)).refusals).toEqual([]);
  });

  it("is refused when it is blocked, lacks a dependency or may not run, and stopped when it is blocked later", async () => {
    const needy = await version("needy", 2, { dependencies: { logger: "^1.0.0" } });
    expect((await plan(needy)).unmet).toEqual(["thing needs logger ^1.0.0, which is not installed"]);
    await expect(install(needy)).rejects.toMatchObject({ code: "conflict" });
    const evil = await writePlugin(join(folder.path, "evil"), "thing", '(module (import "env" "system" (func)))');
    expect((await plan(evil)).refusals).toEqual([expect.stringContaining("import env system")]);
    await expect(install(evil)).rejects.toMatchObject({ code: "invalid-manifest" });
    expect(readdirSync(join(folder.path, "data", "packages"))).not.toContain((await plan(evil)).package);
    expect(await control.invoke("list")).toEqual([]);
    const first = await version("v1", 1);
    await install(first);
    await control.invoke("block", { plugin: "thing", range: "<2", reason: "it is known to be bad" });
    expect(host?.core.plugin("thing")?.state).toBe("stopped");
    expect((await plan(first)).refusals).toEqual([expect.stringContaining("is blocked (<2): it is known to be bad")]);
    await stop();
    await boot();
    expect(host?.core.plugin("thing")).toBeUndefined();
  });

  it.skipIf(escapesOf().length === 0)(
    "runs in the host's own process only where the operator accepts a Node with known flaws",
    async () => {
      const planned = packageOf(await plan(await version("v1", 1)));
      for (const isolation of ["inline", "thread"])
        await expect(control.invoke("install", { ...planned, grants: [], settings: { isolation } })).rejects.toMatchObject({
          code: "conflict",
          message: expect.stringMatching(/V8 .* has known flaws \(CVE-.*--accept-vulnerable-node/),
        });
      expect(await control.invoke("list")).toEqual([]);
      await stop();
      const accepted = { ...configuration(), hardening: { acceptVulnerableNode: true } };
      host = await createHost({ configuration: accepted, log });
      control = await openControl(accepted);
      const again = packageOf(await plan(join(folder.path, "v1", "thing")));
      await control.invoke("install", { ...again, grants: [], settings: { isolation: "inline" } });
      expect(await call("version")).toBe("1");
      await stop();
      // A host that does not accept it leaves it out.
      await boot();
      expect(host?.core.plugin("thing")).toBeUndefined();
    },
  );

  it("never runs a blocked version, whichever way it would come to run", async () => {
    await install(await version("v1", 1));
    await update(await version("v2", 2));
    await control.invoke("block", { plugin: "thing", range: "<2", reason: "it is known to be bad" });
    expect(await call("version")).toBe("2");
    await expect(control.invoke("rollback", { plugin: "thing" })).rejects.toMatchObject({ code: "conflict" });
    expect(await call("version")).toBe("2");
    await control.invoke("block", { plugin: "thing", range: "2.0.0", reason: "this too" });
    for (const operation of ["start", "restart"])
      await expect(control.invoke(operation, { plugin: "thing" })).rejects.toMatchObject({
        code: "conflict",
        message: expect.stringContaining('"bulkhead unblock thing@2.0.0" lets it run'),
      });
    expect(host?.core.plugin("thing")?.state).toBe("stopped");
    await control.invoke("unblock", { plugin: "thing", range: "2.0.0" });
    await control.invoke("start", { plugin: "thing" });
    expect(await call("version")).toBe("2");
    // While it starts it can be entered no sooner than it can be stopped.
    const restarting = control.invoke("restart", { plugin: "thing" });
    await control.invoke("block", { plugin: "thing", range: "2.0.0", reason: "this too" });
    await restarting;
    expect(host?.core.plugin("thing")?.state).toBe("stopped");
    await stop();
    const path = join(folder.path, "v1", "thing");
    const named = { ...configuration(), plugins: { thing: { ...pluginSettings({}), path } } };
    control = await openControl(configuration());
    await control.invoke("uninstall", { plugin: "thing", purge: false });
    await control[Symbol.asyncDispose]();
    host = await createHost({ configuration: named, log });
    control = await openControl(configuration());
    expect(host.core.plugin("thing")).toBeUndefined();
    expect(log.lines.some(({ message }) => message.startsWith("thing is left out: thing 1.0.0 is blocked (<2)"))).toBe(true);
  });

  it("does one operation after the other on a plugin, so that an update and a purge leave nothing behind", async () => {
    const [first, second] = [await version("v1", 1), await version("v2", 2)];
    for (let i = 0; i < 5; i += 1) {
      await install(first);
      await call("keep", "x");
      const planned = packageOf(await plan(second));
      const updating = control.invoke("update", { ...planned, grants: [], settings: {}, approved: true });
      await new Promise((resolve) => setTimeout(resolve, i * 15));
      const [, purged] = await Promise.allSettled([updating, control.invoke("uninstall", { plugin: "thing", purge: true })]);
      expect(purged.status).toBe("fulfilled");
      for (const name of ["storage", "snapshots"]) {
        const path = join(folder.path, "data", name);
        expect(existsSync(path) ? readdirSync(path).filter((file) => file.startsWith("thing")) : []).toEqual([]);
      }
      expect(host?.core.plugin("thing")).toBeUndefined();
      expect(await control.invoke("list")).toEqual([]);
    }
    await install(first);
    expect([await call("version"), await call("kept")]).toEqual(["1", ""]);
  });

  it("keeps what was revoked while an update was on probation, and says what it put back", async () => {
    const asks = { permissions: [READS, WRITES] };
    const { permission, resource } = READS;
    await install(await version("v1", 1, asks), [{ permission, resource }]);
    const failing = packageOf(await plan(await version("v3", 3, asks, BREAKS)));
    const grants = [READS, WRITES].map((ask) => ({ permission: ask.permission, resource: ask.resource }));
    const updating = control.invoke("update", { ...failing, grants, settings: {}, approved: true }).catch((thrown) => thrown);
    while ((await installed())?.onProbation !== true) await new Promise((resolve) => setImmediate(resolve));
    await control.invoke("revoke", { plugin: "thing", permission, resource });
    expect(await updating).toMatchObject({ message: expect.stringContaining("on_start failed") });
    const status = await control.invoke<{ permission: string; status: string }[]>("permissions", { plugin: "thing" });
    expect(status.map((line) => `${line.permission} ${line.status}`)).toEqual(["state.read not granted", "state.write not granted"]);
    const entries = await control.invoke<AuditEntry[]>("audit", { limit: 20 });
    expect(entries.filter(({ action }) => action === "restore-grant").map(({ detail }) => detail.permission)).toEqual(["state.write"]);
  });

  it("recovers before a command works on the folder alone: a restore that was cut short is done first", async () => {
    await install(await version("v1", 1));
    await call("keep", "old");
    await stop();
    control = await openControl(configuration());
    await update(await version("v3", 3, {}, BREAKS));
    await control[Symbol.asyncDispose]();
    // As a host leaves it that is killed after it refused the version and before it put the data back.
    const { connection, close } = openHostDatabase(join(folder.path, "data"));
    const installations = new Installations(connection, systemClock);
    installations.reject("thing");
    installations.planRestore("thing");
    close();
    const broken = openSqliteStorage({
      dir: join(folder.path, "data", "storage"),
      plugin: "thing",
      maxBytes: MIB,
      maxKeys: 10,
      clock: systemClock,
    });
    broken.set("k", new TextEncoder().encode("!"));
    broken.close();
    control = await openControl(configuration());
    await update(await version("v2", 2));
    await control[Symbol.asyncDispose]();
    await boot();
    expect([await call("version"), await call("kept")]).toEqual(["2", "old"]);
    await control.invoke("rollback", { plugin: "thing" });
    expect([await call("version"), await call("kept")]).toEqual(["1", "old"]);
  });

  it("is mended by an update when it was stopped because its version is blocked", async () => {
    await install(await version("v1", 1));
    await control.invoke("block", { plugin: "thing", range: "<2", reason: "it is known to be bad" });
    await update(await version("v2", 2));
    expect(await call("version")).toBe("2");
  });
});
