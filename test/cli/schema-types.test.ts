// What `bulkhead types` makes of each kind of JSON Schema.

import { describe, expect, it } from "vitest";
import { z } from "zod";
import { declareTypes } from "../../host/cli/types/schema-types.ts";
import { Identifiers } from "../../host/cli/types/words.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { compile } from "../support/typescript.ts";

const declared = (schema: unknown): string => declareTypes({ schema, what: "the input of a.b", name: "X" }, new Identifiers());
/** On one line. */
const typeOf = (schema: unknown): string => declared(schema).replaceAll(/\s+/g, " ").trim();

const CASES: readonly (readonly [what: string, schema: unknown, type: string])[] = [
  ["anything", {}, "unknown"],
  ["true", true, "unknown"],
  ["false", false, "never"],
  ["what is no schema", [], "unknown"],
  ["a type that is not known", { type: "date" }, "unknown"],
  ["several types", { type: ["integer", "number", "null"] }, "number | null"],
  ["a list of types", { type: "array", items: { type: ["string", "null"] } }, "readonly (string | null)[]"],
  ["lists in lists", { items: { type: "array" } }, "readonly (readonly unknown[])[]"],
  [
    "a tuple",
    { prefixItems: [{ type: "string" }, { type: "array" }], minItems: 1, items: false },
    "readonly [string, (readonly unknown[])?]",
  ],
  [
    "a tuple with a rest",
    { type: "array", items: [true], additionalItems: { type: "number" }, minItems: 1 },
    "readonly [unknown, ...number[]]",
  ],
  ["a tuple whose rest is open", { prefixItems: [{ type: "number" }] }, "readonly [number?, ...unknown[]]"],
  [
    "values",
    { type: "string", enum: ["a", 1, -0.5, 1e21, null, true, ["x"], { k: 1 }, {}] },
    `"a" | 1 | -0.5 | 1e+21 | null | true | readonly ["x"] | { readonly k: 1 } | { readonly [key: string]: never }`,
  ],
  ["one value", { const: "it's" }, `"it's"`],
  ["no values", { enum: [] }, "never"],
  [
    "an object",
    { properties: { a: { type: "string" }, "b-c": true }, required: ["a", "d"] },
    `{ readonly a: string; readonly "b-c"?: unknown; readonly d: unknown; }`,
  ],
  ["any object", { type: "object" }, "{ readonly [key: string]: unknown }"],
  ["an empty object", { type: "object", additionalProperties: false }, "{ readonly [key: string]: never }"],
  ["a record", { additionalProperties: { type: "number" } }, "{ readonly [key: string]: number }"],
  [
    "an open object",
    { properties: { a: { type: "string" } }, additionalProperties: { type: "number" } },
    "{ readonly a?: string; readonly [key: string]: unknown; }",
  ],
  ["patterns of names", { patternProperties: { "^x": { type: "number" } } }, "{ readonly [key: string]: unknown }"],
  ["alternatives", { oneOf: [{ type: "string" }, false, { type: "string" }, { const: 3 }] }, "string | 3"],
  ["alternatives that are open", { anyOf: [{ type: "string" }, {}] }, "unknown"],
  [
    "all of several",
    { allOf: [{ required: ["a"] }, { anyOf: [{ required: ["b"] }, { required: ["c"] }] }, {}] },
    "{ readonly a: unknown; } & ({ readonly b: unknown; } | { readonly c: unknown; })",
  ],
  ["what types cannot say", { type: "string", pattern: "^a$", not: { const: "b" }, if: true, $comment: "x" }, "string"],
];

describe("the type", () => {
  it.each(CASES)("of %s", (_what, schema, type) => {
    expect(typeOf(schema)).toBe(`export type X = ${type};`);
  });

  it("of a part that is referred to has a name, and may hold itself", () => {
    const tree = {
      $ref: "#/$defs/tree",
      $defs: { tree: { description: "A tree.", properties: { children: { items: { $ref: "#/$defs/tree" } } } } },
    };
    expect(declared(tree)).toBe(
      "export type X = XTree;\n/** A tree. */\nexport type XTree = {\n  readonly children?: readonly XTree[];\n};\n",
    );
    expect(
      typeOf({ properties: { "a/b": { type: "number" }, c: { $ref: "#/properties/a~1b" }, d: { $ref: "#/properties/a%7E1b" } } }),
    ).toBe(
      `export type X = { readonly "a/b"?: number; readonly c?: XA1b; readonly d?: XA7E1b; }; export type XA1b = number; export type XA7E1b = number;`,
    );
    expect(typeOf({ properties: { next: { $ref: "#" } } })).toBe("export type X = { readonly next?: X; };");
  });

  it("compiles, each of them", () => {
    const identifiers = new Identifiers();
    const all = CASES.map(([what, schema], i) => declareTypes({ schema, what, name: `T${i}` }, identifiers)).join("");
    const self = declareTypes({ schema: { additionalProperties: { $ref: "#" } }, what: "", name: "Self" }, identifiers);
    const list = declareTypes({ schema: { type: ["array", "string"], items: { $ref: "#" } }, what: "", name: "List" }, identifiers);
    const pair = declareTypes({ schema: { prefixItems: [{ $ref: "#" }] }, what: "", name: "Pair" }, identifiers);
    const folder = temporaryFolder();
    try {
      expect(compile(folder.path, { "all.ts": all + self + list + pair }).complaints).toEqual([]);
    } finally {
      folder.remove();
    }
  });

  it("of what zod declares is the one that zod infers", () => {
    const Node = z.object({
      name: z.string().min(1),
      kind: z.enum(["leaf", "branch"]),
      at: z.tuple([z.number(), z.number()]).optional(),
      tags: z.record(z.string(), z.number()),
      get children() {
        return z.array(Node);
      },
      extra: z.union([z.object({ a: z.literal(1) }), z.object({ b: z.null() })]),
    });
    const text = typeOf(z.toJSONSchema(Node));
    for (const part of [
      "readonly name: string",
      `readonly kind: "leaf" | "branch"`,
      "readonly children: readonly X[]",
      "readonly tags: { readonly [key: string]: number }",
    ])
      expect(text).toContain(part);
    expect(text).toMatch(/readonly extra: \{ readonly a: 1; \} \| \{ readonly b: null; \}/);
  });
});
