import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHost, type EndedTurn, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { CELL_KINDS } from "../support/cells.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const ROGUE = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/user" "events_publish" (func $publish (param i64 i64 i64) (result i64)))
  (import "bulkhead:host/memory" "store" (func $store (param i32 i64 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "devices.state-changed") (data (i32.const 32) "application/json") (data (i32.const 64) "rogue.state-changed")
  (data (i32.const 96) "{},\\"source\\":\\"/plugins/devices\\"") (data (i32.const 160) "{\\"source\\":\\"/plugins/devices\\"}")
  (func $text (param $at i32) (param $n i32) (result i64) (local $h i64)
    (local.set $h (call $alloc (i64.extend_i32_u (local.get $n))))
    (call $store (local.get $at) (local.get $h) (local.get $n)) (local.get $h))
  (func $give (param $h i64) (call $output_set (local.get $h) (call $length (local.get $h))))
  (func (export "forge_type") (result i32)
    (call $give (call $publish (call $text (i32.const 0) (i32.const 21)) (call $text (i32.const 32) (i32.const 16)) (call $text (i32.const 160) (i32.const 29)))) (i32.const 0))
  (func (export "forge_splice") (result i32)
    (call $give (call $publish (call $text (i32.const 64) (i32.const 19)) (call $text (i32.const 32) (i32.const 16)) (call $text (i32.const 96) (i32.const 31)))) (i32.const 0))
  (func (export "publish_own") (result i32)
    (call $give (call $publish (call $text (i32.const 64) (i32.const 19)) (call $text (i32.const 32) (i32.const 16)) (call $text (i32.const 160) (i32.const 29)))) (i32.const 0))
  (func (export "trap") (result i32) unreachable)
  (func (export "spin") (result i32) (loop $l (br $l)) (i32.const 0)))`;

const ROGUE_SERVICES = Object.fromEntries(
  ["forge_type", "forge_splice", "publish_own", "trap", "spin"].map((entryPoint) => [
    `rogue.${entryPoint.replace("_", "-")}`,
    { entryPoint },
  ]),
);

describe.each(CELL_KINDS)("the chain over HTTP in %s cells", (isolation) => {
  let folder: TemporaryFolder;
  let host: RunningHost;
  let log: ReturnType<typeof memoryLog>;
  let turns: EndedTurn[];

  async function boot(): Promise<RunningHost> {
    log = memoryLog();
    turns = [];
    const rogue = await writePlugin(folder.path, "rogue", ROGUE, { services: ROGUE_SERVICES, limits: { cpuMs: 200 } });
    const plugin = (path: string, rest: object = {}): object => ({ path, isolation, grants: "all", ...rest });
    const configuration = {
      dataDir: "data",
      adapters: { http: { port: 0, maxBodyBytes: 8 * 1024 * 1024 } },
      plugins: {
        logger: plugin(ownPlugin("logger")),
        devices: plugin(ownPlugin("devices")),
        automation: plugin(ownPlugin("automation")),
        hello: plugin(ownPlugin("hello")),
        rogue: plugin(rogue),
      },
    };
    const running = await createHost({
      configuration: parseConfiguration(JSON.stringify(configuration), `${folder.path}/bulkhead.json`),
      log,
    });
    running.core.observe({ turn: (turn) => turns.push(turn) });
    return running;
  }

  async function request(method: string, path: string, body?: unknown): Promise<{ status: number; json: unknown; trace: string }> {
    const init = body === undefined ? { method } : { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(`${host.url}${path}`, init);
    const text = await response.text();
    return {
      status: response.status,
      json: text === "" ? undefined : JSON.parse(text),
      trace: response.headers.get("traceparent")?.split("-")[1] ?? "",
    };
  }

  const rule = (id: string, action: object): object => ({
    id,
    trigger: "devices.state-changed",
    condition: { field: "desired.on", operator: "equals", value: true },
    action,
  });
  const logged = (text: string) =>
    eventually(`a log line with ${text}`, () => log.lines.find((line) => line.plugin === "logger" && line.message.includes(text)));

  beforeEach(async () => {
    folder = temporaryFolder();
    host = await boot();
  });
  afterEach(async () => {
    await host.stop();
    folder.remove();
  });

  it("runs request → devices → event → automation → logger under one trace", async () => {
    expect((await request("POST", "/devices", { id: "lamp-1", name: "Lamp" })).status).toBe(200);
    expect(
      (
        await request(
          "POST",
          "/automation/rules",
          rule("r1", { service: "logger.log", arguments: { level: "INFO", message: "lamp is on" } }),
        )
      ).status,
    ).toBe(200);
    const { status, trace } = await request("POST", "/devices/lamp-1/turn-on", {});
    expect(status).toBe(200);
    const line = await logged("lamp is on");
    expect(line.traceparent).toContain(trace);
    await eventually("automation's turn", () => turns.find((turn) => turn.plugin === "automation" && turn.traceparent.includes(trace)));
    const chain = turns.filter((turn) => turn.traceparent.includes(trace));
    expect(chain.map((turn) => `${turn.plugin} for ${turn.caller.name}`).sort()).toEqual([
      "automation for events",
      "devices for http",
      "logger for automation",
    ]);
    for (const { outcome } of chain) expect(outcome).toMatchObject({ ok: true, usage: { fuel: expect.any(Number) } });
  });

  it("keeps the other rules running when an action fails, and says which failed", async () => {
    await request("POST", "/devices", { id: "lamp-1" });
    await request("POST", "/automation/rules", rule("a-fails", { service: "ghost.nothing", arguments: {} }));
    await request(
      "POST",
      "/automation/rules",
      rule("b-works", { service: "logger.log", arguments: { level: "INFO", message: "still reached" } }),
    );
    await request("POST", "/devices/lamp-1/turn-on", {});
    await logged("still reached");
    await eventually("a warning about a-fails", () =>
      log.lines.find((line) => line.plugin === "automation" && line.level === "warning" && line.message.includes("a-fails")),
    );
  });

  it("keeps devices and rules over a restart of the host", async () => {
    await request("POST", "/devices", { id: "lamp-1", name: "Stehlampe für Zoë 💡" });
    await request(
      "POST",
      "/automation/rules",
      rule("r1", { service: "logger.log", arguments: { level: "INFO", message: "after restart" } }),
    );
    await host.stop();
    host = await boot();
    expect((await request("GET", "/devices/lamp-1")).json).toMatchObject({ id: "lamp-1", name: "Stehlampe für Zoë 💡" });
    await request("POST", "/devices/lamp-1/turn-on", {});
    await logged("after restart");
  });

  it("carries non-ASCII and 1 MB payloads", async () => {
    const greeting = await request("POST", "/v1/services/hello.greet", { name: "世界 🌍 Grüße" });
    expect(JSON.stringify(greeting.json)).toContain("世界 🌍 Grüße");
    const big = "ß".repeat(512 * 1024);
    const large = await request("POST", "/v1/services/hello.greet", { name: big });
    expect(large, JSON.stringify(large.json).slice(0, 500)).toMatchObject({ status: 200 });
    expect(JSON.stringify(large.json)).toContain(big);
  });

  it("answers for a plugin that traps and serves its neighbours and itself afterwards", async () => {
    expect(await request("POST", "/v1/services/rogue.trap")).toMatchObject({ status: 502, json: { error: { code: "plugin-failed" } } });
    expect(await forged("publish-own")).toContain("-");
    expect((await request("POST", "/v1/services/hello.greet", { name: "x" })).status).toBe(200);
  });

  it("serves a polite plugin while another loops, and ends the loop", async () => {
    const looping = request("POST", "/v1/services/rogue.spin");
    let served = 0;
    let ended = false;
    void looping.then(() => {
      ended = true;
    });
    while (!ended) {
      expect((await request("POST", "/v1/services/hello.greet", { name: "x" })).status).toBe(200);
      served += 1;
    }
    expect(await looping).toMatchObject({
      status: 503,
      json: { error: { code: "cpu-exhausted", message: expect.stringContaining("200 ms of CPU") } },
    });
    expect(served).toBeGreaterThan(3);
  });

  it("lets no plugin forge another's events or the source of its own", async () => {
    const sources: string[] = [];
    host.core.events.subscribe("**", (event) => sources.push(`${event.type} from ${event.source}`));
    expect(JSON.stringify(await forged("forge-type"))).toContain("permission-denied");
    expect(JSON.stringify(await forged("forge-splice"))).toContain("is not the JSON text");
    await forged("publish-own");
    expect(sources).toEqual(["rogue.state-changed from /plugins/rogue"]);
  });

  // The answer is the result block of the host function, which is no JSON because of its tag.
  async function forged(service: string): Promise<string> {
    return (await fetch(`${host.url}/v1/services/rogue.${service}`, { method: "POST" })).text();
  }
});
