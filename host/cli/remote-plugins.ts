// Plugins that are not here: what indexes say of them, and what a package says of itself. Nothing of it is installed.

import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { HostError, toHostError } from "../core/errors.ts";
import { escapeControls, printable } from "../core/names.ts";
import { fetchDocument } from "../install/documents.ts";
import { describedAs } from "../install/index/making.ts";
import { INDEX_FILE, type IndexedPlugin, type IndexedVersion, MAX_INDEX_BYTES, parseIndex } from "../install/index/plugin-index.ts";
import type { FoundPlugin } from "../install/index/searching.ts";
import type { SourceOptions } from "../install/npm-registry.ts";
import { fetchPackage } from "../install/package-sources.ts";
import { packageReader } from "../lifecycle/package-reader.ts";
import { absoluteSpec, isPath } from "../manifest/package-spec.ts";
import { print, table } from "./report.ts";
import { type DataOptions, readConfigurationOf } from "./serve.ts";
import { say } from "./terminal.ts";

export interface IndexOptions {
  readonly index?: readonly string[];
}

export const INDEX_HELP = "where indexes lie, instead of the configuration's: files or addresses; one that ends with / has an index.json";

const WEB = /^https?:/i;

type Ways = Omit<SourceOptions, "reader">;

/** By which ways packages and indexes come: those of the configuration, where there is one. */
async function waysOf(options: DataOptions): Promise<Ways> {
  if (!existsSync(options.config)) return {};
  const { registry, install } = await readConfigurationOf(options);
  return { registry, ...install };
}

/** Where indexes lie. Rejects like readConfigurationOf. */
export const placesOf = async (options: DataOptions & IndexOptions): Promise<readonly string[]> =>
  options.index ?? (await readConfigurationOf(options)).index;

/** The plugins of all indexes. One that cannot be had is told of; rejects with HostError when none can, or when there is none. */
export async function readIndexes(places: readonly string[], options: DataOptions): Promise<readonly FoundPlugin[]> {
  if (places.length === 0)
    throw new HostError(
      "invalid-message",
      'there is no index to look into; name one with --index, or list it as "index" in the configuration',
    );
  const ways = await waysOf(options);
  const read: (readonly FoundPlugin[])[] = [];
  let failure: unknown;
  for (const place of places)
    try {
      read.push(await readIndexAt(place, ways));
    } catch (thrown) {
      failure ??= thrown;
      if (places.length > 1) say(`${escapeControls(place)} is left out: ${escapeControls(toHostError(thrown).message)}`);
    }
  if (read.length === 0) throw failure;
  return read.flat();
}

async function readIndexAt(place: string, { mirrors }: Ways): Promise<readonly FoundPlugin[]> {
  const file = place.endsWith("/") ? `${place}${INDEX_FILE}` : place;
  const bytes = await fetchDocument(file, { what: "the index", maxBytes: MAX_INDEX_BYTES, mirrors });
  const { plugins } = parseIndex(bytes, file);
  return plugins.map((plugin) => ({
    ...plugin,
    index: file,
    versions: plugin.versions.map((one) => ({ ...one, source: sourceAt(one, file) })),
  }));
}

/** What lies beside an index is named from there. */
function sourceAt({ source }: IndexedVersion, index: string): string {
  if (!/^\.{1,2}\//.test(source)) return source;
  return WEB.test(index) ? new URL(source, index).href : resolve(dirname(index), source);
}

/** A name of a plugin has none of these. */
export const isSource = (text: string): boolean => isPath(text) || /[@/:]/.test(text);

/** Rejects as fetchPackage does. */
export async function showSource(
  spec: string,
  options: DataOptions & { readonly registry?: string; readonly json?: boolean },
): Promise<void> {
  const ways = await waysOf(options);
  const registry = options.registry ?? ways.registry;
  const plugin = await describedAs(await fetchPackage(absoluteSpec(spec), { ...ways, registry, reader: packageReader() }));
  print(options.json, plugin, () => describe(plugin, []));
}

/** Rejects with HostError `invalid-message` when no index has the plugin. */
export async function showInIndexes(name: string, options: DataOptions & IndexOptions & { readonly json?: boolean }): Promise<void> {
  const found = (await readIndexes(await placesOf(options), options)).filter((one) => one.name === name);
  if (found.length === 0)
    throw new HostError(
      "invalid-message",
      `there is no plugin ${printable(name)}, neither here nor in an index; "bulkhead search" finds others`,
    );
  print(options.json, found, () => found.map((one) => describe(one, [["as says the index", one.index]])).join("\n\n"));
}

function describe({ name, description, versions }: IndexedPlugin, more: readonly (readonly [string, string])[]): string {
  const [newest] = versions;
  if (newest === undefined) return name;
  const { permissions, services, events, extensionPoints, signers, dependencies, license = "not said" } = newest;
  const rows: readonly (readonly [string, string | readonly string[]])[] = [
    ...more,
    ["versions", versions.map(({ version, api }) => `${version} (api ${api})`)],
    ["description", description],
    ["install", newest.source],
    ["signed by", signers.length === 0 ? "nobody" : signers.map(({ keyid, issuedAt }) => `${keyid} at ${issuedAt}`)],
    ["license", license],
    ["module", `${newest.bytes} bytes`],
    ["module's SHA-256", newest.wasmSha256],
    ["asks for", permissions.length === 0 ? "nothing" : permissions.map(({ permission, resource }) => `${permission} ${resource}`)],
    ["services", services],
    ["events", events],
    ["extension points", extensionPoints],
    ["needs", dependencies.map(({ plugin, range }) => `${plugin} ${range}`)],
  ];
  return table(
    ["", `${name} ${newest.version}`],
    rows.filter(([, value]) => value.length > 0),
  );
}
