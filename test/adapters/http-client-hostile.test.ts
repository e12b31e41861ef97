// Servers that make reading expensive: interim answers, chunk extensions, pieces of a byte. Each is ended by what it sent, long before the time is up, and
// what reading it cost is billed.

import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HttpRules } from "../../host/capabilities/http/client.ts";
import { httpClientOptions, PluginHttpClient } from "../../host/capabilities/http/client.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";

const MAX_ANSWER_BYTES = 100_000;
const MAX_WIRE_BYTES = 2 * MAX_ANSWER_BYTES + 256 * 1_024;

describe("a hostile server", () => {
  let server: Server;
  let port: number;
  let answer: (socket: Socket) => void;
  let spentMs: number[];

  const fetch = async (): Promise<Buffer> => {
    const client = new PluginHttpClient(
      {
        ...{ clock: systemClock, secrets: { find: () => undefined }, ownListeners: { has: () => false } },
        lookup: async () => [{ address: "127.0.0.1", family: 4 }],
      },
      httpClientOptions.parse({}),
    );
    const rules: HttpRules = {
      plugin: "p",
      revoked: new AbortController().signal,
      deadline: systemClock.monotonicMs() + 60_000,
      maxAnswerBytes: MAX_ANSWER_BYTES,
      spend: (ms) => spentMs.push(ms),
      require: () => {},
    };
    const { body } = await client.fetch({ method: "GET", url: `http://api.test:${port}/`, headers: [] }, new Uint8Array(0), rules);
    return Buffer.from(body);
  };

  /** Sends for as long as the other side takes it. */
  const flood = (head: string, piece: string) => (socket: Socket) => {
    const more = (): void => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on("drain", more);
    socket.write(head);
    more();
  };

  beforeEach(async () => {
    spentMs = [];
    server = createServer((socket) => {
      socket.setNoDelay();
      socket.on("error", () => {});
      socket.once("data", () => answer(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

  it("is ended for interim answers without an end", async () => {
    answer = flood("", "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(1_000));
    await expect(fetch()).rejects.toMatchObject({ code: "http-failed", message: expect.stringContaining("more than 16 interim answers") });
  });

  it("is heard after a few interim answers", async () => {
    answer = (socket) => socket.end(`${"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(3)}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi`);
    expect((await fetch()).toString()).toBe("hi");
  });

  it("is ended for chunk extensions without an end", async () => {
    answer = flood(`${CHUNKED}1;`, "x".repeat(65_536));
    await expect(fetch()).rejects.toMatchObject({
      code: "http-failed",
      message: expect.stringContaining(`more than ${MAX_WIRE_BYTES} bytes for an answer of at most ${MAX_ANSWER_BYTES}`),
    });
  });

  it("is ended for chunks of a byte, and its chunks cost one buffer", async () => {
    answer = flood(CHUNKED, "1\r\nx\r\n".repeat(10_000));
    await expect(fetch()).rejects.toMatchObject({ code: "http-failed", message: expect.stringContaining("pieces") });
  });

  it("is ended for trailers without an end", async () => {
    answer = flood(`${CHUNKED}0\r\n`, "x-a: b\r\n".repeat(1_000));
    await expect(fetch()).rejects.toMatchObject({ code: "http-failed" });
  });

  it("is ended for segments of a byte, although no piece of the body ever comes", async () => {
    answer = (socket) => {
      socket.write(`${CHUNKED}1;`);
      const drip = (): void => {
        if (socket.destroyed) return;
        socket.write("x");
        setImmediate(drip);
      };
      drip();
    };
    await expect(fetch()).rejects.toMatchObject({ code: "http-failed", message: expect.stringContaining("pieces") });
  });

  it("is billed for each read, also when it is ended", async () => {
    answer = (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
    await fetch();
    // The opening, one read at least, and the copy for the plugin.
    expect(spentMs.length).toBeGreaterThanOrEqual(3);
    for (const ms of spentMs) expect(ms).toBeGreaterThanOrEqual(0);
    spentMs = [];
    answer = flood(`${CHUNKED}1;`, "x".repeat(65_536));
    await expect(fetch()).rejects.toMatchObject({ code: "http-failed" });
    expect(spentMs.length).toBeGreaterThan(3);
  });

  it("is read whole when it means well, in chunks of a kilobyte up to the limit", async () => {
    const chunk = `400\r\n${"x".repeat(1_024)}\r\n`;
    answer = (socket) => socket.end(`${CHUNKED}${chunk.repeat(97)}0\r\n\r\n`);
    expect(await fetch()).toHaveLength(97 * 1_024);
    answer = (socket) => socket.end(`${CHUNKED}${chunk.repeat(98)}0\r\n\r\n`);
    await expect(fetch()).rejects.toMatchObject({ code: "quota-exceeded" });
  });
});
