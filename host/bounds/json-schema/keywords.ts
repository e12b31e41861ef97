// What each keyword of JSON Schema (draft 2020-12) says of a value. Whatever takes time that a schema or a value decides is spent before it is done.

import { escapeControls, printable } from "../../core/names.ts";
import { isSame, isWithoutRepetition } from "./equality.ts";
import type { Keyword, Walk } from "./walk.ts";
import { isRecord, type SchemaObject } from "./words.ts";

/** Characters that are counted in the time of a step. */
const CHARACTERS_PER_STEP = 32;

/** A keyword that looks at values of one kind only, and at a part of the schema that portable.ts has found well-formed. */
const of =
  <T, Operand>(
    isKind: (value: unknown) => value is T,
    keyword: (walk: Walk, value: T, operand: Operand, schema: SchemaObject) => string | undefined,
  ): Keyword =>
  (walk, value, operand, schema) =>
    isKind(value) ? keyword(walk, value, operand as Operand, schema) : undefined;

const isString = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => typeof value === "number";
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

type Schemas = readonly unknown[];
type Names = readonly string[];

const bound = (isWithin: (value: number, limit: number) => boolean, words: string): Keyword =>
  of(isNumber, (_, value, limit: number) => (isWithin(value, limit) ? undefined : `must be ${words} ${limit}`));

const items = (isWithin: (value: number, limit: number) => boolean, words: string): Keyword =>
  of(isList, (_, value, limit: number) =>
    isWithin(value.length, limit) ? undefined : `must have ${words} ${limit} items, and has ${value.length}`,
  );

const properties = (isWithin: (value: number, limit: number) => boolean, words: string): Keyword =>
  of(isRecord, (walk, value, limit: number) => {
    const { length } = keysOf(walk, value);
    return isWithin(length, limit) ? undefined : `must have ${words} ${limit} properties, and has ${length}`;
  });

const characters = (isWithin: (value: number, limit: number) => boolean, words: string): Keyword =>
  of(isString, (walk, value, limit: number) => {
    const length = lengthOf(walk, value);
    return isWithin(length, limit) ? undefined : `must have ${words} ${limit} characters, and has ${length}`;
  });

const atLeast = (value: number, limit: number): boolean => value >= limit;
const atMost = (value: number, limit: number): boolean => value <= limit;

/** In the order in which they are looked at: what says most to a reader comes first. Those that are not here describe, and refuse nothing. */
export const KEYWORDS: Readonly<Record<string, Keyword>> = {
  type: (_, value, operand) => {
    if (isOfType(operand, value)) return undefined;
    const types = (isList(operand) ? operand : [operand]) as Names;
    return types.some((type) => isOfType(type, value))
      ? undefined
      : `must be ${types.map(withArticle).join(" or ")}, and is ${kindOf(value)}`;
  },
  const: (walk, value, operand) => (isSame(walk, value, operand) ? undefined : `must be ${shown(operand)}`),
  enum: (walk, value, operand) => {
    const allowed = operand as Schemas;
    return allowed.some((one) => isSame(walk, value, one))
      ? undefined
      : `must be one of ${allowed.slice(0, 8).map(shown).join(", ")}${allowed.length > 8 ? ", …" : ""}`;
  },
  minimum: bound(atLeast, "at least"),
  maximum: bound(atMost, "at most"),
  exclusiveMinimum: bound((value, limit) => value > limit, "more than"),
  exclusiveMaximum: bound((value, limit) => value < limit, "less than"),
  multipleOf: of(isNumber, (_, value, divisor: number) => (isMultiple(value, divisor) ? undefined : `must be a multiple of ${divisor}`)),
  minLength: characters(atLeast, "at least"),
  maxLength: characters(atMost, "at most"),
  pattern: of(isString, (walk, value, source: string) => (walk.matches(source, value) ? undefined : `must match ${printable(source)}`)),
  required: of(isRecord, (walk, value, names: Names) => missing(walk, value, names)),
  minProperties: properties(atLeast, "at least"),
  maxProperties: properties(atMost, "at most"),
  dependentRequired: of(isRecord, (walk, value, needs: Readonly<Record<string, Names>>) => {
    const present = keysOf(walk, needs).filter((name) => Object.hasOwn(value, name));
    return firstOf(present, (name) => missing(walk, value, needs[name] ?? []));
  }),
  propertyNames: of(isRecord, (walk, value, schema) => firstOf(keysOf(walk, value), (name) => walk.visitAt(schema, name, name))),
  properties: of(isRecord, (walk, value, schemas: SchemaObject) =>
    firstOf(keysOf(walk, value), (name) => (Object.hasOwn(schemas, name) ? walk.visitAt(schemas[name], value[name], name) : undefined)),
  ),
  patternProperties: of(isRecord, (walk, value, schemas: SchemaObject) =>
    firstOf(keysOf(walk, value), (name) =>
      firstOf(keysOf(walk, schemas), (source) =>
        walk.matches(source, name) ? walk.visitAt(schemas[source], value[name], name) : undefined,
      ),
    ),
  ),
  additionalProperties: of(isRecord, (walk, value, additional, schema) =>
    firstOf(keysOf(walk, value), (name) => (isListed(walk, schema, name) ? undefined : walk.visitAt(additional, value[name], name))),
  ),
  dependentSchemas: of(isRecord, (walk, value, schemas: SchemaObject) =>
    firstOf(keysOf(walk, schemas), (name) => (Object.hasOwn(value, name) ? walk.visit(schemas[name], value) : undefined)),
  ),
  minItems: items(atLeast, "at least"),
  maxItems: items(atMost, "at most"),
  prefixItems: of(isList, (walk, value, schemas: Schemas) =>
    firstOf(schemas.slice(0, value.length), (schema, i) => walk.visitAt(schema, value[i], i)),
  ),
  items: of(isList, (walk, value, schema, { prefixItems }) => {
    const first = isList(prefixItems) ? prefixItems.length : 0;
    for (let i = first; i < value.length; i += 1) {
      const message = walk.visitAt(schema, value[i], i);
      if (message !== undefined) return message;
    }
    return undefined;
  }),
  contains: of(isList, (walk, value, schema, { minContains = 1, maxContains = Number.POSITIVE_INFINITY }) => {
    const found = value.reduce((count: number, one) => count + (walk.fits(schema, one) ? 1 : 0), 0);
    if (found < Number(minContains)) return `must contain at least ${Number(minContains)} items of a kind, and has ${found}`;
    return found > Number(maxContains) ? `must contain at most ${Number(maxContains)} items of a kind, and has ${found}` : undefined;
  }),
  uniqueItems: of(isList, (walk, value, isUnique) =>
    isUnique !== true || isWithoutRepetition(walk, value) ? undefined : "must not have an item twice",
  ),
  $ref: (walk, value, reference) => walk.refer(reference, value),
  allOf: (walk, value, schemas) => firstOf(schemas as Schemas, (schema) => walk.visit(schema, value)),
  anyOf: (walk, value, schemas) =>
    (schemas as Schemas).some((schema) => walk.fits(schema, value)) ? undefined : "fits none of the forms that anyOf allows",
  oneOf: (walk, value, schemas) => {
    const fitting = (schemas as Schemas).filter((schema) => walk.fits(schema, value)).length;
    return fitting === 1 ? undefined : `must fit one of the forms that oneOf allows, and fits ${fitting === 0 ? "none" : fitting}`;
  },
  not: (walk, value, schema) => (walk.fits(schema, value) ? "is what the schema excludes" : undefined),
  if: (walk, value, condition, schema) => {
    const branch = walk.fits(condition, value) ? "then" : "else";
    return Object.hasOwn(schema, branch) ? walk.visit(schema[branch], value) : undefined;
  },
};

const KINDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === "boolean",
  object: isRecord,
  array: isList,
  number: isNumber,
  integer: Number.isInteger,
  string: isString,
};

const isOfType = (type: unknown, value: unknown): boolean => KINDS[type as string]?.(value) === true;
const kindOf = (value: unknown): string =>
  withArticle(["null", "boolean", "object", "array", "number", "string"].find((type) => isOfType(type, value)) ?? "something else");

const withArticle = (type: string): string => (type === "null" ? type : /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`);

/** A value of a schema, as much of it as a message has room for. */
const shown = (value: unknown): string => escapeControls((JSON.stringify(value) ?? "").slice(0, 64));

function firstOf<T>(list: readonly T[], look: (one: T, i: number) => string | undefined): string | undefined {
  // An iterator would take as long as most of what is looked at.
  for (let i = 0; i < list.length; i += 1) {
    const message = look(list[i] as T, i);
    if (message !== undefined) return message;
  }
  return undefined;
}

function keysOf(walk: Walk, value: SchemaObject): readonly string[] {
  const keys = Object.keys(value);
  walk.spend(keys.length);
  return keys;
}

function missing(walk: Walk, value: SchemaObject, names: Names): string | undefined {
  walk.spend(names.length);
  const name = names.find((one) => !Object.hasOwn(value, one));
  return name === undefined ? undefined : `must have ${printable(name)}`;
}

/** Whether properties or patternProperties speak of it. */
function isListed(walk: Walk, { properties: listed, patternProperties: patterns }: SchemaObject, name: string): boolean {
  if (isRecord(listed) && Object.hasOwn(listed, name)) return true;
  return isRecord(patterns) && keysOf(walk, patterns).some((source) => walk.matches(source, name));
}

/** In code points. */
function lengthOf(walk: Walk, text: string): number {
  walk.spend(Math.ceil(text.length / CHARACTERS_PER_STEP));
  let length = text.length;
  for (let i = 0; i < text.length - 1; i += 1) {
    const isPair = (text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
    if (isPair) length -= 1;
  }
  return length;
}

/** As far as doubles can tell: 0.3 is a multiple of 0.1. */
function isMultiple(value: number, divisor: number): boolean {
  const times = value / divisor;
  if (!Number.isFinite(times)) return value % divisor === 0;
  return Math.abs(times - Math.round(times)) <= 2 * Number.EPSILON * Math.abs(times);
}
