// A portable JSON Schema says of a value what draft 2020-12 says, names the place of what is wrong, and gives up after the steps that it may take.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePattern } from "../../host/bounds/json-schema/patterns.ts";
import { portableFindings } from "../../host/bounds/json-schema/portable.ts";
import { JsonSchema } from "../../host/bounds/json-schema/schema.ts";

const found = (schema: unknown): readonly string[] =>
  portableFindings([{ schema, path: [] }]).map(({ path, message }) => `${path.join(".")}: ${message}`);

function check(schema: unknown, value: unknown, maxSteps?: number): string | undefined {
  expect(found(schema)).toEqual([]);
  const problem = new JsonSchema(schema).check(value, maxSteps);
  return problem === undefined ? undefined : `${problem.pointer}: ${problem.message}`;
}

describe("a schema", () => {
  it.each<[unknown, readonly unknown[], readonly [unknown, string][]]>([
    [true, [1, null], []],
    [false, [], [[1, ": must not be there"]]],
    [{ type: "integer" }, [1, 1.0, -3], [[1.5, ": must be an integer, and is a number"]]],
    [{ type: ["string", "null"] }, ["", null], [[{}, ": must be a string or null, and is an object"]]],
    [{ const: { a: [1, 2], b: 0 } }, [{ b: 0, a: [1, 2] }], [[{ a: [1, 2] }, ': must be {"a":[1,2],"b":0}']]],
    [{ enum: ["on", "off"] }, ["on"], [["up", ': must be one of "on", "off"']]],
    [
      { minimum: 1, exclusiveMaximum: 3 },
      [1, 2.9, "x"],
      [
        [0, ": must be at least 1"],
        [3, ": must be less than 3"],
      ],
    ],
    [{ multipleOf: 0.1 }, [0.3, 1, 0], [[0.35, ": must be a multiple of 0.1"]]],
    [{ maxLength: 2, minLength: 1 }, ["é", "\u{1f600}\u{1f600}"], [["", ": must have at least 1 characters, and has 0"]]],
    [{ pattern: "^[a-z]+$" }, ["lamp", 5], [["Lamp", ": must match ^[a-z]+$"]]],
    [{ required: ["id"] }, [{ id: 1 }, []], [[{}, ": must have id"]]],
    [{ maxProperties: 1 }, [{ a: 1 }], [[{ a: 1, b: 2 }, ": must have at most 1 properties, and has 2"]]],
    [{ dependentRequired: { a: ["b"] } }, [{ a: 1, b: 1 }, { c: 1 }], [[{ a: 1 }, ": must have b"]]],
    [{ dependentSchemas: { a: { required: ["b"] } } }, [{ a: 1, b: 1 }], [[{ a: 1 }, ": must have b"]]],
    [{ propertyNames: { maxLength: 1 } }, [{ a: 1 }], [[{ ab: 1 }, "/ab: must have at most 1 characters, and has 2"]]],
    [
      { properties: { a: { type: "number" } }, patternProperties: { "^x-": true }, additionalProperties: false },
      [{ a: 1, "x-b": 2 }],
      [
        [{ b: 1 }, "/b: must not be there"],
        [{ a: "1" }, "/a: must be a number, and is a string"],
      ],
    ],
    [
      { prefixItems: [{ type: "string" }], items: { type: "number" }, minItems: 1 },
      [["a"], ["a", 1, 2]],
      [
        [["a", 1, "b"], "/2: must be a number, and is a string"],
        [[], ": must have at least 1 items, and has 0"],
      ],
    ],
    [{ contains: { const: 1 }, maxContains: 2 }, [[1, 0]], [[[0], ": must contain at least 1 items of a kind, and has 0"]]],
    [
      { uniqueItems: true },
      [[1, "1", { a: 1, b: 2 }]],
      [
        [
          [
            { a: 1, b: 2 },
            { b: 2, a: 1 },
          ],
          ": must not have an item twice",
        ],
      ],
    ],
    [{ allOf: [{ minimum: 1 }, { maximum: 2 }] }, [1], [[3, ": must be at most 2"]]],
    [{ anyOf: [{ type: "string" }, { minimum: 5 }] }, ["x", 5], [[1, ": fits none of the forms that anyOf allows"]]],
    [{ oneOf: [{ multipleOf: 2 }, { multipleOf: 3 }] }, [2, 3], [[6, ": must fit one of the forms that oneOf allows, and fits 2"]]],
    [{ not: { type: "null" } }, [1], [[null, ": is what the schema excludes"]]],
    [
      JSON.parse('{ "if": { "const": 1 }, "then": false, "else": { "minimum": 5 } }'),
      [5],
      [
        [1, ": must not be there"],
        [2, ": must be at least 5"],
      ],
    ],
    [{ $defs: { "a/b": { type: "string" } }, items: { $ref: "#/$defs/a~1b" } }, [["x"]], [[[1], "/0: must be a string, and is a number"]]],
    [{ properties: { "a/b~": { type: "null" } } }, [{}], [[{ "a/b~": 1 }, "/a~1b~0: must be null, and is a number"]]],
    [
      JSON.parse('{"required":["toString"],"properties":{"constructor":{"type":"string"}}}'),
      [{ toString: 1 }],
      [[{}, ": must have toString"]],
    ],
  ])("%j says what is right and, with its place, what is wrong", (schema, right, wrong) => {
    for (const value of right) expect(check(schema, value), JSON.stringify(value)).toBeUndefined();
    for (const [value, message] of wrong) expect(check(schema, value)).toBe(message);
  });

  it("names a place that is fit for a terminal and no longer than the names of a schema", () => {
    const problem = check({ additionalProperties: false }, { [`\u001b[31m${"x".repeat(100_000)}`]: 1 });
    expect(problem).toMatch(/^\/\\u\{1b\}\[31mx+…: must not be there$/);
    expect(problem?.length).toBeLessThan(120);
  });

  it("is checked in as many steps as it takes, and in no more than are allowed", () => {
    const list = { type: "array", items: { type: "number" } };
    expect(check(list, [1, 2, 3], 20)).toBeUndefined();
    expect(() => check(list, [1, 2, 3, 4, 5, 6, 7, 8, 9], 20)).toThrow("it takes more than 20 steps to check, at /8");
  });
});

describe("a portable schema", () => {
  it.each<[string, unknown, string]>([
    ["has no $id", { $id: "https://example.com/a" }, "$id: leave it out"],
    ["refers to nothing elsewhere", { $ref: "https://example.com/a" }, "$ref: write a reference to what the schema itself defines"],
    ["refers to nothing that is not there", { $ref: "#/$defs/a" }, "$ref: write a reference to what the schema itself defines"],
    ["refers to no part of itself by its place", { properties: { a: true, b: { $ref: "#/properties/a" } } }, "properties.b.$ref"],
    ["does not refer to itself", { $defs: { a: { items: { $ref: "#/$defs/a" } } }, $ref: "#/$defs/a" }, "it refers to itself"],
    ["evaluates nothing twice", { unevaluatedProperties: false }, "unevaluatedProperties: leave it out"],
    ["has no keywords of before", { dependencies: { a: ["b"] } }, "dependencies: write dependentRequired"],
    ["has types that there are", { properties: { a: { type: "strin" } } }, "properties.a.type: write one of null, boolean"],
    ["has operands that fit", { not: { minLength: "1" } }, "not.minLength: write a whole number of 0 or more"],
    ["looks no way but ahead", { pattern: "(?=a)b" }, "RE2 does not read it"],
    ["has patterns of one case", { pattern: "^(?i)a$" }, "it ignores case"],
    ["has small patterns", { pattern: "a{0,600}b{0,600}" }, "its counted repetitions come to more than 1000"],
    ["has short patterns", { pattern: "a".repeat(201) }, "it has 201 characters; the limit is 200"],
    ["has schemas where schemas stand", { $defs: { a: 5 } }, "$defs.a: write a JSON Schema"],
    ["is small", { enum: ["x".repeat(70_000)] }, "bytes; the limit is 65536"],
  ])("%s", (_, schema, message) => {
    expect(found(schema).join("\n")).toContain(message);
  });

  it("may be as large as its limits, and no larger, once its references are written out", () => {
    const wide = (count: number) => ({
      $defs: { a: { anyOf: Array.from({ length: 97 }, () => ({})) } },
      allOf: Array.from({ length: count }, () => ({ $ref: "#/$defs/a" })),
    });
    expect(found(wide(20))).toEqual([]);
    expect(found(wide(21)).join()).toContain("more than 2000 schemas");
    const deep = (levels: number): object => (levels === 1 ? {} : { not: deep(levels - 1) });
    expect(found(deep(16))).toEqual([]);
    expect(found(deep(17)).join()).toContain("more than 16 one in the other");
  });
});

describe("a pattern", () => {
  it("takes a character of two units for one", () => {
    // V8 14 says no to the last of them.
    for (const source of ["^.$", "^[^a]$", "\u{1f600}", "[\u{1f600}-\u{1f602}]", "[^a]$"])
      expect([source, compilePattern(source).finds("\u{1f600}", () => {})]).toEqual([source, true]);
  });

  it("finds what JavaScript's own finds", () => {
    const atom = fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\d", "\\w", "\\b", "^", "$", "é", "\\.", "\\u0061");
    const pattern = fc.letrec<{ one: string; many: string }>((tie) => ({
      one: fc.oneof(
        { maxDepth: 4 },
        atom,
        fc.tuple(tie("many"), fc.constantFrom("", "*", "+", "?", "{2}", "{1,3}")).map(([inner, times]) => `(?:${inner})${times}`),
      ),
      many: fc.oneof(
        { maxDepth: 4 },
        fc.array(tie("one"), { maxLength: 4 }).map((parts) => parts.join("")),
        fc.tuple(tie("one"), tie("one")).map((two) => two.join("|")),
      ),
    })).many;
    const text = fc.array(fc.constantFrom("a", "b", "c", "1", "_", ".", " ", "é"), { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(pattern, fc.array(text, { minLength: 1, maxLength: 5 }), (source, texts) => {
        fc.pre(source.length <= 200);
        const own = new RegExp(source, "u");
        const linear = compilePattern(source);
        for (const one of texts) expect([source, one, linear.finds(one, () => {})]).toEqual([source, one, own.test(one)]);
      }),
      { numRuns: 2_000 },
    );
  });
});
