// Bodies of requests that go into blobs of the plugin whose route says so, and blobs that are the bodies of answers: bounded, its own, and nothing is left.

import { existsSync, readdirSync } from "node:fs";
import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseRoutes } from "../../host/adapters/http/routes.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { type Step, scribe } from "../support/blobs.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const MIB = 1_048_576;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

describe("a route with a blob", () => {
  let folder: TemporaryFolder;
  let host: RunningHost;
  let agent: Agent;
  const routes = [
    { method: "POST", path: "/scribe/upload", service: "scribe.upload", request: "blob" },
    { method: "GET", path: "/scribe/file", service: "scribe.serve", request: "raw" },
    { method: "POST", path: "/scribe/file", service: "scribe.serve", request: "raw" },
  ];
  const start = async ({
    limits = {},
    http = {},
    isolation = "inline",
  }: {
    limits?: object;
    http?: object;
    isolation?: string;
  } = {}): Promise<void> => {
    const services = Object.fromEntries(["run", "upload", "serve"].map((name) => [`scribe.${name}`, { entryPoint: name }]));
    await scribe(folder.path, "scribe", { services, contributes: { http: { routes } } });
    const text = JSON.stringify({ adapters: { http: { port: 0, ...http } }, plugins: { scribe: { path: "scribe", isolation, limits } } });
    host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
  };
  beforeEach(() => {
    folder = temporaryFolder();
    agent = new Agent({ keepAlive: true, maxSockets: 1 });
  });
  afterEach(async () => {
    agent.destroy();
    await host.stop();
    folder.remove();
  });
  const run = (...steps: readonly Step[]): Promise<string[]> => host.call<string[]>("scribe.run", steps);
  const names = async (): Promise<string> => (await run({ op: "scan" }))[0] ?? "";
  const files = (): string[] => {
    const path = join(folder.path, "data", "blobs", "scribe");
    return existsSync(path) ? readdirSync(path) : [];
  };
  const send = (path: string, body?: Uint8Array, headers: object = { "content-type": "text/csv" }, method = "POST"): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const asked = httpRequest(`${host.url}${path}`, { method, headers: { ...headers }, agent }, (response) => {
        const pieces: Buffer[] = [];
        response.on("data", (piece: Buffer) => pieces.push(piece));
        response.on("error", reject);
        response.on("end", () => {
          const all = Buffer.concat(pieces);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: all, text: all.toString() });
        });
      });
      asked.on("error", reject);
      asked.end(body);
    });
  const file = (head: object, headers: object = {}): Promise<Answer> =>
    send(`/scribe/file?${encodeURIComponent(JSON.stringify(head))}`, undefined, headers, "GET");
  const put = (name: string, pieces: number, bytes = MIB): Promise<string[]> =>
    run({ op: "create", name }, ...Array.from({ length: pieces }, (_, i) => ({ op: "append", bytes, fill: 97 + i })), { op: "finish" });

  it.each(["inline", "process"])(
    "hands a plugin in a cell of kind %s a body of 5 MiB, whatever its type, and nothing of it is left",
    async (isolation) => {
      await start({ isolation });
      const csv = Buffer.from("0123456,789012345678901234567890\n".repeat(160_000));
      expect(csv.length).toBeGreaterThan(5 * MIB);
      const { status, text } = await send("/scribe/upload?lines", csv);
      expect([status, text]).toEqual([200, `160000 lines of ${csv.length} bytes, text/csv`]);
      await eventually("it is gone", () => files().length === 0 || undefined);
      expect((await send("/scribe/upload", undefined, {})).text).toMatch(/^~incoming\/\S+ application\/octet-stream 0 0$/);
      for (const type of ["application/json", "application/x-anything"])
        expect((await send("/scribe/upload", Buffer.from("{"), { "content-type": type })).status).toBe(200);
      await eventually("they are gone", () => files().length === 0 || undefined);
    },
  );

  it("leaves the plugin what it gives a name of its own, and nothing after a trap", async () => {
    await start();
    await send("/scribe/upload?keep", Buffer.from("a,b\n"));
    await eventually("the connection is over", async () => (await names()) === "kept" || undefined);
    expect(await run({ op: "read", name: "kept", bytes: 10 })).toEqual(["4 bytes, sum 249"]);
    expect((await send("/scribe/upload?trap", Buffer.alloc(100))).status).toBe(502);
    await eventually("it is gone", () => files().length === 2 || undefined);
  });

  it("can be the body of the answer itself", async () => {
    await start();
    const { status, headers, text } = await send("/scribe/upload?back", Buffer.from("a,b\n"));
    expect([status, headers["content-type"], headers["content-length"], text]).toEqual([200, "text/csv", "4", "a,b\n"]);
    await eventually("it is gone", () => files().length === 0 || undefined);
  });

  it("refuses what is too large by its own account before it is read, and what turns out to be while it is", async () => {
    await start({ limits: { blobMiB: 1 }, http: { maxBlobBytes: 2 * MIB } });
    const tooMuch = async (bytes: number, chunked: boolean, message: string): Promise<void> => {
      // A server that answers before it has read all may have closed the connection by the time when the client looks.
      const { status, text } = await send("/scribe/upload", Buffer.alloc(bytes), chunked ? { "transfer-encoding": "chunked" } : {});
      expect(status).toBe(413);
      expect(JSON.parse(text)).toMatchObject({ error: { code: "quota-exceeded", message: expect.stringContaining(message) } });
    };
    for (const chunked of [false, true]) {
      await tooMuch(MIB + 4_096, chunked, "limits.blobMiB");
      agent.destroy();
    }
    await run({ op: "stat", name: "a" });
    expect(files()).toEqual([]);
    // Two megabytes that would fit, but for the adapter's own limit.
    await host.stop();
    await start({ http: { maxBlobBytes: MIB } });
    for (const chunked of [false, true]) await tooMuch(MIB + 4_096, chunked, "adapters.http.maxBlobBytes");
    expect(files()).toEqual([]);
  });

  it("leaves nothing of a body that its client breaks off, and takes so many at a time", async () => {
    await start();
    const { hostname, port } = new URL(host.url ?? "");
    const begin = (): ReturnType<typeof connect> => {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => {});
      socket.write(`POST /scribe/upload HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: text/csv\r\ncontent-length: 1000\r\n\r\nhalf`);
      return socket;
    };
    const sockets = Array.from({ length: 8 }, begin);
    await eventually("all are under way", () => files().length === 8 || undefined);
    const { status, text } = await send("/scribe/upload", Buffer.from("one more"));
    expect([status, JSON.parse(text).error.code]).toEqual([429, "rate-limited"]);
    for (const socket of sockets) socket.destroy();
    await eventually("nothing is left", () => files().length === 0 || undefined);
    agent.destroy();
    expect((await send("/scribe/upload", Buffer.from("again"))).status).toBe(200);
  });

  it("is refused while its plugin does not run, before anything is read", async () => {
    await start();
    await host.core.plugin("scribe")?.stop(0);
    const { status } = await send("/scribe/upload", Buffer.alloc(MIB));
    expect([404, 503]).toContain(status);
    expect(files()).toEqual([]);
  });

  it("is no way around the names that are the host's, nor are they a guest's", async () => {
    await start();
    await put("a", 1, 10);
    expect(
      await run(
        { op: "create", name: "~incoming/x" },
        { op: "rename", name: "a", to: "~incoming/x" },
        { op: "fetch", url: "http://a.test/", into: "~incoming/x" },
      ),
    ).toEqual([
      ...Array(2).fill("invalid-message: names that begin with ~incoming/ are the host's; write another"),
      expect.stringMatching(/^permission-denied/),
    ]);
  });

  it("removes at the next start what a killed host left on its way", async () => {
    await start();
    await put("a", 1, 10);
    await host.stop();
    const path = join(folder.path, "data", "blobs");
    const { fileBlobs } = await import("../../host/drivers/blobs/files.ts");
    const driver = fileBlobs(path);
    const content = await driver.create("scribe");
    await content.seal();
    await driver.put("scribe", { name: "~incoming/x", mediaType: "a/b", metadata: [], size: 0, id: content.id, modified: 1 }, undefined);
    await start();
    expect(await names()).toBe("a");
    await eventually("it is gone", () => files().length === 2 || undefined);
  });

  it("sends a blob that an answer names, with its type, length and etag, in whole or in part", async () => {
    await start();
    const [told = ""] = (await put("a", 5)).slice(-1);
    const etag = `"${told.split(" ")[3]}"`;
    const whole = await file({ blob: "a" });
    expect([whole.status, whole.body.length, whole.headers.etag, whole.headers["content-type"]]).toEqual([
      200,
      5 * MIB,
      etag,
      "text/plain",
    ]);
    for (let i = 0; i < 5; i += 1) expect(whole.body.subarray(i * MIB, (i + 1) * MIB).every((byte) => byte === 97 + i)).toBe(true);
    expect(whole.headers["content-security-policy"]).toContain("sandbox");
    expect(whole.headers["x-content-type-options"]).toBe("nosniff");
    const parts: readonly (readonly [string, number, string | undefined, string])[] = [
      ["bytes=0-0", 206, "bytes 0-0/5242880", "a"],
      ["bytes=1048575-1048576", 206, "bytes 1048575-1048576/5242880", "ab"],
      ["bytes=5242879-", 206, "bytes 5242879-5242879/5242880", "e"],
      ["bytes=-1", 206, "bytes 5242879-5242879/5242880", "e"],
      ["bytes=5242879-99999999999", 206, "bytes 5242879-5242879/5242880", "e"],
      ["bytes=5242880-", 416, "bytes */5242880", ""],
      ["bytes=-0", 416, "bytes */5242880", ""],
    ];
    for (const [range, status, contentRange, text] of parts) {
      const part = await file({ blob: "a" }, { range });
      expect([part.status, part.headers["content-range"], part.text], range).toEqual([status, contentRange, text]);
    }
    for (const range of ["bytes=2-1", "bytes=0-0,2-2", "lines=0-1", "bytes=-", "bytes=x-", "bytes=9999999999999999-"])
      expect((await file({ blob: "a" }, { range })).body.length, range).toBe(5 * MIB);
    expect((await file({ blob: "a" }, { range: "bytes=0-0", "if-range": etag })).status).toBe(206);
    expect((await file({ blob: "a" }, { range: "bytes=0-0", "if-range": '"another"' })).status).toBe(200);
    const own = await file({ status: 201, blob: "a", headers: [{ name: "content-type", value: "text/csv" }] }, { range: "bytes=0-0" });
    expect([own.status, own.headers["content-type"], own.body.length]).toEqual([201, "text/csv", 5 * MIB]);
  });

  it("answers 502 for a blob that is not there, or beside a body, or with a status that has none", async () => {
    await start();
    await put("a", 1, 10);
    for (const [head, message] of [
      [{ blob: "b" }, 'there is no blob "b"'],
      [{ blob: "" }, "0 bytes"],
      [{ blob: "a", status: 204 }, "has no body"],
    ] as const) {
      const { status, text } = await file(head);
      expect([status, JSON.parse(text).error.code]).toEqual([502, "plugin-failed"]);
      expect(JSON.parse(text).error.message).toContain(message);
    }
    const both = await send(`/scribe/file?${encodeURIComponent('{"blob":"a"}\nx')}`, undefined, {}, "GET");
    expect(both.text).toContain("has a body and names a blob");
  });

  it("breaks off an answer whose blob is replaced meanwhile, and gives the connection up", async () => {
    await start();
    await put("a", 40);
    const { hostname, port } = new URL(host.url ?? "");
    const socket = connect(Number(port), hostname);
    socket.write(`GET /scribe/file?${encodeURIComponent('{"blob":"a"}')} HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`);
    let bytes = 0;
    await new Promise<void>((resolve) => socket.once("readable", () => resolve()));
    await run({ op: "delete", name: "a" });
    socket.on("data", (piece: Buffer) => {
      bytes += piece.length;
    });
    await new Promise<void>((resolve) => socket.once("close", () => resolve()));
    expect(bytes).toBeLessThan(40 * MIB);
  });
});

describe("the manifest", () => {
  it("has blobs only for requests with bodies", () => {
    const routes = (route: object): unknown => parseRoutes("p", { routes: [{ path: "/p", service: "p.s", ...route }] });
    expect(routes({ method: "PUT", request: "blob", headers: ["x-a"] })).toHaveLength(1);
    expect(() => routes({ method: "GET", request: "blob" })).toThrow("only a request with POST, PUT or PATCH has a body for a blob");
    expect(() => routes({ method: "DELETE", request: "blob" })).toThrow("POST, PUT or PATCH");
    expect(() => routes({ method: "PUT", request: "blobs" })).toThrow();
  });
});
