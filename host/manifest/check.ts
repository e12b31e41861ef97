// What a manifest says that will not work, though it is well-formed: entry points that are not there, sections that nobody reads, schemas that are none.

import { portableFindings } from "../bounds/json-schema/portable.ts";
import { toHostError } from "../core/errors.ts";
import { contradictions } from "./check-traits.ts";
import { namedEntryPoints } from "./entry-points.ts";
import type { Finding } from "./issues.ts";
import type { Manifest } from "./manifest.ts";
import { schemasIn } from "./schemas.ts";
import { didYouMean } from "./suggest.ts";

export interface Findings {
  /** What will fail. */
  readonly errors: readonly Finding[];
  /** What works, and is hardly meant. */
  readonly warnings: readonly Finding[];
}

export interface CheckPorts {
  /** What can be called of the module, and that in words; undefined when it is not known, so that nothing is said of it. */
  readonly module: { readonly entryPoints: readonly string[]; readonly exported: string } | undefined;
  /** Readers of the sections of `contributes`, by the adapter's name. They throw HostError `invalid-manifest`, its detail a line each that begins with the path. */
  readonly parsers: ReadonlyMap<string, (plugin: string, section: unknown) => unknown>;
}

/** Never throws. */
export function checkManifest(manifest: Manifest, { module, parsers }: CheckPorts): Findings {
  const contributed = Object.entries(manifest.contributes).map(([adapter, section]) => {
    const parse = parsers.get(adapter);
    return parse === undefined ? { unread: adapter } : { findings: sectionFindings(adapter, () => parse(manifest.name, section)) };
  });
  const unread = contributed.flatMap(({ unread: adapter }) => adapter ?? []);
  return {
    errors: [
      ...(module === undefined ? [] : missingEntryPoints(manifest, module)),
      ...portableFindings(schemasIn(manifest)),
      ...contributed.flatMap(({ findings = [] }) => findings),
    ],
    warnings: [
      ...unread.map((adapter) => ({
        path: ["contributes", adapter],
        message: `no adapter here reads this section; there are ${[...parsers.keys()].join(", ")}${didYouMean(adapter, parsers.keys())}`,
      })),
      ...duplicates(manifest),
      ...contradictions(manifest),
    ],
  };
}

/** The entry points that a manifest names and its module does not export. */
function missingEntryPoints(manifest: Manifest, { entryPoints, exported }: NonNullable<CheckPorts["module"]>): readonly Finding[] {
  const known = new Set(entryPoints);
  return namedEntryPoints(manifest)
    .filter(({ entryPoint }) => !known.has(entryPoint))
    .map(({ entryPoint, path }) => ({ path, message: `${exported}${didYouMean(entryPoint, entryPoints)}` }));
}

function sectionFindings(adapter: string, read: () => unknown): readonly Finding[] {
  try {
    read();
    return [];
  } catch (thrown) {
    const { message, detail } = toHostError(thrown);
    return (detail ?? `contributes.${adapter}: ${message}`).split("\n").map(fromLine);
  }
}

/** `contributes.http.routes.0.path: write …` as a finding. */
function fromLine(line: string): Finding {
  const [, path = "contributes", message = line] = /^(contributes[^: ]*):? (.*)$/.exec(line) ?? [];
  return { path: path.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part)), message };
}

function duplicates({ services, subscriptions }: Manifest): readonly Finding[] {
  const seen = new Map<string, string>();
  const found: Finding[] = [];
  const once = (key: string, name: string, path: PropertyKey[], words: (first: string) => string): void => {
    const first = seen.get(key);
    if (first === undefined) seen.set(key, name);
    else found.push({ path, message: words(first) });
  };
  for (const [name, { entryPoint }] of Object.entries(services))
    once(`service ${entryPoint}`, name, ["services", name, "entryPoint"], (first) => `${first} has the same entry point`);
  for (const [i, { type, entryPoint, filter }] of subscriptions.entries())
    once(
      `event ${type} ${entryPoint} ${JSON.stringify(filter)}`,
      String(i),
      ["subscriptions", i],
      () => "the same is subscribed to above; each event would come twice",
    );
  return found;
}
