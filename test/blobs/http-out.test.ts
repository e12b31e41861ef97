// Bodies of a plugin's requests that come out of its blobs and go into them: past the guest, within its quota, whole or not at all.

import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BlobReceiver } from "../../host/capabilities/http/bodies.ts";
import { connectTo } from "../../host/capabilities/http/connection.ts";
import { Mask } from "../../host/capabilities/http/secrets.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { type Step, scribe } from "../support/blobs.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const MIB = 1_048_576;
const LARGE = 5 * MIB;

let server: Server;
let port: number;
let handle: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  server = createServer((request, response) => handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as AddressInfo);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

describe("a request of a plugin", () => {
  let folder: TemporaryFolder;
  let host: RunningHost;
  const grants = (): object[] => [
    { permission: "http.fetch", resource: `http://127.0.0.1:${port}` },
    { permission: "http.private", resource: "127.0.0.0/8" },
  ];
  const start = async ({
    limits = {},
    granted = grants(),
    capabilities = {},
  }: {
    limits?: object;
    granted?: readonly object[];
    capabilities?: object;
  } = {}): Promise<void> => {
    await scribe(folder.path, "scribe", { permissions: grants().map((grant) => ({ ...grant, reason: "to test" })) });
    const plugins = { scribe: { path: "scribe", isolation: "inline", limits, grants: granted } };
    const text = JSON.stringify({ adapters: { http: false }, capabilities, plugins });
    host = await createHost({ configuration: parseConfiguration(text, join(folder.path, "bulkhead.json")), log: memoryLog() });
  };
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(async () => {
    await host.stop();
    folder.remove();
  });
  const run = (...steps: readonly Step[]): Promise<string[]> => host.call<string[]>("scribe.run", steps);
  const fetched = async (step: object): Promise<string> => (await run({ op: "fetch", url: `http://127.0.0.1:${port}/`, ...step }))[0] ?? "";
  const files = (): string[] => {
    const path = join(folder.path, "data", "blobs", "scribe");
    return existsSync(path) ? readdirSync(path) : [];
  };
  const blob = (name: string, bytes: number): Step[] => [
    { op: "create", name },
    ...Array.from({ length: bytes / MIB }, () => ({ op: "append", bytes: MIB, fill: 1 })),
    { op: "finish" },
  ];

  it("brings an answer into a blob that is larger than any payload, with its media type", async () => {
    await start();
    handle = (_request, response) => response.writeHead(200, { "content-type": "text/csv; charset=UTF-8" }).end(Buffer.alloc(LARGE, 2));
    expect(await fetched({ into: "report" })).toBe(`200, 0 bytes, ${LARGE} stored`);
    expect(await run({ op: "stat", name: "report" }, { op: "read", name: "report", offset: LARGE - 3, bytes: 10 })).toEqual([
      expect.stringMatching(new RegExp(`^report text/csv; charset=UTF-8 ${LARGE} `)),
      "3 bytes, sum 6",
    ]);
    expect(await fetched({})).toMatch(/^quota-exceeded: .*limits.payloadMiB/);
  });

  it("takes a media type that is none for bytes", async () => {
    await start();
    handle = (_request, response) => response.writeHead(200, { "content-type": "nonsense" }).end("ok");
    expect(await fetched({ into: "a" })).toBe("200, 0 bytes, 2 stored");
    expect((await run({ op: "stat", name: "a" }))[0]).toMatch(/^a application\/octet-stream 2 /);
  });

  it("sends a blob with its length, also again where a redirect leads on", async () => {
    await start();
    await run(...blob("a", LARGE));
    const seen: string[] = [];
    handle = (request, response) => {
      const hash = createHash("sha256");
      request.on("data", (piece: Buffer) => hash.update(piece));
      request.on("end", () => {
        seen.push(`${request.method} ${request.headers["content-length"]} ${hash.digest("hex")}`);
        if (request.url === "/") response.writeHead(307, { location: "/next" }).end();
        else response.end("thanks");
      });
    };
    expect(await fetched({ method: "PUT", from: "a" })).toBe("200, 6 bytes, none stored");
    const sum = createHash("sha256").update(Buffer.alloc(LARGE, 1)).digest("hex");
    expect(seen).toEqual([`PUT ${LARGE} ${sum}`, `PUT ${LARGE} ${sum}`]);
  });

  it("leaves the blob as it was where the status is no success, and answers the body", async () => {
    await start();
    handle = (_request, response) => response.end("first");
    await fetched({ into: "a" });
    const [before] = await run({ op: "stat", name: "a" });
    handle = (_request, response) => response.writeHead(404).end("not here");
    expect(await fetched({ into: "a" })).toBe("404, 8 bytes, none stored");
    expect(await run({ op: "stat", name: "a" })).toEqual([before]);
    expect(files()).toHaveLength(2);
  });

  it("ends an answer that passes the quota, whatever its server said of its length, and leaves nothing of it", async () => {
    await start({ limits: { blobMiB: 1 } });
    let sent = 0;
    let isClosed = false;
    handle = (_request, response) => {
      response.on("close", () => {
        isClosed = true;
      });
      const more = (): void => {
        while (!response.destroyed && sent < 200 * MIB && response.write(Buffer.alloc(65_536))) sent += 65_536;
        response.once("drain", more);
      };
      more();
    };
    expect(await fetched({ into: "a" })).toMatch(/^quota-exceeded: scribe would have .* the limit is 1048576 \(limits.blobMiB\)$/);
    await eventually("the server's answer is broken off", () => isClosed || undefined);
    expect(sent).toBeLessThan(20 * MIB);
    expect(await run({ op: "stat", name: "a" })).toEqual(["none"]);
    await eventually("its file is gone", () => files().length === 0 || undefined);
    handle = (_request, response) => response.end("small");
    expect(await fetched({ into: "a" })).toBe("200, 0 bytes, 5 stored");
  });

  it.each([
    ["its own time", { timeoutMs: 200 }, "did not answer within 200 ms"],
    // On a busy machine the turn's end comes before the answer reaches the guest.
    ["the turn's", { timeoutMs: 100_000 }, "(did not answer within|passed its deadline)"],
  ])("ends when %s is over, in the middle of a body too, and leaves nothing of it", async (_what, step, message) => {
    await start({ limits: { deadlineMs: 1_500 } });
    handle = (_request, response) => response.writeHead(200).write("the beginning");
    expect(await fetched({ into: "a", ...step }).catch(({ code, message: said }) => `${code}: ${said}`)).toMatch(
      new RegExp(`^deadline-exceeded: .*${message}`),
    );
    await eventually("its file is gone", () => files().length === 0 || undefined);
    expect(await run({ op: "stat", name: "a" })).toEqual(["none"]);
  });

  it("waits for a slow server as long as it says, never longer than the operator does, and not for no time", async () => {
    await start({ capabilities: { http: { timeoutMs: 2_000 } }, limits: { deadlineMs: 20_000 } });
    handle = () => {};
    expect(await fetched({ timeoutMs: 200 })).toMatch(/^deadline-exceeded: .* did not answer within 200 ms$/);
    expect(await fetched({ timeoutMs: 100_000 })).toMatch(/^deadline-exceeded: .* did not answer within 2000 ms$/);
    expect(await fetched({ timeoutMs: 0 })).toBe("invalid-message: timeout-ms is 0; write at least 1, or leave it out");
    handle = (_request, response) => response.end("at once");
    expect(await fetched({ timeoutMs: 2_000 })).toBe("200, 7 bytes, none stored");
  });

  it("leaves nothing of an answer that its server breaks off", async () => {
    await start();
    handle = (_request, response) => {
      response.writeHead(200, { "content-length": 1_000 }).write("the beginning");
      setTimeout(() => response.destroy(), 50);
    };
    expect(await fetched({ into: "a" })).toMatch(/^http-failed: /);
    await eventually("its file is gone", () => files().length === 0 || undefined);
  });

  it("needs the same permission, and asks for it before anything is read or written", async () => {
    await start({ granted: [] });
    await run(...blob("a", MIB));
    let requests = 0;
    handle = (_request, response) => {
      requests += 1;
      response.end();
    };
    for (const step of [{ into: "b" }, { from: "a", method: "POST" }]) expect(await fetched(step)).toMatch(/^permission-denied: /);
    expect(requests).toBe(0);
    expect(await run({ op: "scan" })).toEqual(["a"]);
  });

  it("refuses before it is sent what could not be kept or is not there", async () => {
    await start({ limits: { blobs: 1 } });
    await run(...blob("a", MIB));
    let requests = 0;
    handle = (_request, response) => {
      requests += 1;
      response.end();
    };
    expect(await fetched({ into: "b" })).toMatch(/^quota-exceeded: .*limits.blobs/);
    expect(await fetched({ into: "" })).toMatch(/^invalid-message: the blob name/);
    expect(await fetched({ method: "POST", from: "c" })).toBe('invalid-message: there is no blob "c"');
    expect(await fetched({ method: "POST", from: "a", bytes: 1 })).toMatch(/^invalid-message: the request has a body and names a blob/);
    expect(requests).toBe(0);
  });

  it("takes no more at a time than the disk does", async () => {
    let sent = 0;
    handle = (_request, response) => {
      const more = (): void => {
        let isReady = true;
        while (isReady && !response.destroyed && sent < 200 * MIB) {
          sent += 65_536;
          isReady = response.write(Buffer.alloc(65_536));
        }
        if (sent >= 200 * MIB) response.end();
        else response.once("drain", more);
      };
      more();
    };
    await start();
    const { promise: disk, resolve: letGo } = Promise.withResolvers<void>();
    const url = new URL(`http://127.0.0.1:${port}/`);
    const sink = {
      room: () => Number.POSITIVE_INFINITY,
      write: () => disk,
      finish: () => Promise.reject(new Error("no")),
      discard: async () => {},
    };
    const target = { room: 500 * MIB, open: async () => sink };
    const receiver = new BlobReceiver({ target, mediaType: "a/b", veil: new Mask().veil(), host: "test", clock: systemClock, spend() {} });
    const connection = connectTo(url, [{ address: "127.0.0.1", family: 4 }], {
      maxAnswerBytes: 1_000,
      maxReceivedBytes: 500 * MIB,
      spend() {},
    });
    const { signal } = new AbortController();
    const { body } = await connection.request({ method: "GET", path: "/", headers: [], body: null, signal, receiver: () => receiver });
    let before = -1;
    // What is in the system's buffers, whose size nobody here knows.
    await eventually("the server waits", async () => {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return sent === before || undefined;
    });
    expect(sent).toBeLessThan(50 * MIB);
    letGo();
    expect(await body).toHaveLength(0);
    expect(sent).toBe(200 * MIB);
    await connection.destroy();
  });
});

describe("secrets in a body that comes in pieces", () => {
  const hidden = (text: string, secrets: readonly string[], cuts: readonly number[]): string => {
    const mask = new Mask();
    for (const secret of secrets) mask.add(secret);
    const veil = mask.veil();
    const bytes = Buffer.from(text, "latin1");
    const ends = [...cuts, bytes.length];
    const pieces = ends.map((end, i) => veil.add(bytes.subarray(i === 0 ? 0 : ends[i - 1], end)));
    return Buffer.concat([...pieces, veil.end()]).toString("latin1");
  };
  const whole = (text: string, secrets: readonly string[]): string => {
    const mask = new Mask();
    for (const secret of secrets) mask.add(secret);
    const bytes = Buffer.from(text, "latin1");
    mask.hide(bytes);
    return bytes.toString("latin1");
  };

  it("are hidden as in one that comes as a whole, wherever it is cut", () => {
    const secrets = ["s3cr3t-value", "s3cr3t-value-and-more", "and-more-than-that"];
    const text = "a s3cr3t-value, s3cr3t-value-and-more-than-that s3cr3t-valu S3CR3T-VALUE and-more-than-thats3cr3t-value";
    const expected = whole(text, secrets);
    expect(expected).toContain("*");
    for (let first = 0; first <= text.length; first += 1) {
      expect(hidden(text, secrets, [first])).toBe(expected);
      expect(hidden(text, secrets, [first, Math.min(text.length, first + 3)])).toBe(expected);
    }
    expect(
      hidden(
        text,
        secrets,
        [...text].map((_, at) => at),
      ),
    ).toBe(expected);
    expect(hidden(text, [], [3])).toBe(text);
  });
});
