// Where a plugin comes from: a folder, a tarball, an npm or an OCI registry, told apart by how it is written. Only what comes is made sure of here; whether it
// may run is for admission.

import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import semver from "semver";
import { readPlainFile } from "../bounds/files.ts";
import { foreignWords } from "../bounds/foreign-letters.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls, printable } from "../core/names.ts";
import { isOci, isPath } from "../manifest/package-spec.ts";
import { contentsOf, SIGNATURE_FILE, sha256Hex } from "../trust/contents.ts";
import { downloadAttestations, downloadNpm, resolveNpm, type SourceOptions, sha512 } from "./npm-registry.ts";
import { isMeant, parseOciReference, placeText } from "./oci-reference.ts";
import { fetchOci, resolveOci } from "./oci-registry.ts";
import { filesOf } from "./package-files.ts";
import type { FetchedPlugin } from "./package-store.ts";
import { isNpmName, type NpmSpec } from "./packument.ts";
import type { ReadPlugin } from "./plugin-folder.ts";
import { licenseOf, PACKED_BYTES } from "./tarball.ts";

const TAG = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
const MAX_SPEC_LENGTH = 1024;
const REMEDY = "write a folder, a .tgz file, or a package of a registry such as @acme/thermostat@^1.2.0 or oci://ghcr.io/acme/thermostat";

/**
 * Reads a plugin from its source: a path of a folder or of a .tgz file; `name` or `@scope/name`, each with `@` and a version, a range or a tag; or
 * `oci://registry/repository`, with a tag, a digest or a range.
 * Rejects with HostError `invalid-message` for another kind of source, such as git or an address, and for what is not there; `invalid-manifest`,
 * `incompatible-api` and `quota-exceeded` for what may not come in; `http-failed` when the registry cannot be asked.
 */
export async function fetchPackage(spec: string, options: SourceOptions): Promise<FetchedPlugin> {
  if (isOci(spec)) return fetchFromOci(spec, options);
  if (!isPath(spec)) return fetchNpm(parseNpmSpec(spec), options);
  return spec.endsWith(".tgz") ? fetchTarball(resolve(spec), options) : fetchFolder(spec);
}

/** The version that a source has now; a registry is asked without downloading, and one of OCI says no integrity. Rejects as fetchPackage does. */
export async function resolveVersion(
  spec: string,
  options: SourceOptions,
): Promise<{ readonly version: string; readonly integrity?: string }> {
  if (isOci(spec)) return { version: await resolveOci(parseOciReference(spec), options) };
  if (!isPath(spec)) {
    const { version, integrity } = await resolveNpm(parseNpmSpec(spec), options);
    return { version, integrity };
  }
  const { manifest, integrity } = await fetchPackage(spec, options);
  return { version: manifest.version, integrity };
}

/** From where it was installed, what to fetch to get the very same. */
export const exactSpec = (source: string): string => (isOci(source) ? source : source.slice(source.indexOf(":") + 1));

/** From where it was installed, what to fetch for an update: the same path, or the package's latest version. */
export function updateSpec(source: string): string {
  const spec = exactSpec(source);
  if (isOci(spec)) return placeText(parseOciReference(spec));
  return source.startsWith("npm:") ? parseNpmSpec(spec).name : spec;
}

/** Whether what is locked is what this spec means. */
export function isLockedFor(spec: string, locked: { readonly source: string; readonly version: string }): boolean {
  if (isOci(spec)) return isOci(locked.source) && isMeant(parseOciReference(spec), parseOciReference(locked.source), locked.version);
  if (isPath(spec)) return locked.source === `${spec.endsWith(".tgz") ? "tarball" : "folder"}:${resolve(spec)}`;
  const { name, wanted } = parseNpmSpec(spec);
  if (locked.source !== `npm:${name}@${locked.version}`) return false;
  return semver.validRange(wanted) === null || semver.satisfies(locked.version, wanted);
}

function parseNpmSpec(spec: string): NpmSpec {
  const at = spec.indexOf("@", 1);
  const name = at < 0 ? spec : spec.slice(0, at);
  const wanted = (at < 0 ? "" : spec.slice(at + 1).trim()) || "latest";
  // npm takes a tag that ends so for a file.
  const isTag = TAG.test(wanted) && !/\.(?:tgz|tar|tar\.gz)$/i.test(wanted);
  if (spec.length > MAX_SPEC_LENGTH || !isNpmName(name) || !(isTag || semver.validRange(wanted) !== null))
    throw new HostError("invalid-message", `"${printable(spec)}" is no source of plugins${foreignWords(spec)}; ${REMEDY}`);
  return { name, wanted };
}

/** Rejects with HostError `invalid-manifest`. */
async function fetchFolder(folder: string): Promise<FetchedPlugin> {
  const path = resolve(folder);
  const { manifest, manifestText, wasm, files } = await filesOf(path);
  const signatures = files.get(SIGNATURE_FILE);
  const signed = signatures && { contents: contentsOf(files), signatures: Buffer.from(signatures).toString("utf8") };
  const integrity = `sha512-${createHash("sha512").update(manifestText).update(wasm).digest("base64")}`;
  const license = licenseOf(files.get("package.json"));
  return asFetched({ manifest, manifestText, wasm, contents: [], ...license, ...signed }, `folder:${path}`, integrity);
}

async function fetchTarball(path: string, { reader }: SourceOptions): Promise<FetchedPlugin> {
  const rules = { code: "invalid-message", maxBytes: PACKED_BYTES, remedy: REMEDY } as const;
  // The operator's own word may be a link; what it leads to may not.
  const packed = await readPlainFile(await realpath(path).catch(() => path), rules);
  return asFetched(await reader.readTarball(packed, escapeControls(path)), `tarball:${path}`, sha512(packed));
}

async function fetchNpm(spec: NpmSpec, options: SourceOptions): Promise<FetchedPlugin> {
  const found = await resolveNpm(spec, options);
  const source = `npm:${found.name}@${printable(found.version)}`;
  const plugin = await options.reader.readTarball(new Uint8Array(await downloadNpm(found, options)), source);
  if (plugin.manifest.version !== found.version)
    throw new HostError("invalid-manifest", `${source} disagrees with itself: its plugin.json says ${plugin.manifest.version}`);
  const attestations = options.attested === true ? await downloadAttestations(found, options) : undefined;
  return { ...asFetched(plugin, source, found.integrity), published: found.published, ...(attestations && { attestations }) };
}

async function fetchFromOci(spec: string, options: SourceOptions): Promise<FetchedPlugin> {
  const { plugin, packed, source, attestations } = await fetchOci(parseOciReference(spec), options);
  return { ...asFetched(plugin, source, sha512(packed)), ...(attestations && { attestations }) };
}

const asFetched = (plugin: ReadPlugin, source: string, integrity: string): FetchedPlugin => ({
  ...plugin,
  source,
  integrity,
  wasmSha256: sha256Hex(plugin.wasm),
});
