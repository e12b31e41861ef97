// The configuration of a plugin as its manifest describes it: a JSON Schema with defaults, which the operator's values are held to before the plugin starts.

import type { SchemaFinding } from "../bounds/json-schema/portable.ts";
import { JsonSchema } from "../bounds/json-schema/schema.ts";
import { isRecord } from "../bounds/json-schema/words.ts";
import { HostError, toHostError } from "../core/errors.ts";

/** The host checks it on its own thread: below 5 ms. */
const MAX_STEPS = 100_000;

interface Configured {
  readonly name: string;
  readonly config?: unknown;
}

/**
 * What the plugin is told: what was given, and defaults for the rest; text as it is, anything else as JSON text. Throws HostError `invalid-message` with
 * `plugins.<name>.config.<key>` for what its schema refuses, `quota-exceeded` for what takes too long to check.
 */
export function effectiveConfig({ name, config: schema }: Configured, given: Readonly<Record<string, unknown>>): Record<string, string> {
  const values = { ...Object.fromEntries(defaultsOf(schema)), ...given };
  const problem = schemaOf(schema)?.check(values, MAX_STEPS);
  if (problem !== undefined) {
    const key = problem.pointer.replaceAll("/", ".");
    throw new HostError("invalid-message", `plugins.${name}.config${key} ${problem.message}, says the plugin's manifest`);
  }
  return asTexts(values);
}

/** What the plugin is told where nothing was given. */
export const defaultConfig = (schema: unknown): Record<string, string> => asTexts(Object.fromEntries(defaultsOf(schema)));

const asTexts = (values: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]));

/** The first default that the schema itself refuses: with it the plugin would never start. The schema is portable. */
export function defaultFindings(schema: unknown): readonly SchemaFinding[] {
  const defaults = Object.fromEntries(defaultsOf(schema));
  const { $defs, definitions, properties } = isRecord(schema) ? schema : {};
  try {
    const problem = new JsonSchema({ $defs, definitions, properties: properties ?? {} }).check(defaults, MAX_STEPS);
    if (problem === undefined) return [];
    const [, key = ""] = problem.pointer.split("/");
    return [{ path: ["config", "properties", key, "default"], message: `the default ${problem.message}` }];
  } catch (thrown) {
    return [{ path: ["config"], message: `of its defaults ${toHostError(thrown).message}` }];
  }
}

/** The patterns of a schema take a while to compile, and a manifest stays what it is. */
const compiled = new WeakMap<object, JsonSchema>();

function schemaOf(config: unknown): JsonSchema | undefined {
  if (!isRecord(config)) return config === undefined ? undefined : new JsonSchema(config);
  const schema = compiled.get(config) ?? new JsonSchema(config);
  compiled.set(config, schema);
  return schema;
}

const defaultsOf = (schema: unknown): readonly (readonly [string, unknown])[] =>
  Object.entries(propertiesOf(schema)).flatMap(([key, property]) =>
    isRecord(property) && property.default !== undefined ? [[key, property.default] as const] : [],
  );

function propertiesOf(schema: unknown): Readonly<Record<string, unknown>> {
  return isRecord(schema) && isRecord(schema.properties) ? schema.properties : {};
}
