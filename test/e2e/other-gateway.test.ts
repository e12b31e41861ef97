// The gateway in place of ours, as a stranger would have it: a package of its own that knows `bulkhead/adapter` and Node alone, on a host without our HTTP.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bulkhead, COMMAND } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const GATEWAY = fileURLToPath(new URL("other-gateway/gateway.mjs", import.meta.url));

/** Answers its input, refuses with it, never ends, tells its trace, keeps its input as the blob `kept` and reads the blob that it is named. */
const PLUGIN = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error (param i64)))
  (import "extism:host/env" "log_info" (func $log (param i64)))
  (import "bulkhead:host/memory" "store" (func $copy (param i32 i64 i32)))
  (import "extism:host/user" "blobs_create" (func $create (param i64 i64 i64) (result i64)))
  (import "extism:host/user" "blobs_append" (func $append (param i64 i64) (result i64)))
  (import "extism:host/user" "blobs_finish" (func $finish (param i64) (result i64)))
  (import "extism:host/user" "blobs_read" (func $read (param i64 i64 i64 i64) (result i64)))
  (memory 1)
  (data (i32.const 0) "kepttext/csv[]1null0999\\00")
  (func $text (param $at i32) (param $size i32) (result i64) (local $block i64)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $size))))
    (call $copy (local.get $at) (local.get $block) (local.get $size))
    (local.get $block))
  (func $give (param $block i64) (result i32) (call $output (local.get $block) (call $length (local.get $block))) (i32.const 0))
  (func (export "echo") (result i32) (call $give (call $input)))
  (func (export "refuse") (result i32) (call $error (call $input)) (i32.const 1))
  (func (export "spin") (result i32) (call $log (call $input)) (loop $on (br $on)) (i32.const 0))
  (func (export "keep") (result i32)
    (drop (call $create (call $text (i32.const 0) (i32.const 4)) (call $text (i32.const 4) (i32.const 8)) (call $text (i32.const 12) (i32.const 2))))
    (drop (call $append (call $text (i32.const 14) (i32.const 1)) (call $input)))
    (call $give (call $finish (call $text (i32.const 14) (i32.const 1)))))
  (func (export "read") (result i32)
    (call $give (call $read (call $input) (call $text (i32.const 19) (i32.const 1)) (call $text (i32.const 20) (i32.const 3)) (call $text (i32.const 23) (i32.const 1))))))`;

const SERVICES = Object.fromEntries(["refuse", "spin", "keep", "read"].map((name) => [`p.${name}`, { entryPoint: name }]));
const MANIFEST = {
  api: "0.2",
  services: { ...SERVICES, "p.echo": { entryPoint: "echo", readOnly: true, description: "Says it again." } },
  contributes: { other: [{ path: "/plugins/echo", service: "p.echo" }] },
};
const TRACE = "0af7651916cd43dd8448eb211c80319c";

let folder: TemporaryFolder;
let host: ChildProcess;
let url = "";
let said = "";
let tokens: Readonly<Record<"viewer" | "operator" | "narrow", string>>;

const run = (...args: readonly string[]): ReturnType<typeof bulkhead> => bulkhead(args, { cwd: folder.path });
const write = (configuration: object): void => writeFileSync(join(folder.path, "bulkhead.json"), JSON.stringify(configuration));
const configured = (options: object, more: object = {}): object => ({
  adapters: { http: false, "./gateway/gateway.mjs": options },
  plugins: { p: { path: "p", grants: "all", limits: { cpuMs: 60_000, deadlineMs: 60_000 } } },
  ...more,
});
const ask = (path: string, token: string | undefined, init: RequestInit = {}): Promise<Response> =>
  fetch(url + path, { ...init, headers: { ...(token && { authorization: `Bearer ${token}` }), ...init.headers } });
const post = (path: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  ask(path, tokens.operator, { method: "POST", body, headers });

beforeAll(async () => {
  folder = temporaryFolder();
  await writePlugin(folder.path, "p", PLUGIN, MANIFEST);
  // As npm would put it there.
  const gateway = join(folder.path, "gateway");
  mkdirSync(join(gateway, "node_modules"), { recursive: true });
  symlinkSync(ROOT, join(gateway, "node_modules", "bulkhead"));
  writeFileSync(join(gateway, "package.json"), JSON.stringify({ name: "other-gateway", type: "module" }));
  copyFileSync(GATEWAY, join(gateway, "gateway.mjs"));
  write(configured({}, { auth: { mode: "required" } }));
  const made = async (name: string, ...rights: readonly string[]): Promise<string> =>
    (await run("token", "create", name, ...rights)).stdout.trim();
  tokens = {
    viewer: await made("v", "--role", "viewer"),
    operator: await made("o", "--role", "operator"),
    narrow: await made("n", "--role", "operator", "--scope", "services.call:p.refuse"),
  };
  host = spawn(process.execPath, [COMMAND, "serve"], { cwd: folder.path });
  for (const stream of [host.stdout, host.stderr])
    stream?.setEncoding("utf8").on("data", (piece: string) => {
      said += piece;
    });
  url = await eventually("the gateway", () => /other at (http:\S+)/.exec(said)?.[1]);
});
afterAll(async () => {
  host.kill("SIGTERM");
  await once(host, "exit");
  folder.remove();
});

describe("another gateway", () => {
  it("imports nothing of the host but bulkhead/adapter, and is some hundred lines", () => {
    const source = readFileSync(GATEWAY, "utf8");
    const imports = [...source.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, name]) => name);
    expect(imports.toSorted()).toEqual(["bulkhead/adapter", "node:http"]);
    expect(source.split("\n").length).toBeLessThan(160);
  });

  it("takes the place of ours: nothing else listens", async () => {
    await eventually("it serves", () => said.includes("serving without HTTP") || undefined);
    expect(said).not.toContain("listening on");
  });

  it("knows who asks: nobody is 401, who may not is 403", async () => {
    expect((await ask("/call/p.echo", undefined)).status).toBe(401);
    expect((await ask("/call/p.echo", "bh_none")).status).toBe(401);
    expect((await ask("/call/p.keep", tokens.viewer, { method: "POST", body: "x" })).status).toBe(403);
    expect((await ask("/publish/devices.changed", tokens.viewer, { method: "POST", body: "1" })).status).toBe(403);
    expect((await ask("/admin/restart", tokens.viewer, { method: "POST", body: '{"plugin":"p"}' })).status).toBe(403);
  });

  it("calls services, with their errors and reasons", async () => {
    expect(await (await ask("/call/p.echo", tokens.viewer, { method: "POST", body: "héllo" })).text()).toBe("héllo");
    const missing = await post("/call/nobody.here", "");
    expect([missing.status, await missing.json()]).toMatchObject([404, { error: { code: "no-such-service" } }]);
    const refusal = `\u0001${JSON.stringify({ code: "unavailable", message: "later\u202e", retryAfterMs: 1_500 })}`;
    const refused = await post("/call/p.refuse", refusal);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "2"]);
    expect(await refused.json()).toEqual({ error: { code: "refused", message: "later\\u{202e}", reason: "unavailable" } });
    expect((await post("/call/p.refuse", "no")).status).toBe(502);
    expect((await post("/call/p.echo", "x".repeat(70_000))).status).toBe(413);
  });

  it("hands on traces, deadlines, and that a client has gone", async () => {
    const traced = await post("/call/p.echo", "x", { traceparent: `00-${TRACE}-b7ad6b7169203331-01` });
    expect(traced.headers.get("traceparent")).toContain(TRACE);
    expect((await post("/call/p.spin", "late", { "deadline-ms": "200" })).status).toBe(504);
    const leaving = new AbortController();
    const left = ask("/call/p.spin", tokens.operator, { method: "POST", body: "leaving now", signal: leaving.signal });
    await eventually("the turn", () => said.includes("leaving now") || undefined);
    leaving.abort();
    await expect(left).rejects.toThrow("abort");
    // Its turn is over long before its limit of a minute, so that the next one comes.
    expect(await (await post("/call/p.echo", "next", { "deadline-ms": "30000" })).text()).toBe("next");
  });

  it("shows to each principal what he may call", async () => {
    const shown = async (token: string): Promise<{ services: { name: string }[]; plugins: unknown[] }> =>
      (await (await ask("/catalog", token)).json()) as { services: { name: string }[]; plugins: unknown[] };
    const names = async (token: string): Promise<string[]> => (await shown(token)).services.map(({ name }) => name).sort();
    expect(await names(tokens.viewer)).toEqual(["p.echo"]);
    expect(await names(tokens.operator)).toEqual(["p.echo", "p.keep", "p.read", "p.refuse", "p.spin"]);
    expect(await names(tokens.narrow)).toEqual(["p.refuse"]);
    expect((await shown(tokens.viewer)).plugins).toEqual([{ name: "p", state: "running" }]);
  });

  it("publishes, and hands over events as they come until the principal is revoked", async () => {
    const stream = await ask("/follow/lamps.**", tokens.viewer);
    expect(stream.headers.get("content-type")).toBe("text/event-stream");
    const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;
    const headers = { "content-type": "application/json", traceparent };
    const { id } = (await (await post("/publish/lamps.on", '{"lamp":"a"}', headers)).json()) as { id: string };
    await post("/publish/lamps.off", '"b"', { "content-type": "application/json", traceparent: '","forged":"' });
    let text = "";
    const ended = (async () => {
      for await (const piece of stream.body ?? []) text += Buffer.from(piece).toString("utf8");
    })();
    await eventually("both events", () => text.includes("lamps.off") || undefined);
    const [first, second] = text.split("\n\n").map((frame) => JSON.parse(/^data: (.*)$/m.exec(frame)?.[1] ?? "null"));
    expect(first).toMatchObject({ id, type: "lamps.on", source: "/adapters/other", data: { lamp: "a" } });
    expect(first.traceparent).toContain(TRACE);
    expect(second).not.toHaveProperty("forged");
    expect((await post("/publish/no", "1")).status).toBe(400);
    await run("token", "revoke", "v");
    await ended;
    expect(text).toContain("event: end");
    expect((await ask("/catalog", tokens.viewer)).status).toBe(401);
  });

  it("operates the host, as the audit log knows", async () => {
    const listed = (await (await post("/admin/list", "{}")).json()) as { plugin: string }[];
    expect(listed.map(({ plugin }) => plugin)).toEqual(["p"]);
    expect((await post("/admin/restart", '{"plugin":"p"}')).status).toBe(200);
    expect((await post("/admin/install", "{}")).status).toBe(403);
    expect((await run("audit")).stdout).toMatch(/token:o\b.*restart/);
  });

  it("brings bodies into blobs and out of them", async () => {
    const body = "a,b\n".repeat(50);
    const uploaded = await ask("/blobs/p.read", tokens.operator, { method: "PUT", body, headers: { "content-type": "text/csv" } });
    expect(await uploaded.text()).toBe(`\0${body}`);
    // It is gone with its request.
    expect((JSON.parse((await run("blobs", "list", "p", "--json")).stdout) as { blobs: unknown[] }).blobs).toEqual([]);
    await post("/call/p.keep", body);
    const downloaded = await ask("/blobs/p.keep/kept", tokens.operator);
    expect([downloaded.headers.get("content-type"), await downloaded.text()]).toEqual(["text/csv", body]);
    expect((await ask("/blobs/p.keep/other", tokens.operator)).status).toBe(400);
    expect((await ask("/blobs/p.keep/kept", tokens.narrow)).status).toBe(403);
  });

  it("has routes of plugins, which are read when they are installed", async () => {
    expect(await (await post("/plugins/echo", "by a route")).text()).toBe("by a route");
    await writePlugin(folder.path, "odd", PLUGIN, { api: "0.2", contributes: { other: [{ path: "/admin/list", service: "odd.x" }] } });
    const { code, stderr } = await run("install", "./odd", "--grant", "all");
    expect(code).not.toBe(0);
    expect(stderr).toContain("contributes.other of odd");
  });

  it("may not listen beyond this machine where everybody comes in", async () => {
    const started = async (options: object): Promise<{ code: number; stderr: string }> => {
      write(configured(options));
      return run("serve", "--data", "elsewhere");
    };
    expect(await started({ host: "0.0.0.0" })).toMatchObject({ code: 2, stderr: expect.stringContaining("does not listen on 0.0.0.0") });
    expect(await started({ port: "x" })).toMatchObject({ code: 2, stderr: expect.stringContaining("gateway.mjs.port") });
  });
});
