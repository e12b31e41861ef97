// What of a plugin's folder belongs in its package: the manifest, the module, package.json, README.md, LICENSE, the bill of materials and the signatures, and nothing
// else, so that no source and no secret slips in. A signature is over just these, wherever the package lies.

import { lstat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readPlainFile } from "../bounds/files.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls, printable } from "../core/names.ts";
import { MANIFEST_FILE, type Manifest } from "../manifest/manifest.ts";
import { parseJson } from "../manifest/structured-file.ts";
import { MAX_SIGNATURE_BYTES, SIGNATURE_FILE } from "../trust/contents.ts";
import { isNpmName } from "./packument.ts";
import { type FolderContent, readPluginFolder } from "./plugin-folder.ts";
import { checkNpmVersion } from "./tarball.ts";

export interface PackageFiles extends FolderContent {
  readonly npmName: string;
  /** By name, sorted; the signatures too where the folder has some. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** A CycloneDX bill of materials; see `bulkhead sbom`. */
export const SBOM_FILE = "sbom.cdx.json";
const NPM_MANIFEST = "package.json";
const TEXTS = ["README.md", "LICENSE", SBOM_FILE] as const;
/** What a registry shows of a package. The rest of a package.json is for building: npm would run its scripts, fetch its dependencies and refuse a private one. */
const SHOWN = ["description", "keywords", "homepage", "bugs", "repository", "author", "contributors", "license", "funding"] as const;
/** Of each of the texts of a package. */
export const MAX_TEXT_BYTES: number = 1_024 * 1_024;

/**
 * `name` is the npm package's, instead of package.json's or else the plugin's. Rejects with HostError as readPluginFolder does; `invalid-message`
 * for a name that npm does not allow.
 */
export async function filesOf(folder: string, { name }: { readonly name?: string | undefined } = {}): Promise<PackageFiles> {
  const path = resolve(folder);
  const content = await readPluginFolder(path);
  const { manifest, manifestText, wasm } = content;
  const npm = npmManifest(await readOptional(join(path, NPM_MANIFEST)), manifest, name, path);
  const texts = await Promise.all(TEXTS.map(async (text) => [text, await readOptional(join(path, text))] as const));
  const all: readonly (readonly [string, Uint8Array | undefined])[] = [
    ...texts,
    [SIGNATURE_FILE, await readOptional(join(path, SIGNATURE_FILE), MAX_SIGNATURE_BYTES)],
    [NPM_MANIFEST, Buffer.from(npm.text)],
    [MANIFEST_FILE, Buffer.from(manifestText)],
    ...(manifest.wasm === undefined ? [] : [[manifest.wasm, wasm] as const]),
  ];
  const there = all.filter((one): one is readonly [string, Uint8Array] => one[1] !== undefined);
  return { ...content, npmName: npm.name, files: new Map(there.sort(([a], [b]) => (a < b ? -1 : 1))) };
}

function npmManifest(
  found: Buffer | undefined,
  manifest: Manifest,
  wantedName: string | undefined,
  folder: string,
): { readonly name: string; readonly text: string } {
  const said = asRecord(found === undefined ? undefined : parseJson(found.toString("utf8"), NPM_MANIFEST, "invalid-manifest"));
  if (said.version !== undefined) checkNpmVersion(found?.toString("utf8"), manifest.version, escapeControls(folder));
  const name = wantedName ?? (said.name === undefined ? manifest.name : String(said.name));
  if (!isNpmName(name))
    throw new HostError("invalid-message", `"${printable(name)}" is no name of an npm package; write one such as @acme/${manifest.name}`);
  const { version, description, wasm } = manifest;
  const shown = SHOWN.flatMap((key) => (said[key] === undefined ? [] : [[key, said[key]]]));
  const made = { name, version, description, ...Object.fromEntries(shown), files: [MANIFEST_FILE, ...(wasm === undefined ? [] : [wasm])] };
  return { name, text: `${JSON.stringify(made, null, 2)}\n` };
}

const asRecord = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === "object" && value !== null ? { ...value } : {});

const readOptional = async (file: string, maxBytes: number = MAX_TEXT_BYTES): Promise<Buffer | undefined> =>
  (await lstat(file).catch(() => undefined)) === undefined
    ? undefined
    : readPlainFile(file, { code: "invalid-manifest", maxBytes, remedy: "pack again" });
