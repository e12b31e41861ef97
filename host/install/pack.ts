// Makes of a plugin's folder the tarball that a registry takes: the manifest, the module, package.json, README.md and LICENSE, and nothing else, so that
// no source and no secret slips in. The same folder gives the same bytes.

import { lstat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { Header } from "tar";
import { readPlainFile } from "../bounds/files.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls, printable } from "../core/names.ts";
import { MANIFEST_FILE, type Manifest } from "../manifest/manifest.ts";
import { parseJson } from "../manifest/structured-file.ts";
import { sha512 } from "./npm-registry.ts";
import { isNpmName } from "./package-sources.ts";
import { readPluginFolder } from "./plugin-folder.ts";
import { checkNpmVersion, readTarball } from "./tarball.ts";

export interface PackedFolder {
  readonly tarball: Buffer;
  /** As npm calls it, such as `acme-thermostat-1.2.3.tgz`. */
  readonly fileName: string;
  readonly npmName: string;
  readonly version: string;
  /** SHA-512, in the form of Subresource Integrity. */
  readonly integrity: string;
  /** What is in it. */
  readonly files: readonly string[];
}

const NPM_MANIFEST = "package.json";
const TEXTS = ["README.md", "LICENSE"] as const;
/** What a registry shows of a package. The rest of a package.json is for building: npm would run its scripts, fetch its dependencies and refuse a private one. */
const SHOWN = ["description", "keywords", "homepage", "bugs", "repository", "author", "contributors", "license", "funding"] as const;
const MAX_TEXT_BYTES = 1_024 * 1_024;
const BLOCK = 512;
// npm's own: some tools take no older one.
const MTIME = new Date("1985-10-26T08:15:00.000Z");
// The tenth byte of a gzip file names the system that made it; 255 is unknown.
const GZIP_SYSTEM = { at: 9, unknown: 255 } as const;
const compress = promisify(gzip);

/**
 * `name` is the npm package's, instead of package.json's or else the plugin's. Rejects with HostError as readPluginFolder and readTarball do: what
 * is packed can be installed. `invalid-message` for a name that npm does not allow.
 */
export async function packPlugin(folder: string, { name }: { readonly name?: string | undefined } = {}): Promise<PackedFolder> {
  const path = resolve(folder);
  const { manifest, manifestText, wasm } = await readPluginFolder(path);
  const npm = npmManifest(await readOptional(join(path, NPM_MANIFEST)), manifest, name, path);
  const texts = await Promise.all(TEXTS.map(async (text) => [text, await readOptional(join(path, text))] as const));
  const contents: Record<string, Uint8Array | undefined> = {
    ...Object.fromEntries(texts),
    [NPM_MANIFEST]: Buffer.from(npm.text),
    [MANIFEST_FILE]: Buffer.from(manifestText),
    [manifest.wasm]: wasm,
  };
  const files = Object.keys(contents)
    .filter((file) => contents[file] !== undefined)
    .sort();
  const tarball = await compress(archive(files.map((file) => [`package/${file}`, contents[file] ?? new Uint8Array()])), { level: 9 });
  tarball[GZIP_SYSTEM.at] = GZIP_SYSTEM.unknown;
  const fileName = `${npm.name.replace(/^@/, "").replace("/", "-")}-${manifest.version}.tgz`;
  await readTarball(tarball, fileName);
  return { tarball, fileName, npmName: npm.name, version: manifest.version, integrity: sha512(tarball), files };
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
  const made = { name, version, description, ...Object.fromEntries(shown), files: [MANIFEST_FILE, wasm] };
  return { name, text: `${JSON.stringify(made, null, 2)}\n` };
}

const asRecord = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === "object" && value !== null ? { ...value } : {});

const readOptional = async (file: string): Promise<Buffer | undefined> =>
  (await lstat(file).catch(() => undefined)) === undefined
    ? undefined
    : readPlainFile(file, { code: "invalid-manifest", maxBytes: MAX_TEXT_BYTES, remedy: "pack again" });

function archive(entries: readonly (readonly [string, Uint8Array])[]): Buffer {
  const blocks = entries.flatMap(([path, content]) => {
    const header = new Header({
      path,
      mode: 0o644,
      size: content.length,
      mtime: MTIME,
      type: "File",
      uid: 0,
      gid: 0,
      uname: "",
      gname: "",
    });
    const block = Buffer.alloc(BLOCK);
    // True when the name would need more than one header.
    if (header.encode(block)) throw new HostError("invalid-manifest", `${printable(path)} is too long a name for a package`);
    return [block, content, Buffer.alloc(-content.length & (BLOCK - 1))];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}
