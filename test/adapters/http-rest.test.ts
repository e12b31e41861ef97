// Services over HTTP by what they declare of themselves: GET, text in the types of a schema, keys, deadlines, and bytes with their types.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { httpOptions } from "../../host/adapters/http/options.ts";
import { parseRoutes } from "../../host/adapters/http/routes.ts";
import { type HttpServer, startHttpServer } from "../../host/adapters/http/server.ts";
import { Host } from "../../host/core/host.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { testContext } from "../support/adapter-context.ts";
import { manifestOf } from "../support/catalogs.ts";
import { eventually } from "../support/eventually.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { definition, type Script, scriptedCell, utf8 } from "../support/scripted-cell.ts";

let runs = 0;
let release = (): void => {};
let aborted = 0;
const echo: Script[string] = (input) => {
  runs += 1;
  return input;
};
const count: Script[string] = () => utf8(String(++runs));
const SCRIPT: Script = {
  ...{ read: echo, bytes: echo, read_bytes: echo, count, repeat: count },
  hang: (_input, { cancelled }) => {
    runs += 1;
    cancelled?.addEventListener("abort", () => {
      aborted += 1;
    });
    return new Promise((resolve) => {
      release = () => resolve(utf8('"late"'));
    });
  },
};
const TYPED = {
  type: "object",
  properties: {
    n: { type: "integer" },
    x: { type: "number" },
    b: { type: "boolean" },
    s: { type: "string" },
    l: { type: "array", items: { type: "integer" } },
  },
};
const DECLARED = {
  "p.read": { entryPoint: "read", readOnly: true, input: TYPED },
  "p.bytes": { entryPoint: "bytes", consumes: "text/csv", produces: "image/svg+xml" },
  "p.read-bytes": { entryPoint: "read_bytes", readOnly: true, consumes: "text/csv" },
  "p.count": { entryPoint: "count" },
  "p.repeat": { entryPoint: "repeat", idempotent: true },
  "p.hang": { entryPoint: "hang" },
};
const ROUTES = [
  { method: "GET", path: "/p/read/:n", service: "p.read" },
  { method: "PUT", path: "/p/read/:n", service: "p.read" },
  { method: "POST", path: "/p/bytes", service: "p.bytes" },
  { method: "POST", path: "/p/count", service: "p.count" },
];

describe("services over HTTP", () => {
  let host: Host;
  let server: HttpServer;

  beforeEach(async () => {
    [runs, aborted] = [0, 0];
    const log = memoryLog();
    host = new Host(hostPorts({ clock: systemClock, log }));
    const services = Object.entries(DECLARED).map(([name, { entryPoint }]) => ({ name, entryPoint }));
    host.add(definition("p", SCRIPT, { services }), scriptedCell({ p: SCRIPT }));
    await startAll(host, log);
    const { context, manifests } = testContext(host, { log, adapter: "http", parse: parseRoutes });
    manifests.set("p", manifestOf({ services: DECLARED, contributes: { http: { routes: ROUTES } } }));
    server = await startHttpServer(httpOptions.parse({ port: 0 }), context);
  });
  afterEach(async () => {
    release();
    await server.close();
    await stopAll(host, 0);
  });

  const send = async (method: string, path: string, { body, headers = {} }: { body?: string; headers?: Record<string, string> } = {}) => {
    const typed = body === undefined ? headers : { "content-type": "application/json", ...headers };
    const response = await fetch(`${server.url}${path}`, { method, headers: typed, ...(body === undefined ? {} : { body }) });
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  const errorOf = ({ text }: { readonly text: string }) =>
    (JSON.parse(text) as { readonly error: { readonly code: string; readonly message: string } }).error;

  it("that only read are called with GET, and the query comes in the types of their input", async () => {
    const { status, text } = await send("GET", "/v1/services/p.read?n=5&x=1.5&b=true&s=7&l=1&l=2&other=3");
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({ n: 5, x: 1.5, b: true, s: "7", l: [1, 2], other: "3" });
    expect((await send("GET", "/v1/services/p.read")).text).toBe("{}");
    // What is no such value is left for the schema to refuse.
    expect(JSON.parse((await send("GET", "/v1/services/p.read?n=five&b=1")).text)).toEqual({ n: "five", b: "1" });
  });

  it("that change something, or take bytes, are not called with GET or HEAD", async () => {
    for (const name of ["p.count", "p.read-bytes", "p.bytes"]) {
      const refused = await send("GET", `/v1/services/${name}`);
      expect(refused.status, name).toBe(405);
      expect(refused.headers.get("allow")).toBe("POST");
      expect(errorOf(refused).message).toContain("use POST");
      expect((await send("HEAD", `/v1/services/${name}`)).status).toBe(404);
    }
    expect((await send("GET", "/v1/services/ghost.x")).status).toBe(404);
    expect(runs).toBe(0);
  });

  it("behind routes get path and query in the types of their input, beside a body that stays as it is written", async () => {
    expect(JSON.parse((await send("GET", "/p/read/12?b=false")).text)).toEqual({ n: 12, b: false });
    expect((await send("PUT", "/p/read/12?x=2", { body: '{"s" : "\\u0061"}' })).text).toBe('{"x":2,"s" : "\\u0061","n":12}');
  });

  it("that consume a media type get the bytes as they came, answer with their type, and take no other", async () => {
    for (const path of ["/v1/services/p.bytes", "/p/bytes"])
      for (const type of ["text/csv", "Text/CSV; charset=utf-8", "application/octet-stream"]) {
        const answered = await send("POST", path, { body: "a;b\n{", headers: { "content-type": type } });
        expect(answered.text, `${path} ${type}`).toBe("a;b\n{");
        expect(answered.headers.get("content-type")).toBe("image/svg+xml");
        // A browser that shows it runs nothing of it.
        expect(answered.headers.get("content-security-policy")).toContain("sandbox");
        expect(answered.headers.get("x-content-type-options")).toBe("nosniff");
      }
    for (const type of ["application/json", "text/plain", "multipart/form-data"]) {
      const refused = await send("POST", "/v1/services/p.bytes", { body: "{}", headers: { "content-type": type } });
      expect(refused.status, type).toBe(415);
      expect(errorOf(refused).message).toContain("send content-type: text/csv or application/octet-stream");
    }
    expect((await send("POST", "/v1/services/p.count", { body: "a", headers: { "content-type": "text/csv" } })).status).toBe(415);
    expect((await send("POST", "/v1/services/p.bytes")).status).toBe(204);
  });

  it("are called once for a key, on both paths to them, and say when an answer is an old one", async () => {
    const headers = { "idempotency-key": "a-key" };
    const first = await send("POST", "/v1/services/p.count", { body: "{}", headers });
    const second = await send("POST", "/v1/services/p.count", { body: "{}", headers });
    expect([first.text, second.text]).toEqual(["1", "1"]);
    expect([first, second].map((one) => one.headers.get("idempotency-replayed"))).toEqual([null, "true"]);
    expect((await send("POST", "/p/count", { headers })).text).toBe("1");
    const other = await send("POST", "/v1/services/p.count", { body: '{"a":1}', headers });
    expect(other.status).toBe(422);
    expect(errorOf(other).code).toBe("conflict");
    expect((await send("POST", "/v1/services/p.count", { body: "{}" })).text).toBe("2");
  });

  it("are not called for what is no key, unless they may be repeated anyway", async () => {
    for (const key of ["a b", "x".repeat(256), "a, b"]) {
      const headers = { "idempotency-key": key };
      const refused = await send("POST", "/v1/services/p.count", { body: "{}", headers });
      expect(refused.status).toBe(400);
      expect(errorOf(refused).message).toContain("Idempotency-Key");
    }
    expect(runs).toBe(0);
    const headers = { "idempotency-key": "a b" };
    expect((await send("POST", "/v1/services/p.repeat", { body: "{}", headers })).text).toBe("1");
    expect((await send("POST", "/v1/services/p.repeat", { body: "{}", headers: { "idempotency-key": "k" } })).text).toBe("2");
    expect((await send("POST", "/v1/services/p.repeat", { body: "{}", headers: { "idempotency-key": "k" } })).text).toBe("3");
  });

  it("go on for a key when their client goes away, and end without one", async () => {
    const headers = { "idempotency-key": "k", "content-type": "application/json" };
    const leave = async (given: Record<string, string>): Promise<void> => {
      const before = runs;
      const client = new AbortController();
      const left = fetch(`${server.url}/v1/services/p.hang`, { method: "POST", body: "{}", headers: given, signal: client.signal });
      await eventually("it runs", () => runs > before || undefined);
      client.abort();
      await left.catch(() => {});
    };
    await leave(headers);
    expect((await send("POST", "/v1/services/p.hang", { body: "{}", headers })).status).toBe(409);
    expect(aborted).toBe(0);
    release();
    const again = await eventually("it is answered", async () => {
      const answer = await send("POST", "/v1/services/p.hang", { body: "{}", headers });
      return answer.status === 200 ? answer : undefined;
    });
    expect(again.text).toBe('"late"');
    expect(runs).toBe(1);
    await leave({ "content-type": "application/json" });
    await eventually("it is ended", () => aborted === 1 || undefined);
  });

  it("are waited for as long as Deadline-Ms says, and that is a whole number", async () => {
    const late = await send("POST", "/v1/services/p.hang", { body: "{}", headers: { "deadline-ms": "50" } });
    expect(late.status).toBe(504);
    expect(errorOf(late).code).toBe("deadline-exceeded");
    for (const given of ["0", "-1", "1.5", "soon", "1e3", "1000000000", "1, 2"]) {
      const refused = await send("POST", "/v1/services/p.count", { body: "{}", headers: { "deadline-ms": given } });
      expect(refused.status, given).toBe(400);
      expect(errorOf(refused).message).toContain("Deadline-Ms");
    }
    release();
    expect((await send("GET", "/v1/services/p.read", { headers: { "deadline-ms": "999999999" } })).status).toBe(200);
  });

  it("are described by documents that follow what there is", async () => {
    const document = async (name: string) =>
      JSON.parse((await send("GET", `/v1/${name}.json`)).text) as { readonly paths?: object; readonly asyncapi?: string };
    expect(Object.keys((await document("openapi")).paths ?? {})).toEqual(
      expect.arrayContaining(["/v1/services/p.read", "/p/read/{n}", "/p/bytes"]),
    );
    expect((await document("asyncapi")).asyncapi).toBe("3.0.0");
    await stopAll(host, 0);
    host.remove("p");
    expect((await document("openapi")).paths).toEqual({});
  });
});
