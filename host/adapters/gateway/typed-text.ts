// What comes as text, from a path or a query, in the types that a service's input schema has for it. No schema is compiled for that; whether the input
// fits in the end its plugin's cell decides.

import { definitionOf, isRecord, type SchemaObject } from "../../bounds/json-schema/words.ts";

type Members = Readonly<Record<string, unknown>>;

const INTEGER = /^-?(0|[1-9]\d{0,15})$/;
const NUMBER = /^-?(0|[1-9]\d{0,30})(\.\d{1,30})?([eE][+-]?\d{1,3})?$/;

/** The schema itself, or what its reference names. */
const resolved = (root: unknown, schema: unknown): SchemaObject | undefined => {
  const found = isRecord(schema) && schema.$ref !== undefined ? definitionOf(root, schema.$ref) : schema;
  return isRecord(found) ? found : undefined;
};

/** The types that a property of the input may have; undefined where nothing is said. */
export function typesOf(root: unknown, schema: unknown): readonly string[] | undefined {
  const type = resolved(root, schema)?.type;
  if (typeof type === "string") return [type];
  return Array.isArray(type) ? type.filter((one) => typeof one === "string") : undefined;
}

/** The properties of the input that a schema describes. */
export function propertiesOf(root: unknown): SchemaObject {
  const properties = resolved(root, root)?.properties;
  return isRecord(properties) ? properties : {};
}

/** Members whose text is a number, a boolean or a list where the schema takes no text; all others as they are. */
export function typedText(input: unknown, members: Members): Members {
  if (input === undefined) return members;
  const properties = propertiesOf(input);
  return Object.fromEntries(
    Object.entries(members).map(([name, text]) => [name, Object.hasOwn(properties, name) ? typed(input, properties[name], text) : text]),
  );
}

function typed(root: unknown, schema: unknown, text: unknown): unknown {
  const types = typesOf(root, schema) ?? ["string"];
  if (Array.isArray(text)) return types.includes("array") ? listOf(root, schema, text) : text;
  if (typeof text !== "string" || types.includes("string")) return text;
  if (types.includes("integer") && INTEGER.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  if (types.includes("number") && NUMBER.test(text) && Number.isFinite(Number(text))) return Number(text);
  if (types.includes("boolean") && (text === "true" || text === "false")) return text === "true";
  return types.includes("array") ? listOf(root, schema, [text]) : text;
}

function listOf(root: unknown, schema: unknown, texts: readonly unknown[]): readonly unknown[] {
  const items = resolved(root, schema)?.items;
  return texts.map((text) => (typesOf(root, items)?.includes("array") === true ? text : typed(root, items, text)));
}
