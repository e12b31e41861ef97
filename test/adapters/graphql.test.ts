// Services and events over GraphQL, as its clients see them.

import { buildClientSchema, type GraphQLSchema, getIntrospectionQuery, type IntrospectionQuery, printType } from "graphql";
import { afterEach, describe, expect, it } from "vitest";
import { HostError } from "../../host/core/errors.ts";
import { type GraphQLWorld, type GraphQLWorldOptions, graphqlWorld, subscribe } from "../support/graphql.ts";
import { type Script, textOf, utf8 } from "../support/scripted-cell.ts";

const DEVICE = {
  id: "lamp",
  state: "on",
  tags: ["a", "b"],
  place: { room: 4, floor: null },
  createdAtMs: 4_102_444_800_000,
  raw: { "any key": 1 },
};
const order: string[] = [];
const SCRIPT: Script = {
  echo: (input) => input,
  get: () => utf8(JSON.stringify(DEVICE)),
  list: () => utf8(JSON.stringify([DEVICE, { ...DEVICE, id: "door" }])),
  nothing: () => undefined,
  picture: () => Uint8Array.of(0x89, 0x50, 0xff),
  length: (input) => utf8(String(input.length)),
  wrapped: (input) => utf8(JSON.stringify({ got: textOf(input) })),
  members: (input) => utf8(JSON.stringify({ got: textOf(input) })),
  async add(input) {
    order.push(`+${textOf(input)}`);
    await new Promise((resolve) => setImmediate(resolve));
    order.push(`-${textOf(input)}`);
    return utf8("true");
  },
  refuse: () => {
    throw new HostError("refused", "no such lamp", { reason: "not-found", detail: "at secret.ts:1" });
  },
  turnOn: () => undefined,
  hidden: () => utf8("1"),
};
const $defs = {
  place: { type: "object", properties: { room: { type: "integer", minimum: 0, maximum: 99 }, floor: { type: ["integer", "null"] } } },
};
const OUTPUT = {
  type: "object",
  properties: {
    id: { type: "string", description: "Its \u202ename." },
    state: { enum: ["on", "off"], type: "string" },
    tags: { type: "array", items: { type: "string" } },
    place: { $ref: "#/$defs/place" },
    createdAtMs: { type: "integer" },
    raw: { type: "object" },
  },
  required: ["id", "state"],
};
const ID = { type: "object", properties: { id: { type: "string" }, constructor: { type: "string" } }, required: ["id"] };
const SERVICES: GraphQLWorldOptions["services"] = {
  "p.echo": { entryPoint: "echo", readOnly: true },
  "p.get": { entryPoint: "get", readOnly: true, description: "One \u0007device.", input: ID, output: { ...OUTPUT, $defs } },
  "p.list": { entryPoint: "list", readOnly: true, deprecated: true, output: { type: "array", items: OUTPUT, $defs } },
  "p.nothing": { entryPoint: "nothing", readOnly: true },
  "p.picture": { entryPoint: "picture", readOnly: true, produces: "image/png" },
  "p.length": { entryPoint: "length", readOnly: true, consumes: "text/csv" },
  "p.wrapped": { entryPoint: "wrapped", readOnly: true, input: { type: "string" } },
  "p.members": { entryPoint: "members", readOnly: true, input: ID },
  "p.refuse": { entryPoint: "refuse", readOnly: true },
  "p.add": { entryPoint: "add", input: { type: "string" }, output: { type: "boolean" } },
  "p.turn-on.all": { entryPoint: "turnOn" },
  "p.hidden": { entryPoint: "hidden", public: false },
};

let world: GraphQLWorld;
afterEach(() => world[Symbol.asyncDispose]());
const start = async (rest: Partial<GraphQLWorldOptions> = {}): Promise<void> => {
  order.length = 0;
  world = await graphqlWorld({ script: SCRIPT, services: SERVICES, ...rest });
};
const asToken = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });
const schemaFor = async (token?: string): Promise<GraphQLSchema> => {
  const { body } = await world.ask(getIntrospectionQuery(), undefined, token === undefined ? {} : asToken(token));
  return buildClientSchema(body.data as unknown as IntrospectionQuery);
};
const fieldsOf = (schema: GraphQLSchema, root: "Query" | "Mutation"): string[] => {
  const type = root === "Query" ? schema.getQueryType() : schema.getMutationType();
  return Object.keys(type?.getFields() ?? {}).sort();
};

describe("the schema", () => {
  it("has services that only read as queries, and the others as mutations, with the types that their schemas have", async () => {
    await start();
    const schema = await schemaFor();
    expect(fieldsOf(schema, "Query")).toEqual(
      ["p_echo", "p_get", "p_length", "p_list", "p_members", "p_nothing", "p_picture", "p_refuse", "p_wrapped"].sort(),
    );
    expect(fieldsOf(schema, "Mutation")).toEqual(["p_add", "p_turn_on_all"]);
    const query = schema.getQueryType();
    const said = (field: string): string => {
      const { args = [], type, description, deprecationReason } = query?.getFields()[field] ?? {};
      return `${args.map((one) => `${one.name}: ${one.type}`).join(", ")} → ${type}${description ? ` "${description}"` : ""}${deprecationReason ? " (deprecated)" : ""}`;
    };
    expect(said("p_echo")).toBe("input: JSON → JSON");
    expect(said("p_get")).toBe('id: String!, constructor: String → p_get_Output "One \\u{7}device."');
    expect(said("p_list")).toBe("input: JSON → [p_list_Output_item!] (deprecated)");
    expect(said("p_picture")).toBe("input: JSON → String");
    expect(said("p_length")).toBe("input: String! → JSON");
    expect(said("p_wrapped")).toBe("input: String! → JSON");
    const type = schema.getType("p_get_Output");
    expect(type && printType(type)).toBe(
      `type p_get_Output {
  """Its \\u{202e}name."""
  id: String!
  state: p_get_Output_state!
  tags: [String!]
  place: p_get_Output_place
  createdAtMs: Float
  raw: JSON
}`,
    );
    const place = schema.getType("p_get_Output_place");
    expect(place && printType(place)).toBe("type p_get_Output_place {\n  room: Int\n  floor: Float\n}");
  });

  it("is of what the principal may call, and of nothing else", async () => {
    await start({ auth: { mode: "required" } });
    const viewer = await schemaFor(world.tokenOf("viewer"));
    expect(fieldsOf(viewer, "Query")).toContain("p_get");
    expect(fieldsOf(viewer, "Mutation")).toEqual([]);
    const bounded = world.tokenOf("operator", "services.call:p.add");
    const schema = await schemaFor(bounded);
    expect([fieldsOf(schema, "Query"), fieldsOf(schema, "Mutation")]).toEqual([["none"], ["p_add"]]);
    for (const field of ["p_get", "p_hidden", "p_nope"])
      expect(await world.ask(`{ ${field} }`, undefined, asToken(bounded)), field).toMatchObject({
        status: 403,
        body: { error: { code: "permission-denied", message: expect.stringContaining("may not services.call p.") } },
      });
    const all = world.tokenOf("operator");
    for (const field of ["p_hidden", "p_nope"])
      expect(await world.ask(`{ ${field} }`, undefined, asToken(all)), field).toMatchObject({
        status: 400,
        body: { errors: [{ message: `Cannot query field "${field}" on type "Query".`, extensions: { code: "invalid-message" } }] },
      });
  });
});

describe("a name that two services would have", () => {
  it("is no field, and the log says so once", async () => {
    const services = {
      "p.a.b": { entryPoint: "nothing" },
      "p.a-b": { entryPoint: "hidden" },
      "p.get": { entryPoint: "get", readOnly: true },
    };
    await start({ services });
    for (let i = 0; i < 2; i += 1) {
      expect((await world.ask("mutation { p_a_b }")).status).toBe(400);
      expect((await world.ask("{ p_get }")).body.data).toEqual({ p_get: DEVICE });
    }
    const told = world.log.lines.filter(({ message }) => message.includes("GraphQL"));
    expect(told.map(({ message }) => message)).toEqual([
      "GraphQL has no field p_a_b, which p.a.b and p.a-b would share; they can be called over REST",
    ]);
  });
});

describe("a query", () => {
  it("is answered with what is selected, fragments, aliases, directives and variables included", async () => {
    await start();
    const { status, body, headers } = await world.ask(
      `query Of($id: String!, $no: Boolean = false) {
        lamp: p_get(id: $id) { ...Some place { room floor } absent: raw @include(if: $no) createdAtMs }
        p_list { id __typename }
        p_echo(input: { id: $id, list: [1, 2.5, null, true, on] })
        p_nothing
      }
      fragment Some on p_get_Output { id state tags raw }`,
      { id: "lamp" },
    );
    expect(body).toEqual({
      data: {
        lamp: { ...DEVICE },
        p_list: [
          { id: "lamp", __typename: "p_list_Output_item" },
          { id: "door", __typename: "p_list_Output_item" },
        ],
        p_echo: { id: "lamp", list: [1, 2.5, null, true, "on"] },
        p_nothing: null,
      },
    });
    expect(status).toBe(200);
    expect(headers.get("traceparent")).toMatch(/^00-[0-9a-f]{32}-/);
  });

  it("takes and gives bytes as base64, and an input that is no object as input", async () => {
    await start();
    const { body } = await world.ask(
      `{ p_picture p_length(input: "AAECAw==") p_wrapped(input: "a") p_members(id: "x", constructor: "y") }`,
    );
    expect(body).toEqual({
      data: { p_picture: "iVD/", p_length: 4, p_wrapped: { got: '"a"' }, p_members: { got: '{"id":"x","constructor":"y"}' } },
    });
    expect((await world.ask(`{ p_length(input: "no base64!") }`)).body.errors?.[0]?.extensions).toEqual({ code: "invalid-message" });
  });

  it("tells of what was refused beside what was answered, and no detail", async () => {
    await start();
    const { status, body } = await world.ask("{ p_refuse p_nothing }");
    expect(status).toBe(200);
    expect(body).toEqual({
      data: { p_refuse: null, p_nothing: null },
      errors: [
        {
          message: "no such lamp",
          locations: [{ line: 1, column: 3 }],
          path: ["p_refuse"],
          extensions: { code: "refused", reason: "not-found" },
        },
      ],
    });
  });

  it("runs the operation that is named", async () => {
    await start();
    const query = "query A { p_nothing } query B { p_echo(input: 1) }";
    expect((await world.post(JSON.stringify({ query, operationName: "B" }))).body).toEqual({ data: { p_echo: 1 } });
    expect((await world.post(JSON.stringify({ query }))).status).toBe(400);
  });

  it("is answered in the type that is accepted", async () => {
    await start();
    const typeFor = async (accept?: string): Promise<string> => {
      const headers = { "content-type": "application/json", ...(accept !== undefined && { accept }) };
      const response = await fetch(world.url, { method: "POST", headers, body: JSON.stringify({ query: "{ p_nothing }" }) });
      return `${response.status} ${response.headers.get("content-type")} ${(await response.text()).slice(0, 20)}`;
    };
    const response = "200 application/graphql-response+json; charset=utf-8";
    for (const accept of [undefined, "*/*", "application/*", "application/json, application/graphql-response+json;q=0.9"])
      expect(await typeFor(accept), accept).toContain(response);
    for (const accept of ["application/json", "text/html, application/json;q=0.9, */*;q=0.1"])
      expect(await typeFor(accept), accept).toContain("200 application/json; charset=utf-8");
    expect(await typeFor("text/event-stream")).toBe('200 text/event-stream event: next\ndata: {"');
    expect(await typeFor("text/html")).toContain("406 application/problem+json");
  });
});

describe("mutations", () => {
  it("are made one after the other", async () => {
    await start();
    const { body } = await world.ask(`mutation { a: p_add(input: "a") b: p_add(input: "b") c: p_add(input: "c") }`);
    expect(body).toEqual({ data: { a: true, b: true, c: true } });
    expect(order).toEqual(['+"a"', '-"a"', '+"b"', '-"b"', '+"c"', '-"c"']);
  });
});

describe("a subscription", () => {
  it("tells events as they come, as far as they are wanted, with what is selected of them", async () => {
    await start();
    const stream = await subscribe(
      world.url,
      `subscription ($filter: JSON, $no: Boolean!) {
        now: events(types: ["lamps.*"], source: "/adapters/http", filter: $filter) {
          __typename what: type ...Rest data none: id @include(if: $no)
        }
      }
      fragment Rest on Event { id source contentType time traceparent position }`,
      { variables: { filter: { "data.on": true }, no: false } },
    );
    expect(stream.status).toBe(200);
    await world.publish("lamps.switched", '{"on":false}');
    await world.publish("doors.opened", '{"on":true}');
    const id = await world.publish("lamps.switched", '{"on":\n\r true, "t": "\\u2028\u2028"}');
    expect(await stream.next()).toEqual({
      event: "next",
      data: {
        data: {
          now: {
            ...{ __typename: "Event", what: "lamps.switched", id, source: "/adapters/http", contentType: "application/json" },
            time: expect.stringMatching(/^2\d{3}-/),
            traceparent: expect.stringMatching(/^00-/),
            position: expect.stringMatching(/^[0-9a-f]{12}-3$/),
            data: { on: true, t: "\u2028\u2028" },
          },
        },
      },
    });
    stream.end();
  });

  it("tells data that are no JSON as base64, and large ones", async () => {
    await start();
    const stream = await subscribe(world.url, "subscription { events { type data } }");
    const large = JSON.stringify("ä".repeat(100_000));
    await world.publish("a.bytes", Uint8Array.of(0, 10, 255), "image/png");
    await world.publish("a.none", "", "text/plain");
    await world.publish("a.large", large);
    const seen = [await stream.next(), await stream.next(), await stream.next()].map((frame) => frame?.data);
    expect(seen).toEqual([
      { data: { events: { type: "a.bytes", data: "AAr/" } } },
      { data: { events: { type: "a.none", data: "" } } },
      { data: { events: { type: "a.large", data: JSON.parse(large) } } },
    ]);
    stream.end();
  });

  it("goes on behind the position of an event, and tells where events are missing", async () => {
    await start({ http: { events: { maxEvents: 2 } } });
    const all = await subscribe(world.url, "subscription { events { position } }");
    const query = "subscription ($after: String) { e: events(after: $after) { data } }";
    const positions: string[] = [];
    for (const n of [1, 2, 3]) {
      await world.publish("a.b", String(n));
      const { data } = (await all.next()) as { data: { data: { events: { position: string } } } };
      positions.push(data.data.events.position);
    }
    const behind = await subscribe(world.url, query, { variables: { after: positions[1] } });
    expect((await behind.next())?.data).toEqual({ data: { e: { data: 3 } } });
    const late = await subscribe(world.url, query, { variables: { after: positions[0]?.replace("-1", "-0") } });
    expect((await late.next())?.data).toEqual({ data: { e: null }, extensions: { gap: { missed: 1, position: positions[0] } } });
    expect((await late.next())?.data).toEqual({ data: { e: { data: 2 } } });
    const lost = await subscribe(world.url, query, { variables: { after: "nonsense" } });
    expect((await lost.next())?.data).toEqual({ data: { e: null }, extensions: { gap: { missed: null, position: positions[2] } } });
    for (const stream of [all, behind, late, lost]) stream.end();
  });

  it("is of what the principal may hear, and ends with its token, or with the host", async () => {
    await start({ auth: { mode: "required" } });
    const query = 'subscription { events(types: ["**"]) { type } }';
    const bounded = await subscribe(world.url, query, { token: world.tokenOf("operator", "events.subscribe:doors.*") });
    const other = await subscribe(world.url, query, { token: world.tokenOf("operator") });
    await world.publish("lamps.switched", "1");
    await world.publish("doors.opened", "1");
    expect((await bounded.next())?.data).toEqual({ data: { events: { type: "doors.opened" } } });
    world.tokens.revoke("operator1");
    expect((await bounded.next())?.data).toEqual({
      errors: [{ message: expect.any(String), extensions: { code: "permission-denied", reason: "unauthenticated" } }],
    });
    expect([await bounded.next(), await bounded.next()]).toEqual([{ event: "complete", data: undefined }, undefined]);
    expect([(await other.next())?.event, (await other.next())?.event]).toEqual(["next", "next"]);
    await world.close();
    expect((await other.next())?.data).toMatchObject({ errors: [{ message: "the host is stopping" }] });
    expect((await other.next())?.event).toBe("complete");
  });

  it("is refused with what is wrong", async () => {
    await start();
    const subscription = async (query: string, accept = "text/event-stream"): Promise<string> => {
      const headers = { "content-type": "application/json", accept };
      const response = await fetch(world.url, { method: "POST", headers, body: JSON.stringify({ query }) });
      return `${response.status} ${await response.text()}`;
    };
    expect(await subscription("subscription { events { id } }", "application/json")).toContain("406");
    for (const [query, what] of [
      ['subscription { events(types: ["not a pattern"]) { id } }', "types.0"],
      ["subscription { events(types: []) { id } }", "types"],
      ["subscription { events(filter: { nope: 1 }) { id } }", "filter"],
      ["subscription { events(filter: 5) { id } }", "filter"],
      ["subscription { events { data more: data } }", "data is selected twice"],
      ["subscription { events { id } more: events { id } }", "must select only one top level field"],
    ] as const)
      expect(await subscription(query), query).toMatch(new RegExp(`^400 .*${what}`));
  });
});
