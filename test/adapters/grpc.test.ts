// The gRPC door by its library's own client: calls, events, errors, who may come in, and what a client cannot do to the host.

import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MESSAGE_MS } from "../../host/adapters/grpc/door.ts";
import { grpcOptions } from "../../host/adapters/grpc/options.ts";
import { type GrpcServer, startGrpcServer } from "../../host/adapters/grpc/server.ts";
import type { TokenStore } from "../../host/admin/tokens.ts";
import { GRPC } from "../../host/bounds/error-answers.ts";
import { refusal } from "../../host/bounds/refusals.ts";
import { HostError } from "../../host/core/errors.ts";
import { Host } from "../../host/core/host.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { openTls } from "../../host/lifecycle/tls.ts";
import { authSchema, parseScope } from "../../host/manifest/auth.ts";
import type { Tls } from "../../host/seams.ts";
import { testContext, tokensInMemory } from "../support/adapter-context.ts";
import { authority, missingOpenssl } from "../support/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { type Followed, GrpcClient, type GrpcClientOptions } from "../support/grpc-client.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { definition, type Script, scriptedCell, utf8 } from "../support/scripted-cell.ts";

const MIB = 1_024 * 1_024;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

let aborted = 0;
const SCRIPT: Script = {
  who: (_input, { caller }) => utf8(JSON.stringify(caller.principal)),
  echo: (input) => input,
  refuse: (input) => {
    throw refusal(text(input), "as you wish", text(input) === "unavailable" ? { retryAfterMs: 1_500 } : {});
  },
  fail: (input) => {
    throw new HostError(text(input) as never, `line\nbreak \u202e ${"x".repeat(5_000)}`);
  },
  wait: (_input, { cancelled }) =>
    new Promise((resolve) => {
      cancelled?.addEventListener("abort", () => {
        aborted += 1;
        resolve(utf8("too late"));
      });
    }),
};

interface Door extends AsyncDisposable {
  readonly server: GrpcServer;
  readonly host: Host;
  readonly tokens: TokenStore;
  readonly log: ReturnType<typeof memoryLog>;
  readonly observers: () => number;
  problems: string[];
  client(options?: GrpcClientOptions): GrpcClient;
  tokenOf(role: string, ...scopes: readonly string[]): string;
  publish(type: string, data: unknown, contentType?: string): void;
}

interface DoorOptions {
  readonly auth?: object;
  readonly grpc?: object;
  readonly tls?: Tls;
  readonly clock?: FakeClock;
}

async function openDoor({ auth = {}, grpc = {}, tls, clock }: DoorOptions = {}): Promise<Door> {
  await using opening = new AsyncDisposableStack();
  const log = memoryLog();
  const host = new Host(hostPorts({ clock: systemClock, log }));
  const services = Object.keys(SCRIPT).map((entryPoint) => ({ name: `p.${entryPoint}`, entryPoint }));
  host.add(definition("p", SCRIPT, { services }), scriptedCell({ p: SCRIPT }));
  await startAll(host, log);
  opening.defer(() => stopAll(host, 0));
  const tokens = tokensInMemory();
  const door = { problems: [] as string[] };
  const { context } = testContext(host, {
    ...{ log, adapter: "grpc", tokens, auth: authSchema.parse(auth) },
    health: { isAlive: () => true, unready: () => door.problems },
    ...(tls !== undefined && { tls }),
  });
  let observing = 0;
  const observe: typeof context.observe = (observer) => {
    observing += 1;
    const undo = context.observe(observer);
    return () => {
      observing -= 1;
      undo();
    };
  };
  const server = await startGrpcServer(grpcOptions.parse({ port: 0, ...grpc }), { ...context, observe, clock: clock ?? systemClock });
  opening.defer(() => server.close());
  const clients: GrpcClient[] = [];
  opening.defer(() => {
    for (const client of clients) client[Symbol.dispose]();
  });
  const open = opening.move();
  return Object.assign(door, {
    ...{ server, host, tokens, log },
    observers: () => observing,
    client(options: GrpcClientOptions = {}) {
      const made = new GrpcClient(server.url, options);
      clients.push(made);
      return made;
    },
    tokenOf: (role: string, ...scopes: readonly string[]) =>
      tokens.create({ name: role, roles: [role], scopes: scopes.map(parseScope), owner: "user:ada", expiresAt: undefined }),
    publish(type: string, data: unknown, contentType = "application/json") {
      const bytes = contentType === "application/json" ? utf8(JSON.stringify(data)) : utf8(String(data));
      const event = { type, contentType, data: bytes, source: "/plugins/p", traceparent: "t" };
      void host.publish(event, { kind: "plugin", name: "p" });
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  });
}

/** What a call was refused with. */
const refusedWith = (called: Promise<unknown>): Promise<ServiceError> =>
  called.then(
    () => expect.unreachable("it was answered"),
    (thrown) => thrown,
  );

const of = async (stream: AsyncGenerator<Followed>, kind: Followed["case"]): Promise<Followed["value"]> => {
  for (;;) {
    const { value } = await stream.next();
    if (value?.case === kind) return value.value;
    if (value === undefined) throw new Error("the stream has ended");
  }
};

let door: Door;
afterEach(() => door[Symbol.asyncDispose]());

describe("calls over gRPC", () => {
  beforeEach(async () => {
    aborted = 0;
    door = await openDoor();
  });

  it("hand over bytes and answer with bytes", async () => {
    const client = door.client();
    const bytes = Buffer.alloc(100_000, 0xff);
    expect(Buffer.from((await client.call("p.echo", bytes)).payload).equals(bytes)).toBe(true);
    expect(text((await client.call("p.who")).payload)).toBe('"anonymous"');
  });

  it("have the status of their error, its code and its reason", async () => {
    const client = door.client();
    const failed = async (service: string, payload: string) => {
      const error = await refusedWith(client.call(service, payload));
      return [error.code, error.metadata.get("bulkhead-code")[0], error.metadata.get("bulkhead-reason")[0]];
    };
    expect(await failed("no.such", "")).toEqual([status.NOT_FOUND, "no-such-service", undefined]);
    expect(await failed("no such", "")).toEqual([status.NOT_FOUND, "no-such-service", undefined]);
    expect(await failed("p.refuse", "not-found")).toEqual([status.NOT_FOUND, "refused", "not-found"]);
    expect(await failed("p.refuse", "out-of-stock")).toEqual([status.FAILED_PRECONDITION, "refused", "out-of-stock"]);
    expect(await failed("p.fail", "plugin-failed")).toEqual([status.UNKNOWN, "plugin-failed", undefined]);
    expect(await failed("p.fail", "cpu-exhausted")).toEqual([status.RESOURCE_EXHAUSTED, "cpu-exhausted", undefined]);
    const waiting = await refusedWith(client.call("p.refuse", "unavailable"));
    expect([waiting.code, waiting.metadata.get("grpc-retry-pushback-ms")]).toEqual([status.UNAVAILABLE, ["1500"]]);
  });

  it("use the names that the library has for the numbers of the table of errors", () => {
    for (const [name, code] of Object.entries(GRPC)) expect(status[name as keyof typeof status], name).toBe(code);
  });

  it("say what went wrong on one bounded line", async () => {
    const { details } = await refusedWith(door.client().call("p.fail", "plugin-failed"));
    expect(details).toContain("line\\u{a}break \\u{202e} ");
    expect(details.length).toBeLessThanOrEqual(1_024);
  });

  it("end with their deadline and with their client", async () => {
    const client = door.client();
    await expect(client.call("p.wait", "", { deadlineMs: 100 })).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    await eventually("the turn has ended", () => aborted === 1 || undefined);
    const gone = new AbortController();
    const called = client.call("p.wait", "", { signal: gone.signal });
    await eventually("the turn has begun", () => (door.host.plugin("p")?.queued ?? 0) > 0 || undefined);
    gone.abort();
    await expect(called).rejects.toMatchObject({ code: status.CANCELLED });
    await eventually("the turn has ended", () => aborted === 2 || undefined);
  });

  it("are told of by what the caller may call, a page at a time", async () => {
    const { services, nextPageToken } = await door.client().list();
    expect(services.map(({ name, provider }) => [name, provider])).toEqual(
      Object.keys(SCRIPT)
        .toSorted()
        .map((one) => [`p.${one}`, "p"]),
    );
    expect(nextPageToken).toBe("");
    expect((await door.client().list("p.refuse")).services.map(({ name }) => name)).toEqual(["p.wait", "p.who"]);
  });

  it("are refused when they are larger than the limit, compressed or not", async () => {
    await door[Symbol.asyncDispose]();
    door = await openDoor({ grpc: { maxMessageBytes: 1_024 } });
    const client = door.client();
    await expect(client.call("p.echo", Buffer.alloc(2_000))).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    const zipping = new Client(new URL(door.server.url).host, credentials.createInsecure(), { "grpc.default_compression_algorithm": 2 });
    const refused = new Promise((_, reject) => {
      zipping.makeUnaryRequest(
        "/bulkhead.v1.CallService/Call",
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        Buffer.alloc(1_000_000),
        (error: unknown) => reject(error),
      );
    });
    await expect(refused).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    zipping.close();
    expect(text((await client.call("p.echo", "still here")).payload)).toBe("still here");
  });
});

describe("events over gRPC", () => {
  beforeEach(async () => {
    door = await openDoor();
  });

  it("come as they were published, as far as they are wanted", async () => {
    const stream = door.client().follow({ types: ["p.*"], filter: '{"data.on":true}' });
    await of(stream, "opened");
    door.publish("p.a", { on: false });
    door.publish("p.a.b", { on: true });
    door.publish("p.a", { on: true, text: "ä" });
    const event = await of(stream, "event");
    expect(event).toMatchObject({ type: "p.a", source: "/plugins/p", contentType: "application/json", traceparent: "t" });
    expect(JSON.parse(text((event as { data: Uint8Array }).data))).toEqual({ on: true, text: "ä" });
    await stream.return(undefined);
    const binary = door.client().follow();
    await of(binary, "opened");
    door.publish("p.raw", "plain", "text/plain");
    const raw = (await of(binary, "event")) as { data: Uint8Array; contentType: string };
    expect([text(raw.data), raw.contentType]).toEqual(["plain", "text/plain"]);
    await binary.return(undefined);
  });

  it("go on behind a position, and tell of a gap where that is of another host", async () => {
    const client = door.client();
    const first = client.follow();
    const { id } = (await of(first, "opened")) as { id: string };
    for (const i of [1, 2, 3]) door.publish("p.a", { i });
    await of(first, "event");
    await first.return(undefined);
    const again = client.follow({ after: id });
    for (const i of [1, 2, 3]) {
      const { data } = (await of(again, "event")) as { data: Uint8Array };
      expect(JSON.parse(text(data))).toEqual({ i });
    }
    await again.return(undefined);
    const lost = client.follow({ after: "0123456789ab-7" });
    expect(await of(lost, "gap")).toEqual(expect.not.objectContaining({ missed: expect.anything() }));
    await lost.return(undefined);
  });

  it("come in parts when they are large", async () => {
    const stream = door.client().follow();
    await of(stream, "opened");
    const long = "x".repeat(MIB);
    door.publish("p.a", long);
    const { data } = (await of(stream, "event")) as { data: Uint8Array };
    expect(JSON.parse(text(data)) === long).toBe(true);
    await stream.return(undefined);
  });

  it("are refused for a malformed request, with the field", async () => {
    const client = door.client();
    for (const [request, words] of [
      [{ types: ["a..b"] }, "types.0"],
      [{ types: Array.from({ length: 17 }, () => "a") }, "types"],
      [{ filter: "{" }, "filter"],
      [{ filter: '{"a":{"nope":1}}' }, "filter"],
      [{ source: "x".repeat(257) }, "source"],
    ] as const) {
      const refused = client.follow(request as never).next();
      await expect(refused, words).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining(words) });
    }
  });

  it("are published by who may", async () => {
    const stream = door.client().follow();
    await of(stream, "opened");
    const { id } = await door.client().publish("p.said", { a: 1 });
    expect(await of(stream, "event")).toMatchObject({ id, type: "p.said" });
    await stream.return(undefined);
    await expect(door.client().publish("not a type", 1)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it("leave nothing behind when a client goes", async () => {
    const client = door.client({});
    const stream = client.follow();
    await of(stream, "opened");
    expect(door.observers()).toBe(1);
    client[Symbol.dispose]();
    await stream.return(undefined);
    door.publish("p.a", 1);
    await door[Symbol.asyncDispose]();
    expect(door.observers()).toBe(0);
    door = await openDoor();
  });
});

describe("who comes in over gRPC", () => {
  const refusedAs = (code: number) => ({ code });

  it("is nobody without a token, for any method but the check of health", async () => {
    door = await openDoor({ auth: { mode: "required" } });
    for (const client of [door.client(), door.client({ token: "bh_wrong" })]) {
      await expect(client.call("p.who")).rejects.toMatchObject(refusedAs(status.UNAUTHENTICATED));
      await expect(client.list()).rejects.toMatchObject(refusedAs(status.UNAUTHENTICATED));
      await expect(client.publish("p.a", 1)).rejects.toMatchObject(refusedAs(status.UNAUTHENTICATED));
      await expect(client.follow().next()).rejects.toMatchObject(refusedAs(status.UNAUTHENTICATED));
    }
    const raw = (path: string, token?: string) =>
      new Promise((resolve) => {
        const { client } = door.client();
        const identity = (bytes: Buffer): Buffer => bytes;
        client.makeUnaryRequest(path, identity, identity, Buffer.alloc(0), (error) => resolve(error === null ? "ok" : error.code));
        void token;
      });
    expect(await raw("/grpc.health.v1.Health/Check")).toBe("ok");
    expect(await raw("/grpc.health.v1.Health/Watch")).toBe(status.UNAUTHENTICATED);
    expect(await raw("/grpc.health.v1.Health/List")).toBe(status.UNAUTHENTICATED);
    expect(await raw("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")).toBe(status.UNAUTHENTICATED);
    expect(await raw("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")).toBe(status.UNAUTHENTICATED);
  });

  it("may do what the token's roles and scopes say, until it is revoked", async () => {
    door = await openDoor({ auth: { mode: "required" } });
    const operator = door.client({ token: door.tokenOf("operator", "services.call:p.who", "events.subscribe:p.a") });
    expect(text((await operator.call("p.who")).payload)).toBe('"token:operator"');
    await expect(operator.call("p.echo")).rejects.toMatchObject(refusedAs(status.PERMISSION_DENIED));
    await expect(operator.publish("p.a", 1)).rejects.toMatchObject(refusedAs(status.PERMISSION_DENIED));
    expect((await operator.list()).services.map(({ name }) => name)).toEqual(["p.who"]);
    const stream = operator.follow();
    await of(stream, "opened");
    door.publish("p.b", "secret");
    door.publish("p.a", "told");
    expect(await of(stream, "event")).toMatchObject({ type: "p.a" });
    const ended = stream.next();
    door.tokens.revoke("operator");
    await expect(ended).rejects.toMatchObject(refusedAs(status.UNAUTHENTICATED));
    await expect(operator.call("p.who")).rejects.toMatchObject(refusedAs(status.UNAUTHENTICATED));
  });

  it("is no page, and nobody whom a proxy passes on where everybody may come in", async () => {
    door = await openDoor();
    const client = door.client();
    await expect(client.call("p.who", "", { metadata: { origin: "http://localhost" } })).rejects.toMatchObject(
      refusedAs(status.PERMISSION_DENIED),
    );
    await expect(client.call("p.who", "", { metadata: { "x-forwarded-for": "10.0.0.1" } })).rejects.toMatchObject(
      refusedAs(status.UNAUTHENTICATED),
    );
  });

  it.skipIf(missingOpenssl !== undefined)(
    `shows a certificate of our authority${missingOpenssl === undefined ? "" : ` (skipped: ${missingOpenssl})`}`,
    async () => {
      using folder = { path: temporaryFolder(), [Symbol.dispose]: () => {} };
      const ours = authority(folder.path.path, "ours");
      const files = ours.issue("localhost");
      const tls = await openTls({ cert: files.cert, key: files.key, clientCa: ours.ca }, { clock: fakeClock(), log: memoryLog() });
      door = await openDoor({ auth: { mode: "required", certificates: { robot: ["operator"] } }, tls });
      expect(door.server.url).toMatch(/^https:/);
      const as = (shown?: { read(): { cert: Buffer; key: Buffer } }) => {
        const { cert = null, key = null } = shown?.read() ?? {};
        const channel = credentials.createSsl(ours.pem, key, cert, { checkServerIdentity: () => undefined });
        return door.client({ channel });
      };
      expect(text((await as(ours.issue("robot")).call("p.who")).payload)).toBe('"cert:robot"');
      await expect(as(ours.issue("stranger")).call("p.who")).rejects.toMatchObject(refusedAs(status.UNAUTHENTICATED));
      await expect(as().call("p.who")).rejects.toMatchObject(refusedAs(status.UNAUTHENTICATED));
      await expect(as(authority(folder.path.path, "theirs").issue("robot")).call("p.who")).rejects.toMatchObject(
        refusedAs(status.UNAUTHENTICATED),
      );
      await expect(door.client().call("p.who")).rejects.toMatchObject(refusedAs(status.UNAVAILABLE));
      tls[Symbol.dispose]();
      folder.path.remove();
    },
  );

  it("waits in the address's own limit when it shows what nobody knows again and again", async () => {
    door = await openDoor({ auth: { mode: "required" } });
    const client = door.client({ token: "bh_wrong" });
    let last: Partial<ServiceError> = {};
    for (let i = 0; i < 200 && last.code !== status.RESOURCE_EXHAUSTED; i += 1) last = await refusedWith(client.call("p.who"));
    expect(last.code).toBe(status.RESOURCE_EXHAUSTED);
  });
});

describe("health over gRPC", () => {
  it("says whether the host is well, to everybody, and no name", async () => {
    const clock = fakeClock();
    door = await openDoor({ auth: { mode: "required" }, clock });
    const check = (service: string): Promise<unknown> =>
      new Promise((resolve) => {
        const name = Buffer.from(service);
        const request = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
        const identity = (bytes: Buffer): Buffer => bytes;
        door
          .client()
          .client.makeUnaryRequest("/grpc.health.v1.Health/Check", identity, identity, request, (error, answer) =>
            resolve(error?.code ?? answer?.toString("hex")),
          );
      });
    expect([await check(""), await check("bulkhead.v1.CallService")]).toEqual(["0801", "0801"]);
    expect([await check("p"), await check("__proto__")]).toEqual([status.NOT_FOUND, status.NOT_FOUND]);
    door.problems = ["the disk is full"];
    await clock.advance(5_000);
    expect(await check("")).toBe("0802");
  });
});

describe("a client of gRPC that means harm", () => {
  const sockets: Socket[] = [];
  const sessions: ClientHttp2Session[] = [];
  afterEach(() => {
    for (const one of sockets.splice(0)) one.destroy();
    for (const one of sessions.splice(0)) one.destroy();
  });
  const open = async (): Promise<Socket> => {
    const socket = connect(Number(new URL(door.server.url).port), "127.0.0.1");
    socket.on("error", () => {});
    sockets.push(socket);
    await once(socket, "connect");
    return socket.resume();
  };

  it("takes no place from others by connections that say nothing", async () => {
    door = await openDoor({ grpc: { maxConnections: 8 } });
    const client = door.client();
    await client.call("p.who");
    const idle = await Promise.all(Array.from({ length: 40 }, open));
    await eventually("the oldest are ended", () => idle.filter((one) => one.destroyed || one.readableEnded).length >= 32 || undefined);
    // On the connection that it has, and on a new one.
    expect(text((await client.call("p.who")).payload)).toBe('"anonymous"');
    expect(text((await door.client().call("p.who")).payload)).toBe('"anonymous"');
  });

  it("holds no turn by a call without a message, nor for ever", async () => {
    const clock = fakeClock();
    door = await openDoor({ clock });
    const session = connectHttp2(door.server.url);
    sessions.push(session);
    const stream = session.request({
      ":method": "POST",
      ":path": "/bulkhead.v1.CallService/Call",
      "content-type": "application/grpc",
      te: "trailers",
    });
    let trailers: Record<string, unknown> = {};
    stream.on("response", (headers) => {
      trailers = headers;
    });
    stream.on("trailers", (headers) => {
      trailers = headers;
    });
    stream.resume();
    stream.write(Buffer.from([0, 0, 0, 0, 9]));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await clock.advance(MESSAGE_MS + 1);
    await eventually("it is refused", () => trailers["grpc-status"] === String(status.DEADLINE_EXCEEDED) || undefined);
  });

  it("is told what is wrong with what is no message, and the next call goes on", async () => {
    door = await openDoor();
    const client = door.client();
    const send = (path: string, bytes: Buffer): Promise<number | undefined> =>
      new Promise((resolve) => {
        const identity = (one: Buffer): Buffer => one;
        client.client.makeUnaryRequest(path, identity, identity, bytes, (error) => resolve(error?.code));
      });
    for (const path of ["/bulkhead.v1.CallService/Call", "/bulkhead.v1.EventService/Publish", "/bulkhead.v1.CatalogService/ListServices"])
      expect(await send(path, Buffer.from("ffffffffffffffffffff01", "hex")), path).toBe(status.INTERNAL);
    expect(await send("/bulkhead.v1.CallService/Nope", Buffer.alloc(0))).toBe(status.UNIMPLEMENTED);
    expect(await send("/constructor", Buffer.alloc(0))).toBe(status.UNIMPLEMENTED);
    expect(text((await client.call("p.who")).payload)).toBe('"anonymous"');
  });

  it("holds no more than a piece when it does not read, while others get everything", async () => {
    door = await openDoor({ grpc: { events: { maxEvents: 1_000, maxMiB: 4 } }, auth: { limits: { streamsAtOnce: 256 } } });
    // No window: nothing but what HTTP/2 grants at first is ever sent.
    const slow = connectHttp2(door.server.url, { settings: { initialWindowSize: 0 } });
    sessions.push(slow);
    await once(slow, "connect");
    for (let i = 0; i < 100; i += 1) {
      const stream = slow.request({
        ":method": "POST",
        ":path": "/bulkhead.v1.EventService/Follow",
        "content-type": "application/grpc",
        te: "trailers",
      });
      stream.on("error", () => {});
      stream.end(Buffer.from([0, 0, 0, 0, 0]));
    }
    const reader = door.client().follow();
    await of(reader, "opened");
    await new Promise((resolve) => setTimeout(resolve, 200));
    const before = process.memoryUsage().arrayBuffers;
    const long = "x".repeat(50_000);
    for (let i = 0; i < 2_000; i += 1) {
      door.publish("p.a", { i, long });
      const { data } = (await of(reader, "event")) as { data: Uint8Array };
      expect(data.length).toBeGreaterThan(50_000);
    }
    // A hundred streams with a piece and what passed it, the window, and what waits to be collected, beside 100 MB that were published.
    const grown = (process.memoryUsage().arrayBuffers - before) / MIB;
    expect(grown, `grew by ${grown} MiB`).toBeLessThan(64);
    await reader.return(undefined);
  });

  it("loses its connection when it takes nothing for a minute", async () => {
    const clock = fakeClock();
    door = await openDoor({ clock });
    const slow = connectHttp2(door.server.url, { settings: { initialWindowSize: 0 } });
    sessions.push(slow);
    slow.on("error", () => {});
    const stream = slow.request({
      ":method": "POST",
      ":path": "/bulkhead.v1.EventService/Follow",
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("error", () => {});
    stream.end(Buffer.from([0, 0, 0, 0, 0]));
    await eventually("it is followed", () => door.observers() === 1 || undefined);
    for (let i = 0; i < 3; i += 1) door.publish("p.a", "x".repeat(60_000));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const closed = once(slow, "close");
    for (let i = 0; i < 6; i += 1) await clock.advance(15_000);
    await closed;
  });
});
