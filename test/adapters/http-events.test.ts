// Events over HTTP with clients that others wrote: an EventSource, a browser, a WebSocket client; who may hear what, resuming, and how it ends.

import { once } from "node:events";
import { get as httpGet, request as httpRequest } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Browser } from "playwright-core";
import { EventSource } from "undici";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { describeWithBrowser, startBrowser } from "../support/browser.ts";
import { type EventDoor, eventDoor } from "../support/event-door.ts";
import { eventually } from "../support/eventually.ts";

interface Sse {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  /** All that came so far. */
  text(): string;
  /** Resolves when the answer has ended. */
  readonly ended: Promise<unknown>;
  close(): void;
}

function follow(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Sse> {
  return new Promise((resolve, reject) => {
    const request = httpGet(url, { headers, agent: false }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => {
        text += chunk;
      });
      response.on("error", () => {});
      const ended = new Promise((closed) => response.once("close", closed));
      resolve({ status: response.statusCode, headers: response.headers, text: () => text, ended, close: () => request.destroy() });
    });
    request.on("error", reject);
  });
}

/** As the specification reads it: the id that is remembered, and what is dispatched. */
function read(text: string): { readonly lastId: string; readonly events: readonly { readonly event: string; readonly data: unknown }[] } {
  let lastId = "";
  const events = [];
  for (const block of text.split("\n\n")) {
    const fields = block.split("\n").map((line) => /^(\w*):? ?(.*)$/.exec(line)?.slice(1) ?? []);
    const of = (name: string): string | undefined => fields.findLast(([field]) => field === name)?.[1];
    lastId = of("id") ?? lastId;
    const data = of("data");
    if (data !== undefined) events.push({ event: of("event") ?? "message", data: JSON.parse(data) });
  }
  return { lastId, events };
}
const dataIn = (text: string): unknown[] => read(text).events.map(({ data }) => (data as { data: unknown }).data);

let door: EventDoor;
const sse = (query = "", headers: Readonly<Record<string, string>> = {}): Promise<Sse> =>
  follow(`${door.server.url}/v1/events${query}`, headers);
const came = (stream: Sse, count: number) =>
  eventually(`${count} events`, () => (read(stream.text()).events.length >= count ? true : undefined));

describe("GET /v1/events", () => {
  beforeEach(async () => {
    door = await eventDoor();
  });
  afterEach(() => door[Symbol.asyncDispose]());

  it("is a stream that nobody keeps, of CloudEvents with ids", async () => {
    const stream = await sse("?types=devices.*&types=lamps.on");
    expect([stream.status, stream.headers["content-type"]]).toEqual([200, "text/event-stream"]);
    expect([stream.headers["cache-control"], stream.headers["x-accel-buffering"]]).toEqual(["no-store", "no"]);
    door.publish("devices.added", { id: 1 });
    door.publish("other.thing", { id: 2 });
    door.publish("lamps.on", { id: 3 });
    await came(stream, 2);
    const { lastId, events } = read(stream.text());
    expect(events).toEqual([
      {
        event: "message",
        data: expect.objectContaining({ specversion: "1.0", type: "devices.added", source: "/plugins/devices", data: { id: 1 } }),
      },
      { event: "message", data: expect.objectContaining({ type: "lamps.on", data: { id: 3 } }) },
    ]);
    expect(lastId).toMatch(/^[0-9a-f]{12}-3$/);
    stream.close();
  });

  it("takes filters and sources, and resumes behind an id of the header or the query", async () => {
    const first = await sse();
    const filtered = await sse(`?filter=${encodeURIComponent('{"data.n":[2,4]}')}&source=/plugins/a`);
    for (let n = 1; n <= 4; n += 1) door.publish(n === 3 ? "b.x" : "a.x", { n });
    await came(first, 4);
    await came(filtered, 2);
    expect(dataIn(filtered.text())).toEqual([{ n: 2 }, { n: 4 }]);
    const second = /^id: (\S+-2)$/m.exec(first.text())?.[1] ?? "";
    for (const stream of [await sse("", { "last-event-id": second }), await sse(`?lastEventId=${second}`)]) {
      await came(stream, 2);
      expect(dataIn(stream.text())).toEqual([{ n: 3 }, { n: 4 }]);
      stream.close();
    }
    first.close();
    filtered.close();
  });

  it("tells of a gap where an id is of another boot, or none at all", async () => {
    for (const id of ["0123456789ab-7", "garbage", "-1", "é".repeat(50), "0", "null"]) {
      const stream = await sse(`?lastEventId=${encodeURIComponent(id)}`);
      await came(stream, 1);
      expect(read(stream.text()).events, id).toEqual([{ event: "gap", data: { missed: null } }]);
      stream.close();
    }
    const stream = await sse("", { "last-event-id": "\xff" });
    await came(stream, 1);
    stream.close();
  });

  it.each([
    ["?types=a%20b", "types.0: write dotted segments"],
    [`?${Array(17).fill("types=a.b").join("&")}`, "types"],
    ["?filter=%7B", "the parameter filter is no JSON"],
    ["?filter=%7B%22__proto__%22:1%7D", "the parameter filter is no JSON"],
    ["?filter=%7B%22data.x%22:%7B%7D%7D", "filter.data.x"],
    ["?source=a&source=b", "source"],
    ["?type=a.b", "type:"],
  ])("refuses %s and names what is wrong", async (query, message) => {
    const response = await fetch(`${door.server.url}/v1/events${query}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: "invalid-message", message: expect.stringContaining(message) } });
    expect(door.observers()).toBe(0);
  });

  it("keeps pages of others out, and has no HEAD", async () => {
    expect((await sse("", { origin: "http://evil.example" })).status).toBe(403);
    expect((await sse("", { "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await sse("", { host: "evil.example" })).status).toBe(403);
    expect((await fetch(`${door.server.url}/v1/events`, { method: "HEAD" })).status).toBe(404);
  });

  it("hears of no event when nobody follows", async () => {
    expect(door.observers()).toBe(0);
    const streams = [await sse(), await sse()];
    expect(door.observers()).toBe(1);
    for (const stream of streams) stream.close();
  });

  it("says why it ends when the host stops, at once", async () => {
    const [stream, stuck] = [await sse(), await sse()];
    const began = performance.now();
    await door.server.close();
    await Promise.all([stream.ended, stuck.ended]);
    expect(read(stream.text()).events).toEqual([{ event: "end", data: { reason: "stopping" } }]);
    expect(performance.now() - began).toBeLessThan(60_000);
    door = await eventDoor();
  });

  it("is what undici's EventSource reads, and goes on with when it was cut off", async () => {
    const through: Socket[] = [];
    const proxy = createServer((client) => {
      const host = connect(Number(new URL(door.server.url).port), "127.0.0.1");
      for (const socket of [client, host]) through.push(socket.on("error", () => {}));
      client.pipe(host).pipe(client);
    });
    await new Promise<void>((listening) => proxy.listen(0, "127.0.0.1", listening));
    const source = new EventSource(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/v1/events?types=a.*`);
    const heard: unknown[] = [];
    source.addEventListener("message", ({ data, lastEventId }) => heard.push([JSON.parse(data).data, lastEventId.split("-")[1]]));
    source.addEventListener("gap", (event) => heard.push((event as MessageEvent).data));
    await once(source, "open");
    for (const socket of through) socket.destroy();
    // Before it has seen any event, and while it is away.
    door.publish("a.b", 1);
    door.publish("c.d", 2);
    door.publish("a.c", 3);
    await eventually("both", () => heard.length === 2 || undefined);
    source.close();
    proxy.close();
    expect(heard).toEqual([
      [1, "1"],
      [3, "3"],
    ]);
  });

  it("lets streams have half of the connections, and says so to the next", async () => {
    await door[Symbol.asyncDispose]();
    door = await eventDoor({ http: { maxConnections: 8 } });
    const open = [];
    for (let i = 0; i < 3; i += 1) open.push(await sse());
    const overSocket = await connected();
    overSocket.say({ subscribe: {} });
    const refused = await fetch(`${door.server.url}/v1/events`);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await refused.json()).toMatchObject({
      error: { code: "queue-full", message: expect.stringContaining("half of adapters.http.maxConnections") },
    });
    await expect(connected()).rejects.toThrow("503");
    // Idle connections make room for each other, and streams stay.
    for (let i = 0; i < 20; i += 1)
      expect((await fetch(`${door.server.url}/healthz`, { headers: { connection: "close" } })).status).toBe(200);
    door.publish("a.b", 1);
    await overSocket.heardOf("event");
    overSocket.socket.terminate();
    for (const stream of open) {
      await came(stream, 1);
      stream.close();
    }
    await eventually("room again", async () => {
      const stream = await sse();
      stream.close();
      return stream.status === 200 || undefined;
    });
  });
});

describe("events, where everybody has to say who he is", () => {
  beforeEach(async () => {
    door = await eventDoor({ auth: { mode: "required", limits: { streamsAtOnce: 3 } } });
  });
  afterEach(() => door[Symbol.asyncDispose]());
  const bearer = (token: string): { readonly authorization: string } => ({ authorization: `Bearer ${token}` });

  it("are nobody's without a token, in the query least of all", async () => {
    const token = door.tokenOf("v", "viewer");
    expect((await sse()).status).toBe(401);
    expect((await sse(`?token=${token}`)).status).toBe(401);
    expect((await sse(`?access_token=${token}`)).status).toBe(401);
    expect((await sse("", { "sec-websocket-protocol": `bulkhead.v1, bearer.${token}` })).status).toBe(401);
  });

  it("are heard as far as the token goes", async () => {
    const stream = await sse("", bearer(door.tokenOf("narrow", "viewer", "events.subscribe:a.*")));
    door.publish("b.c", 1);
    door.publish("a.b", 2);
    await came(stream, 1);
    expect(dataIn(stream.text())).toEqual([2]);
    stream.close();
  });

  it("end with their token, in the middle", async () => {
    const headers = bearer(door.tokenOf("gone", "viewer"));
    const stream = await sse("", headers);
    door.publish("a.b", 1);
    await came(stream, 1);
    door.tokens.revoke("gone");
    door.publish("a.b", 2);
    await stream.ended;
    expect(read(stream.text()).events.slice(1)).toEqual([{ event: "end", data: { reason: "unauthenticated" } }]);
    expect((await sse("", headers)).status).toBe(401);
  });

  it("are so many at once for one principal, whatever they come over", async () => {
    const token = door.tokenOf("many", "viewer");
    const open = [await sse("", bearer(token)), await sse("", bearer(token))];
    const socket = new WebSocket(`${door.server.url.replace("http", "ws")}/v1/events/ws`, { headers: bearer(token) });
    await once(socket, "open");
    expect((await sse("", bearer(token))).status).toBe(429);
    expect((await sse("", bearer(door.tokenOf("other", "viewer")))).status).toBe(200);
    socket.terminate();
    await eventually("a place", async () => {
      const stream = await sse("", bearer(token));
      if (stream.status === 200) open.push(stream);
      return stream.status === 200 || undefined;
    });
    for (const stream of open) stream.close();
  });
});

/** A client with what it has been sent, as values. */
async function connected(headers: Readonly<Record<string, string>> = {}, protocols: string[] = []) {
  const socket = new WebSocket(`${door.server.url.replace("http", "ws")}/v1/events/ws`, protocols, { headers });
  const heard: Record<string, unknown>[] = [];
  let closed: [number, string] | undefined;
  socket.on("message", (data) => heard.push(JSON.parse(String(data))));
  socket.on("close", (code, reason) => {
    closed = [code, String(reason)];
  });
  await once(socket, "open");
  return {
    ...{ socket, heard },
    say: (message: object) => socket.send(JSON.stringify(message)),
    closed: () => eventually("the end", () => closed),
    heardOf: (key: string, count = 1) =>
      eventually(`${count} ${key}`, () => {
        const found = heard.filter((message) => key in message);
        return found.length >= count ? found : undefined;
      }),
  };
}

describe("GET /v1/events/ws", () => {
  beforeEach(async () => {
    door = await eventDoor();
  });
  afterEach(() => door[Symbol.asyncDispose]());

  it("has subscriptions of their own, and resumes each", async () => {
    const client = await connected();
    client.say({ ref: "x", subscribe: { types: "a.*" } });
    client.say({ subscribe: { types: ["**"], filter: { "data.n": 2 } } });
    const answered = await client.heardOf("subscribed", 2);
    expect(answered).toEqual([
      { ref: "x", subscribed: "1", id: expect.stringMatching(/-0$/) },
      { subscribed: "2", id: expect.stringMatching(/-0$/) },
    ]);
    door.publish("a.b", { n: 1 });
    door.publish("c.d", { n: 2 });
    const [first, second] = await client.heardOf("event", 2);
    expect(first).toMatchObject({ subscription: "1", id: expect.stringMatching(/-1$/), event: { type: "a.b", data: { n: 1 } } });
    expect(second).toMatchObject({ subscription: "2", event: { specversion: "1.0", type: "c.d" } });
    client.say({ unsubscribe: "1" });
    expect(await client.heardOf("unsubscribed")).toEqual([{ unsubscribed: "1" }]);
    client.say({ unsubscribe: "1" });
    client.say({ subscribe: { types: "a.*", after: answered[0]?.id } });
    client.say({ subscribe: { after: "0123456789ab-1" } });
    expect((await client.heardOf("event", 3)).at(-1)).toMatchObject({ subscription: "3", event: { data: { n: 1 } } });
    expect(await client.heardOf("gap")).toEqual([{ id: expect.any(String), subscription: "4", gap: { missed: null } }]);
    expect(await client.heardOf("error")).toMatchObject([{ error: { code: "invalid-message" } }]);
    client.socket.close();
    expect((await client.closed())[0]).toBe(1005);
  });

  it("publishes, as far as the principal may, what is an event", async () => {
    const client = await connected();
    client.say({ subscribe: {} });
    await client.heardOf("subscribed");
    client.say({ ref: "1", publish: { type: "a.b", data: { n: null } } });
    client.say({ ref: "2", publish: { type: "a.b", contentType: "text/plain", data: "é" } });
    client.say({ ref: "3", publish: { type: "a.b", contentType: "application/octet-stream", data_base64: "AP8=" } });
    const published = await client.heardOf("published", 3);
    const events = (await client.heardOf("event", 3)).map(({ event }) => event as Record<string, unknown>);
    expect(published).toEqual(events.map(({ id }, i) => ({ ref: String(i + 1), published: id })));
    expect(events).toMatchObject([
      { source: "/adapters/http", data: { n: null } },
      { datacontenttype: "text/plain", data_base64: Buffer.from("é").toString("base64") },
      { data_base64: "AP8=" },
    ]);
    const wrong = [
      { type: 'a.b","x":"', data: 1 },
      { type: "a.b", contentType: 'x"y', data: "" },
      { type: "a.b", contentType: "text/plain", data: { a: 1 } },
      { type: "a.b", data: 1, data_base64: "AA==" },
      { type: "a.b" },
      { type: "a.b", data_base64: "no base64!" },
      { type: "a.b", data_base64: "AA==" },
      { type: "a.b", data: 1, source: "/plugins/a" },
    ];
    for (const publish of wrong) client.say({ publish });
    const errors = await client.heardOf("error", wrong.length);
    expect(errors.map(({ error }) => (error as { code: string }).code)).toEqual(wrong.map(() => "invalid-message"));
    client.socket.terminate();
  });

  it("answers what is malformed, and goes on", async () => {
    const client = await connected();
    const wrong = [
      "",
      "{",
      "[]",
      "null",
      "{}",
      '{"subscribe":{},"unsubscribe":"1"}',
      '{"__proto__":{}}',
      '{"subscribe":{"types":[]}}',
      "[".repeat(9_000),
    ];
    for (const text of wrong) client.socket.send(text);
    client.say({ ref: "r", subscribe: { types: "a b" } });
    const errors = await client.heardOf("error", wrong.length + 1);
    expect(errors.map(({ error }) => (error as { code: string }).code)).toEqual(errors.map(() => "invalid-message"));
    expect(errors.at(-1)).toMatchObject({ ref: "r", error: { message: expect.stringContaining("subscribe.types.0") } });
    client.say({ subscribe: {} });
    await client.heardOf("subscribed");
    client.socket.terminate();
  });

  it("takes a token by the header, or offered as a protocol, and answers with its own protocol only", async () => {
    await door[Symbol.asyncDispose]();
    door = await eventDoor({ auth: { mode: "required" } });
    const token = door.tokenOf("v", "viewer");
    const refused = async (headers: Readonly<Record<string, string>>, protocols: string[] = [], query = ""): Promise<string> => {
      const socket = new WebSocket(`${door.server.url.replace("http", "ws")}/v1/events/ws${query}`, protocols, { headers });
      return String((await once(socket, "error"))[0]);
    };
    expect(await refused({})).toContain("401");
    expect(await refused({}, [], `?token=${token}`)).toContain("401");
    expect(await refused({}, ["bulkhead.v1", "bearer.bh_wrong_wrong"])).toContain("401");
    expect(await refused({ authorization: `Bearer ${token}`, origin: "http://evil.example" })).toContain("403");
    expect(await refused({ authorization: "Bearer x" }, ["bulkhead.v1", `bearer.${token}`])).toContain("401");
    for (const client of [
      await connected({ authorization: `Bearer ${token}` }),
      await connected({ authorization: `Bearer ${token}` }, ["bulkhead.v1"]),
      await connected({ origin: door.server.url }, ["bulkhead.v1", `bearer.${token}`]),
    ]) {
      expect(["", "bulkhead.v1"]).toContain(client.socket.protocol);
      expect(client.socket.extensions).toBe("");
      client.say({ subscribe: {} });
      client.say({ publish: { type: "a.b", data: 1 } });
      await client.heardOf("subscribed");
      expect(await client.heardOf("error")).toMatchObject([{ error: { code: "permission-denied" } }]);
    }
    const client = await connected({}, ["bulkhead.v1", `bearer.${token}`]);
    expect(client.socket.protocol).toBe("bulkhead.v1");
    door.tokens.revoke("v");
    expect(await client.closed()).toEqual([1008, "unauthenticated"]);
    expect(client.heard).toEqual([{ end: { reason: "unauthenticated" } }]);
  });

  it("says why it ends when the host stops", async () => {
    const client = await connected();
    await door.server.close();
    expect(await client.closed()).toEqual([1001, "stopping"]);
    expect(client.heard).toEqual([{ end: { reason: "stopping" } }]);
    door = await eventDoor();
  });

  it("is a WebSocket or nothing, and other requests are not upgraded", async () => {
    const plain = await fetch(`${door.server.url}/v1/events/ws`);
    expect(plain.status).toBe(426);
    const answered = (path: string, headers: Readonly<Record<string, string>>, method = "GET", body = ""): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const request = httpRequest(`${door.server.url}${path}`, { method, agent: false, headers: { connection: "Upgrade", ...headers } });
        request.on("response", (response) => resolve(response.resume().statusCode)).on("error", reject);
        request.end(body);
      });
    const asking = { upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
    expect(await answered("/healthz", asking)).toBe(200);
    expect(await answered("/v1/events/ws", { ...asking, "sec-websocket-key": "short" })).toBe(400);
    expect(await answered("/v1/events/ws", { ...asking, "sec-websocket-version": "7" })).toBe(400);
    expect(await answered("/v1/events/ws", { ...asking, host: "evil.example" })).toBe(403);
    // What Java's client asks of every server.
    const h2c = { upgrade: "h2c", "http2-settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA" };
    expect(await answered("/v1/services/p.x", { ...h2c, "content-type": "application/json", "content-length": "2" }, "POST", "{}")).toBe(
      404,
    );
    await eventually("no stream is left", () => door.observers() <= 1 || undefined);
  });
});

describeWithBrowser("events in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
    door = await eventDoor();
  });
  afterAll(async () => {
    await browser.close();
    await door[Symbol.asyncDispose]();
  });

  it("are heard by an EventSource and a WebSocket of a page of the host's own", async () => {
    const page = await browser.newPage();
    await page.goto(`${door.server.url}/healthz`);
    await page.evaluate(`
      window.heard = [];
      window.source = new EventSource("/v1/events?types=a.*");
      source.onmessage = ({ data, lastEventId }) => heard.push(["sse", JSON.parse(data).data, lastEventId.split("-")[1]]);
      window.socket = new WebSocket(location.origin.replace("http", "ws") + "/v1/events/ws", ["bulkhead.v1"]);
      socket.onmessage = ({ data }) => { const { subscribed, event } = JSON.parse(data); heard.push(subscribed ? "subscribed" : ["ws", event.data]); };
      socket.onopen = () => socket.send('{"subscribe":{"types":["a.*"]}}');
      source.onopen = () => heard.push("open");
    `);
    await eventually(
      "the subscription",
      async () => (await page.evaluate("heard.includes('subscribed') && heard.includes('open')")) === true || undefined,
    );
    door.publish("a.b", { text: "\u2028 <b>\n" });
    door.publish("b.a", 2);
    const heard = await eventually("both", async () => {
      const found = (await page.evaluate("heard")) as unknown[];
      return found.length >= 4 ? found : undefined;
    });
    expect(heard).toContainEqual(["sse", { text: "\u2028 <b>\n" }, "1"]);
    expect(heard).toContainEqual(["ws", { text: "\u2028 <b>\n" }]);
    await page.close();
  });

  it("are not heard by a page of another origin", async () => {
    const other = await eventDoor();
    const page = await browser.newPage();
    await page.goto(`${other.server.url}/healthz`);
    const failed = await page.evaluate(`Promise.all([
      new Promise((resolve) => { const s = new EventSource("${door.server.url}/v1/events"); s.onopen = () => resolve("open"); s.onerror = () => resolve("refused"); }),
      new Promise((resolve) => { const s = new WebSocket("${door.server.url.replace("http", "ws")}/v1/events/ws"); s.onopen = () => resolve("open"); s.onerror = () => resolve("refused"); }),
    ])`);
    expect(failed).toEqual(["refused", "refused"]);
    await page.close();
    await other[Symbol.asyncDispose]();
  });
});
