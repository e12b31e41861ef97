// The JSON Schemas that a manifest may have: a part of draft 2020-12 that is bounded whatever it is checked against. A schema is a stranger's: it is counted
// before it is walked, and never compiled to code.

import { toHostError } from "../../core/errors.ts";
import { compilePattern } from "./patterns.ts";
import { DEFINITIONS, definitionOf, isRecord, LISTS, MAPS, ONE, type SchemaObject } from "./words.ts";

const MAX_SCHEMA_BYTES = 64 * 1_024;
const MAX_LEVELS = 16;
const MAX_NODES = 2_000;
/** Of all that a manifest has, the same one counted once: each takes some milliseconds to compile. */
const MAX_PATTERNS = 64;
/** How deep its examples, defaults and values may nest, which are no schemas. */
const MAX_DEPTH = 64;
const MAX_FINDINGS = 20;

type Path = readonly PropertyKey[];

/** What is wrong, and where in the file. */
export interface SchemaFinding {
  readonly path: Path;
  readonly message: string;
}

const TYPES = ["null", "boolean", "object", "array", "number", "integer", "string"] as const;

interface Shape {
  readonly fits: (value: unknown) => boolean;
  readonly words: string;
}

const isName = (value: unknown): value is string => typeof value === "string";
const isNames = (value: unknown): boolean => Array.isArray(value) && value.every(isName);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

const COUNT: Shape = { fits: isCount, words: "write a whole number of 0 or more" };
const NUMBER: Shape = { fits: (value) => typeof value === "number", words: "write a number" };
const never = (words: string): Shape => ({ fits: () => false, words });

/** What the value of a keyword must be, and which keywords cannot be had. */
const SHAPES: Readonly<Record<string, Shape>> = {
  required: { fits: isNames, words: "write a list of names" },
  enum: { fits: Array.isArray, words: "write a list of values" },
  dependentRequired: {
    fits: (value) => isRecord(value) && Object.values(value).every(isNames),
    words: "write an object of lists of names",
  },
  uniqueItems: { fits: (value) => typeof value === "boolean", words: "write true or false" },
  pattern: { fits: isName, words: "write a regular expression as a text" },
  multipleOf: { fits: (value) => typeof value === "number" && value > 0, words: "write a number greater than 0" },
  ...Object.fromEntries(
    ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"].map((key) => [
      key,
      COUNT,
    ]),
  ),
  ...Object.fromEntries(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"].map((key) => [key, NUMBER])),
  ...Object.fromEntries(
    ["$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"].map((key) => [
      key,
      never("leave it out; write what is used twice below $defs, and refer to it by $ref"),
    ]),
  ),
  ...Object.fromEntries(
    ["unevaluatedProperties", "unevaluatedItems"].map((key) => [
      key,
      never("leave it out; write additionalProperties, or items, where the properties are listed"),
    ]),
  ),
  dependencies: never("write dependentRequired or dependentSchemas instead"),
  additionalItems: never("write prefixItems for the first items and items for the rest"),
};

/** A schema, and where it stands. */
export interface PlacedSchema {
  readonly schema: unknown;
  readonly path: Path;
}

/** What makes schemas of one manifest not portable; nothing when they are. Of very many the first 20. */
export function portableFindings(schemas: readonly PlacedSchema[]): readonly SchemaFinding[] {
  const patterns = new Set<string>();
  return schemas.flatMap((one) => findingsOf(one, patterns)).slice(0, MAX_FINDINGS);
}

function findingsOf({ schema, path }: PlacedSchema, patterns: Set<string>): readonly SchemaFinding[] {
  if (isDeeper(schema, MAX_LEVELS * 2 + MAX_DEPTH))
    return [{ path, message: `it nests deeper than ${MAX_LEVELS} levels of schemas, which is the limit; write it flatter` }];
  const bytes = Buffer.byteLength(JSON.stringify(schema) ?? "");
  if (bytes > MAX_SCHEMA_BYTES)
    return [{ path, message: `it has ${bytes} bytes; the limit is ${MAX_SCHEMA_BYTES}. Write what is used twice below $defs, once` }];
  const reading = new Reading(schema, patterns);
  const size = reading.read(schema, path, 1);
  if (reading.found.length === 0 && (size.nodes > MAX_NODES || size.levels > MAX_LEVELS)) reading.found.push({ path, message: TOO_LARGE });
  return reading.found;
}

const TOO_LARGE = `it comes to more than ${MAX_NODES} schemas, or more than ${MAX_LEVELS} one in the other, once each $ref is written out; these are the limits`;

interface Size {
  readonly nodes: number;
  readonly levels: number;
}

const LEAF: Size = { nodes: 1, levels: 1 };

/** One walk over the schema as it is written; what its references stand for is counted, and walked once. */
class Reading {
  readonly found: SchemaFinding[] = [];
  readonly #root: unknown;
  /** Of what was read to its end; undefined while it is being read. */
  readonly #sizes = new Map<unknown, Size | undefined>();
  #nodes = 0;
  readonly #patterns: Set<string>;

  /** `patterns` are those that were compiled already. */
  constructor(root: unknown, patterns: Set<string>) {
    this.#root = root;
    this.#patterns = patterns;
  }

  read(schema: unknown, path: Path, level: number): Size {
    this.#nodes += 1;
    if (typeof schema === "boolean" || this.found.length >= MAX_FINDINGS) return LEAF;
    if (this.#nodes > MAX_NODES || level > MAX_LEVELS) return { nodes: MAX_NODES + 1, levels: level };
    if (!isRecord(schema)) return this.#refuse(path, "write a JSON Schema: an object, true or false");
    const known = this.#sizes.get(schema);
    if (known !== undefined) return known;
    this.#sizes.set(schema, undefined);
    this.#readKeywords(schema, path);
    const inner = [...within(schema, path)].map(([one, at]) => this.read(one, at, level + 1));
    const { $ref: reference } = schema;
    if (reference !== undefined) inner.push(this.#readReference(reference, [...path, "$ref"], level));
    const size = { nodes: inner.reduce((sum, { nodes }) => sum + nodes, 1), levels: Math.max(0, ...inner.map(({ levels }) => levels)) + 1 };
    this.#sizes.set(schema, size);
    // Definitions count where they are referred to, and are read although nobody does.
    for (const [one, at] of definitionsOf(schema, path, schema === this.#root)) if (!this.#sizes.has(one)) this.read(one, at, 1);
    return size;
  }

  #readReference(reference: unknown, path: Path, level: number): Size {
    const target = definitionOf(this.#root, reference);
    if (target === undefined) return this.#refuse(path, "write a reference to what the schema itself defines, such as #/$defs/lamp");
    if (this.#sizes.has(target) && this.#sizes.get(target) === undefined)
      return this.#refuse(path, "it refers to itself; write out as many levels as there may be, and leave the rest open");
    return this.read(target, path, level + 1);
  }

  #readKeywords(schema: SchemaObject, path: Path): void {
    const { type } = schema;
    const types = Array.isArray(type) ? type : type === undefined ? [] : [type];
    if (types.some((name) => !(TYPES as readonly unknown[]).includes(name)))
      this.#refuse([...path, "type"], `write one of ${TYPES.join(", ")}`);
    for (const key of Object.keys(schema)) {
      const shape = Object.hasOwn(SHAPES, key) ? SHAPES[key] : undefined;
      if (shape !== undefined && !shape.fits(schema[key])) this.#refuse([...path, key], shape.words);
    }
    for (const key of [...MAPS, ...DEFINITIONS])
      if (Object.hasOwn(schema, key) && !isRecord(schema[key])) this.#refuse([...path, key], "write an object of schemas");
    for (const key of LISTS)
      if (Object.hasOwn(schema, key) && !Array.isArray(schema[key])) this.#refuse([...path, key], "write a list of schemas");
    for (const [source, at] of patternsOf(schema, path)) this.#readPattern(source, at);
  }

  #readPattern(source: string, path: Path): void {
    if (this.#patterns.has(source)) return;
    this.#patterns.add(source);
    if (this.#patterns.size > MAX_PATTERNS + 1) return;
    if (this.#patterns.size === MAX_PATTERNS + 1) {
      this.#refuse(path, `the manifest has more than ${MAX_PATTERNS} patterns in its schemas, which is the limit`);
      return;
    }
    try {
      compilePattern(source);
    } catch (thrown) {
      this.#refuse(path, toHostError(thrown).message);
    }
  }

  #refuse(path: Path, message: string): Size {
    this.found.push({ path, message });
    return LEAF;
  }
}

function* within(schema: SchemaObject, path: Path): Generator<readonly [unknown, Path]> {
  for (const key of ONE) if (Object.hasOwn(schema, key)) yield [schema[key], [...path, key]];
  for (const key of LISTS) {
    const list = schema[key];
    if (Object.hasOwn(schema, key) && Array.isArray(list)) for (const [i, inner] of list.entries()) yield [inner, [...path, key, i]];
  }
  for (const key of MAPS) yield* named(schema, key, path);
}

function* definitionsOf(schema: SchemaObject, path: Path, isRoot: boolean): Generator<readonly [unknown, Path]> {
  if (isRoot) for (const key of DEFINITIONS) yield* named(schema, key, path);
}

function* named(schema: SchemaObject, key: string, path: Path): Generator<readonly [unknown, Path]> {
  const map = Object.hasOwn(schema, key) ? schema[key] : undefined;
  if (isRecord(map)) for (const [name, inner] of Object.entries(map)) yield [inner, [...path, key, name]];
}

/** The regular expressions of one schema, without those within. */
export function* patternsOf(schema: SchemaObject, path: Path = []): Generator<readonly [string, Path]> {
  const { pattern } = schema;
  if (isName(pattern)) yield [pattern, [...path, "pattern"]];
  for (const [, at] of named(schema, "patternProperties", path)) yield [String(at.at(-1)), at];
}

/** Whether it nests deeper; looks no further. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
