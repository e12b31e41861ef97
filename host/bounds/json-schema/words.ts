// What both readers of a JSON Schema know of its keywords: the one that judges a schema, and the one that checks values by it.

export type SchemaObject = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is SchemaObject => typeof value === "object" && value !== null && !Array.isArray(value);

/** Keywords that hold one schema, a list of them, or schemas by name. */
export const ONE = ["items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else"] as const;
export const LISTS = ["allOf", "anyOf", "oneOf", "prefixItems"] as const;
export const MAPS = ["properties", "patternProperties", "dependentSchemas"] as const;
export const DEFINITIONS = ["$defs", "definitions"] as const;

const REFERENCE = /^#\/(\$defs|definitions)\/([^/]+)$/;

/** What a reference names, among the definitions of the whole schema; undefined when there is no such thing. */
export function definitionOf(root: unknown, reference: unknown): unknown {
  const [, section, name] = typeof reference === "string" ? (REFERENCE.exec(reference) ?? []) : [];
  if (section === undefined || name === undefined || !isRecord(root)) return undefined;
  const definitions = Object.hasOwn(root, section) ? root[section] : undefined;
  const key = name.replaceAll("~1", "/").replaceAll("~0", "~");
  return isRecord(definitions) && Object.hasOwn(definitions, key) ? definitions[key] : undefined;
}
