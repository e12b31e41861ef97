// Strangers' JSON Schemas as parts of a document: copied keyword by keyword, nothing compiled, followed or fetched. What is no keyword stays outside.

import { portableFindings } from "../../bounds/json-schema/portable.ts";
import { definitionOf, isRecord, LISTS, MAPS, ONE, type SchemaObject } from "../../bounds/json-schema/words.ts";
import { plainText } from "./text.ts";

const isText = (value: unknown): boolean => typeof value === "string";
const isFlag = (value: unknown): boolean => typeof value === "boolean";
const isNamed = (value: unknown): boolean => typeof value === "string" || (Array.isArray(value) && value.length > 0);
const isPortable = (): boolean => true;

/** Keywords whose values are no schemas, and what those must be; of most that is known of a portable schema. */
const VALUES: Readonly<Record<string, (value: unknown) => boolean>> = {
  type: isNamed,
  examples: Array.isArray,
  ...Object.fromEntries(["format", "contentEncoding", "contentMediaType"].map((key) => [key, isText])),
  ...Object.fromEntries(["deprecated", "readOnly", "writeOnly"].map((key) => [key, isFlag])),
  ...Object.fromEntries(
    [
      ...["enum", "const", "default", "pattern", "required", "dependentRequired", "uniqueItems", "multipleOf"],
      ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems"],
      ...["minContains", "maxContains", "minProperties", "maxProperties"],
    ].map((key) => [key, isPortable]),
  ),
};
const UNIQUE: ReadonlySet<string> = new Set(["type", "required"]);
const NO_COMPONENT_CHARACTER = /[^A-Za-z0-9._-]/g;
const MAX_NAME_LENGTH = 64;

/** Where schemas stand in a document. */
export const SCHEMAS = "#/components/schemas/";

/** How a copy is written. */
export interface SchemaStyle {
  /** Where definitions stand, as references begin. */
  readonly place: string;
  text(words: string): string;
}

const OF_DOCUMENTS: SchemaStyle = { place: SCHEMAS, text: plainText };

/** A schema with what it defines, by the names that these have in the document. */
export interface CopiedSchema {
  readonly schema: SchemaObject;
  readonly definitions: Readonly<Record<string, SchemaObject>>;
}

const portable = new WeakMap<object, boolean>();

function isKnownPortable(source: unknown): boolean {
  if (!isRecord(source)) return typeof source === "boolean";
  const known = portable.get(source) ?? portableFindings([{ schema: source, path: [] }]).length === 0;
  portable.set(source, known);
  return known;
}

/**
 * A stranger's schema, called `name` in the document; undefined for what no manifest of api 0.2 could have, which has no bounds. Booleans, which tools refuse,
 * are written as objects, and references lead to `definitions`.
 */
export const copiedSchema = (source: unknown, name: string, style: SchemaStyle = OF_DOCUMENTS): CopiedSchema | undefined =>
  isKnownPortable(source) ? new SchemaCopy(source, name, style).copied() : undefined;

class SchemaCopy {
  readonly #root: unknown;
  readonly #name: string;
  readonly #style: SchemaStyle;
  /** Names of definitions in the document, by what they are in the schema. */
  readonly #names = new Map<unknown, string>();
  readonly #pending: (readonly [name: string, schema: unknown])[] = [];

  constructor(root: unknown, name: string, style: SchemaStyle) {
    this.#root = root;
    this.#name = name;
    this.#style = style;
  }

  copied(): CopiedSchema {
    const schema = this.#schema(this.#root);
    const definitions: [string, SchemaObject][] = [];
    for (let one = this.#pending.shift(); one !== undefined; one = this.#pending.shift()) definitions.push([one[0], this.#schema(one[1])]);
    return { schema, definitions: Object.fromEntries(definitions) };
  }

  #schema(source: unknown): SchemaObject {
    if (source === false) return { not: {} };
    if (!isRecord(source)) return {};
    const copied = Object.entries(source).map(([key, value]) => [key, this.#keyword(key, value)] as const);
    return Object.fromEntries(copied.filter(([, value]) => value !== undefined));
  }

  #keyword(key: string, value: unknown): unknown {
    const copy = (schema: unknown): SchemaObject => this.#schema(schema);
    // No title: pages show it in place of the name that the schema has here.
    if (key === "description") return typeof value === "string" ? this.#style.text(value) : undefined;
    if (Object.hasOwn(VALUES, key)) return VALUES[key]?.(value) === true ? plainValue(key, value) : undefined;
    if (key === "$ref") return this.#reference(value);
    if (isAmong(ONE, key)) return copy(value);
    if (isAmong(LISTS, key)) return Array.isArray(value) && value.length > 0 ? value.map(copy) : undefined;
    if (!isAmong(MAPS, key) || !isRecord(value)) return undefined;
    return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, copy(schema)]));
  }

  #reference(reference: unknown): string {
    const target = definitionOf(this.#root, reference);
    const known = this.#names.get(target);
    if (known !== undefined) return this.#style.place + known;
    const name = this.#freeName(String(reference).slice(String(reference).lastIndexOf("/") + 1));
    this.#names.set(target, name);
    this.#pending.push([name, target]);
    return this.#style.place + name;
  }

  #freeName(wanted: string): string {
    const taken = new Set(this.#names.values());
    const short = `${this.#name}.${wanted.slice(0, MAX_NAME_LENGTH).replace(NO_COMPONENT_CHARACTER, "_")}`;
    let name = short;
    for (let i = 2; taken.has(name); i += 1) name = `${short}.${i}`;
    return name;
  }
}

const plainValue = (key: string, value: unknown): unknown => (UNIQUE.has(key) && Array.isArray(value) ? [...new Set(value)] : value);

const isAmong = (keys: readonly string[], key: string): boolean => keys.includes(key);
