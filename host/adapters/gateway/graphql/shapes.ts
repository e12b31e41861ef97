// Strangers' JSON Schemas as types of GraphQL, in plain data: what GraphQL can say of a value is said, and whatever else there is is the scalar JSON. No
// schema is compiled, and none grows by its references.

import { isRecord, type SchemaObject } from "../../../bounds/json-schema/words.ts";
import { type CopiedSchema, copiedSchema, type SchemaStyle } from "../schemas.ts";
import { visibleText } from "../text.ts";

type ScalarName = "String" | "Int" | "Float" | "Boolean" | "JSON";

export type Shape =
  | { readonly kind: "scalar"; readonly name: ScalarName }
  | { readonly kind: "enum"; readonly name: string; readonly values: readonly string[] }
  | { readonly kind: "list"; readonly of: Member }
  | { readonly kind: "object"; readonly name: string; readonly members: Readonly<Record<string, Member>> };

export interface Member {
  readonly shape: Shape;
  /** Never null, and never left out. */
  readonly isRequired: boolean;
  readonly description?: string;
}

const PLACE = "#/$defs/";
const STYLE: SchemaStyle = { place: PLACE, text: visibleText };
/** As the specification has it; what begins with two underscores is its own. */
const NAME = /^(?!__)[_A-Za-z][_0-9A-Za-z]{0,127}$/;
const NO_ENUM_VALUES: ReadonlySet<string> = new Set(["true", "false", "null"]);
const MAX_TYPE_NAME = 200;
const MAX_LEVELS = 8;
/** Of one schema. */
const MAX_MEMBERS = 500;
const MAX_INT = 2 ** 31 - 1;
const MIN_INT = -(2 ** 31);
/** What a value may be as well, which one type does not say. */
const CHOICES = ["oneOf", "anyOf", "allOf"] as const;

const ANYTHING: Shape = { kind: "scalar", name: "JSON" };
export const JSON_MEMBER: Member = { shape: ANYTHING, isRequired: false };
export const TEXT: Shape = { kind: "scalar", name: "String" };

/** Names of types, each given once. */
export class TypeNames {
  readonly #taken = new Set<string>();
  /** How often a name was wanted that was taken. */
  readonly #times = new Map<string, number>();

  free(wanted: string): string {
    const short = wanted.slice(0, MAX_TYPE_NAME);
    let name = short;
    for (let times = this.#times.get(short) ?? 1; this.#taken.has(name); this.#times.set(short, times)) {
      times += 1;
      name = `${short}_${times}`;
    }
    this.#taken.add(name);
    return name;
  }
}

/** What the schema says of a value, whose types' names begin with `name`; JSON for what no manifest of api 0.2 could have. */
export function memberOf(schema: unknown, name: string, names: TypeNames): Member {
  const copied = copiedSchema(schema, "def", STYLE);
  return copied === undefined ? JSON_MEMBER : new Shaping(copied, names).member(copied.schema, name, 0);
}

class Shaping {
  readonly #definitions: CopiedSchema["definitions"];
  readonly #names: TypeNames;
  #membersLeft = MAX_MEMBERS;

  constructor({ definitions }: CopiedSchema, names: TypeNames) {
    this.#definitions = definitions;
    this.#names = names;
  }

  member(schema: unknown, name: string, level: number): Member {
    this.#membersLeft -= 1;
    if (!isRecord(schema) || level > MAX_LEVELS || this.#membersLeft < 0) return JSON_MEMBER;
    // No portable schema comes back to where it was.
    if (typeof schema.$ref === "string") return this.member(this.#definitions[schema.$ref.slice(PLACE.length)], name, level);
    const { type, isNullable } = typeIn(schema);
    const description = typeof schema.description === "string" && schema.description !== "" ? { description: schema.description } : {};
    const isOne = CHOICES.every((key) => schema[key] === undefined);
    const shape = (isOne ? this.#shape(schema, type, name, level) : undefined) ?? ANYTHING;
    return { shape, isRequired: type !== undefined && !isNullable, ...description };
  }

  #shape(schema: SchemaObject, type: unknown, name: string, level: number): Shape | undefined {
    if (type === "string") return this.#text(schema, name);
    if (type === "boolean") return { kind: "scalar", name: "Boolean" };
    if (type === "number") return { kind: "scalar", name: "Float" };
    if (type === "integer") return { kind: "scalar", name: isInt(schema) ? "Int" : "Float" };
    if (type === "array") return this.#list(schema, name, level);
    return type === "object" ? this.#object(schema, name, level) : undefined;
  }

  #text({ enum: values }: SchemaObject, name: string): Shape {
    const named = Array.isArray(values) ? new Set<unknown>(values) : new Set();
    const isEnum = named.size > 0 && [...named].every((one) => typeof one === "string" && NAME.test(one) && !NO_ENUM_VALUES.has(one));
    this.#membersLeft -= named.size;
    if (!isEnum || this.#membersLeft < 0) return TEXT;
    return { kind: "enum", name: this.#names.free(name), values: [...named] as string[] };
  }

  #list({ items, prefixItems }: SchemaObject, name: string, level: number): Shape | undefined {
    if (items === undefined || prefixItems !== undefined) return undefined;
    return { kind: "list", of: this.member(items, `${name}_item`, level + 1) };
  }

  #object(schema: SchemaObject, name: string, level: number): Shape | undefined {
    const { properties, required = [], additionalProperties, patternProperties } = schema;
    const isMap = (additionalProperties !== undefined && !isNever(additionalProperties)) || patternProperties !== undefined;
    const entries = isRecord(properties) ? Object.entries(properties) : [];
    if (isMap || entries.length === 0 || !entries.every(([key]) => NAME.test(key)) || entries.length > this.#membersLeft) return undefined;
    const must = new Set(Array.isArray(required) ? required : []);
    if (![...must].every((key) => Object.hasOwn(properties as object, key))) return undefined;
    const own = this.#names.free(name);
    const members = entries.map(([key, inner]): [string, Member] => {
      const member = this.member(inner, `${name}_${key}`, level + 1);
      return [key, { ...member, isRequired: member.isRequired && must.has(key) }];
    });
    return { kind: "object", name: own, members: Object.fromEntries(members) };
  }
}

/** The one type of a schema, which may be null as well. */
function typeIn({ type }: SchemaObject): { readonly type: unknown; readonly isNullable: boolean } {
  if (!Array.isArray(type)) return { type, isNullable: type === "null" };
  const [only, another] = type.filter((one) => one !== "null");
  return { type: another === undefined ? only : undefined, isNullable: type.includes("null") };
}

const isInt = ({ minimum, maximum }: SchemaObject): boolean =>
  typeof minimum === "number" && typeof maximum === "number" && minimum >= MIN_INT && maximum <= MAX_INT;

/** As `false` is written in a copy. */
const isNever = (schema: unknown): boolean => isRecord(schema) && isRecord(schema.not) && Object.keys(schema.not).length === 0;

/** Whether GraphQL can tell the value as one of the shape: nothing that it would complain of. */
export function fits(value: unknown, { shape, isRequired }: Member): boolean {
  if (value === undefined || value === null) return !isRequired;
  switch (shape.kind) {
    case "scalar":
      return SCALARS[shape.name](value);
    case "enum":
      return shape.values.includes(value as string);
    case "list":
      return Array.isArray(value) && value.every((one) => fits(one, shape.of));
    case "object":
      return (
        isRecord(value) && Object.entries(shape.members).every(([key, one]) => fits(Object.hasOwn(value, key) ? value[key] : null, one))
      );
  }
}

const SCALARS: Readonly<Record<ScalarName, (value: unknown) => boolean>> = {
  String: (value) => typeof value === "string",
  Int: (value) => Number.isInteger(value) && Number(value) >= MIN_INT && Number(value) <= MAX_INT,
  Float: Number.isFinite,
  Boolean: (value) => typeof value === "boolean",
  JSON: () => true,
};
