// The configuration as values: the host gives texts, and JSON for what is none.

import { get } from "./config.ts";
import { Failure } from "./host-error.ts";

/** `json` is any JSON, whatever stands in it; `any` is the JSON of what is no text, else the text as it is. */
export type ConfigKind = "string" | "number" | "boolean" | "json" | "any";

interface ValueOf {
  readonly string: string;
  readonly number: number;
  readonly boolean: boolean;
  readonly json: unknown;
  readonly any: unknown;
}

/** What was configured, by key; a key that was not, and has no default in the manifest, is not there. */
export type Config<Kinds extends Readonly<Record<string, ConfigKind>>> = { readonly [Key in keyof Kinds]?: ValueOf[Kinds[Key]] };

/**
 * Reads several keys at once: `readConfig({ level: "number", name: "string" })`. What `bulkhead types` makes of a manifest's `config` calls it with the right kinds,
 * and has types without a question mark for what is always there.
 *
 * Throws Failure, with the key, for a value of another kind.
 */
export function readConfig<const Kinds extends Readonly<Record<string, ConfigKind>>>(kinds: Kinds): Config<Kinds> {
  const read = Object.entries(kinds).flatMap(([key, kind]) => {
    const text = get(key);
    return text === undefined ? [] : [[key, valueOf(key, kind, text)] as const];
  });
  return Object.fromEntries(read) as Config<Kinds>;
}

function valueOf(key: string, kind: ConfigKind, text: string): unknown {
  if (kind === "string") return text;
  const value = jsonOf(text);
  if (kind === "any") return value === undefined || typeof value === "string" ? text : value;
  if (value === undefined || (kind === "number" && !Number.isFinite(value)) || (kind === "boolean" && typeof value !== "boolean"))
    throw new Failure(`config.${key} must be ${kind === "json" ? "JSON" : `a ${kind}`}; write it so in plugins.<name>.config`);
  return value;
}

/** Never undefined for what is JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
