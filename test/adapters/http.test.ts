import { getEventListeners } from "node:events";
import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { problemOf, retryAfterOf } from "../../host/adapters/http/errors.ts";
import { httpOptions } from "../../host/adapters/http/options.ts";
import { isHostOrOrigin, originGuard, refuseBodyType } from "../../host/adapters/http/origin.ts";
import { looksLikeJson } from "../../host/adapters/http/payload.ts";
import { parseRoutes } from "../../host/adapters/http/routes.ts";
import { type HttpServer, startHttpServer } from "../../host/adapters/http/server.ts";
import { refusal } from "../../host/bounds/refusals.ts";
import { HostError } from "../../host/core/errors.ts";
import { Host } from "../../host/core/host.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { authSchema } from "../../host/manifest/auth.ts";
import type { KnownManifests } from "../../host/manifest/known-manifests.ts";
import type { AdapterContext } from "../../host/seams.ts";
import { contributing, testContext } from "../support/adapter-context.ts";
import { eventually } from "../support/eventually.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { definition, type Script, scriptedCell, utf8 } from "../support/scripted-cell.ts";

let abandoned = 0;
const signals = new Set<AbortSignal | undefined>();
const SCRIPT: Script = {
  echo: (input) => input,
  caller: (_input, turn) => utf8(JSON.stringify({ ...turn.caller, traceparent: turn.traceparent })),
  empty: () => undefined,
  signal: (_input, { cancelled }) => void signals.add(cancelled),
  hang: (_input, { cancelled }) =>
    new Promise((_resolve, reject) =>
      cancelled?.addEventListener(
        "abort",
        () => {
          abandoned += 1;
          reject(new Error("nobody waits"));
        },
        { once: true },
      ),
    ),
  binary: () => Uint8Array.of(0xff, 0x00),
  html: () => utf8("<script>alert(1)</script>"),
  fail: () => {
    throw new HostError("plugin-failed", "no such lamp", { detail: "at wasm-function[1]" });
  },
};
const SERVICES = Object.keys(SCRIPT).map((entryPoint) => ({ name: `p.${entryPoint}`, entryPoint }));
const ROUTES = [
  { method: "POST", path: "/p/items/:id", service: "p.echo" },
  { method: "GET", path: "/p/items", service: "p.echo" },
  { method: "GET", path: "/p", service: "p.caller" },
  { method: "GET", path: "/p", service: "p.empty" },
];

describe("HTTP adapter", () => {
  let host: Host;
  let server: HttpServer;
  let log: ReturnType<typeof memoryLog>;
  let context: AdapterContext;
  let manifests: KnownManifests;
  let problems: string[];

  beforeEach(async () => {
    log = memoryLog();
    host = new Host(hostPorts({ clock: systemClock, log }));
    const cell = scriptedCell({ p: SCRIPT, down: {} });
    host.add(definition("p", SCRIPT, { services: SERVICES }), cell);
    host.add(definition("down", {}, { dependencies: ["ghost"] }), cell);
    await startAll(host, log);
    problems = [];
    ({ context, manifests } = testContext(host, { log, adapter: "http", parse: parseRoutes, problems: () => problems }));
    manifests.set("p", contributing("p", { http: { routes: ROUTES } }));
    manifests.set("down", contributing("down", { http: { routes: [{ method: "GET", path: "/p/stolen", service: "down.x" }] } }));
    server = await startHttpServer(httpOptions.parse({ port: 0, maxBodyBytes: 1_000 }), context);
  });
  afterEach(async () => {
    await server.close();
    await stopAll(host, 0);
  });

  const send = async (
    method: string,
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = { "content-type": "application/json" },
  ) => {
    const response = await fetch(`${server.url}${path}`, body === undefined ? { method } : { method, body, headers });
    return { status: response.status, text: await response.text(), headers: response.headers };
  };

  const withHeaders = (headers: Record<string, string>, method = "GET", path = "/healthz"): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      httpRequest(`${server.url}${path}`, { method, headers }, (response) => resolve(response.resume().statusCode))
        .on("error", reject)
        .end();
    });

  it("serves the routes of plugins that come, and no longer those of plugins that go", async () => {
    expect((await send("GET", "/p/late")).status).toBe(404);
    manifests.set("p", contributing("p", { http: { routes: [{ method: "GET", path: "/p/late", service: "p.echo" }] } }));
    expect((await send("GET", "/p/late?a=1")).text).toBe('{"a":"1"}');
    manifests.delete("p");
    expect((await send("GET", "/p/late")).status).toBe(404);
    expect((await send("GET", "/p/caller")).status).not.toBe(500);
  });

  it("merges path parameters over body over query into the service's input", async () => {
    const { text } = await send("POST", "/p/items/lamp%201?a=1&b=2&id=query", '{"b":3,"id":"body"}');
    expect(JSON.parse(text)).toEqual({ a: "1", b: 3, id: "lamp 1" });
    expect(JSON.parse((await send("GET", "/p/items?x=y")).text)).toEqual({ x: "y" });
    expect(JSON.parse((await send("POST", "/p/items/1")).text)).toEqual({ id: "1" });
  });

  it("hands JSON on byte for byte, also what no parser would write again", async () => {
    const bodies = [
      '{"n":9007199254740993,"n":1.0}',
      ' [1e2 , "\\u0061"]\n',
      '{"__proto__":{"x":1},"a":"\\/"}',
      "-0.0",
      `"${"ü".repeat(300)}"`,
    ];
    for (const body of bodies) expect((await send("POST", "/v1/services/p.echo", body)).text).toBe(body);
    manifests.set("p", contributing("p", { http: { routes: [{ method: "POST", path: "/p/plain", service: "p.echo" }] } }));
    const written = '{ "n": 9007199254740993, "n":1.0 }';
    expect((await send("POST", "/p/plain", written)).text).toBe(written);
    // In pieces, so that nobody waits for it.
    const large = `{"n":[${"9007199254740993,".repeat(10_000)}0]}`;
    const roomy = httpOptions.parse({ port: 0 });
    await server.close();
    server = await startHttpServer(roomy, context);
    expect((await send("POST", "/v1/services/p.echo", large)).text).toBe(large);
    expect(await send("POST", "/v1/services/p.echo", `${large}]`)).toMatchObject({
      status: 400,
      text: expect.stringContaining("no JSON text"),
    });
  });

  it("leaves the members of a body as they are written where it merges others into it", async () => {
    const { text } = await send(
      "POST",
      "/p/items/7?a=1&b=2&id=query",
      '{ "b" : 9007199254740993,"\\u0069d":[1,{"id":"x"}], "c":1.0,"c":2.0, "id":3 }',
    );
    expect(text).toBe('{"a":"1","b" : 9007199254740993,"c":1.0,"c":2.0,"id":"7"}');
    expect((await send("POST", "/p/items/7", "{}")).text).toBe('{"id":"7"}');
    expect((await send("POST", "/p/items/7", ' { "id" : 1 } ')).text).toBe('{"id":"7"}');
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it("passes bodies to a named service, JSON and bytes, and says what came back", async () => {
    const json = await send("POST", "/v1/services/p.echo", '{"a":"ü"}');
    expect([json.text, json.headers.get("content-type")]).toEqual(['{"a":"ü"}', "application/json; charset=utf-8"]);
    const octets = await send("POST", "/v1/services/p.echo", Uint8Array.of(1, 2, 255), { "content-type": "application/octet-stream" });
    expect(octets.headers.get("content-type")).toBe("application/octet-stream");
    expect((await send("POST", "/v1/services/p.empty")).status).toBe(204);
    expect((await send("POST", "/v1/services/p.binary")).headers.get("content-type")).toBe("application/octet-stream");
  });

  it("serves a plugin's HTML as bytes that no browser will run", async () => {
    const { headers } = await send("POST", "/v1/services/p.html");
    expect(headers.get("content-type")).toBe("application/octet-stream");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("stamps the caller and continues the trace of the request", async () => {
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const response = await fetch(`${server.url}/p`, { headers: { traceparent } });
    expect(await response.json()).toMatchObject({
      kind: "adapter",
      name: "http",
      traceparent: expect.stringContaining("4bf92f3577b34da6a3ce929d0e0e4736"),
    });
    expect(response.headers.get("traceparent")).toContain("4bf92f3577b34da6a3ce929d0e0e4736");
  });

  it("answers failures with a code and a status, and never with a stack", async () => {
    const { status, text, headers } = await send("POST", "/v1/services/p.fail");
    expect(status).toBe(502);
    expect(headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
    const error = { code: "plugin-failed", message: "no such lamp" };
    expect(JSON.parse(text)).toEqual({ title: "Bad Gateway", status: 502, detail: "no such lamp", error });
    expect(await send("POST", "/v1/services/ghost.x")).toMatchObject({ status: 404, text: expect.stringContaining("no-such-service") });
    expect(await send("POST", "/v1/services/nonsense")).toMatchObject({ status: 400 });
    expect(await send("GET", "/nowhere")).toMatchObject({ status: 404, text: expect.stringContaining("GET /v1/plugins") });
    expect(await send("GET", "/p/stolen")).toMatchObject({ status: 404 });
  });

  it("refuses malformed, oversized and wrongly typed bodies", async () => {
    expect((await send("POST", "/p/items/1", "{nope")).status).toBe(400);
    expect((await send("POST", "/p/items/1", "[1]")).status).toBe(400);
    expect((await send("POST", "/v1/services/p.echo", "{nope")).status).toBe(400);
    expect((await send("POST", "/v1/services/p.echo", '{"a":1}{')).status).toBe(400);
    expect((await send("POST", "/v1/services/p.echo", Uint8Array.of(0x22, 0xff, 0x22))).status).toBe(400);
    expect(await send("POST", "/p/items/1", JSON.stringify("x".repeat(1_000)))).toMatchObject({
      status: 413,
      text: expect.stringContaining("1000 bytes, which is the limit (adapters.http.maxBodyBytes)"),
    });
    expect((await send("POST", "/p/items/1", "a=1", { "content-type": "application/x-www-form-urlencoded" })).status).toBe(415);
    expect((await send("POST", "/p/items/1", Uint8Array.of(1), { "content-type": "application/octet-stream" })).status).toBe(400);
  });

  it("refuses web pages of other origins and names that are not ours", async () => {
    const { port } = new URL(server.url);
    expect(await withHeaders({})).toBe(200);
    expect(await withHeaders({ host: "evil.example" })).toBe(403);
    expect(await withHeaders({ host: `evil@127.0.0.1:${port}` })).toBe(403);
    expect(await withHeaders({ origin: "https://evil.example" })).toBe(403);
    expect(await withHeaders({ origin: "null" })).toBe(403);
    expect(await withHeaders({ origin: server.url })).toBe(200);
    // Another service of this machine.
    expect(await withHeaders({ origin: `http://127.0.0.1:${Number(port) + 1}` })).toBe(403);
    expect(await withHeaders({ origin: `http://127.0.0.1:${Number(port) + 1}` }, "POST", "/v1/services/p.echo")).toBe(403);
    expect(await withHeaders({ origin: server.url }, "POST", "/v1/services/p.empty")).toBe(204);
    // An image, or a link, of a page: it says no Origin.
    expect(await withHeaders({ "sec-fetch-site": "cross-site" })).toBe(403);
    expect(await withHeaders({ "sec-fetch-site": "same-site" })).toBe(403);
    expect(await withHeaders({ "sec-fetch-site": "same-origin" })).toBe(200);
    expect(await withHeaders({ "sec-fetch-site": "none" })).toBe(200);
  });

  it("takes no body, and no empty one, of a type that a form of any page could send", async () => {
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "TEXT/plain;application/json",
      "",
    ]) {
      for (const body of ["", '{"a":1}']) {
        const { status, text } = await send("POST", "/v1/services/p.echo", body, { "content-type": type });
        expect([status, text], `${type} ${body}`).toEqual([415, expect.stringContaining("send content-type: application/json")]);
      }
    }
    expect((await send("POST", "/v1/services/p.echo", "{}", { "content-type": "Application/JSON; charset=utf-8" })).status).toBe(200);
  });

  it("stops although a client never finishes its request", async () => {
    const { port, hostname } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.write("POST /v1/services/p.echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server.close();
    await closed;
  });

  it("keeps nothing of the calls that a connection has made, and tells the next of them when it closes", async () => {
    signals.clear();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const asked = httpRequest(`${server.url}/v1/services/p.signal`, { method: "POST", agent }, (response) =>
          response.resume().once("end", () => resolve(response.statusCode)),
        );
        asked.on("error", reject).end();
      });
    for (let i = 0; i < 3; i += 1) expect(await ask()).toBe(204);
    const [signal, ...others] = signals;
    expect(others).toEqual([]);
    expect(signal?.aborted).toBe(false);
    expect(getEventListeners(signal ?? expect.unreachable(), "abort")).toEqual([]);
    agent.destroy();
    await eventually("its end", () => (signal?.aborted === true ? true : undefined));
  });

  it("ends the turn of a client that goes away, and not of one that stays", async () => {
    const leaving = new AbortController();
    const asked = fetch(`${server.url}/v1/services/p.hang`, { method: "POST", signal: leaving.signal });
    await eventually("the turn", () => ((host.plugin("p")?.queued ?? 0) > 0 ? true : undefined));
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await eventually("its end", () => (host.plugin("p")?.queued === 0 ? true : undefined));
    expect(abandoned).toBe(1);
    expect((await send("POST", "/v1/services/p.echo", '"stays"')).text).toBe('"stays"');
    expect(abandoned).toBe(1);
  });

  it("asks for nobody who has gone while his body was read", async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const call: AdapterContext["call"] = async (_caller, { signal }) => {
      signals.push(signal);
      return new Uint8Array(0);
    };
    const other = await startHttpServer(httpOptions.parse({ port: 0 }), { ...context, call });
    const { port, hostname } = new URL(other.url);
    const body = `[${"1,".repeat(500_000)}1]`;
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {});
    const head = `POST /v1/services/p.echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    socket.end(head + body, () => socket.destroy());
    await eventually("the end of the call", () => (signals[0]?.aborted === true ? true : undefined));
    await other.close();
  });

  it("tells what runs and what failed, and why", async () => {
    expect(JSON.parse((await send("GET", "/healthz")).text)).toEqual({ status: "degraded", failed: ["down"] });
    problems = ["the disk is full"];
    expect(JSON.parse((await send("GET", "/healthz")).text)).toEqual({ status: "degraded", failed: ["down"], problems });
    const plugins = JSON.parse((await send("GET", "/v1/plugins")).text) as Record<string, unknown>[];
    expect(plugins[0]).toMatchObject({ name: "p", version: "1.0.0", state: "running", services: SERVICES.map((service) => service.name) });
    expect(plugins[1]).toMatchObject({
      name: "down",
      state: "failed",
      error: { code: "plugin-not-running", message: expect.stringContaining("ghost") },
    });
  });

  it("logs routes that are malformed, foreign or there already, and serves the rest", () => {
    const errors = log.lines.filter((line) => line.level === "error").map((line) => line.message);
    expect(errors).toContainEqual("p contributes GET /p twice; the first stays");
    expect(errors).toContainEqual(
      expect.stringContaining("routes.0.path: down contributes the route /p/stolen; its routes must begin with /down"),
    );
  });

  it("says when its port is taken", async () => {
    const port = Number(new URL(server.url).port);
    await expect(startHttpServer(httpOptions.parse({ port }), context)).rejects.toMatchObject({
      code: "conflict",
      message: `port ${port} of 127.0.0.1 is taken: stop what listens there, or give another with --port or adapters.http.port; 0 takes a free one`,
    });
  });

  it("says when an address is none of this machine", async () => {
    const options = httpOptions.parse({ host: "192.0.2.1", port: 0 });
    const required = testContext(host, { log, adapter: "http", auth: authSchema.parse({ mode: "required" }) }).context;
    await expect(startHttpServer(options, required)).rejects.toMatchObject({
      code: "invalid-message",
      message: expect.stringContaining("cannot listen on port 0 of 192.0.2.1 (EADDRNOTAVAIL)"),
    });
  });
});

describe("HTTP routes of a manifest", () => {
  const route = (overrides: object): unknown => ({ routes: [{ method: "GET", path: "/p/x", service: "p.x", ...overrides }] });

  it("must stay below the plugin's own name and lead to its own services", () => {
    expect(parseRoutes("p", route({}))).toHaveLength(1);
    for (const path of ["/v1/plugins", "/", "/px", "/p/../v1", "/p/*", "/p/:a:b", "/p/(.*)", "/healthz", "p/x"]) {
      expect(() => parseRoutes("p", route({ path })), path).toThrow(expect.objectContaining({ code: "invalid-manifest" }));
    }
    expect(() => parseRoutes("p", route({ service: "other.x" }))).toThrow(/not to its own service/);
    expect(() => parseRoutes("p", route({ method: "TRACE" }))).toThrow(/malformed/);
    expect(() => parseRoutes("p", { routes: [], extra: 1 })).toThrow(/malformed/);
  });
});

describe("HTTP details", () => {
  it("take an answer for JSON by all of a short one, and by both ends of a long one", () => {
    for (const text of ["{}", " [1]\n", '"a"', "0", "-1.5e3", "true", "null", `[${"1,".repeat(100_000)}1]`])
      expect(looksLikeJson(utf8(text)), text.slice(0, 9)).toBe(true);
    for (const text of ["", " ", "<b>", "no such", "nul", "{", "1 2", "{}x", `[${"1,".repeat(100_000)}`, `[${",".repeat(100_000)}]`])
      expect(looksLikeJson(utf8(text)), text.slice(0, 9)).toBe(false);
    expect(looksLikeJson(Uint8Array.of(0x22, 0xff, 0x22))).toBe(false);
  });

  it("tell nobody details, and round up to whole seconds what is to be waited", () => {
    expect(problemOf(500, new HostError("internal", "m", { detail: "secret" }))).toEqual({
      ...{ title: "Internal Server Error", status: 500, detail: "m" },
      error: { code: "internal", message: "m" },
    });
    expect(problemOf(404, refusal("not-found", "m")).error).toEqual({ code: "refused", message: "m", reason: "not-found" });
    const waits = [undefined, 1, 1_000, 1_001].map((retryAfterMs) => retryAfterOf({ code: "rate-limited", message: "m", retryAfterMs }));
    expect(waits).toEqual([undefined, 1, 1, 2]);
  });

  it("accept loopback names and those allowed, written as names and nothing else", () => {
    for (const host of ["localhost:7420", "127.0.0.1", "[::1]:80", "LOCALHOST", "bulkhead.lan:1", "[fd00::1]:7420", "bulkhead.example"])
      expect(originGuard(["bulkhead.lan", "fd00::1", "https://bulkhead.example"])({ host }), host).toBeUndefined();
    const odd = [
      "evil@127.0.0.1",
      "127.0.0.1@evil",
      "127.1",
      "2130706433",
      "0x7f000001",
      "localhost:",
      "localhost:x",
      "localhost:999999",
      "localhost/",
    ];
    const others = [
      undefined,
      "",
      "localhost.",
      "localhost.evil.example",
      "127.0.0.1.evil.example",
      "evil@localhost:x",
      "[::1",
      "0.0.0.0",
      "local host",
    ];
    for (const host of [...odd, ...others]) expect(originGuard(["0.0.0.0"])({ host }), host).toBeDefined();
  });

  it("accept a page of the origin that is asked, to the port and the scheme, or of one allowed", () => {
    const guard = originGuard(["https://bulkhead.example"]);
    for (const [host, origin] of [
      ["localhost:7420", "http://localhost:7420"],
      ["[::1]", "http://[::1]"],
      ["localhost:80", "http://localhost"],
      ["127.0.0.1:7420", "https://bulkhead.example"],
    ])
      expect(guard({ host, origin }), origin).toBeUndefined();
    for (const origin of [
      "https://localhost:7420",
      "http://localhost",
      "http://127.0.0.1:7420",
      "http://localhost:7420/",
      "null",
      "",
      "file://",
    ])
      expect(guard({ host: "localhost:7420", origin }), origin).toBeDefined();
    expect(guard({ host: "bulkhead.example", origin: "http://bulkhead.example:8080" })).toBeDefined();
  });

  it("know what an allowed host may be", () => {
    for (const text of ["bulkhead.lan", "192.168.1.2", "::1", "[::1]", "https://bulkhead.example", "http://bulkhead.lan:8080"])
      expect(isHostOrOrigin(text), text).toBe(true);
    for (const text of ["", "*", "bulkhead.lan:80", "https://bulkhead.example/", "https://a@b.example", "ftp://a.example", "a b"])
      expect(isHostOrOrigin(text), text).toBe(false);
  });

  it("ask for the type of what may change something only", () => {
    expect(refuseBodyType("GET", "text/plain")).toBeUndefined();
    expect(refuseBodyType("DELETE", undefined)).toBeUndefined();
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) expect(refuseBodyType(method, "text/plain"), method).toBeDefined();
  });
});
