// Whoever comes to /graphql with bad intentions: each limit, and somebody who tries to pass it.

import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import fastify from "fastify";
import { getIntrospectionQuery } from "graphql";
import { afterEach, describe, expect, it } from "vitest";
import { EventStreams } from "../../host/adapters/gateway/event-streams.ts";
import { MAX_ANSWER_BYTES, MAX_TOLD_BYTES } from "../../host/adapters/gateway/graphql/answers.ts";
import { LIMITS } from "../../host/adapters/gateway/graphql/limits.ts";
import { eventFrame } from "../../host/adapters/http/event-frames.ts";
import { admit } from "../../host/adapters/http/principal.ts";
import { serveGraphQL } from "../../host/adapters/http/serve-graphql.ts";
import { SessionCookies } from "../../host/adapters/http/session-cookie.ts";
import type { CloudEvent } from "../../host/core/types.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import type { AdapterContext, Catalog, Principal } from "../../host/seams.ts";
import { eventually } from "../support/eventually.ts";
import { settle } from "../support/fake-clock.ts";
import { type GraphQLWorld, type GraphQLWorldOptions, graphqlWorld, subscribe } from "../support/graphql.ts";
import { memoryLog } from "../support/memory-log.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { type Script, utf8 } from "../support/scripted-cell.ts";

let world: GraphQLWorld;
let turns = 0;
let aborted = 0;
const LONG = "x".repeat(MAX_ANSWER_BYTES - 100);
const SCRIPT: Script = {
  echo(input) {
    turns += 1;
    return input;
  },
  note() {
    turns += 1;
    return utf8("true");
  },
  tree: () => utf8(JSON.stringify({ a: { a: { a: { a: { a: { a: { a: 1 } } } } } } })),
  hang: (_input, { cancelled }) => {
    turns += 1;
    return new Promise((_resolve, reject) => {
      cancelled?.addEventListener("abort", () => {
        aborted += 1;
        reject(new Error("cancelled"));
      });
    });
  },
  large: () => new Uint8Array(MAX_ANSWER_BYTES + 1).fill(0x20),
  long: () => utf8(JSON.stringify({ text: LONG, all: { text: LONG.slice(0, 10) } })),
  many: () => utf8(JSON.stringify(Array.from({ length: 20_000 }, (_, id) => ({ id })))),
  deep: () => utf8("[".repeat(1_000) + "]".repeat(1_000)),
  proto: () => utf8('{"__proto__":{"a":1}}'),
  bytes: () => Uint8Array.of(1, 2, 3),
  other: () => utf8('{"id":5}'),
  infinite: () => utf8("1e999"),
};
const nested = (levels: number): object =>
  levels === 0 ? { type: "integer" } : { type: "object", properties: { a: nested(levels - 1), b: { type: "integer" } } };
const outputs: Readonly<Record<string, object>> = {
  tree: nested(7),
  long: { type: "object", properties: { text: { type: "string" }, all: { type: "object" } } },
  many: { type: "array", items: { type: "object", properties: { id: { type: "integer" } } } },
  infinite: { type: "number" },
  other: { type: "object", properties: { id: { type: "string" } }, required: ["id"] },
};
const SERVICES: GraphQLWorldOptions["services"] = Object.fromEntries(
  Object.keys(SCRIPT).map((name) => [
    `p.${name}`,
    { entryPoint: name, readOnly: name !== "note" && name !== "hang", ...(outputs[name] && { output: outputs[name] }) },
  ]),
);

afterEach(async () => {
  await world?.[Symbol.asyncDispose]();
});
async function start(rest: Partial<GraphQLWorldOptions> = {}): Promise<void> {
  [turns, aborted] = [0, 0];
  world = await graphqlWorld({ script: SCRIPT, services: SERVICES, ...rest });
}
const times = (count: number, one: (i: number) => string): string => Array.from({ length: count }, (_, i) => one(i)).join(" ");
const refusalOf = async (query: string, variables?: unknown): Promise<string> => {
  const { status, body } = await world.ask(query, variables);
  expect(body.data, query.slice(0, 80)).toBeUndefined();
  expect(body.errors?.every(({ extensions }) => extensions.code === "invalid-message")).toBe(true);
  return `${status} ${body.errors?.map(({ message }) => message).join("; ")}`;
};
const codeOf = async (query: string): Promise<unknown> => (await world.ask(query)).body.errors?.[0]?.extensions.code;

describe("a request to /graphql", () => {
  it("is refused by its size before it is parsed", async () => {
    await start();
    const tooLarge = await world.post("{".repeat(LIMITS.bodyBytes + 1));
    expect(tooLarge.status).toBe(413);
    expect(tooLarge.body).toMatchObject({
      error: { code: "quota-exceeded", message: expect.stringMatching(/16384 bytes, which is the limit$/) },
    });
    expect((await world.post("{".repeat(LIMITS.bodyBytes))).status).toBe(400);
    await world[Symbol.asyncDispose]();
    await start({ http: { maxBodyBytes: 1_000 } });
    expect((await world.post("{".repeat(1_001))).body).toMatchObject({
      error: { message: expect.stringContaining("adapters.http.maxBodyBytes") },
    });
  });

  it("is one request of JSON, of bounded size", async () => {
    await start();
    for (const [body, what] of [
      ["", "query"],
      ["{", "no JSON"],
      ["5", "expected object"],
      ['{"query":5}', "query"],
      ['{"query":"{p_note}","variables":[]}', "variables"],
      ['{"query":"{p_note}","variables":{"__proto__":{}}}', "__proto__"],
      [`[${'{"query":"{p_echo}"},'.repeat(100)}{}]`, "batches are not taken"],
      [`{"query":"{p_echo}","variables":{"a":${"[".repeat(70)}${"]".repeat(70)}}}`, "64 deep"],
      [`{"query":"{p_echo}","variables":{"a":[${"1,".repeat(LIMITS.values)}1]}}`, "4096 values"],
    ] as const) {
      const answer = await world.post(body);
      expect([answer.status, JSON.stringify(answer.body)], body.slice(0, 60)).toEqual([400, expect.stringContaining(what)]);
    }
    expect(turns).toBe(0);
  });

  it("comes from no page of another origin, and in no type that a form could send", async () => {
    await start();
    const body = JSON.stringify({ query: "mutation { p_note }" });
    for (const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "cross-site" }])
      expect((await world.post(body, { headers })).status).toBe(403);
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
      "application/octet-stream",
      "application/graphql",
    ])
      expect((await world.post(body, { headers: { "content-type": type } })).status, type).toBe(415);
    const noType = await fetch(world.url, { method: "POST", body: new Blob([body]) });
    expect(noType.status).toBe(415);
    const got = await fetch(`${world.url}?query=${encodeURIComponent("{ p_echo }")}`);
    expect([got.status, got.headers.get("allow")]).toEqual([405, "POST"]);
    expect(turns).toBe(0);
  });
});

describe("a query", () => {
  it("makes at most 20 calls, however they are written", async () => {
    await start();
    const twenty = times(20, (i) => `a${i}: p_echo`);
    expect((await world.ask(`{ ${twenty} }`)).body.errors).toBeUndefined();
    expect(turns).toBe(20);
    const limit = "400 the query has more than 20 fields of its root";
    expect(await refusalOf(`{ ${twenty} p_echo }`)).toContain(limit);
    expect(await refusalOf(`{ ...A ...A } fragment A on Query { ${times(11, (i) => `a${i}: p_echo`)} }`)).toContain(limit);
    expect(await refusalOf(`{ ${times(6, () => `... { ... @include(if: true) { ${times(4, (i) => `a${i}: p_echo`)} } }`)} }`)).toContain(
      limit,
    );
    expect(await refusalOf(`query A { p_echo } query B { ${twenty} b: p_echo }`)).toContain(limit);
    // 1,000 aliases: 30 KB in full, and as many as there is room for.
    expect((await world.ask(`{ ${times(1_000, (i) => `a${i}: p_echo(input: 1)`)} }`)).status).toBe(413);
    expect(await refusalOf(`{ ${times(500, (i) => `a${i}:p_echo`)} }`)).toMatch(/more than (1000 tokens|20 fields)/);
    expect(turns).toBe(20);
  });

  it("is as short as a person writes one", async () => {
    await start();
    expect(await refusalOf(`{ p_echo(input: [${"1 ".repeat(1_000)}]) }`)).toContain("more than 1000 tokens");
    expect(await refusalOf(`{ p_echo } ${"#\n".repeat(1_001)}`)).toMatch(/1000 comments/);
    expect(await refusalOf(`{ p_echo(input: ${"[".repeat(400)}${"]".repeat(400)}) }`.replace("[[", "[ {"))).toContain("Syntax Error");
    const nest = "[".repeat(200) + "]".repeat(200);
    expect((await world.ask(`{ p_echo(input: ${nest}) }`)).body.data).toEqual({ p_echo: JSON.parse(nest) });
  });

  it("nests eight levels deep, by fragments too", async () => {
    await start();
    const fields = (levels: number): string => `${"{ a ".repeat(levels)}${"}".repeat(levels)}`;
    expect((await world.ask(`{ p_tree ${fields(7)} }`)).body.errors).toBeUndefined();
    expect(await refusalOf(`{ p_tree ${fields(8)} }`)).toContain("more than 8 levels");
    const spread = "{ p_tree { a { a { a { ...A } } } } } fragment A on p_tree_Output_a_a_a { a { a { a { a { b } } } } }";
    expect(await refusalOf(spread)).toContain("more than 8 levels");
  });

  it("has at most 500 fields once fragments are spread, and 2,000 selections that may be empty", async () => {
    await start();
    expect(await refusalOf(`{ p_tree { ${"b ".repeat(500)} } }`)).toContain("more than 500 fields");
    const bomb = times(40, (i) => `fragment F${i} on p_tree_Output { ...F${i + 1} ...F${i + 1} }`);
    expect(await refusalOf(`{ p_tree { ...F0 } } ${bomb} fragment F40 on p_tree_Output { b }`)).toContain("more than 500 fields");
    expect(await refusalOf(`{ p_tree { ...F0 } } ${bomb} fragment F40 on p_tree_Output { }`)).toContain("more than 2000 selections");
    expect(await refusalOf(`{ p_tree { ...A } } fragment A on p_tree_Output { ...B } fragment B on p_tree_Output { ...A }`)).toContain(
      "the fragment A spreads itself",
    );
    const twice = "fragment A on p_tree_Output { b } fragment A on p_tree_Output { a { b } }";
    expect(await refusalOf(`{ p_tree { ...A } } ${twice}`)).toContain("two fragments of the query have the same name");
    // Also where nothing spreads it.
    expect(await refusalOf(`{ p_echo } ${bomb} fragment F40 on p_tree_Output { b }`)).toContain("more than 500 fields");
  });

  it("is told ten errors at most, and nothing of names that it guesses at", async () => {
    await start();
    const { body } = await world.ask(`{ ${times(20, (i) => `p_ech${i}`)} }`);
    expect(body.errors).toHaveLength(10);
    expect(JSON.stringify(body)).not.toContain("Did you mean");
    const variables = times(100, (i) => `$v${i}: Int`);
    const given = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`v${i}`, "no number"]));
    const coerced = await world.ask(`query (${variables}) { p_echo(input: [${times(100, (i) => `$v${i}`)}]) }`, given);
    expect(coerced.status).toBe(400);
    expect(coerced.body.errors?.length).toBeLessThanOrEqual(11);
  });

  it("asks for the schema as tools do, and not as often or as deep as it likes", async () => {
    const flat = { type: "object", properties: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`m${i}`, { type: "integer" }])) };
    const many = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`p.s${i}`, { entryPoint: `s${i}`, readOnly: true, input: flat, output: flat }]),
    );
    await start({ script: Object.fromEntries(Object.keys(many).map((name) => [name.slice(2), () => undefined])), services: many });
    const tools = await world.ask(getIntrospectionQuery());
    expect([tools.status, tools.body.errors]).toEqual([200, undefined]);
    const limit = "more than 150000 values of the schema itself";
    expect(await refusalOf(`{ __schema { types { fields { ${times(300, (i) => `a${i}: name`)} } } } }`)).toContain(limit);
    expect(
      await refusalOf(`{ __schema { ${times(130, (i) => `a${i}: types { ...F }`)} } } fragment F on __Type { fields { name } }`),
    ).toContain(limit);
    expect(
      await refusalOf(
        `{ ${times(12, (i) => `a${i}: __schema { types { ...T } }`)} } fragment T on __Type { fields { ${times(20, (i) => `a${i}: name`)} } }`,
      ),
    ).toContain(limit);
    const deep = `{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }`;
    expect(await refusalOf(deep)).toContain("Maximum introspection depth exceeded");
    expect(await refusalOf(`{ __schema { queryType { fields { type ${"{ ofType ".repeat(14)}{ name } ${"}".repeat(14)} } } } }`)).toContain(
      "more than 16 levels",
    );
  });
});

describe("an answer", () => {
  it("of a service is counted before it is parsed, and is what its field says", async () => {
    await start();
    for (const [name, code] of [
      ["large", "quota-exceeded"],
      ["deep", "quota-exceeded"],
      ["proto", "plugin-failed"],
      ["bytes", "plugin-failed"],
      ["other { id }", "plugin-failed"],
      ["infinite", "plugin-failed"],
    ])
      expect(await codeOf(`{ p_${name} }`), name).toBe(code);
  });

  it("is no larger for being asked for many times", async () => {
    await start();
    expect(LONG.length * 4).toBeLessThan(MAX_TOLD_BYTES);
    expect(await codeOf("{ p_long { text } }")).toBeUndefined();
    expect(await codeOf(`{ p_long { ${times(300, (i) => `a${i}: text`)} } }`)).toBe("quota-exceeded");
    expect(await codeOf(`{ ${times(5, (i) => `a${i}: p_long { text }`)} }`)).toBe("quota-exceeded");
    expect(await codeOf("{ p_many { id } }")).toBeUndefined();
    expect(await codeOf(`{ p_many { ${times(300, (i) => `a${i}: id`)} } }`)).toBe("quota-exceeded");
    // Small values count too.
    expect(await codeOf(`{ p_many { ${times(12, (i) => `a${i}: id`)} } }`)).toBe("quota-exceeded");
    const nothing = "fragment N on p_many_Output_item { ".concat(
      times(300, () => "... { }"),
      " }",
    );
    expect(await codeOf(`{ p_many { ...N id } } ${nothing}`)).toBe("quota-exceeded");
  });

  it("has no key that reaches behind an object", async () => {
    await start();
    expect(await refusalOf("{ p_echo(input: { a: [{ __proto__: { b: 1 } }] }) }")).toContain("400");
    for (const name of ["constructor", "toString", "hasOwnProperty", "__proto__"])
      for (const query of [
        `{ ${name} }`,
        `{ p_tree { ${name} } }`,
        `{ p_echo(${name}: 1) }`,
        `{ p_tree { ...${name} } }`,
        `query ($v: ${name}) { p_echo(input: $v) }`,
      ])
        expect((await world.ask(query)).status, query).toBe(400);
    for (const operationName of ["constructor", "__proto__"])
      expect((await world.post(JSON.stringify({ query: "query A { p_echo } query B { p_echo }", operationName }))).status).toBe(400);
    expect(turns).toBe(0);
  });
});

describe("a client that goes away", () => {
  it("ends the call that is under way, and those behind it are not made", async () => {
    await start();
    const gone = new AbortController();
    const asked = world.ask("mutation { p_hang p_note }", undefined, { signal: gone.signal });
    await eventually("the turn begins", () => turns === 1 || undefined);
    gone.abort();
    await expect(asked).rejects.toThrow();
    await eventually("the turn ends", () => aborted === 1 || undefined);
    await world.ask("{ p_echo }");
    expect(turns).toBe(2);
  });

  it("ends its subscription, of which a principal has as many as of all streams", async () => {
    await start({ auth: { limits: { streamsAtOnce: 2 } } });
    const query = "subscription { events { id } }";
    const [one, two, three] = [await subscribe(world.url, query), await subscribe(world.url, query), await subscribe(world.url, query)];
    expect([one?.status, two?.status, three?.status]).toEqual([200, 200, 429]);
    one?.end();
    await eventually("there is room again", async () => {
      const again = await subscribe(world.url, query);
      return again.status === 200 ? again : undefined;
    });
  });

  it("has one call in the account for the request, and one for each field", async () => {
    await start({ auth: { limits: { callsPerSecond: 6 } } });
    const { body } = await world.ask(`{ ${times(10, (i) => `a${i}: p_echo`)} }`);
    expect(turns).toBe(5);
    expect(body.errors).toHaveLength(5);
    expect(body.errors?.[0]?.extensions).toEqual({ code: "rate-limited", retryAfterMs: expect.any(Number) });
    const refused = await world.ask(getIntrospectionQuery());
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, expect.any(String)]);
  });
});

describe("a subscription that is never read", () => {
  const MIB = 1_024 * 1_024;
  /** What a socket holds of its own: its high-water mark and the piece with which it went over it. */
  const MAX_HELD = 64 * 1_024 + 64 * 1_024 + 1_024;

  it("holds a piece of one event, whatever is published and however large it is", async () => {
    const folder = temporaryFolder();
    const path = join(folder.path, "graphql.sock");
    const sockets: Socket[] = [];
    let publish: (event: CloudEvent) => void = () => {};
    const catalog: Catalog = {
      ...{ version: 1, plugins: [], services: [], events: [], points: [], contributions: () => [], onChange: () => () => {} },
      for: () => catalog,
    };
    const context = {
      ...{ clock: systemClock, log: memoryLog(), catalog, openStream: () => () => {} },
      within: (_principal: unknown, work: () => Promise<unknown>) => work(),
      observe({ event = () => {} }: { readonly event?: (event: CloudEvent) => void }) {
        publish = event;
        return () => {};
      },
    } as unknown as AdapterContext;
    const limits = { maxEvents: 10_000, maxBytes: 16 * MIB };
    const streams = new EventStreams({ context, limits, encode: eventFrame, maxStreams: 10, maxStreamsName: "this test" });
    const app = fastify();
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("application/json", { parseAs: "buffer" }, async (_request: unknown, body: unknown) => body);
    const authenticate = async (): Promise<Principal> => ({ name: "anybody", allows: () => true });
    const ports = { context: { authenticate }, cookies: new SessionCookies([], false), asked: { serviceOf: () => undefined } };
    app.addHook("onRequest", (request) => admit(request, ports));
    await serveGraphQL(app, { context, streams, options: { maxBodyBytes: MIB } });
    app.server.on("connection", (socket) => sockets.push(socket));
    await app.listen({ path });
    const client = createConnection(path);
    client.pause().on("error", () => {});
    const body = JSON.stringify({ query: "subscription { events { id data } }" });
    const head = ["POST /graphql HTTP/1.1", "host: localhost", "content-type: application/json", "accept: text/event-stream"];
    client.write(`${[...head, `content-length: ${body.length}`].join("\r\n")}\r\n\r\n${body}`);
    await eventually("it is followed", () => streams.size === 1 || undefined);
    const flood = async (count: number, bytes: number): Promise<void> => {
      for (let i = 0; i < count; i += 1) {
        const data = utf8(JSON.stringify("x".repeat(bytes)));
        publish({
          ...{ source: "/plugins/a", time: "2026-01-01T00:00:00.000Z", traceparent: "t", type: "a.b" },
          id: `e-${i}`,
          contentType: "application/json",
          data,
        });
        if (i % 16 === 0) await settle();
        expect(Math.max(...sockets.map((socket) => socket.writableLength))).toBeLessThanOrEqual(MAX_HELD);
      }
    };
    await flood(20_000, 2_000);
    await flood(4, 3 * MIB);
    expect(streams.bytes).toBeLessThanOrEqual(16 * MIB);
    let text = "";
    client.on("data", (piece: Buffer) => {
      if (text.length < MIB) text += piece;
    });
    client.resume();
    await eventually("it is told what it missed", () => /"extensions":\{"gap":\{"missed":\d{4,}/.test(text) || undefined);
    client.destroy();
    await once(client, "close");
    await eventually("it has ended", () => streams.size === 0 || undefined);
    streams.stop();
    await app.close();
    folder.remove();
  });
});
