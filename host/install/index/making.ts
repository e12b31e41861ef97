// Makes an index of the packages in a folder. Each is read and its signatures are verified; one that nobody could install spoils the index, which names it.

import { opendir, realpath, stat } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import pLimit from "p-limit";
import semver from "semver";
import { HostError, toHostError } from "../../core/errors.ts";
import { escapeControls } from "../../core/names.ts";
import { dependenciesOf } from "../../manifest/dependencies.ts";
import { MANIFEST_FILE } from "../../manifest/manifest.ts";
import { contentDigest } from "../../trust/contents.ts";
import type { LogEntry } from "../../trust/log/entry.ts";
import type { Signer } from "../../trust/signers.ts";
import type { PackageReader } from "../npm-registry.ts";
import { exactSpec, fetchPackage } from "../package-sources.ts";
import type { FetchedPlugin } from "../package-store.ts";
import { checkVersion, type IndexedPlugin, type IndexedVersion, type PluginIndex } from "./plugin-index.ts";

export interface IndexOptions {
  readonly reader: PackageReader;
  /** Where each package will be had: a text with `{file}`, `{name}`, `{version}`. */
  readonly source: string;
  /** Milliseconds since 1970; else the newest signature's. */
  readonly generatedAt?: number | undefined;
}

export interface MadeIndex {
  readonly index: PluginIndex;
  /** Packages that were read. */
  readonly packages: number;
  /** What was signed, for a log; in the index's order. */
  readonly signed: readonly LogEntry[];
  /** Folders that lie too deep to be looked into. */
  readonly tooDeep: readonly string[];
}

const MAX_DEPTH = 3;
const MAX_PACKAGES = 10_000;
const MAX_SEEN = 100_000;
const MAX_TOLD = 10;
/** Each takes a process and up to 64 MiB. */
const AT_ONCE = 2;
const PLACEHOLDER = /\{([^}]*)\}/g;

/**
 * Looks three folders deep, and follows no links. Rejects with HostError for a package that cannot be read, is signed by nobody it names, or is there twice; also
 * for more than 10,000.
 */
export async function makeIndex(folder: string, { reader, source, generatedAt }: IndexOptions): Promise<MadeIndex> {
  refuseUnknownPlaceholders(source);
  const root = resolve(folder);
  const { found, tooDeep } = await packagesIn(root);
  const read = await readAll(found, { root, reader, source });
  const plugins = grouped(read);
  const newest = plugins.flatMap(({ versions }) => versions.flatMap(({ signers }) => signers.map(({ issuedAt }) => Date.parse(issuedAt))));
  const at = generatedAt ?? (newest.length === 0 ? undefined : newest.reduce((a, b) => Math.max(a, b)));
  const index: PluginIndex = { version: 1, ...(at !== undefined && { generatedAt: new Date(at).toISOString() }), plugins };
  const signed = new Map(read.map(({ version, entries }) => [version, entries]));
  const inOrder = plugins.flatMap(({ versions }) => versions.flatMap((version) => signed.get(version) ?? []));
  return { index, packages: found.length, signed: inOrder, tooDeep };
}

function refuseUnknownPlaceholders(source: string): void {
  const unknown = [...source.matchAll(PLACEHOLDER)].find(([, name = ""]) => !["file", "name", "version"].includes(name));
  if (unknown === undefined) return;
  throw new HostError("invalid-message", `--source has ${escapeControls(unknown[0])}; {file}, {name} and {version} may be in it`);
}

/** Files that end with .tgz and folders with a plugin.json, sorted. */
async function packagesIn(root: string): Promise<{ readonly found: readonly string[]; readonly tooDeep: readonly string[] }> {
  const found: string[] = [];
  const tooDeep: string[] = [];
  let seen = 0;
  const look = async (folder: string, depth: number): Promise<void> => {
    if (await isPluginFolder(folder)) return void found.push(folder);
    if (depth > MAX_DEPTH) return void (tooDeep.length < MAX_TOLD && tooDeep.push(folder));
    for await (const entry of await opendir(folder)) {
      seen += 1;
      if (seen > MAX_SEEN || found.length > MAX_PACKAGES) throw tooMany(root);
      const path = join(folder, entry.name);
      if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
      if (entry.isDirectory()) await look(path, depth + 1);
      else if (entry.isFile() && entry.name.endsWith(".tgz")) found.push(path);
    }
  };
  // The operator's own word may be a link; what it leads to may not.
  const real = await realpath(root).catch(() => root);
  if ((await stat(real).catch(() => undefined))?.isDirectory() !== true)
    throw new HostError("invalid-message", `${escapeControls(root)} is no folder; name the one with the packages in it`);
  await look(root, 0);
  if (found.length > MAX_PACKAGES) throw tooMany(root);
  return { found: found.sort(), tooDeep: tooDeep.sort() };
}

const isPluginFolder = async (folder: string): Promise<boolean> =>
  (await stat(join(folder, MANIFEST_FILE)).catch(() => undefined))?.isFile() === true;

const tooMany = (root: string): HostError =>
  new HostError(
    "quota-exceeded",
    `${escapeControls(root)} has more than ${MAX_PACKAGES} packages or ${MAX_SEEN} files; make several indexes`,
  );

interface ReadVersion {
  readonly file: string;
  readonly name: string;
  readonly description: string;
  readonly version: IndexedVersion;
  readonly entries: readonly LogEntry[];
}

interface Reading {
  readonly root: string;
  readonly reader: PackageReader;
  readonly source: string;
}

async function readAll(paths: readonly string[], reading: Reading): Promise<readonly ReadVersion[]> {
  const limit = pLimit(AT_ONCE);
  try {
    return await Promise.all(paths.map((path) => limit(() => readOne(path, reading))));
  } finally {
    // After a failure nobody waits for the rest.
    limit.clearQueue();
  }
}

async function readOne(path: string, { root, reader, source }: Reading): Promise<ReadVersion> {
  const file = relative(root, path).split(sep).join("/") || ".";
  try {
    const fetched = await fetchPackage(path, { reader });
    const { name, version, description = "" } = fetched.manifest;
    const signers = await signersOf(fetched);
    const words: Readonly<Record<string, string>> = { file, name, version };
    const at = source.replaceAll(PLACEHOLDER, (_, word: string) => words[word] ?? "");
    const entries = signers.map(({ keyid, statementSha256: statement }) => ({ plugin: name, version, statement, keyid }));
    return { file, name, description, version: checkVersion(indexed(fetched, at, signers)), entries };
  } catch (thrown) {
    const { code, message, detail, cause } = toHostError(thrown);
    if (code === "internal") throw thrown;
    throw new HostError(code, `${escapeControls(file)} cannot be in an index: ${message}`, { detail, cause });
  }
}

function indexed(
  { manifest, wasm, wasmSha256, contents, license }: FetchedPlugin,
  source: string,
  signers: readonly Signer[],
): IndexedVersion {
  return {
    version: manifest.version,
    source,
    api: manifest.api,
    permissions: manifest.permissions.map(({ permission, resource }) => ({ permission, resource })),
    services: Object.keys(manifest.services),
    events: Object.keys(manifest.events),
    extensionPoints: Object.keys(manifest.extensionPoints),
    bytes: wasm.length,
    wasmSha256,
    ...(contents.length > 0 && { contentSha256: contentDigest(contents) }),
    signers: signers.map(({ keyid, issuedAt }) => ({ keyid, issuedAt })),
    ...(license !== undefined && { license }),
    dependencies: dependenciesOf(manifest).map(({ plugin, range }) => ({ plugin, range })),
  };
}

async function signersOf(fetched: FetchedPlugin): Promise<readonly Signer[]> {
  if (fetched.signatures === undefined) return [];
  const { verifySignatures } = await import("../../trust/signatures.ts");
  return verifySignatures(fetched, fetched.signatures);
}

/** By name, each with its versions, the newest first. Throws HostError `conflict` for a version that is there twice. */
function grouped(read: readonly ReadVersion[]): IndexedPlugin[] {
  const names = Map.groupBy(read, ({ name }) => name);
  return [...names]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, all]) => {
      const sorted = all.toSorted((a, b) => semver.compareBuild(b.version.version, a.version.version));
      const twice = sorted.find(({ version }, i) => sorted[i + 1]?.version.version === version.version);
      if (twice !== undefined) {
        const files = sorted.filter(({ version }) => version.version === twice.version.version).map(({ file }) => escapeControls(file));
        throw new HostError("conflict", `${files.join(" and ")} are both ${name} ${twice.version.version}; leave one of them there`);
      }
      return { name, description: sorted[0]?.description ?? "", versions: sorted.map(({ version }) => version) };
    });
}

/** What an index that can be searched says of a package that was fetched. */
export const describedAs = async (fetched: FetchedPlugin): Promise<IndexedPlugin> => ({
  name: fetched.manifest.name,
  description: fetched.manifest.description ?? "",
  versions: [indexed(fetched, exactSpec(fetched.source), await signersOf(fetched))],
});
