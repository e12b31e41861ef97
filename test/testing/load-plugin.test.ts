// The kit around real plugins: what a test does to them and what it can read of them.

import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HostError, loadPlugin } from "../../host/testing/index.ts";
import { guest, IMPORTS } from "../engine/component/guests.ts";
import { componentOf } from "../support/components.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { counterFolder, probeFolder } from "./folders.ts";

const CELSIUS = { sensor: "attic", value: 21, unit: "celsius" };
const greeter = { "greeter.greet": () => "hello" };

describe("loadPlugin", () => {
  let folder: TemporaryFolder;
  let counter: string;
  let probe: string;

  beforeAll(async () => {
    folder = temporaryFolder();
    counter = await counterFolder(folder.path);
    probe = await probeFolder(folder.path);
  });
  afterAll(() => folder.remove());

  it("keeps all of a turn or nothing, where the plugin's turns are transactions", async () => {
    const transactional = join(folder.path, "transactional");
    cpSync(counter, transactional, { recursive: true });
    const file = join(transactional, "plugin.json");
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), transaction: "turn" }));
    await using plugin = await loadPlugin(transactional, { services: greeter });
    for (let i = 1; i <= 2; i += 1) expect(await plugin.publish("sensors.measured", CELSIUS)).toBe(1);
    expect(plugin.published).toMatchObject([{ data: { count: 1 } }, { data: { count: 2 } }]);
    expect(plugin.stored.keys()).toEqual(["count", "last"]);
    expect(plugin.stored.text("count")).toBe("2");
    expect(plugin.published[0]?.id).toMatch(/^counter\//);
  });

  it("shows what an event made the plugin do: handle it or not, publish, call, store and log", async () => {
    await using plugin = await loadPlugin(pathToFileURL(counter), { services: greeter });
    expect(await plugin.publish("sensors.measured", { ...CELSIUS, unit: "fahrenheit" })).toBe(0);
    expect(await plugin.publish("sensors.moved", CELSIUS)).toBe(0);
    expect(await plugin.publish("sensors.measured", CELSIUS)).toBe(1);
    expect(plugin.published).toEqual([
      {
        id: expect.any(String),
        source: "/plugins/counter",
        type: "counter.counted",
        time: "2026-01-01T00:00:00.000Z",
        traceparent: expect.any(String),
        contentType: "application/json",
        data: { count: 1, sensor: "attic" },
      },
    ]);
    expect(plugin.called).toMatchObject([{ service: "greeter.greet", error: undefined }]);
    expect(plugin.called[0]?.payload.text()).toBe("attic");
    expect(plugin.logged).toEqual([
      { level: "debug", message: "counter loaded" },
      { level: "info", message: "greeter said: hello" },
    ]);
    expect(plugin.stored.keys()).toEqual(["count", "last"]);
    expect(plugin.stored.keys("c")).toEqual(["count"]);
    expect(plugin.stored.text("count")).toBe("1");
    expect(plugin.stored.json("last")).toEqual({ sensor: "attic", value: 21 });
    expect(plugin.stored.get("count")).toEqual(new TextEncoder().encode("1"));
    expect(plugin.stored.get("gone")).toBeUndefined();
    expect(plugin.lastTurn).toMatchObject({ entryPoint: "on_measured", hostCalls: expect.any(Number), cpuUs: expect.any(Number) });
    expect(plugin.lastTurn?.fuel).toBeGreaterThan(0);
    expect(plugin.lastTurn?.peakMemoryBytes).toBeGreaterThan(0);
  });

  it("answers calls with bytes, text or JSON, and rejects with what a caller is told", async () => {
    await using plugin = await loadPlugin(counter, { config: { unit: "celsius" } });
    expect((await plugin.call("counter.greet", "Ada")).text()).toBe("Grüße, Ada 🌍 — 你好");
    expect((await plugin.call("counter.echo", Uint8Array.of(0, 255))).bytes).toEqual(Uint8Array.of(0, 255));
    expect((await plugin.call("counter.echo", [1, null])).json()).toEqual([1, null]);
    expect((await plugin.call("counter.environment")).json()).toMatchObject({ unit: "celsius", caller: "adapter:test" });
    const asked = await plugin.call("counter.environment", "", { caller: { kind: "plugin", name: "automation" } });
    expect(asked.json()).toMatchObject({ caller: "plugin:automation" });
    const failure = await plugin.call("counter.fail", "now").catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(HostError);
    expect(failure).toMatchObject({ code: "plugin-failed", message: "failed on purpose: now" });
    await expect(plugin.call("counter.crash")).rejects.toMatchObject({ code: "plugin-failed" });
    expect(plugin.hostLogged).toMatchObject([{ level: "warning", message: expect.stringContaining("crashed on purpose") }]);
    expect((await plugin.call("counter.read")).json()).toEqual({ count: 0, last: null });
    await expect(plugin.call("counter.nothing")).rejects.toMatchObject({ code: "no-such-service" });
    await expect(plugin.call("counter.greet", "x").then((answer) => answer.json())).rejects.toMatchObject({ code: "invalid-message" });
  });

  it("lets values end when the clock says so, and not before", async () => {
    await using plugin = await loadPlugin(counter, { services: greeter, now: new Date("2030-05-01T10:00:00Z") });
    await plugin.publish("sensors.measured", CELSIUS);
    await plugin.clock.advance(59_999);
    expect(plugin.stored.keys()).toEqual(["count", "last"]);
    await plugin.clock.advance(1);
    expect(plugin.clock.now()).toBe(Date.UTC(2030, 4, 1, 10, 1));
    expect((await plugin.call("counter.read")).json()).toEqual({ count: 1, last: null });
    expect(plugin.stored.get("last")).toBeUndefined();
    await plugin.publish("sensors.measured", CELSIUS);
    expect(plugin.published.map(({ time }) => time)).toEqual(["2030-05-01T10:00:00.000Z", "2030-05-01T10:01:00.000Z"]);
  });

  it("grants and denies while the plugin runs", async () => {
    await using plugin = await loadPlugin(probe, { grants: "none", state: { "devices.lamp": "on", "devices.a.b": "off" } });
    const read = async (key: string): Promise<string> => (await plugin.call("probe.read", key)).text();
    expect(await read("devices.lamp")).toContain("permission-denied");
    plugin.grant("state.read", "devices.*");
    expect(await read("devices.lamp")).toContain("on");
    expect(await read("devices.a.b")).toContain("permission-denied");
    plugin.deny("state.read", "devices.lamp");
    plugin.grant("state.read", "devices.**");
    expect(await read("devices.lamp")).toContain("the operator denied it");
    expect(await read("devices.a.b")).toContain("off");
    plugin.grant("state.read", "devices.lamp");
    expect(await read("devices.lamp")).toContain("on");
  });

  it("gives exactly the grants of a list, also to what an event may wake", async () => {
    await using plugin = await loadPlugin(probe, { grants: [{ permission: "state.write", resource: "devices.lamp" }] });
    expect((await plugin.call("probe.write", "devices.lamp")).bytes[0]).toBe(0);
    expect(plugin.state.text("devices.lamp")).toBe("devices.lamp");
    expect((await plugin.call("probe.write", "devices.door")).text()).toContain("permission-denied");
    expect(plugin.state.keys()).toEqual(["devices.lamp"]);
    expect(await plugin.publish("sensors.measured", 1)).toBe(0);
    plugin.grant("events.subscribe", "sensors.*");
    expect(await plugin.publish("sensors.measured", 1)).toBe(1);
    plugin.deny("events.subscribe", "sensors.measured");
    expect(await plugin.publish("sensors.measured", 1)).toBe(0);
  });

  it("calls a grant that the manifest does not ask for a slip", async () => {
    await using plugin = await loadPlugin(probe);
    const slip = {
      code: "invalid-message",
      message: expect.stringContaining("plugin.json of probe does not ask for state.read on vault.key"),
    };
    expect(() => plugin.grant("state.read", "vault.key")).toThrow(expect.objectContaining(slip));
    expect(() => plugin.deny("state.read", "vault.key")).toThrow(expect.objectContaining(slip));
    await expect(loadPlugin(probe, { grants: [{ permission: "state.read", resource: "vault.key" }] })).rejects.toMatchObject(slip);
    // Its own events are implied, so they can be denied.
    plugin.deny("events.publish", "probe.heard");
    expect(await plugin.publish("sensors.measured", 1)).toBe(1);
    expect(plugin.published).toEqual([]);
  });

  it("lets a service act with its caller's authority, as the test says what that may do", async () => {
    await using plugin = await loadPlugin(probe, { state: { "devices.lamp": "on" } });
    const deputy = async (grants?: { permission: "state.read"; resource: string }[]): Promise<string> =>
      (await plugin.call("probe.deputy", "devices.lamp", { caller: { kind: "plugin", name: "automation", grants } })).text();
    expect(await deputy()).toContain("on");
    expect(await deputy([{ permission: "state.read", resource: "devices.*" }])).toContain("on");
    expect(await deputy([{ permission: "state.read", resource: "vault.*" }])).toContain("automation has no permission state.read");
  });

  it("waits for the handlers of an event and for no others, and rejects when one fails", async () => {
    await using plugin = await loadPlugin(probe);
    // Its own event wakes it again, in the same trace.
    expect(await plugin.publish("sensors.measured", Uint8Array.of(1, 2), { publisher: "attic" })).toBe(1);
    const [heard] = plugin.published;
    expect(JSON.parse(new TextDecoder().decode(heard?.data instanceof Uint8Array ? heard.data : undefined))).toMatchObject({
      source: "/plugins/attic",
      datacontenttype: "application/octet-stream",
      data_base64: "AQI=",
    });
    await expect(plugin.publish("sensors.broken", 1)).rejects.toMatchObject({ code: "plugin-failed" });
    expect(plugin.published).toHaveLength(2);
    const limited = await loadPlugin(probe, { limits: { mailboxLength: 1, payloadMiB: 0.001 } });
    const [first, second] = await Promise.allSettled([limited.publish("sensors.measured", 1), limited.publish("sensors.measured", 2)]);
    expect(first).toMatchObject({ status: "fulfilled", value: 1 });
    expect(second).toMatchObject({ status: "rejected", reason: { code: "queue-full", message: expect.stringContaining("mailboxLength") } });
    await expect(limited.publish("sensors.measured", "x".repeat(2_000))).rejects.toMatchObject({ code: "quota-exceeded" });
    await limited.stop();
    await expect(limited.publish("sensors.measured", 1)).rejects.toMatchObject({ code: "plugin-not-running" });
  });

  it("refuses events that no host would pass on", async () => {
    await using plugin = await loadPlugin(probe);
    const refused = { code: "invalid-message" };
    await expect(plugin.publish("measured", 1)).rejects.toMatchObject(refused);
    await expect(plugin.publish("sensors.measured", 1, { publisher: "No Plugin" })).rejects.toMatchObject(refused);
    await expect(plugin.publish("sensors.measured", Uint8Array.of(255), { contentType: "application/json" })).rejects.toMatchObject(
      refused,
    );
    await expect(plugin.publish("sensors.measured", () => 1)).rejects.toMatchObject(refused);
    const circle: object[] = [];
    circle.push(circle);
    await expect(plugin.publish("sensors.measured", circle)).rejects.toMatchObject(refused);
  });

  it("keeps the storage over a restart, runs the lifecycle, and can be read after the stop", async () => {
    await using plugin = await loadPlugin(probe, { stored: { kept: { by: "test" } } });
    expect(plugin.stored.keys()).toEqual(["kept", "started"]);
    plugin.stored.delete("started");
    await plugin.restart();
    expect(plugin.stored.keys()).toEqual(["kept", "started", "stopped"]);
    expect(plugin.stored.json("kept")).toEqual({ by: "test" });
    plugin.stored.delete("stopped");
    await plugin.stop();
    expect(plugin.stored.text("stopped")).toBe("stopped");
    await expect(plugin.call("probe.echo")).rejects.toMatchObject({ code: "plugin-not-running" });
    await plugin.restart();
    expect((await plugin.call("probe.echo", "back")).text()).toBe("back");
    expect(() => plugin.stored.set("", "x")).toThrow(expect.objectContaining({ code: "invalid-message" }));
    expect(() => plugin.state.set("not a key", "x")).toThrow(expect.objectContaining({ code: "invalid-message" }));
  });

  it("ends an endless loop, although the clock stands still, and goes on", async () => {
    await using plugin = await loadPlugin(probe, { limits: { cpuMs: 20 } });
    await expect(plugin.call("probe.loop")).rejects.toMatchObject({
      code: "cpu-exhausted",
      message: expect.stringContaining("limits.cpuMs"),
    });
    expect(plugin.lastTurn?.cpuUs).toBeGreaterThanOrEqual(20_000);
    expect((await plugin.call("probe.echo", "here")).text()).toBe("here");
  });

  it("runs plugins/devices against nothing but itself", async () => {
    await using plugin = await loadPlugin(ownPlugin("devices"));
    await plugin.call("devices.create", { id: "lamp", name: "Lamp" });
    await plugin.clock.advance(1_500);
    const lamp = (await plugin.call("devices.turn-on", { id: "lamp" })).json();
    expect(lamp).toMatchObject({ pending: { on: true }, createdAtMs: Date.UTC(2026, 0, 1), updatedAtMs: Date.UTC(2026, 0, 1) + 1_500 });
    expect(plugin.published.map(({ type }) => type)).toEqual(["devices.created", "devices.state-changed"]);
  });

  it("runs a WebAssembly Component", async () => {
    const path = await writePlugin(folder.path, "component", "(module)", {
      api: "0.2",
      services: { "component.echo": { entryPoint: "echo" }, "component.greet": { entryPoint: "greet" } },
      permissions: [{ permission: "services.call", resource: "greeter.greet", reason: "to greet" }],
    });
    const source = guest({
      imports: [IMPORTS.call ?? ""],
      more: '(data (i32.const 64) "greeter.greet")',
      handle: `(if (i32.eq (local.get $nameLength) (i32.const 4)) (then (return (call $ok (local.get $input) (local.get $inputLength)))))
        (if (i32.ne (local.get $nameLength) (i32.const 5)) (then (return (call $ok (i32.const 0) (i32.const 0)))))
        (call $call (i32.const 64) (i32.const 13) (local.get $input) (local.get $inputLength) (i32.const 0) (i32.const 0) (i32.const 128))
        (if (i32.load8_u (i32.const 128)) (then (return (call $err (i32.load (i32.const 136)) (i32.load (i32.const 140))))))
        (call $ok (i32.load (i32.const 132)) (i32.load (i32.const 136)))`,
    });
    writeFileSync(join(path, "plugin.wasm"), await componentOf(source));
    await using plugin = await loadPlugin(path, { services: { "greeter.greet": (name) => `hello, ${name.text()}` } });
    expect((await plugin.call("component.echo", "grüß dich")).text()).toBe("grüß dich");
    expect((await plugin.call("component.greet", "Ada")).text()).toBe("hello, Ada");
    plugin.deny("services.call", "greeter.greet");
    await expect(plugin.call("component.greet", "Ada")).rejects.toMatchObject({ code: "plugin-failed" });
    expect(plugin.called.map(({ error }) => error?.code)).toEqual([undefined, "permission-denied"]);
  });

  it("rejects with what keeps a host from running the plugin, and what to do", async () => {
    const missing = await probeFolder(join(folder.path, "missing"));
    rmSync(join(missing, "plugin.wasm"));
    await expect(loadPlugin(missing)).rejects.toMatchObject({
      code: "invalid-manifest",
      message: expect.stringContaining("bulkhead build"),
    });
    await expect(loadPlugin(folder.path)).rejects.toMatchObject({
      code: "invalid-manifest",
      message: expect.stringContaining("plugin.json"),
    });
    const evil = await writePlugin(folder.path, "evil", '(module (import "env" "system" (func (param i32))))');
    await expect(loadPlugin(evil)).rejects.toMatchObject({ code: "admission-refused", detail: expect.stringContaining("system") });
    const stuck = await writePlugin(folder.path, "stuck", '(module (func (export "on_start") (result i32) unreachable))');
    await expect(loadPlugin(stuck)).rejects.toMatchObject({ code: "plugin-failed", message: expect.stringMatching(/^on_start failed: /) });
    const lost = await writePlugin(folder.path, "lost", "(module)", { services: { "lost.x": { entryPoint: "nowhere" } } });
    await expect(loadPlugin(lost)).rejects.toMatchObject({ code: "invalid-manifest", message: expect.stringContaining("nowhere") });
    await expect(loadPlugin(probe, { limits: { cpuMs: -1 } })).rejects.toMatchObject({
      code: "invalid-message",
      detail: expect.stringContaining("cpuMs"),
    });
    await expect(loadPlugin(probe, { now: Number.NaN })).rejects.toMatchObject({ code: "invalid-message" });
  });
});
