// How a host ends and what it says of itself before: ready, degraded, stopping; and what becomes of it when its own code fails.

import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { bulkhead, COMMAND } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

/** Logs a B when it is stopped. */
const WORKING = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "log_warn" (func $log (param i64)))
  (memory (export "memory") 1)
  (func (export "run") (result i32) (i32.const 0))
  (func (export "on_stop") (result i32) (local $bye i64)
    (local.set $bye (call $alloc (i64.const 1)))
    (call $store (local.get $bye) (i32.const 66))
    (call $log (local.get $bye))
    (i32.const 0)))`;
/** An adapter of the host's own process, in which what an operator asks for goes wrong when its door is knocked at. */
const BOMB = `
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
const WAYS = {
  throws: () => setImmediate(() => { throw new Error("the bomb went off\\u001b[2J"); }),
  rejects: () => void Promise.reject(new Error("the bomb went off")),
  twice: () => { for (const i of [1, 2, 3]) setImmediate(() => { throw new Error("the bomb went off " + i); }); },
  "never-stops": () => setImmediate(() => { throw new Error("the bomb went off"); }),
  "at-once": () => {},
};
export const adapter = {
  name: "bomb",
  options: { safeParse: (data) => ({ success: true, data }) },
  async start(_context, { way }) {
    if (way === "at-once") { setImmediate(() => { throw new Error("the bomb went off"); }); await new Promise(() => {}); }
    const server = createServer((_request, response) => { response.end(); WAYS[way](); });
    await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
    return {
      address: "http://127.0.0.1:" + server.address().port,
      async [Symbol.asyncDispose]() { server.close(); if (way === "never-stops") await new Promise(() => {}); },
    };
  },
};
`;

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

describe("a host whose own code fails", () => {
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill("SIGKILL"));

  const explode = async (way: string): Promise<{ readonly code: number | null; readonly said: string }> => {
    writeFileSync(join(folder.path, "bomb.mjs"), BOMB);
    await writePlugin(folder.path, "p", WORKING, { services: { "p.run": { entryPoint: "run" } } });
    writeFileSync(
      join(folder.path, "bulkhead.json"),
      JSON.stringify({ adapters: { http: false, "./bomb.mjs": { way } }, plugins: { p: { path: "p" } } }),
    );
    const serving = spawn(process.execPath, [COMMAND, "serve"], { cwd: folder.path, stdio: ["ignore", "pipe", "pipe"] });
    child = serving;
    let said = "";
    for (const stream of [serving.stdout, serving.stderr])
      stream.on("data", (piece) => {
        said += String(piece);
      });
    const ended = new Promise<number | null>((resolve) => serving.once("close", resolve));
    if (way !== "at-once") {
      const url = await eventually("its address", () => /bomb at (http:\S+)/.exec(said)?.[1]);
      await eventually("serving", () => (said.includes("serving without HTTP") ? true : undefined));
      await fetch(url);
    }
    return { code: await ended, said };
  };
  const actions = async (): Promise<string[]> => {
    const { stdout } = await bulkhead(["audit", "--json"], { cwd: folder.path });
    const entries = JSON.parse(stdout) as { readonly action: string; readonly detail: { readonly error?: string } }[];
    return entries.map(({ action, detail }) => (detail.error === undefined ? action : `${action}: ${detail.error}`));
  };

  it.each(["throws", "rejects"])("logs and audits it, stops its plugins and ends with 70 (%s)", async (way) => {
    const { code, said } = await explode(way);
    expect(code).toBe(70);
    expect(said).toContain('"msg":"the host\'s own code failed, and the host stops"');
    expect(said).toContain("the bomb went off");
    expect(said).toMatch(/"plugin":"p".*"msg":"B"/);
    expect(said).not.toContain("\u001b[2J");
    expect((await actions()).slice(-2)).toEqual([expect.stringMatching(/^crash: Error: the bomb went off/), "stop"]);
    expect(JSON.parse((await bulkhead(["audit", "--verify", "--json"], { cwd: folder.path })).stdout)).toMatchObject({ ok: true });
  });

  it("ends also where something does not end, and where it fails again meanwhile", async () => {
    expect(await explode("never-stops")).toMatchObject({ code: 70 });
    expect(await actions()).toContainEqual(expect.stringMatching(/^crash: Error: the bomb/));
    const { code, said } = await explode("twice");
    expect(code).toBe(70);
    expect(said.match(/and the host stops/g)).toHaveLength(1);
    expect(said).toContain("the bomb went off 3");
  });

  it("ends with 70 before it runs, too", async () => {
    const { code, said } = await explode("at-once");
    expect(code).toBe(70);
    expect(said).toContain("the host's own code failed: Error: the bomb went off");
  });
});

describe("a host that is watched", () => {
  let host: RunningHost | undefined;
  afterEach(() => host?.stop());
  const boot = async (configuration: object): Promise<RunningHost> => {
    const text = JSON.stringify({ adapters: { http: { port: 0 } }, ...configuration });
    host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
    return host;
  };
  const ask = async (path: string): Promise<{ readonly status: number; readonly body: unknown }> => {
    const response = await fetch(`${host?.url}${path}`, { headers: { connection: "close" } });
    return { status: response.status, body: await response.json() };
  };

  it("is ready when the plugins run that are required, whatever becomes of others, and degraded is still ready", async () => {
    await writePlugin(folder.path, "needed", WORKING, { services: { "needed.run": { entryPoint: "run" } } });
    await writePlugin(folder.path, "broken", `(module (memory (export "memory") 1) (func (export "on_start") (result i32) unreachable))`);
    const running = await boot({
      plugins: { needed: { path: "needed", required: true, isolation: "inline" }, broken: { path: "broken", isolation: "inline" } },
    });
    expect(await ask("/livez")).toEqual({ status: 200, body: { status: "alive" } });
    expect(await ask("/readyz")).toEqual({ status: 200, body: { status: "ready", reasons: [], problems: [] } });
    expect(await ask("/healthz")).toMatchObject({ status: 200, body: { status: "degraded", failed: ["broken"] } });
    await running.core.plugin("needed")?.stop(0);
    const reasons = ["the plugin needed, which is required, is stopped"];
    expect(await ask("/readyz")).toEqual({ status: 503, body: { status: "not ready", reasons, problems: [] } });
    await running.core.start("needed");
    expect((await ask("/readyz")).status).toBe(200);
  });

  it("is not ready without one that was left out, and tells strangers no names", async () => {
    await boot({ auth: { mode: "required" }, plugins: { ghost: { path: "nowhere", required: true } } });
    expect(await ask("/readyz")).toEqual({ status: 503, body: { status: "not ready" } });
    expect(await ask("/livez")).toEqual({ status: 200, body: { status: "alive" } });
  });

  it("says that it stops before its doors close, and serves what still comes", async () => {
    await writePlugin(folder.path, "p", WORKING, { services: { "p.run": { entryPoint: "run" } } });
    const running = await boot({ shutdownDelayMs: 60_000, plugins: { p: { path: "p", isolation: "inline" } } });
    const stopped = running.stop();
    expect(await ask("/readyz")).toMatchObject({ status: 503, body: { status: "not ready", reasons: ["the host is stopping"] } });
    await running.call("p.run", {});
    // What nobody would wait for.
    await running.crash(new Error("enough"));
    await stopped;
    await expect(fetch(`${running.url}/readyz`)).rejects.toThrow();
  });

  it("says that a store is away, is ready all the same, and serves whom that does not concern", async () => {
    await writePlugin(folder.path, "p", WORKING, { services: { "p.run": { entryPoint: "run" } } });
    const running = await boot({
      drivers: { storage: { driver: "postgres", url: `postgres://nobody@127.0.0.1:${await freePort()}/none` } },
      plugins: { devices: { path: ownPlugin("devices"), isolation: "inline" }, p: { path: "p", isolation: "inline" } },
    });
    const problems = ["the store postgres is away; what plugins keep there fails at once"];
    await eventually("that it is away", async () => {
      await running.call("devices.create", { id: "lamp" }).catch(() => {});
      return JSON.stringify((await ask("/readyz")).body).includes("is away") ? true : undefined;
    });
    expect(await ask("/readyz")).toEqual({ status: 200, body: { status: "degraded", reasons: [], problems } });
    expect(await ask("/healthz")).toMatchObject({ status: 200, body: { status: "degraded", problems } });
    await running.call("p.run", {});
  });

  it("says in words that the log cannot be written, and goes on", async () => {
    const text = JSON.stringify({ adapters: { http: { port: 0 } }, plugins: {} });
    const log = { ...memoryLog(), problem: () => "log lines are dropped" };
    host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log });
    expect(await ask("/readyz")).toEqual({ status: 200, body: { status: "degraded", reasons: [], problems: ["log lines are dropped"] } });
  });
});
