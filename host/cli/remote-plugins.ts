// Plugins that are not here: what indexes say of them, and what a package says of itself. Nothing of it is installed.

import { dirname, resolve } from "node:path";
import { readPlainFile } from "../bounds/files.ts";
import { HostError, toHostError } from "../core/errors.ts";
import { escapeControls, printable } from "../core/names.ts";
import { describedAs } from "../install/index/making.ts";
import { INDEX_FILE, type IndexedPlugin, type IndexedVersion, MAX_INDEX_BYTES, parseIndex } from "../install/index/plugin-index.ts";
import type { FoundPlugin } from "../install/index/searching.ts";
import { fetchPackage } from "../install/package-sources.ts";
import { packageReader } from "../lifecycle/package-reader.ts";
import { absoluteSpec, isPath } from "../manifest/package-spec.ts";
import { print, table } from "./report.ts";
import { say } from "./terminal.ts";

export interface IndexOptions {
  readonly index?: readonly string[];
}

export const INDEX_HELP = "where indexes lie, instead of the configuration's: files or addresses; one that ends with / has an index.json";

const WEB = /^https?:/i;

/** The plugins of all indexes. One that cannot be had is told of; rejects with HostError when none can, or when there is none. */
export async function readIndexes(places: readonly string[]): Promise<readonly FoundPlugin[]> {
  if (places.length === 0)
    throw new HostError(
      "invalid-message",
      'there is no index to look into; name one with --index, or list it as "index" in the configuration',
    );
  const read: (readonly FoundPlugin[])[] = [];
  let failure: unknown;
  for (const place of places)
    try {
      read.push(await readIndexAt(place));
    } catch (thrown) {
      failure ??= thrown;
      if (places.length > 1) say(`${escapeControls(place)} is left out: ${escapeControls(toHostError(thrown).message)}`);
    }
  if (read.length === 0) throw failure;
  return read.flat();
}

async function readIndexAt(place: string): Promise<readonly FoundPlugin[]> {
  const file = place.endsWith("/") ? `${place}${INDEX_FILE}` : place;
  const bytes = await readPlainFile(file, { maxBytes: MAX_INDEX_BYTES, code: "invalid-message", remedy: "name an index.json" });
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
  { registry, json }: { readonly registry?: string | undefined; readonly json?: boolean | undefined },
): Promise<void> {
  const fetched = await fetchPackage(absoluteSpec(spec), { reader: packageReader(), registry });
  const plugin = await describedAs(fetched);
  print(json, plugin, () => describe(plugin, []));
}

/** Rejects with HostError `invalid-message` when no index has the plugin. */
export async function showInIndexes(name: string, places: readonly string[], json: boolean | undefined): Promise<void> {
  const found = (await readIndexes(places)).filter((one) => one.name === name);
  if (found.length === 0)
    throw new HostError(
      "invalid-message",
      `there is no plugin ${printable(name)}, neither here nor in an index; "bulkhead search" finds others`,
    );
  print(json, found, () => found.map((one) => describe(one, [["as says the index", one.index]])).join("\n\n"));
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
