// Raw routes: what a plugin is given of a request, what it may answer, and what neither a client nor a plugin can do with them.

import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { httpOptions } from "../../host/adapters/http/options.ts";
import { parseRoutes } from "../../host/adapters/http/routes.ts";
import { type HttpServer, startHttpServer } from "../../host/adapters/http/server.ts";
import { Host } from "../../host/core/host.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { contributing, testContext } from "../support/adapter-context.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { definition, type Script, scriptedCell, utf8 } from "../support/scripted-cell.ts";

const raw = (head: object | string, body: string | Uint8Array = ""): Uint8Array =>
  Buffer.concat([Buffer.from(`${typeof head === "string" ? head : JSON.stringify(head)}\n`), Buffer.from(body)]);

let answer: Uint8Array | undefined;
const SCRIPT: Script = {
  mirror: (input) => raw({ headers: [{ name: "content-type", value: "text/plain" }] }, input),
  answer: () => answer,
};
const SERVICES = Object.keys(SCRIPT).map((entryPoint) => ({ name: `p.${entryPoint}`, entryPoint }));
const NAMED = ["x-hub-signature-256", "authorization", "cookie", "x-request-id"];
const ROUTES = [
  { method: "POST", path: "/p/hooks/:id", service: "p.mirror", request: "raw", headers: NAMED },
  { method: "GET", path: "/p/image", service: "p.answer", request: "raw" },
  { method: "GET", path: "/p/mirror", service: "p.mirror", request: "raw" },
  { method: "POST", path: "/p/plain", service: "p.mirror" },
];

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Head {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly params: Readonly<Record<string, string>>;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

describe("raw routes", () => {
  let host: Host;
  let server: HttpServer;
  let restart: (options: object) => Promise<void>;

  beforeEach(async () => {
    const log = memoryLog();
    host = new Host(hostPorts({ clock: systemClock, log }));
    host.add(definition("p", SCRIPT, { services: SERVICES }), scriptedCell({ p: SCRIPT }));
    await startAll(host, log);
    const { context, manifests } = testContext(host, { log, adapter: "http", parse: parseRoutes });
    manifests.set("p", contributing("p", { http: { routes: ROUTES } }));
    const start = async (options: object): Promise<HttpServer> => startHttpServer(httpOptions.parse({ port: 0, ...options }), context);
    server = await start({});
    restart = async (options) => {
      await server.close();
      server = await start(options);
    };
  });
  afterEach(async () => {
    await server.close();
    await stopAll(host, 0);
  });

  const send = (
    method: string,
    path: string,
    body: string | Uint8Array = "",
    headers: Record<string, string | string[]> = {},
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const request = httpRequest(`${server.url}${path}`, { method, headers }, (response) => {
        const pieces: Buffer[] = [];
        response.on("data", (piece: Buffer) => pieces.push(piece));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) }));
      });
      request.on("error", reject).end(body);
    });

  const mirrored = async (...sent: Parameters<typeof send>): Promise<{ readonly head: Head; readonly body: Buffer }> => {
    const { status, body } = await send(...sent);
    expect([status, body.toString("latin1").slice(0, 300)]).toEqual([200, expect.stringMatching(/^\{/)]);
    const end = body.indexOf("\n");
    return { head: JSON.parse(body.subarray(0, end).toString()) as Head, body: body.subarray(end + 1) };
  };

  const answered = async (head: object | string, body?: string | Uint8Array): Promise<Answer> => {
    answer = raw(head, body);
    return send("GET", "/p/image");
  };
  const refusal = async (head: object | string, body?: string | Uint8Array): Promise<string> => {
    const { status, body: said } = await answered(head, body);
    expect(status).toBe(502);
    const { error } = JSON.parse(said.toString()) as { readonly error: { readonly code: string; readonly message: string } };
    expect(error.code).toBe("plugin-failed");
    return error.message;
  };

  describe("give a plugin", () => {
    it("the request as it came: method, path, query, parameters, and each byte of the body", async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      const { head, body } = await mirrored("POST", "/p/hooks/a%20b?x=1&x=2&y=%ff", bytes, { "content-type": "image/png" });
      expect(head).toMatchObject({ method: "POST", path: "/p/hooks/a%20b", query: "x=1&x=2&y=%ff", params: { id: "a b" } });
      expect(new Uint8Array(body)).toEqual(bytes);
      expect((await mirrored("GET", "/p/mirror")).head).toMatchObject({ method: "GET", path: "/p/mirror", query: "", params: {} });
    });

    it("forms and whatever else has a type or none, which other routes refuse", async () => {
      for (const type of ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/csv", "application/json"]) {
        const { head, body } = await mirrored("POST", "/p/hooks/1", "a=1&b={", { "content-type": type });
        expect([head.headers, body.toString()]).toEqual([[{ name: "content-type", value: type }], "a=1&b={"]);
        if (type !== "application/json") expect((await send("POST", "/p/plain", "a=1", { "content-type": type })).status).toBe(415);
      }
      expect((await mirrored("POST", "/p/hooks/1", "untyped")).body.toString()).toBe("untyped");
      expect((await send("POST", "/p/plain", "untyped")).status).toBe(415);
      expect((await send("POST", "/v1/services/p.mirror", "untyped")).status).toBe(415);
    });

    it("the headers that the route names, each as often as it came, and no credentials", async () => {
      const sent = {
        "x-hub-signature-256": ["sha256=a", "sha256=b"],
        "x-other": "1",
        authorization: "Bearer t",
        cookie: "session=1",
        "x-request-id": "7",
        "user-agent": "hook/1",
      };
      const names = async (): Promise<string[]> =>
        (await mirrored("POST", "/p/hooks/1", "", sent)).head.headers.map(({ name, value }) => `${name}: ${value}`);
      const without = ["x-hub-signature-256: sha256=a", "x-hub-signature-256: sha256=b", "x-request-id: 7", "user-agent: hook/1"];
      expect(await names()).toEqual(without);
      await restart({ credentialHeaders: { q: ["authorization", "cookie"] } });
      expect(await names()).toEqual(without);
      await restart({ credentialHeaders: { p: ["authorization"] } });
      expect((await names()).sort()).toEqual(["authorization: Bearer t", ...without].sort());
    });

    it("no more headers and no more bytes than there may be", async () => {
      const many = { "x-hub-signature-256": Array.from({ length: 65 }, (_, i) => `${i}`) };
      expect(await send("POST", "/p/hooks/1", "", many)).toMatchObject({ status: 431 });
      expect(await send("POST", "/p/hooks/1", "", { "x-hub-signature-256": "a".repeat(20_000) })).toMatchObject({ status: 431 });
      await restart({ maxBodyBytes: 100 });
      expect(await send("POST", "/p/hooks/1", "a".repeat(101), { "content-type": "text/plain" })).toMatchObject({ status: 413 });
      expect((await mirrored("POST", "/p/hooks/1", "a".repeat(100), { "content-type": "text/plain" })).body.length).toBe(100);
    });

    it("nothing that a web page of elsewhere sent", async () => {
      const form = { "content-type": "application/x-www-form-urlencoded" };
      expect((await send("POST", "/p/hooks/1", "a=1", { ...form, origin: "https://evil.example" })).status).toBe(403);
      expect((await send("POST", "/p/hooks/1", "a=1", { ...form, "sec-fetch-site": "cross-site" })).status).toBe(403);
      expect((await send("POST", "/p/hooks/1", "a=1", { ...form, host: "evil.example" })).status).toBe(403);
    });

    it("one head, whatever a client writes into names and values", async () => {
      const { port, hostname } = new URL(server.url);
      const text = await new Promise<string>((resolve) => {
        const socket = connect(Number(port), hostname);
        let got = "";
        socket.on("data", (piece) => {
          got += piece.toString("latin1");
        });
        socket.on("close", () => resolve(got));
        const lines = [
          "POST /p/hooks/%0a%22?q=%0a HTTP/1.1",
          "Host: localhost",
          "Connection: close",
          'User-Agent: "},\xff',
          "Content-Length: 4",
        ];
        socket.write(Buffer.from(`${lines.join("\r\n")}\r\n\r\n\n\n{}`, "latin1"));
      });
      const body = text.slice(text.indexOf("\r\n\r\n") + 4);
      const head = JSON.parse(Buffer.from(body.slice(0, body.indexOf("\n")), "latin1").toString()) as Head;
      expect(head).toMatchObject({ params: { id: '\n"' }, query: "q=%0a", headers: [{ name: "user-agent", value: '"},\xff' }] });
      expect(body.slice(body.indexOf("\n") + 1)).toBe("\n\n{}");
    });
  });

  describe("let a plugin answer", () => {
    it("with status, headers and any bytes, which browsers show and do not run", async () => {
      const png = Uint8Array.of(0x89, 0x50, 0x0a, 0x00, 0xff);
      const headers = [
        { name: "Content-Type", value: "image/png" },
        { name: "cache-control", value: "max-age=60" },
      ];
      const { status, headers: got, body } = await answered({ status: 203, headers }, png);
      expect([status, new Uint8Array(body)]).toEqual([203, png]);
      expect(got).toMatchObject({ "content-type": "image/png", "cache-control": "max-age=60", "x-content-type-options": "nosniff" });
      expect(got["content-security-policy"]).toMatch(/default-src 'none';.*sandbox$/);
      expect(got.traceparent).toBeDefined();
      expect((await answered({}, "a;b")).headers["content-type"]).toBe("application/octet-stream");
      expect(await answered({ status: 404 })).toMatchObject({ status: 404, headers: { "content-length": "0" } });
      expect(await answered({ status: 204 })).toMatchObject({ status: 204 });
    });

    it("with a redirect within its own paths", async () => {
      const to = (location: string): object => ({ status: 303, headers: [{ name: "location", value: location }] });
      expect((await answered(to("/p/image?x=1"))).headers.location).toBe("/p/image?x=1");
      for (const elsewhere of [
        "/q/x",
        "/v1/services/p.answer",
        "/px",
        "//evil.example/p/",
        "/\\evil.example/p/",
        "https://evil.example/p/",
        "p/x",
        "/p/../q",
        "/p/%2e%2e/q",
        "",
      ])
        expect(await refusal(to(elsewhere)), elsewhere).toContain("location must be a path below /p");
      expect(await refusal({ ...to("/p/image"), status: 307 })).toContain("redirect with 303");
    });

    it("nothing that speaks for the host or for its other plugins", async () => {
      const dangerous = [
        ...[
          "set-cookie",
          "Set-Cookie",
          "content-security-policy",
          "x-content-type-options",
          "access-control-allow-origin",
          "clear-site-data",
        ],
        ...[
          "content-length",
          "transfer-encoding",
          "connection",
          "upgrade",
          "trailer",
          "service-worker-allowed",
          "x-accel-redirect",
          "x-sendfile",
        ],
        ...[
          "www-authenticate",
          "strict-transport-security",
          "refresh",
          "traceparent",
          "content-encoding",
          "__proto__",
          "constructor",
          "",
          "a b",
        ],
      ];
      for (const name of dangerous)
        expect(await refusal({ headers: [{ name, value: "1" }] }), name).toContain("no header that a plugin may answer with");
    });

    it("no header that ends its line, and none twice", async () => {
      for (const value of ["a\r\nset-cookie: x=1", "a\nb", "a\rb", "a\0b", "a\x7f", "ü", "\u560d\u560a", "a".repeat(4_097)])
        expect(await refusal({ headers: [{ name: "etag", value }] })).toMatch(/^p answered what is no raw answer: headers\.0\.value /);
      expect(
        await refusal({
          headers: [
            { name: "etag", value: "1" },
            { name: "ETag", value: "2" },
          ],
        }),
      ).toContain("etag twice");
      expect(await refusal({ headers: Array.from({ length: 12 }, () => ({ name: "etag", value: "1" })) })).toContain("headers");
    });

    it("no status that ends or changes the connection, or has no body", async () => {
      for (const status of [100, 101, 103, 199, 600, 1_000, -1, 200.5, "200", null]) expect(await refusal({ status })).toContain("status");
      for (const status of [204, 205, 304]) expect(await refusal({ status }, "x")).toContain("has no body");
    });

    it("nothing else than a head, and says what is wrong with it", async () => {
      for (const head of [
        "",
        "{",
        "[]",
        "null",
        "{}{}",
        '"x"',
        '{"status":200,"more":1}',
        '{"headers":{}}',
        `{"status":200}${" ".repeat(16_384)}`,
      ])
        expect(await refusal(head), head.slice(0, 30)).toContain("no raw answer");
      answer = utf8(`{"status":200}${"x".repeat(2_000_000)}`);
      expect((await send("GET", "/p/image")).body.toString()).toContain("have no line feed");
      answer = undefined;
      expect((await send("GET", "/p/image")).status).toBe(502);
      answer = Uint8Array.of(0x22, 0xff, 0x22, 0x0a);
      expect((await send("GET", "/p/image")).body.toString()).toContain("first line is no JSON");
    });
  });

  it("are read from the manifest, and what is none of a route refuses it", () => {
    const route = { method: "POST", path: "/p/x", service: "p.x", request: "raw", headers: ["X-Signature"] };
    expect(parseRoutes("p", { routes: [route] })).toEqual([{ ...route, headers: ["x-signature"] }]);
    const detail = (changes: object): unknown => {
      try {
        return parseRoutes("p", { routes: [{ ...route, ...changes }] });
      } catch (thrown) {
        return (thrown as { detail: string }).detail;
      }
    };
    expect(detail({ request: "cooked" })).toContain("contributes.http.routes.0.request");
    expect(detail({ request: undefined })).toContain('only a route with "request": "raw" or "blob" is given headers');
    for (const name of ["content-length", "Connection", "proxy-authorization", "transfer-encoding", "a b", "", "x:y", "x\r\ny"])
      expect(detail({ headers: [name] }), name).toContain("contributes.http.routes.0.headers.0: write the name of a header");
    expect(detail({ headers: Array.from({ length: 33 }, (_, i) => `x-${i}`) })).toContain("contributes.http.routes.0.headers");
  });
});
