// TypeScript types of one JSON Schema. What a keyword says that types cannot say, or that is not known here, is left out, so a type takes at least what the
// schema takes; two things are narrower than the schema: properties that it does not name are not expected beside those that it does, and a
// schema that has `properties` or `items` and no `type` is taken for one of objects or lists. Follows references within the schema and no others.

import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import { alternativesOf, bracketed, intersection, isRecord, literalType, NEVER, type Type, UNKNOWN, union } from "./type-text.ts";
import { docComment, type Identifiers, pascalCase, propertyKey } from "./words.ts";

/** A reference may write the same part of a schema many times, so what is written is counted. */
const MAX_WRITTEN = 8_000;
/** The compiler multiplies the alternatives of types that are combined. */
const MAX_ALTERNATIVES = 1_000;
/** Of references that lead to references. */
const MAX_CHAIN = 64;
const OBJECT_WORDS = ["properties", "required", "additionalProperties", "patternProperties"];
const LIST_WORDS = ["items", "prefixItems"];
const REFERENCES = ["$ref", "$dynamicRef", "$recursiveRef"];

interface Place {
  /** JSON Pointer. */
  readonly at: string;
  readonly indent: string;
  /** Whether it is part of the declaration's own type, with no object or list in between. */
  readonly isDirect: boolean;
}

export interface SchemaToWrite {
  readonly schema: unknown;
  /** How messages call it, such as `the input of devices.create`. */
  readonly what: string;
  /** Of the first type, an identifier. */
  readonly name: string;
}

/**
 * Declarations of `name` and of what it refers to. Throws HostError `invalid-message` with the path of a reference that leads elsewhere or nowhere, or around in
 * a circle, and `quota-exceeded`.
 */
export function declareTypes({ schema, what, name }: SchemaToWrite, identifiers: Identifiers): string {
  return new SchemaTypes(schema, what, name, identifiers).declarations();
}

class SchemaTypes {
  readonly #root: unknown;
  readonly #what: string;
  readonly #identifiers: Identifiers;
  /** By pointer. */
  readonly #names: Map<string, string>;
  readonly #types = new Map<string, Type>();
  /** The declarations that are being written, each a direct part of the one before. */
  readonly #chain: string[] = [];
  /** Of each pointer, once it is known. */
  readonly #alternatives = new Map<string, number>();
  readonly #combined: { readonly type: Type; readonly at: string }[] = [];
  #written = 0;

  constructor(root: unknown, what: string, name: string, identifiers: Identifiers) {
    this.#root = root;
    this.#what = what;
    this.#identifiers = identifiers;
    this.#names = new Map([["", name]]);
  }

  declarations(): string {
    let all = "";
    // Grows while it is gone through.
    for (const [pointer, name] of this.#names) {
      const schema = this.#at(pointer, pointer);
      const { text } = this.#typeAt(pointer, pointer);
      all += `${docComment(isRecord(schema) ? schema.description : undefined, "")}export type ${name} = ${text};\n`;
    }
    for (const { type, at } of this.#combined) this.#refuseMany(type, at);
    return all;
  }

  #typeAt(pointer: string, from: string): Type {
    const known = this.#types.get(pointer);
    if (known !== undefined) return known;
    if (this.#chain.includes(pointer)) throw this.#refused(from, "references lead around in a circle; put an object or a list in between");
    if (this.#chain.length > MAX_CHAIN)
      throw this.#refused(from, `more than ${MAX_CHAIN} references lead to one another, which is the limit`);
    this.#chain.push(pointer);
    const type = this.#type(this.#at(pointer, from), { at: pointer, indent: "", isDirect: true });
    this.#chain.pop();
    this.#types.set(pointer, type);
    return type;
  }

  #type(schema: unknown, place: Place): Type {
    this.#written += 1;
    if (this.#written > MAX_WRITTEN)
      throw new HostError("quota-exceeded", `${this.#what} makes more than ${MAX_WRITTEN} types, which is the limit; refer to less in it`);
    if (schema === false) return NEVER;
    if (!isRecord(schema)) return UNKNOWN;
    const each = (key: string): Type[] => {
      const value = schema[key];
      return Array.isArray(value) ? value.map((one, i) => this.#type(one, { ...place, at: `${place.at}/${key}/${i}` })) : [];
    };
    const parts = [this.#reference(schema, place), this.#own(schema, place), ...each("allOf")];
    for (const key of ["anyOf", "oneOf"]) if (Array.isArray(schema[key])) parts.push(union(each(key)));
    const type = intersection(parts);
    if (!parts.includes(type)) this.#combined.push({ type, at: place.at });
    return type;
  }

  #reference(schema: Readonly<Record<string, unknown>>, { at, isDirect }: Place): Type {
    for (const key of REFERENCES) {
      const target = schema[key];
      if (target !== undefined && (typeof target !== "string" || !/^#(?:\/|$)/.test(target)))
        throw this.#refused(`${at}/${key}`, `${printable(String(target))} is not looked up; write "#/…", a place in the same schema`);
    }
    if (typeof schema.$ref !== "string") return UNKNOWN;
    const pointer = schema.$ref.slice(1);
    this.#at(pointer, `${at}/$ref`);
    const known = this.#names.get(pointer);
    const name = known ?? this.#identifiers.take(`${this.#names.get("")}${pascalCase(pointer.slice(pointer.lastIndexOf("/")))}`);
    if (known === undefined) this.#names.set(pointer, name);
    if (isDirect) this.#typeAt(pointer, `${at}/$ref`);
    return { text: name, alternatives: () => this.#alternativesAt(pointer) };
  }

  #own(schema: Readonly<Record<string, unknown>>, place: Place): Type {
    if (Object.hasOwn(schema, "const")) return literalType(schema.const);
    if (Array.isArray(schema.enum)) return union(schema.enum.map(literalType));
    const { type } = schema;
    if (type !== undefined) return union((Array.isArray(type) ? type : [type]).map((one) => this.#named(one, schema, place)));
    const implied = [
      ...(OBJECT_WORDS.some((word) => schema[word] !== undefined) ? ["object"] : []),
      ...(LIST_WORDS.some((word) => schema[word] !== undefined) ? ["array"] : []),
    ];
    return implied.length === 0 ? UNKNOWN : union(implied.map((one) => this.#named(one, schema, place)));
  }

  #named(type: unknown, schema: Readonly<Record<string, unknown>>, place: Place): Type {
    if (type === "object") return this.#object(schema, { ...place, isDirect: false });
    if (type === "array") return this.#list(schema, { ...place, isDirect: false });
    if (type === "integer" || type === "number") return { text: "number" };
    return type === "string" || type === "boolean" || type === "null" ? { text: type } : UNKNOWN;
  }

  #object(schema: Readonly<Record<string, unknown>>, { at, indent, isDirect }: Place): Type {
    const properties = isRecord(schema.properties) ? Object.entries(schema.properties) : [];
    const required = new Set(Array.isArray(schema.required) ? schema.required.filter((key) => typeof key === "string") : []);
    const inner = `${indent}  `;
    const lines = properties.map(([key, one]) => {
      const { text } = this.#type(one, { at: `${at}/properties/${escaped(key)}`, indent: inner, isDirect });
      const doc = docComment(isRecord(one) ? one.description : undefined, inner);
      return `${doc}${inner}readonly ${propertyKey(key)}${required.delete(key) ? "" : "?"}: ${text};\n`;
    });
    for (const key of required) lines.push(`${inner}readonly ${propertyKey(key)}: unknown;\n`);
    const { additionalProperties: others, patternProperties } = schema;
    const other = this.#type(others, { at: `${at}/additionalProperties`, indent, isDirect });
    if (lines.length === 0) return { text: `{ readonly [key: string]: ${(isRecord(patternProperties) ? UNKNOWN : other).text} }` };
    // An index beside properties has to hold for them too.
    if (isRecord(patternProperties) || others === true || isRecord(others)) lines.push(`${inner}readonly [key: string]: unknown;\n`);
    return { text: `{\n${lines.join("")}${indent}}` };
  }

  #list(schema: Readonly<Record<string, unknown>>, place: Place): Type {
    const { items, prefixItems, minItems } = schema;
    // Before draft 2020-12 the first ones stood in `items`.
    const first = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : [];
    const word = Array.isArray(prefixItems) ? "prefixItems" : "items";
    const [others, at] = Array.isArray(items) ? [schema.additionalItems, "additionalItems"] : [items, "items"];
    const rest = bracketed(this.#type(others, { ...place, at: `${place.at}/${at}` }));
    if (first.length === 0) return { text: `readonly ${rest}[]`, isCompound: true };
    const least = typeof minItems === "number" ? minItems : 0;
    const members = first.map((one, i) => {
      const member = this.#type(one, { ...place, at: `${place.at}/${word}/${i}` });
      return i < least ? member.text : `${bracketed(member)}?`;
    });
    if (others !== false) members.push(`...${rest}[]`);
    return { text: `readonly [${members.join(", ")}]`, isCompound: true };
  }

  /** What a pointer leads to. */
  #at(pointer: string, from: string): unknown {
    let found = this.#root;
    for (const part of pointer.split("/").slice(1)) {
      const key = unescaped(part);
      if (key === undefined || typeof found !== "object" || found === null || !Object.hasOwn(found, key))
        throw this.#refused(from, `there is no ${printable(`#${pointer}`)} in the schema`);
      found = Reflect.get(found, key);
    }
    return found;
  }

  // Nothing is a direct part of itself, so this ends.
  #alternativesAt(pointer: string): number {
    const known = this.#alternatives.get(pointer) ?? alternativesOf(this.#typeAt(pointer, pointer));
    this.#alternatives.set(pointer, known);
    return known;
  }

  #refuseMany(type: Type, at: string): void {
    const alternatives = alternativesOf(type);
    if (alternatives <= MAX_ALTERNATIVES) return;
    const message = `${this.#what}, at ${printable(`#${at}`)}: its parts make ${alternatives} alternatives together`;
    throw new HostError("quota-exceeded", `${message}; the limit is ${MAX_ALTERNATIVES}: combine fewer`);
  }

  #refused(at: string, why: string): HostError {
    return new HostError("invalid-message", `${this.#what}, at ${printable(`#${at}`)}: ${why}`);
  }
}

const escaped = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1");

function unescaped(part: string): string | undefined {
  try {
    return decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return undefined;
  }
}
