// Schemas that are bombs: to whoever reads a manifest, and to whoever checks values by them. Each ends in a refusal, or in as many steps as there are.

import { describe, expect, it } from "vitest";
import { portableFindings } from "../../host/bounds/json-schema/portable.ts";
import { JsonSchema } from "../../host/bounds/json-schema/schema.ts";
import { toHostError } from "../../host/core/errors.ts";
import { parseManifest } from "../../host/manifest/manifest.ts";

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

const manifest = (input: string): string =>
  `{"name":"bomb","version":"1.0.0","api":"0.2","wasm":"bomb.wasm","services":{"bomb.go":{"entryPoint":"go","input":${input}}}}`;

function refusalOf(input: string): string {
  try {
    parseManifest(manifest(input), "plugin.json");
    return "accepted";
  } catch (thrown) {
    const { code, message, detail } = toHostError(thrown);
    return `${code}: ${message}\n${detail}`;
  }
}

describe("a manifest", () => {
  it.each<[string, string, string]>([
    [
      "a choice of 3,000",
      JSON.stringify({ anyOf: range(3_000).map((i) => ({ type: "object", required: [`a${i}`], properties: { x: { const: i } } })) }),
      "the limit is 65536",
    ],
    [
      "a choice of 3,000 in few bytes",
      `{"anyOf":[${range(3_000)
        .map(() => "{}")
        .join()}]}`,
      "more than 2000 schemas",
    ],
    ["a depth of 3,000", `${'{"items":'.repeat(3_000)}true${"}".repeat(3_000)}`, "nests deeper"],
    ["a depth that no stack has", `${'{"items":'.repeat(100_000)}true${"}".repeat(100_000)}`, "is not JSON: it nests deeper"],
    ["values that nest", `{"const":${"[".repeat(1_000)}${"]".repeat(1_000)}}`, "nests deeper"],
    [
      "references that double",
      JSON.stringify({
        $defs: Object.fromEntries(
          range(20).map((i) => [`d${i}`, i === 19 ? true : { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] }]),
        ),
        $ref: "#/$defs/d0",
      }),
      "more than 2000 schemas",
    ],
    ["references in a ring", '{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}', "it refers to itself"],
    ["a ring that nobody enters", '{"$defs":{"a":{"not":{"$ref":"#/$defs/a"}}}}', "it refers to itself"],
    ["repetitions that multiply", '{"pattern":"(((a{1,100}){1,100}){1,100})"}', "RE2 does not read it: invalid repeat count"],
    ["repetitions that add up", `{"pattern":"${"((((a{0,9}){0,9}){0,9}){0,1})".repeat(6)}"}`, "the limit is 4096"],
    ["brackets only", `{"pattern":"${"(".repeat(200)}"}`, "RE2 does not read it"],
    [
      "as many patterns as there is room for",
      JSON.stringify({ anyOf: range(1_000).map((i) => ({ pattern: `a${i}{0,900}` })) }),
      "more than 64 patterns",
    ],
    ["a name that is everybody's", '{"properties":{"__proto__":true}}', "the key __proto__ is not allowed"],
    ["faults only", JSON.stringify({ anyOf: range(1_500).map(() => ({ type: "x" })) }), "write one of null"],
  ])("with %s is refused", (_, input, reason) => {
    const refusal = refusalOf(input);
    expect(refusal).toMatch(/^invalid-manifest: /);
    expect(refusal).toContain(reason);
    expect(refusal.length).toBeLessThan(8_000);
  });

  it("may not spread its patterns over many schemas", () => {
    const patterns = (i: number): object => ({ anyOf: range(5).map((k) => ({ pattern: `^a${i}b${k}` })) });
    const services = Object.fromEntries(range(20).map((i) => [`bomb.s${i}`, { entryPoint: "go", input: patterns(i) }]));
    const extensionPoints = Object.fromEntries(range(20).map((i) => [`bomb.p${i}`, { output: patterns(i) }]));
    for (const section of [{ services }, { extensionPoints }]) {
      const text = JSON.stringify({ name: "bomb", version: "1.0.0", api: "0.2", wasm: "bomb.wasm", ...section });
      expect(() => parseManifest(text, "plugin.json")).toThrow("a schema that nobody can check by");
    }
  });
});

describe("a check", () => {
  const chosen = { anyOf: range(1_900).map((i) => ({ const: i })) };
  it.each<[string, unknown, unknown]>([
    ["many choices for many items", { items: { not: chosen } }, range(5_000).map(() => -1)],
    ["one of many texts, for many", { items: { not: { enum: range(5_000).map((i) => `e${i}`) } } }, range(5_000).map(() => "x")],
    ["items that are all different", { uniqueItems: true }, range(200_000).map((i) => ({ a: i }))],
    ["a long list in a list", { items: { contains: { const: "x" }, minContains: 0 } }, range(2_000).map(() => range(2_000))],
    ["as many names as fit", { propertyNames: { pattern: "^k[0-9]+$" } }, Object.fromEntries(range(100_000).map((i) => [`k${i}`, i]))],
    [
      "patterns for names",
      { patternProperties: Object.fromEntries(range(60).map((i) => [`^.*${i}.*$`, true])) },
      Object.fromEntries(range(10_000).map((i) => [`${"k".repeat(20)}${i}`, i])),
    ],
    ["groups that may match in many ways", { pattern: "^(a+)+$" }, `${"a".repeat(1_000_000)}!`],
    ["all states at once", { pattern: "[ab]*a[ab]{900}cx?" }, "ab".repeat(50_000)],
    ["nothing, again and again", { pattern: `^${"(|a)*".repeat(39)}$` }, "a".repeat(100_000)],
    ["a text that is long", { allOf: range(1_000).map(() => ({ minLength: 1 })) }, "x".repeat(4_000_000)],
  ])("of %s ends when its steps are spent", (_, schema, value) => {
    expect(portableFindings([{ schema, path: [] }])).toEqual([]);
    expect(() => new JsonSchema(schema).check(value)).toThrow("it takes more than 1000000 steps to check");
  });

  it("of the classic takes as long as the text, and no longer", () => {
    const problem = new JsonSchema({ pattern: "^(a+)+$" }).check(`${"a".repeat(28)}!`, 1_000);
    expect(problem?.message).toBe("must match ^(a+)+$");
  });

  it("compares what nests as deep as JSON may", () => {
    const deep = JSON.parse(`${"[".repeat(1_000)}${"]".repeat(1_000)}`);
    expect(new JsonSchema({ items: { uniqueItems: true } }).check([deep, deep])).toBeUndefined();
    expect(new JsonSchema({ uniqueItems: true }).check([deep, deep])?.message).toBe("must not have an item twice");
  });
});
