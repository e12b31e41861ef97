import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { errorBody, statusOf } from "../../host/adapters/http/errors.ts";
import { httpOptions } from "../../host/adapters/http/options.ts";
import { refuseOrigin } from "../../host/adapters/http/origin.ts";
import type { HttpContribution } from "../../host/adapters/http/plugin-routes.ts";
import { parseRoutes } from "../../host/adapters/http/routes.ts";
import { type HttpServer, startHttpServer } from "../../host/adapters/http/server.ts";
import { systemClock } from "../../host/adapters/system-clock.ts";
import { HOST_ERROR_CODES, HostError } from "../../host/core/errors.ts";
import { Host } from "../../host/core/host.ts";
import { startAll, stopAll } from "../../host/install/start-order.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { definition, type Script, scriptedCell, utf8 } from "../support/scripted-cell.ts";

const SCRIPT: Script = {
  echo: (input) => input,
  caller: (_input, turn) => utf8(JSON.stringify({ ...turn.caller, traceparent: turn.traceparent })),
  empty: () => undefined,
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
  let contributions: HttpContribution[];
  let problems: string[];

  beforeEach(async () => {
    log = memoryLog();
    host = new Host(hostPorts({ clock: systemClock, log }));
    const cell = scriptedCell({ p: SCRIPT, down: {} });
    host.add(definition("p", SCRIPT, { services: SERVICES }), cell);
    host.add(definition("down", {}, { dependencies: ["ghost"] }), cell);
    await startAll(host, log);
    problems = [];
    contributions = [
      { plugin: "p", section: { routes: ROUTES } },
      { plugin: "down", section: { routes: [{ method: "GET", path: "/p/stolen", service: "down.x" }] } },
    ];
    server = await startHttpServer(httpOptions.parse({ port: 0, maxBodyBytes: 1_000 }), {
      host,
      log,
      contributions: () => contributions,
      problems: () => problems,
    });
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

  it("serves the routes of plugins that come, and no longer those of plugins that go", async () => {
    expect((await send("GET", "/p/late")).status).toBe(404);
    const late = { plugin: "p", section: { routes: [{ method: "GET", path: "/p/late", service: "p.echo" }] } };
    contributions.push(late);
    expect((await send("GET", "/p/late?a=1")).text).toBe('{"a":"1"}');
    contributions.splice(contributions.indexOf(late), 1);
    expect((await send("GET", "/p/late")).status).toBe(404);
    expect((await send("GET", "/p/caller")).status).not.toBe(500);
  });

  it("merges path parameters over body over query into the service's input", async () => {
    const { text } = await send("POST", "/p/items/lamp%201?a=1&b=2&id=query", '{"b":3,"id":"body"}');
    expect(JSON.parse(text)).toEqual({ a: "1", b: 3, id: "lamp 1" });
    expect(JSON.parse((await send("GET", "/p/items?x=y")).text)).toEqual({ x: "y" });
    expect(JSON.parse((await send("POST", "/p/items/1")).text)).toEqual({ id: "1" });
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
    expect(await send("POST", "/v1/services/p.fail")).toMatchObject({
      status: 502,
      text: '{"error":{"code":"plugin-failed","message":"no such lamp"}}',
    });
    expect(await send("POST", "/v1/services/ghost.x")).toMatchObject({ status: 404, text: expect.stringContaining("no-such-service") });
    expect(await send("POST", "/v1/services/nonsense")).toMatchObject({ status: 400 });
    expect(await send("GET", "/nowhere")).toMatchObject({ status: 404, text: expect.stringContaining("GET /v1/plugins") });
    expect(await send("GET", "/p/stolen")).toMatchObject({ status: 404 });
  });

  it("refuses malformed, oversized, polluting and wrongly typed bodies", async () => {
    expect((await send("POST", "/p/items/1", "{nope")).status).toBe(400);
    expect((await send("POST", "/p/items/1", "[1]")).status).toBe(400);
    expect((await send("POST", "/p/items/1", '{"__proto__":{"x":1}}')).status).toBe(400);
    expect((await send("POST", "/p/items/1", JSON.stringify("x".repeat(1_000)))).status).toBe(413);
    expect((await send("POST", "/p/items/1", "a=1", { "content-type": "application/x-www-form-urlencoded" })).status).toBe(415);
    expect((await send("POST", "/p/items/1", Uint8Array.of(1), { "content-type": "application/octet-stream" })).status).toBe(400);
  });

  it("refuses web pages of other origins and names that are not ours", async () => {
    const withHeaders = (headers: Record<string, string>): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        httpRequest(`${server.url}/healthz`, { headers }, (response) => resolve(response.resume().statusCode))
          .on("error", reject)
          .end();
      });
    expect(await withHeaders({})).toBe(200);
    expect(await withHeaders({ host: "evil.example" })).toBe(403);
    expect(await withHeaders({ origin: "https://evil.example" })).toBe(403);
    expect(await withHeaders({ origin: "null" })).toBe(403);
    expect(await withHeaders({ origin: server.url })).toBe(200);
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
    expect(errors).toContainEqual("down contributes the route /p/stolen; its routes must begin with /down");
  });

  it("says when its port is taken", async () => {
    const port = Number(new URL(server.url).port);
    await expect(
      startHttpServer(httpOptions.parse({ port }), { host, log, contributions: () => [], problems: () => [] }),
    ).rejects.toMatchObject({
      code: "conflict",
      message: `port ${port} of 127.0.0.1 is taken: stop what listens there, or give another with --port or adapters.http.port; 0 takes a free one`,
    });
  });

  it("says when an address is none of this machine", async () => {
    const options = httpOptions.parse({ host: "192.0.2.1", port: 0 });
    await expect(startHttpServer(options, { host, log, contributions: () => [], problems: () => [] })).rejects.toMatchObject({
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
  it("have a status for every code, and tell nobody details", () => {
    for (const code of HOST_ERROR_CODES) expect(statusOf(code)).toBeGreaterThanOrEqual(400);
    expect(errorBody(new HostError("internal", "m", { detail: "secret" }))).toEqual({ error: { code: "internal", message: "m" } });
  });

  it("accept loopback names and those allowed", () => {
    for (const host of ["localhost:7420", "127.0.0.1", "[::1]:80", "bulkhead.lan:1"])
      expect(refuseOrigin({ host }, ["bulkhead.lan"]), host).toBeUndefined();
    for (const host of [undefined, "", "localhost.evil.example", "127.0.0.1.evil.example", "evil@localhost:x"])
      expect(refuseOrigin({ host }, []), host).toBeDefined();
  });
});
