// Whether what a manifest gives as a JSON Schema is one. It is a stranger's: counted before it is walked, never resolved and never compiled.

import type { Finding } from "./issues.ts";
import { didYouMean } from "./suggest.ts";

const MAX_DEPTH = 32;
const MAX_NODES = 4_096;

const TYPES = ["null", "boolean", "object", "array", "number", "integer", "string"];
const ONE = ["items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else", "unevaluatedItems"];
const LISTS = ["allOf", "anyOf", "oneOf", "prefixItems"];
const MAPS = ["properties", "patternProperties", "dependentSchemas", "$defs", "definitions"];

const isNames = (value: unknown): boolean => Array.isArray(value) && value.every((one) => typeof one === "string");
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

/** What the value of a keyword must be. */
const SHAPES: Readonly<Record<string, { readonly fits: (value: unknown) => boolean; readonly words: string }>> = {
  required: { fits: isNames, words: "write a list of names" },
  enum: { fits: Array.isArray, words: "write a list of values" },
  pattern: { fits: (value) => typeof value === "string", words: "write a regular expression as a text" },
  $ref: {
    fits: (value) => typeof value === "string" && value.startsWith("#"),
    words: "write a reference within the schema, such as #/$defs/lamp",
  },
  ...Object.fromEntries(
    ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"].map((key) => [
      key,
      { fits: isCount, words: "write a whole number of 0 or more" },
    ]),
  ),
  ...Object.fromEntries(
    ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"].map((key) => [
      key,
      { fits: (value: unknown) => typeof value === "number", words: "write a number" },
    ]),
  ),
};

interface Node {
  readonly schema: unknown;
  readonly path: readonly PropertyKey[];
  readonly depth: number;
}

/** What makes it no schema; nothing when it is one. Stops at 4,096 schemas within it, and 32 of them one in the other. */
export function schemaFindings(schema: unknown, path: readonly PropertyKey[]): readonly Finding[] {
  const found: Finding[] = [];
  const waiting: Node[] = [{ schema, path, depth: 0 }];
  for (let nodes = 1; waiting.length > 0; nodes += 1) {
    const node = waiting.pop();
    if (node === undefined) break;
    if (nodes > MAX_NODES || node.depth > MAX_DEPTH)
      return [
        ...found,
        { path, message: `the schema has more than ${MAX_NODES} schemas in it, or more than ${MAX_DEPTH} one in the other` },
      ];
    if (typeof node.schema === "boolean") continue;
    if (!isRecord(node.schema)) found.push({ path: node.path, message: "write a JSON Schema: an object, true or false" });
    else {
      found.push(...keywordFindings(node.schema, node.path));
      for (const inner of within(node.schema, node)) waiting.push(inner);
    }
  }
  return found;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function keywordFindings(schema: Readonly<Record<string, unknown>>, path: readonly PropertyKey[]): readonly Finding[] {
  const found: Finding[] = [];
  const { type } = schema;
  const types = Array.isArray(type) ? type : type === undefined ? [] : [type];
  for (const one of types.filter((name) => !TYPES.includes(String(name))).slice(0, 1))
    found.push({ path: [...path, "type"], message: `write one of ${TYPES.join(", ")}${didYouMean(String(one), TYPES)}` });
  for (const [key, { fits, words }] of Object.entries(SHAPES))
    if (Object.hasOwn(schema, key) && !fits(schema[key])) found.push({ path: [...path, key], message: words });
  for (const key of MAPS)
    if (Object.hasOwn(schema, key) && !isRecord(schema[key])) found.push({ path: [...path, key], message: "write an object of schemas" });
  for (const key of LISTS)
    if (Object.hasOwn(schema, key) && !Array.isArray(schema[key])) found.push({ path: [...path, key], message: "write a list of schemas" });
  return found;
}

function* within(schema: Readonly<Record<string, unknown>>, { path, depth }: Node): Generator<Node> {
  const at = (inner: unknown, ...keys: readonly PropertyKey[]): Node => ({ schema: inner, path: [...path, ...keys], depth: depth + 1 });
  for (const key of ONE) if (Object.hasOwn(schema, key)) yield at(schema[key], key);
  for (const key of LISTS) {
    const list = schema[key];
    if (Array.isArray(list)) for (const [i, inner] of list.entries()) yield at(inner, key, i);
  }
  for (const key of MAPS) {
    const map = schema[key];
    if (isRecord(map)) for (const [name, inner] of Object.entries(map)) yield at(inner, key, name);
  }
}
