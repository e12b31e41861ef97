// Clients of events that mean no good: who never reads, who comes in thousands, who sends what is no message, or too many of them.

import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import fastify, { type FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { EventStreams, PING_MS } from "../../host/adapters/gateway/event-streams.ts";
import { eventFrame } from "../../host/adapters/http/event-frames.ts";
import { MAX_SUBSCRIPTIONS } from "../../host/adapters/http/event-socket.ts";
import { MESSAGES_PER_SECOND, MessageRates } from "../../host/adapters/http/message-rates.ts";
import { admit } from "../../host/adapters/http/principal.ts";
import { EVENTS, serveEvents } from "../../host/adapters/http/serve-events.ts";
import { SessionCookies } from "../../host/adapters/http/session-cookie.ts";
import { Upgrades } from "../../host/adapters/http/upgrade.ts";
import type { CloudEvent } from "../../host/core/types.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import type { Principal } from "../../host/seams.ts";
import { type EventDoor, eventDoor } from "../support/event-door.ts";
import { eventually } from "../support/eventually.ts";
import { fakeClock, settle } from "../support/fake-clock.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { utf8 } from "../support/scripted-cell.ts";

const KIB = 1_024;
const MIB = 1_024 * KIB;
/** What a socket holds of its own: its high-water mark and the piece with which it went over it. */
const MAX_HELD = 64 * KIB + 64 * KIB + KIB;

describe("clients that never read", () => {
  let folder: TemporaryFolder;
  let path: string;
  const anybody: Principal = { name: "anybody", allows: () => true };
  let publish: (event: CloudEvent) => void;
  let streams: EventStreams;
  let sockets: Socket[];
  let clients: Socket[];
  let app: FastifyInstance;

  // Over a socket of the system's own, whose buffers do not grow: those of a TCP connection would hide megabytes of each client. More streams than by default.
  beforeEach(async () => {
    [sockets, clients] = [[], []];
    folder = temporaryFolder();
    path = join(folder.path, "events.sock");
    publish = () => {};
    const context = {
      clock: systemClock,
      openStream: () => () => {},
      publish: () => Promise.reject(new Error("nobody publishes here")),
      observe({ event = () => {} }: { readonly event?: (event: CloudEvent) => void }) {
        publish = event;
        return () => {};
      },
    };
    const limits = { maxEvents: 10_000, maxBytes: 16 * MIB };
    streams = new EventStreams({ context, limits, encode: eventFrame, maxStreams: 2_000, maxStreamsName: "this test" });
    app = fastify();
    const asked = { serviceOf: () => undefined };
    const ports = { context: { authenticate: async () => anybody }, cookies: new SessionCookies([], false), asked };
    app.addHook("onRequest", (request) => admit(request, ports));
    serveEvents(app, { context, streams, upgrades: new Upgrades(app, () => {}) });
    app.server.on("connection", (socket) => sockets.push(socket));
    await app.listen({ path });
  });
  afterEach(async () => {
    for (const client of clients) client.destroy();
    streams.stop();
    await app.close();
    folder.remove();
  });

  /** As many at a time as the system lets wait to be accepted. */
  const connect = async (count: number, query: string): Promise<Socket[]> => {
    const made: Socket[] = [];
    for (let i = 0; i < count; i += 1) {
      const client = createConnection(path);
      client.pause().on("error", () => {});
      client.write(`GET ${EVENTS}${query} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
      made.push(client);
      clients.push(client);
      if (i % 100 !== 99 && i < count - 1) continue;
      const all = clients.length;
      await eventually(`${all} streams`, () => streams.size === all || undefined);
    }
    return made;
  };
  const flood = async (count: number, bytes: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) {
      const data = utf8(JSON.stringify({ i, text: "x".repeat(bytes) }));
      const from = { source: "/plugins/a", time: "2026-01-01T00:00:00.000Z", traceparent: "t" };
      publish({ ...from, type: "a.b", id: `e-${i}`, contentType: "application/json", data });
      expect(streams.bytes).toBeLessThanOrEqual(16 * MIB);
      if (i % 16 === 0) await settle();
    }
    await settle();
  };
  const held = (): number => Math.max(...sockets.map((socket) => socket.writableLength));
  const textOf = async (client: Socket, until: RegExp): Promise<string> => {
    let text = "";
    client.on("data", (chunk: Buffer) => {
      text += chunk;
    });
    client.resume();
    return await eventually(String(until), () => (until.test(text) ? text : undefined));
  };

  it("cost no more than the window, while 80 MB are published at one of them, and are told what they missed", async () => {
    const [client] = await connect(1, "");
    await flood(40_000, 2_000);
    expect(streams.bytes).toBeGreaterThan(15 * MIB);
    expect(held()).toBeLessThanOrEqual(MAX_HELD);
    const text = await textOf(client ?? expect.unreachable(), /"i":39999/);
    const [, missed] = /event: gap\nid: \S+\ndata: \{"missed":(\d+)\}/.exec(text) ?? [];
    expect(Number(missed)).toBeGreaterThan(30_000);
    expect(text.match(/^data: \{"spec/gm)?.length).toBe(40_000 - Number(missed));
  });

  it("hold no large event either: a piece of it, and are cut off when the rest is gone", async () => {
    const [client, other] = await connect(2, "");
    other?.resume();
    await flood(1, 3 * MIB);
    expect(held()).toBeLessThanOrEqual(MAX_HELD);
    for (let i = 0; i < 8; i += 1) {
      await flood(1, 3 * MIB);
      await eventually("one of them reads", () => sockets.some(({ writableLength }) => writableLength === 0) || undefined);
      expect(held()).toBeLessThanOrEqual(MAX_HELD);
    }
    client?.resume();
    await once(client ?? expect.unreachable(), "close");
    await eventually("only the other one", () => streams.size === 1 || undefined);
  });

  it("may be a thousand, beside a thousand that wait for what never comes", async () => {
    const began = process.memoryUsage();
    await connect(1_000, "?types=nothing.at-all");
    const slow = await connect(1_000, "");
    await flood(4_000, 8 * KIB);
    const ended = process.memoryUsage();
    expect(streams.size).toBe(2_000);
    expect(streams.bytes).toBeGreaterThan(15 * MIB);
    expect(held()).toBeLessThanOrEqual(MAX_HELD);
    const grown = (kind: "rss" | "arrayBuffers"): string => `${kind} grew by ${Math.round((ended[kind] - began[kind]) / MIB)} MiB`;
    console.log(`2,000 streams, 32 MiB published, window of 16 MiB: ${grown("rss")}, ${grown("arrayBuffers")}, clients included`);
    const text = await textOf(slow[500] ?? expect.unreachable(), /"i":3999,/);
    expect(text).toMatch(/event: gap\nid: \S+\ndata: \{"missed":\d{3,4}\}/);
  });
});

describe("what comes over WebSocket", () => {
  let door: EventDoor;
  let socket: WebSocket;
  let heard: Record<string, unknown>[];
  beforeEach(async () => {
    door = await eventDoor();
    socket = new WebSocket(`${door.server.url.replace("http", "ws")}/v1/events/ws`);
    heard = [];
    socket.on("message", (data) => heard.push(JSON.parse(String(data))));
    await once(socket, "open");
  });
  afterEach(async () => {
    socket.terminate();
    await door[Symbol.asyncDispose]();
  });
  const closed = async (): Promise<number> => (await once(socket, "close"))[0] as number;
  const goesOn = async (): Promise<void> => {
    const stream = await fetch(`${door.server.url}/healthz`);
    expect(stream.status).toBe(200);
  };

  it.each([
    ["bytes", 1003, () => socket.send(Buffer.from("{}"))],
    ["more than 16 KiB", 1009, () => socket.send("x".repeat(16 * KIB + 1))],
    ["more than 16 KiB in pieces", 1009, () => Array.from({ length: 5 }, () => socket.send("x".repeat(4 * KIB), { fin: false }))],
    ["text that is no UTF-8", 1007, () => socket.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false })],
    ["a message in a thousand pieces", 1008, () => Array.from({ length: 1_000 }, () => socket.send("x", { fin: false }))],
    ["a message in a thousand pieces of nothing", 1008, () => Array.from({ length: 1_000 }, () => socket.send("", { fin: false }))],
  ])("is refused when it is %s", async (_what, code, send) => {
    send();
    expect(await closed()).toBe(code);
    await goesOn();
  });

  it("ends the connection when it is no frame", async () => {
    (socket as unknown as { readonly _socket: Socket })._socket.write(Buffer.alloc(1_000, 0xff));
    expect([1002, 1006]).toContain(await closed());
    await goesOn();
  });

  it("is so many subscriptions on a connection", async () => {
    for (let i = 0; i <= MAX_SUBSCRIPTIONS; i += 1) socket.send('{"subscribe":{"types":"a.*"}}');
    await eventually("the refusal", () => heard.length === MAX_SUBSCRIPTIONS + 1 || undefined);
    expect(heard.at(-1)).toMatchObject({ error: { code: "quota-exceeded", message: expect.stringContaining("16 subscriptions") } });
    socket.send('{"unsubscribe":"1"}');
    socket.send('{"subscribe":{}}');
    await eventually("another one", () => heard.at(-1)?.subscribed === "17" || undefined);
  });

  it("is so many messages a second of one principal; what floods is not read on, and waits in its own socket", async () => {
    for (let i = 0; i < MESSAGES_PER_SECOND * 5; i += 1) socket.send('{"unsubscribe":"x"}');
    socket.send('{"ref":"last","subscribe":{}}');
    const limited = await eventually("the limit", () => heard.find(({ error }) => (error as { code: string })?.code === "rate-limited"));
    expect(limited).toMatchObject({
      error: { retryAfterMs: expect.any(Number), message: expect.stringContaining("200 messages a second") },
    });
    await goesOn();
    await eventually("another one is heard", async () => {
      socket.send('{"ref":"later","subscribe":{}}');
      await new Promise((resolve) => setTimeout(resolve, 50));
      return heard.some(({ ref, subscribed }) => ref === "later" && subscribed !== undefined) || undefined;
    });
    expect(heard.length).toBeLessThan(MESSAGES_PER_SECOND * 5);
  });

  it("is not forgotten by coming back", () => {
    const clock = fakeClock();
    const rates = new MessageRates(clock);
    for (let i = 0; i < MESSAGES_PER_SECOND; i += 1) {
      const rate = rates.connect("somebody");
      expect(rate.take()).toBe(0);
      rate.release();
    }
    const [again, other] = [rates.connect("somebody"), rates.connect("somebody else")];
    expect([again.take(), other.take()]).toEqual([5, 0]);
    clock.pass(5);
    expect(again.take()).toBe(0);
  });

  it("may not publish more than the gate lets", async () => {
    for (let i = 0; i < 150; i += 1) socket.send(JSON.stringify({ ref: String(i), publish: { type: "a.b", data: "x".repeat(10_000) } }));
    await eventually("all answers", () => heard.length === 150 || undefined);
    for (const { published, error } of heard)
      expect([typeof published, (error as { code?: string })?.code]).toEqual(
        published === undefined ? ["undefined", "rate-limited"] : ["string", undefined],
      );
  });
});

describe("a WebSocket whose other end is gone", () => {
  it("is closed when it does not answer", async () => {
    const clock = fakeClock();
    await using door = await eventDoor({ clock });
    const url = `${door.server.url.replace("http", "ws")}/v1/events/ws`;
    const [alive, dead] = [new WebSocket(url), new WebSocket(url, { autoPong: false })];
    await Promise.all([once(alive, "open"), once(dead, "open")]);
    const gone = once(dead, "close");
    const pinged = Promise.all([once(alive, "ping"), once(dead, "ping")]);
    await clock.advance(PING_MS);
    await pinged;
    // For the answer to come.
    await new Promise((resolve) => setTimeout(resolve, 100));
    await clock.advance(PING_MS);
    await gone;
    expect(alive.readyState).toBe(WebSocket.OPEN);
    alive.terminate();
  });
});
