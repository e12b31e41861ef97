// Services as a schema of GraphQL: valid and bounded, whatever strangers write in their manifests.

import fc from "fast-check";
import * as graphql from "graphql";
import { describe, expect, it } from "vitest";
import { MAX_SCHEMA_BYTES, serviceFields, sharedFields } from "../../../host/adapters/gateway/graphql/fields.ts";
import { SchemaBuilder } from "../../../host/adapters/gateway/graphql/schema.ts";
import type { CatalogService } from "../../../host/seams.ts";

const service = (name: string, over: Partial<CatalogService> = {}): CatalogService => ({
  ...{ name, provider: name.split(".")[0] ?? "", description: undefined, input: undefined, output: undefined, errors: {}, rates: {} },
  ...{ readOnly: true, idempotent: true, deprecated: false, public: true, isRead: false, consumes: undefined, produces: undefined },
  ...over,
});
const builder = new SchemaBuilder(graphql);
const schemaOf = (...services: readonly CatalogService[]): graphql.GraphQLSchema => {
  const { fields, truncated } = serviceFields(services, new Set(sharedFields(services).keys()));
  return builder.build(fields, truncated?.message);
};
/** Checked anew, which the schema itself promises not to need. */
const problemsOf = (schema: graphql.GraphQLSchema): readonly graphql.GraphQLError[] =>
  graphql.validateSchema(new graphql.GraphQLSchema({ ...schema.toConfig(), assumeValid: false }));
const outputOf = (output: unknown): string => String(schemaOf(service("p.get", { output })).getQueryType()?.getFields().p_get?.type);
const argumentsOf = (input: unknown): string =>
  schemaOf(service("p.get", { input }))
    .getQueryType()
    ?.getFields()
    .p_get?.args.map(({ name, type }) => `${name}: ${type}`)
    .join(", ") ?? "";
const object = (properties: object, rest: object = {}): object => ({ type: "object", properties, ...rest });

describe("a type", () => {
  it.each([
    [{ type: "string" }, "String"],
    [{ type: "boolean" }, "Boolean"],
    [{ type: "number" }, "Float"],
    [{ type: "integer" }, "Float"],
    [{ type: "integer", minimum: 0, maximum: 10 }, "Int"],
    [{ type: "integer", minimum: 0, maximum: 2 ** 31 }, "Float"],
    [{ type: "array", items: { type: "string" } }, "[String!]"],
    [{ type: "array", items: { type: ["string", "null"] } }, "[String]"],
    [{ type: "array" }, "JSON"],
    [{ type: "string", enum: ["on", "off"] }, "p_get_Output"],
    [object({ a: { type: "string" } }), "p_get_Output"],
    [object({ a: { type: "string" } }, { additionalProperties: false }), "p_get_Output"],
  ])("of %j is %s", (schema, type) => {
    expect(outputOf(schema)).toBe(type);
  });

  it.each([
    ...[true, false, {}, { type: ["string", "integer"] }, { enum: ["on"] }, { const: 5 }, { type: "null" }],
    ...[
      { oneOf: [{ type: "string" }] },
      { type: "string", anyOf: [{}] },
      { type: "object", allOf: [object({ a: {} })], properties: { a: {} } },
    ],
    ...[
      { type: "object" },
      object({}),
      object({ a: {} }, { additionalProperties: true }),
      object({ a: {} }, { additionalProperties: { type: "string" } }),
    ],
    ...[object({ a: {} }, { patternProperties: { "^b": {} } }), object({ a: {} }, { required: ["b"] })],
    ...[object({ "no name": {} }), object({ __a: {} }), object({ "": {} }), object({ ä: {} }), object({ [`a${"b".repeat(200)}`]: {} })],
    { type: "array", prefixItems: [{}], items: {} },
  ])("of %j is JSON, for GraphQL cannot say it", (schema) => {
    expect(outputOf(schema)).toBe("JSON");
  });

  it("of a property that only JSON could name is JSON", () => {
    const hostile = JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"},"a":{"type":"string"}}}');
    expect(outputOf(hostile)).toBe("JSON");
    expect(argumentsOf(hostile)).toBe("input: JSON");
  });

  it("that refers to itself, or is deeper than eight levels, ends in JSON", () => {
    const loop = { $ref: "#/$defs/node", $defs: { node: object({ next: { $ref: "#/$defs/node" }, value: { type: "string" } }) } };
    expect(outputOf(loop)).toBe("JSON");
    const deep = (levels: number): object => (levels === 0 ? { type: "string" } : object({ a: deep(levels - 1) }));
    expect(graphql.printSchema(schemaOf(service("p.get", { output: deep(12) })))).toContain(`a${"_a".repeat(7)} {\n  a: JSON`);
  });

  it("has no enum of values that are no names", () => {
    for (const values of [["a b"], ["true"], ["null"], ["__a"], ["a", 5], ["ä"], [""]])
      expect(outputOf({ type: "string", enum: values }), String(values)).toBe("String");
  });
});

describe("arguments", () => {
  it("are the members of an object, and otherwise the one input", () => {
    expect(argumentsOf(object({ id: { type: "string" }, at: object({ x: { type: "number" } }) }, { required: ["id"] }))).toBe(
      "id: String!, at: p_get_Input_at",
    );
    expect(argumentsOf({ type: "string" })).toBe("input: String!");
    expect(argumentsOf({ type: ["string", "null"] })).toBe("input: String");
    expect(argumentsOf({ type: "object" })).toBe("input: JSON");
    expect(argumentsOf(undefined)).toBe("input: JSON");
  });
});

describe("names", () => {
  it("that two services would have belong to neither, also for those who may call but one of them", () => {
    const services = [service("a.b-c"), service("a-b.c"), service("a.b.c", { public: false }), service("a.d")];
    const shared = sharedFields(services);
    expect([...shared]).toEqual([["a_b_c", ["a.b-c", "a-b.c"]]]);
    expect(serviceFields([service("a.b-c"), service("a.d")], new Set(shared.keys())).fields.map(({ field }) => field)).toEqual(["a_d"]);
  });

  it("of types are given once", () => {
    const twice = object({ a_b: object({ c: {} }), a: object({ b: object({ c: {} }), b_2: object({ d: {} }) }) });
    const schema = schemaOf(service("p.get", { output: twice, input: twice }), service("p.get-a.output", { output: twice }));
    expect(problemsOf(schema)).toEqual([]);
    expect(graphql.printSchema(schema)).toContain("a_b: p_get_Output_a_b\n");
  });
});

describe("the schema", () => {
  it("shows every character of what plugins say", () => {
    const description = 'Turns "it" off. \u202eno \u0000\n"""evil""" \u200b';
    const printed = graphql.printSchema(
      schemaOf(service("p.get", { description, output: object({ a: { type: "string", description } }) })),
    );
    expect(printed).toContain("\\u{202e}no");
    expect(printed).not.toMatch(/[\u202e\u200b\0]/);
    expect(graphql.buildSchema(printed).getQueryType()).toBeDefined();
  });

  it("is valid for any schema that a manifest may have", () => {
    const { schema } = fc.letrec((again) => ({
      schema: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(true, {}, { type: "string" }, { type: "integer", minimum: 1, maximum: 5 }, { type: ["null", "boolean"] }),
        fc.record({
          type: fc.constant("string"),
          enum: fc.array(fc.oneof(fc.string(), fc.constantFrom("a", "on", "true", "__x")), { minLength: 1 }),
        }),
        fc.record({ type: fc.constant("array"), items: again("schema") }),
        fc.record({
          type: fc.constant("object"),
          properties: fc.dictionary(
            fc.oneof(fc.constantFrom("a", "b", "a_b", "constructor", "toString", "item", "__typename"), fc.string()),
            again("schema"),
            { maxKeys: 5 },
          ),
          required: fc.uniqueArray(fc.constantFrom("a", "b")),
        }),
        fc.record({ anyOf: fc.array(again("schema"), { minLength: 1, maxLength: 2 }) }),
      ),
    }));
    const one = fc.record({ input: schema, output: schema, readOnly: fc.boolean(), description: fc.string() });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 4 }), (services) => {
        expect(problemsOf(schemaOf(...services.map((over, i) => service(`p.s${i}`, over as Partial<CatalogService>))))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("has a bound, which plugins share: types that have no room are JSON, and services that have none are left out", () => {
    const flat = object(
      Object.fromEntries(Array.from({ length: 490 }, (_, i) => [`m${i}`, { type: "integer", enum: [1], description: "x".repeat(20) }])),
    );
    const greedy = Array.from({ length: 300 }, (_, i) => service(`greedy.s${i}`, { input: flat, output: flat }));
    const modest = service("modest.get", { output: object({ a: { type: "string" } }) });
    const { fields, truncated } = serviceFields([...greedy, modest], new Set());
    expect(JSON.stringify(fields).length).toBeLessThanOrEqual(MAX_SCHEMA_BYTES);
    expect(fields).toHaveLength(301);
    expect(truncated).toBeUndefined();
    expect(fields.find(({ service: name }) => name === "modest.get")?.output.shape.kind).toBe("object");
    const kinds = fields.map(({ output }) => output.shape.kind);
    expect([kinds.includes("object"), kinds.includes("scalar")]).toEqual([true, true]);
    const countless = Array.from({ length: 5_000 }, (_, i) => service(`greedy.s${i}`));
    const some = serviceFields([...countless, modest], new Set());
    expect(JSON.stringify(some.fields).length).toBeLessThanOrEqual(MAX_SCHEMA_BYTES);
    expect(some.truncated?.count).toBe(5_001 - some.fields.length);
    expect(some.fields.at(-1)?.service).toBe("modest.get");
    expect(graphql.printSchema(builder.build(some.fields, some.truncated?.message))).toContain("left out: the document has at most");
  });

  it("of nothing at all is one that says so", () => {
    const schema = schemaOf();
    expect(problemsOf(schema)).toEqual([]);
    expect(graphql.printSchema(schema)).toContain("none: Boolean");
  });
});
