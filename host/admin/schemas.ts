// What there is to call, to hear of, to answer and to configure, with the JSON Schemas that were declared for it: chosen by name and bounded, since strangers wrote them. What
// a schema means is not looked into here.

import { HostError } from "../core/errors.ts";
import { compilePattern, printable } from "../core/names.ts";
import type { Manifest } from "../manifest/manifest.ts";

/** A service or an extension point. */
export interface DeclaredCall {
  readonly name: string;
  readonly description?: string | undefined;
  /** JSON Schemas; undefined where none was declared. */
  readonly input?: unknown;
  readonly output?: unknown;
  /** What a call of a service does, as it says itself. */
  readonly readOnly?: boolean | undefined;
  readonly idempotent?: boolean | undefined;
}

interface DeclaredEvent {
  readonly type: string;
  readonly data?: unknown;
}

interface DeclaredConfig {
  readonly plugin: string;
  readonly schema: unknown;
}

export interface Declarations {
  readonly services: readonly DeclaredCall[];
  readonly events: readonly DeclaredEvent[];
  readonly points: readonly DeclaredCall[];
  readonly configs: readonly DeclaredConfig[];
}

const KIB = 1_024;
/** Of one schema. */
const MAX_SCHEMA_BYTES = 64 * KIB;
const MAX_SCHEMA_NODES = 4_000;
const MAX_SCHEMA_DEPTH = 64;
/** Of all that are asked for together. */
const MAX_DECLARATIONS = 512;
const MAX_BYTES = 1_024 * KIB;

type DeclaringManifest = Pick<Manifest, "name" | "services" | "events" | "extensionPoints" | "config">;

/** What manifests say, where no host runs that knows more. */
export function declaredIn(manifests: Iterable<DeclaringManifest>): Declarations {
  const all = [...manifests];
  const services = all.flatMap((manifest) =>
    Object.entries(manifest.services).map(([name, { description, input, output, readOnly, idempotent }]) => ({
      ...{ name, description, input, output, readOnly, idempotent },
    })),
  );
  const points = all.flatMap((manifest) =>
    Object.entries(manifest.extensionPoints).map(([name, { description, input, output }]) => ({ name, description, input, output })),
  );
  const events = all.flatMap((manifest) => Object.entries(manifest.events).map(([type, { data }]) => ({ type, data })));
  return { services, events, points, configs: configsIn(all) };
}

/** The configurations that manifests describe. */
export const configsIn = (manifests: Iterable<Pick<Manifest, "name" | "config">>): readonly DeclaredConfig[] =>
  [...manifests].flatMap(({ name, config }) => (config === undefined ? [] : [{ plugin: name, schema: config }]));

/**
 * What `names` choose of it, in the order of names; all for none. A name is a whole one (of a configuration, its plugin's), the beginning of one such as `shop`, or a pattern such as `devices.*`.
 * Events without a schema are left out, since most are no more than what somebody listens to. Throws HostError `invalid-message` for a name that chooses
 * nothing, `quota-exceeded` for schemas that are too large.
 */
export function chosenFrom(all: Declarations, names: readonly string[]): Declarations {
  const chosen = choose(all, names);
  const schemas = [
    ...chosen.services.flatMap(schemasOf),
    ...chosen.events.map(({ type, data }) => ({ what: `the data of ${printable(type)}`, schema: data })),
    ...chosen.points.flatMap(schemasOf),
    ...chosen.configs.map(({ plugin, schema }) => ({ what: `the configuration of ${printable(plugin)}`, schema })),
  ];
  const count = countOf(chosen);
  if (count > MAX_DECLARATIONS)
    throw new HostError(
      "quota-exceeded",
      `there are ${count} services, events, extension points and configurations; the limit is ${MAX_DECLARATIONS} at a time: name some`,
    );
  const bytes = schemas.reduce((sum, { what, schema }) => sum + bytesOf(schema, what), 0);
  if (bytes > MAX_BYTES)
    throw new HostError("quota-exceeded", `the schemas have ${bytes} bytes together; the limit is ${MAX_BYTES} at a time: name some`);
  return chosen;
}

/** How many there are, of all kinds. */
export const countOf = ({ services, events, points, configs }: Declarations): number =>
  services.length + events.length + points.length + configs.length;

function choose({ services, events, points, configs }: Declarations, names: readonly string[]): Declarations {
  const typed = events.filter(({ data }) => data !== undefined);
  const known = [
    ...[...services, ...points].map(({ name }) => name),
    ...typed.map(({ type }) => type),
    ...configs.map(({ plugin }) => plugin),
  ];
  const chosen = new Set(names.length === 0 ? known : names.flatMap((name) => matching(name, known)));
  const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);
  return {
    services: services.filter(({ name }) => chosen.has(name)).sort(byName),
    events: typed.filter(({ type }) => chosen.has(type)).sort((a, b) => (a.type < b.type ? -1 : 1)),
    points: points.filter(({ name }) => chosen.has(name)).sort(byName),
    configs: configs.filter(({ plugin }) => chosen.has(plugin)).sort((a, b) => (a.plugin < b.plugin ? -1 : 1)),
  };
}

function matching(name: string, known: readonly string[]): string[] {
  const isMeant = name.includes("*") ? compilePattern(name) : (one: string) => one === name || one.startsWith(`${name}.`);
  const found = known.filter(isMeant);
  if (found.length > 0) return found;
  const there = known.length === 0 ? "nothing that could be called, heard of, answered or configured" : known.toSorted().join(", ");
  throw new HostError(
    "invalid-message",
    `${printable(name)} is no service, event, extension point or configured plugin here; there is ${there}`,
  );
}

const schemasOf = ({ name, input, output }: DeclaredCall): { readonly what: string; readonly schema: unknown }[] =>
  Object.entries({ input, output }).map(([side, schema]) => ({ what: `the ${side} of ${printable(name)}`, schema }));

/** Counted before anything recurses into it. */
function bytesOf(schema: unknown, what: string): number {
  const left: { readonly value: unknown; readonly depth: number }[] = [{ value: schema, depth: 1 }];
  let nodes = 0;
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    nodes += 1;
    if (nodes > MAX_SCHEMA_NODES) throw tooLarge(what, `more than ${MAX_SCHEMA_NODES} values`);
    if (next.depth > MAX_SCHEMA_DEPTH) throw tooLarge(what, `values more than ${MAX_SCHEMA_DEPTH} deep`);
    if (typeof next.value !== "object" || next.value === null) continue;
    for (const value of Object.values(next.value)) left.push({ value, depth: next.depth + 1 });
  }
  const bytes = Buffer.byteLength(JSON.stringify(schema) ?? "");
  if (bytes > MAX_SCHEMA_BYTES) throw tooLarge(what, `${bytes} bytes, more than ${MAX_SCHEMA_BYTES}`);
  return bytes;
}

const tooLarge = (what: string, how: string): HostError =>
  new HostError("quota-exceeded", `the schema of ${what} has ${how}, which is the limit; name others, or make it smaller`);
