// The keys of a plugin's configuration as its schema describes them: what each is read as, and the type of them all. An operator's value reaches the plugin as text,
// a text as it is and anything else as JSON, so what a text means follows from what the schema lets it be.

import { isRecord } from "./type-text.ts";

/** As `readConfig` of the SDK takes it: `any` is a text unless the text is the JSON of something else. */
type KeyKind = "string" | "number" | "boolean" | "json" | "any";

interface KeysOf {
  readonly kinds: ReadonlyMap<string, KeyKind>;
  /** Of one object with these keys; those that have a default are always there. */
  readonly schema: unknown;
}

const PARTS = ["allOf", "anyOf", "oneOf"] as const;
const NUMBERS = new Set<unknown>(["integer", "number"]);

/** Keys count that stand in `properties` or `required` of the schema itself, as only these can have defaults. */
export function keysOf(schema: unknown): KeysOf {
  const { properties, required, $defs, definitions, description } = isRecord(schema) ? schema : {};
  const described = isRecord(properties) ? properties : {};
  const always = Array.isArray(required) ? required.filter((key) => typeof key === "string") : [];
  const filled = Object.keys(described).filter((key) => isRecord(described[key]) && described[key].default !== undefined);
  const names = new Set([...Object.keys(described), ...always]);
  // No file of an operator can have it.
  names.delete("__proto__");
  const kinds = new Kinds(schema);
  return {
    kinds: new Map([...names].map((key) => [key, Object.hasOwn(described, key) ? kinds.of(described[key]) : "any"])),
    schema: { description, type: "object", properties: described, required: [...new Set([...always, ...filled])], $defs, definitions },
  };
}

/** Each schema is looked at once, however often it is referred to. */
class Kinds {
  readonly #root: unknown;
  readonly #known = new WeakMap<object, ReadonlySet<unknown>>();

  constructor(root: unknown) {
    this.#root = root;
  }

  of(schema: unknown): KeyKind {
    const types = this.#typesOf(schema);
    if (types.has("any")) return "any";
    if ([...types].every((type) => type === "string")) return "string";
    if (types.has("string")) return "any";
    if ([...types].every((type) => NUMBERS.has(type))) return "number";
    return [...types].every((type) => type === "boolean") ? "boolean" : "json";
  }

  /** The types that a value may have, `any` among them where nobody says. */
  #typesOf(schema: unknown): ReadonlySet<unknown> {
    if (!isRecord(schema)) return new Set(["any"]);
    const known = this.#known.get(schema);
    if (known !== undefined) return known;
    // Who refers around in a circle has said nothing.
    this.#known.set(schema, new Set(["any"]));
    const found = this.#read(schema);
    this.#known.set(schema, found);
    return found;
  }

  #read(schema: Readonly<Record<string, unknown>>): ReadonlySet<unknown> {
    const { type, $ref } = schema;
    if (Object.hasOwn(schema, "const")) return new Set([typeOf(schema.const)]);
    if (Array.isArray(schema.enum)) return new Set(schema.enum.map(typeOf));
    if (type !== undefined) return new Set(Array.isArray(type) ? type : [type]);
    if (typeof $ref === "string") return this.#typesOf(this.#at($ref));
    const said = PARTS.flatMap((key) => {
      const parts = schema[key];
      if (!Array.isArray(parts)) return [];
      const each = parts.map((part) => this.#typesOf(part));
      return key === "allOf" ? each.filter((types) => !types.has("any")) : [new Set(each.flatMap((types) => [...types]))];
    });
    return said[0] ?? new Set(["any"]);
  }

  #at(reference: string): unknown {
    let found = this.#root;
    for (const part of reference.split("/").slice(1)) {
      const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
      if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
      found = Reflect.get(found, key);
    }
    return found;
  }
}

const typeOf = (value: unknown): string => (value === null || Array.isArray(value) ? "json" : typeof value);
