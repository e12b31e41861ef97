// What the configuration says about drivers, capabilities and adapters, and under which key it says so.

import type { z } from "zod";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Configuration } from "../manifest/configuration.ts";
import { describeIssues } from "../manifest/issues.ts";

/** How 0.1 called a section. */
const FORMER_KEYS: Readonly<Record<string, readonly [section: "adapters", key: string]>> = {
  "capabilities.http": ["adapters", "httpClient"],
  "drivers.log": ["adapters", "log"],
};

/** One thing, with the key under which it says so. */
export interface Section {
  readonly key: string;
  readonly value: unknown;
}

export function sectionOf(configuration: Configuration, room: "adapters" | "capabilities" | "drivers", name: string): Section {
  const key = `${room}.${name}`;
  const value = configuration[room][name];
  const [formerRoom, formerName] = FORMER_KEYS[key] ?? [];
  const former = formerRoom === undefined ? undefined : configuration[formerRoom][formerName ?? ""];
  if (former === undefined) return { key, value };
  const formerKey = `${formerRoom}.${formerName}`;
  if (value === undefined) return { key: formerKey, value: former };
  throw new HostError("invalid-message", `the configuration has ${key} and, by its former name, ${formerKey}; write ${key} only`);
}

export function optionsOf<O>(schema: z.ZodType<O>, { key, value }: Section): O {
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const lines = describeIssues(parsed.error, { input: value ?? {}, schema }).split("\n");
  const detail = lines.map((line) => (line.startsWith("the file") ? line.replace("the file", key) : `${key}.${line}`)).join("\n");
  throw new HostError("invalid-message", `the configuration of ${key} is malformed`, { detail });
}

/** A driver's name, and its options. Throws HostError `invalid-message`. */
export function chosenDriver(section: Section, byDefault: string): { readonly name: string; readonly options: Section } {
  const { key, value = byDefault } = section;
  if (typeof value === "string") return { name: value, options: { key, value: {} } };
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new HostError("invalid-message", `${key} is the name of a driver, or its options with its name as "driver"`);
  const { driver = byDefault, ...rest } = value as { readonly driver?: unknown };
  if (typeof driver !== "string") throw new HostError("invalid-message", `${key}.driver is the name of a driver`);
  return { name: driver, options: { key, value: rest } };
}

/** The names of adapters that 0.1 gave to what is none. */
export const FORMER_ADAPTERS: ReadonlySet<string> = new Set(Object.values(FORMER_KEYS).map(([, key]) => key));

export const unknownName = (key: string, name: string, known: readonly string[]): HostError =>
  new HostError("invalid-message", `${key} names "${printable(name)}", which this host does not have; it has ${known.join(", ")}`);
