// Refusals and rates on a whole host: what a plugin says is what its callers see, over HTTP, in other plugins and in the program, and no more often than it may.

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { CELL_KINDS } from "../support/cells.ts";
import { memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const BLOCKS = `
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error (param i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))`;

/** Gives its input to error_set and fails, each entry point alike. */
const REFUSER = `(module ${BLOCKS}
  (func $say (result i32) (call $error (call $input)) (i32.const 1))
  (export "say" (func $say)) (export "sell" (func $say)) (export "ok" (func $ok))
  (func $ok (result i32) (i32.const 0)))`;

/** Calls the service that it is given and answers the block that the host gives it for that: what it says is what a plugin sees. */
const ASKER = `(module ${BLOCKS}
  (import "extism:host/user" "services_call" (func $call (param i64 i64 i64) (result i64)))
  (import "bulkhead:host/memory" "store" (func $copy (param i32 i64 i32)))
  (memory 1)
  (data (i32.const 0) "refuser.say") (data (i32.const 16) "refuser.ok") (data (i32.const 32) "null")
  (func $text (param $at i32) (param $n i32) (result i64) (local $block i64)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $n))))
    (call $copy (local.get $at) (local.get $block) (local.get $n))
    (local.get $block))
  (func $ask (param $service i64) (result i32) (local $answer i64)
    (local.set $answer (call $call (local.get $service) (call $input) (call $text (i32.const 32) (i32.const 4))))
    (call $output (local.get $answer) (call $length (local.get $answer)))
    (i32.const 0))
  (func (export "ask") (result i32) (call $ask (call $text (i32.const 0) (i32.const 11))))
  (func (export "ok") (result i32) (call $ask (call $text (i32.const 16) (i32.const 10)))))`;

const calling = { permission: "services.call", resource: "refuser.*", reason: "To be refused." };
const asker = (name: string, api: string, authority = "own") => ({
  api,
  services: { [`${name}.ask`]: { entryPoint: "ask" }, [`${name}.ok`]: { entryPoint: "ok", ...(authority === "own" ? {} : { authority }) } },
  permissions: [calling],
});

const marked = (refusal: object): string => `\u0001${JSON.stringify(refusal)}`;

describe.each(CELL_KINDS)("a plugin that refuses, in %s cells", (isolation) => {
  let folder: TemporaryFolder;
  let host: RunningHost;
  const log = memoryLog();

  beforeAll(async () => {
    folder = temporaryFolder();
    await writePlugin(folder.path, "refuser", REFUSER, {
      api: "0.2",
      services: {
        "refuser.say": { entryPoint: "say" },
        "refuser.sell": { entryPoint: "sell", errors: { "out-of-stock": "no more of it" } },
        "refuser.ok": { entryPoint: "ok", perCaller: { perSecond: 0.001, burst: 2 } },
        "refuser.rare": { entryPoint: "ok", total: { perSecond: 0.001 } },
        "refuser.often": { entryPoint: "ok", total: { perSecond: 0.001 } },
      },
    });
    await writePlugin(folder.path, "old", REFUSER, { services: { "old.say": { entryPoint: "say" } } });
    await writePlugin(folder.path, "asker", ASKER, asker("asker", "0.2"));
    await writePlugin(folder.path, "elder", ASKER, asker("elder", "0.1"));
    const plugin = (path: string, rest: object = {}): object => ({ path, isolation, grants: "all", ...rest });
    const configuration = {
      dataDir: "data",
      adapters: { http: { port: 0 } },
      hardening: { acceptVulnerableNode: true },
      plugins: {
        refuser: plugin("refuser", { services: { "refuser.often": { total: false } } }),
        ...Object.fromEntries(["old", "asker", "elder"].map((name) => [name, plugin(name)])),
        devices: plugin(ownPlugin("devices")),
      },
    };
    host = await createHost({ configuration: parseConfiguration(JSON.stringify(configuration), join(folder.path, "bulkhead.json")), log });
  });
  afterAll(async () => {
    await host?.stop();
    folder.remove();
  });

  async function request(method: string, path: string, body?: string, type = "application/octet-stream") {
    const init = body === undefined ? { method } : { method, headers: { "content-type": type }, body };
    const response = await fetch(`${host.url}${path}`, init);
    const text = await response.text();
    const error = text === "" ? undefined : (JSON.parse(text) as { error?: Record<string, unknown> }).error;
    return { status: response.status, wait: response.headers.get("retry-after"), error };
  }
  const say = (what: string, service = "refuser.say") => request("POST", `/v1/services/${service}`, what);

  it("is answered over HTTP with the status of its reason", async () => {
    for (const [code, status] of [
      ["not-found", 404],
      ["invalid-input", 400],
      ["conflict", 409],
      ["forbidden", 403],
      ["unavailable", 503],
    ] as const)
      expect(await say(marked({ code, message: "no é" }))).toEqual({
        status,
        wait: null,
        error: { code: "refused", message: "no é", reason: code },
      });
    const sold = marked({ code: "out-of-stock", message: "gone" });
    expect(await say(sold, "refuser.sell")).toMatchObject({ status: 422, error: { code: "refused", reason: "out-of-stock" } });
    expect(await say(sold)).toMatchObject({
      status: 502,
      error: { code: "plugin-failed", message: expect.stringContaining("out-of-stock") },
    });
    expect(await say(marked({ code: "unavailable", message: "m", retryAfterMs: 1_001 }))).toMatchObject({ status: 503, wait: "2" });
    expect(await say("just words")).toMatchObject({ status: 502, error: { code: "plugin-failed", message: "just words" } });
  });

  it("makes no code of the host's, whatever it says", async () => {
    for (const code of ["permission-denied", "internal", "plugin-failed", "refused", "rate-limited", "__proto__"]) {
      const { status, error } = await say(marked({ code, message: "m", retryAfterMs: 5 }));
      expect([status, error?.code, error?.reason], code).toEqual([502, "plugin-failed", undefined]);
    }
    for (const odd of ["\u0001", "\u0001{", `\u0001${"[".repeat(20_000)}`, marked({ code: "not-found", message: "x".repeat(40_000) })])
      expect(await say(odd)).toMatchObject({ status: 502, error: { code: "plugin-failed" } });
  });

  it("is no failure of its own, however often it refuses", async () => {
    for (let i = 0; i < 30; i += 1) await say(marked({ code: "not-found", message: "m" }));
    expect(host.core.plugin("refuser")?.state).toBe("running");
    expect(await say(marked({ code: "not-found", message: "m" }))).toMatchObject({ status: 404 });
  });

  it("tells the program why, and for how long", async () => {
    const refused = host.core.services.call({
      service: "refuser.say",
      payload: Buffer.from(marked({ code: "unavailable", message: "m", retryAfterMs: 250 })),
      caller: { kind: "host", name: "test" },
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
    await expect(refused).rejects.toMatchObject({ code: "refused", reason: "unavailable", retryAfterMs: 250 });
  });

  const asked = async (service: string, input: string): Promise<unknown> => {
    const response = await fetch(`${host.url}/v1/services/${service}`, {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body: input,
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    return [bytes[0], bytes.length > 1 ? JSON.parse(bytes.subarray(1).toString()) : undefined];
  };

  it("tells other plugins its reason, and those for api 0.1 what they know", async () => {
    const gone = marked({ code: "unavailable", message: "gone", retryAfterMs: 250 });
    expect(await asked("asker.ask", gone)).toEqual([
      1,
      { code: "refused", message: "gone", detail: null, reason: "unavailable", "retry-after-ms": 250 },
    ]);
    expect(await asked("elder.ask", gone)).toEqual([1, { code: "plugin-failed", message: "gone", detail: null }]);
    expect(await asked("asker.ask", "words")).toEqual([1, { code: "plugin-failed", message: "words", detail: null }]);
  });

  it("is a failure with the same words when it is for api 0.1", async () => {
    const told = await say(marked({ code: "not-found", message: "no d1" }), "old.say");
    expect(told).toEqual({ status: 502, wait: null, error: { code: "plugin-failed", message: "no d1" } });
  });

  it("is devices: unknown, malformed and taken are told apart", async () => {
    const json = "application/json";
    expect(await request("GET", "/devices/nope")).toMatchObject({ status: 404, error: { code: "refused", reason: "not-found" } });
    expect(await request("GET", "/devices?limit=abc")).toMatchObject({ status: 400, error: { reason: "invalid-input" } });
    expect(await request("POST", "/devices", '{"id":5}', json)).toMatchObject({ status: 400, error: { reason: "invalid-input" } });
    expect(await request("POST", "/devices", '{"id":"a"}', json)).toMatchObject({ status: 200 });
    expect(await request("POST", "/devices", '{"id":"a"}', json)).toMatchObject({ status: 409, error: { reason: "conflict" } });
  });

  it("is called as often as it may be: by each caller, in all, or as the operator says", async () => {
    const call = (service: string) => request("POST", `/v1/services/${service}`);
    expect([(await call("refuser.ok")).status, (await call("refuser.ok")).status]).toEqual([204, 204]);
    const { status, wait, error } = await call("refuser.ok");
    expect([status, error]).toEqual([429, { code: "rate-limited", message: expect.stringContaining("services.refuser.ok.perCaller") }]);
    expect(Number(wait)).toBeGreaterThan(900);
    expect([(await call("refuser.rare")).status, (await call("refuser.rare")).status]).toEqual([204, 429]);
    for (let i = 0; i < 5; i += 1) expect(await call("refuser.often")).toMatchObject({ status: 204 });
    // Another caller has its own account, and is told in the way of its api.
    expect([await asked("asker.ok", ""), await asked("asker.ok", "")]).toEqual([
      [0, undefined],
      [0, undefined],
    ]);
    const [tag, refused] = (await asked("asker.ok", "")) as [number, Record<string, unknown>];
    expect([tag, refused]).toEqual([1, expect.objectContaining({ code: "rate-limited", "retry-after-ms": expect.any(Number) })]);
    await asked("elder.ok", "");
    await asked("elder.ok", "");
    expect(await asked("elder.ok", "")).toEqual([1, { code: "rate-limited", message: expect.any(String), detail: null }]);
  });
});
