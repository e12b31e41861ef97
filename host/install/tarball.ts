// Reads a plugin out of a packed one, in memory. Of all entries only the manifest, its module and its signatures are used, and of a signed one the hashes of
// all; but one that no honest package holds refuses the whole: a link, a device, a path that leads out. Nothing is unpacked to disk.

import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { Parser, type ReadEntry } from "tar";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { MANIFEST_FILE, parseManifest } from "../manifest/manifest.ts";
import { parseJson } from "../manifest/structured-file.ts";
import { contentsOf, MAX_CONTENT_PATH, MAX_SIGNATURE_BYTES, MAX_SIGNED_FILES, SIGNATURE_FILE } from "../trust/contents.ts";
import { MAX_MANIFEST_BYTES, type ReadPlugin, remoteModule } from "./plugin-folder.ts";

const MIB = 1024 * 1024;

/** Of a package; the unpacked size bounds its module too. */
const LIMITS = { packedBytes: 32 * MIB, unpackedBytes: 64 * MIB, entries: 10_000, jsonBytes: MAX_MANIFEST_BYTES } as const;

const NPM_MANIFEST = "package.json";
export const MAX_LICENSE = 256;
const FILES: ReadonlySet<string> = new Set(["File", "OldFile"]);
const GZIP = [0x1f, 0x8b] as const;
const unzip = promisify(gunzip);

/**
 * `label` is how messages call the package; it must be printable. Rejects with HostError `quota-exceeded` above a limit,
 * `invalid-manifest` for a damaged or hostile archive, for what is missing, and when package.json has another version; `incompatible-api`
 * as parseManifest.
 */
export async function readTarball(packed: Uint8Array, label: string): Promise<ReadPlugin> {
  if (packed.length > PACKED_BYTES) throw packedTooLarge(label);
  const files = await readEntries(await unpack(packed, label), label);
  const manifestText = files.get(MANIFEST_FILE)?.toString("utf8");
  if (manifestText === undefined) throw broken(label, `holds no ${MANIFEST_FILE}; "bulkhead pack" makes a package that does`);
  const manifest = parseManifest(manifestText, `${MANIFEST_FILE} of ${label}`);
  checkNpmVersion(files.get(NPM_MANIFEST)?.toString("utf8"), manifest.version, label);
  const wasm = manifest.wasm === undefined ? remoteModule(manifestText) : files.get(manifest.wasm);
  if (wasm === undefined) throw broken(label, `holds no ${manifest.wasm}, which its ${MANIFEST_FILE} names`);
  const plugin = { manifest, manifestText, wasm: new Uint8Array(wasm), contents: [], ...licenseOf(files.get(NPM_MANIFEST)) };
  const signatures = files.get(SIGNATURE_FILE);
  if (signatures === undefined) return plugin;
  if (signatures.length > MAX_SIGNATURE_BYTES)
    throw tooLarge(label, `holds a ${SIGNATURE_FILE} larger than ${MAX_SIGNATURE_BYTES / 1_024} KiB`);
  if (files.size > MAX_SIGNED_FILES + 1) throw tooLarge(label, `is signed and holds more than ${MAX_SIGNED_FILES} files`);
  return { ...plugin, contents: contentsOf(files), signatures: signatures.toString("utf8") };
}

export const PACKED_BYTES: number = LIMITS.packedBytes;

/** What is thrown for a package that is larger, packed. */
export const packedTooLarge = (label: string): HostError => tooLarge(label, `is larger than ${PACKED_BYTES / MIB} MiB`);

/** Throws HostError `invalid-manifest` when there is a package.json that says another version. */
export function checkNpmVersion(text: string | undefined, version: string, label: string): void {
  if (text === undefined) return;
  const parsed = parseJson(text, `${NPM_MANIFEST} of ${label}`, "invalid-manifest");
  const said = typeof parsed === "object" && parsed !== null && "version" in parsed ? parsed.version : undefined;
  if (said !== version) throw broken(label, `disagrees with itself: ${NPM_MANIFEST} says ${shown(said)}, ${MANIFEST_FILE} ${version}`);
}

/** What a package.json says of its license, if that is a text and short. Throws HostError `invalid-manifest`. */
export function licenseOf(packageJson: Uint8Array | undefined): { readonly license?: string } {
  if (packageJson === undefined) return {};
  const parsed = parseJson(Buffer.from(packageJson).toString("utf8"), NPM_MANIFEST, "invalid-manifest");
  const said = typeof parsed === "object" && parsed !== null && "license" in parsed ? parsed.license : undefined;
  return typeof said === "string" && said.length <= MAX_LICENSE ? { license: said } : {};
}

async function unpack(packed: Uint8Array, label: string): Promise<Buffer> {
  const { unpackedBytes } = LIMITS;
  try {
    // Stops at the limit, however much more there is.
    return await unzip(packed, { maxOutputLength: unpackedBytes });
  } catch (cause) {
    if (cause instanceof RangeError) throw tooLarge(label, `is larger than ${unpackedBytes / MIB} MiB when unpacked`);
    throw broken(label, "is no gzip file, or is damaged; fetch or pack it again", cause);
  }
}

/** All files, by name. */
async function readEntries(archive: Buffer, label: string): Promise<ReadonlyMap<string, Buffer>> {
  // The parser would unzip once more, without a limit.
  if (GZIP.every((byte, i) => archive[i] === byte)) throw broken(label, "is packed twice");
  const seen = new Set<string>();
  const chunks = new Map<string, Buffer[]>();
  let entries = 0;
  const onEntry = (entry: ReadEntry): void => {
    entries += 1;
    if (entries > LIMITS.entries) throw tooLarge(label, `holds more than ${LIMITS.entries} entries`);
    const name = checkEntry(entry, label);
    if (!FILES.has(entry.type)) return entry.resume();
    // In whatever case: which of two is meant depends on who reads.
    if (seen.has(name.toLowerCase())) throw broken(label, `holds ${shown(name)} twice`);
    seen.add(name.toLowerCase());
    if (name.endsWith(".json") && entry.size > LIMITS.jsonBytes)
      throw tooLarge(label, `holds a ${name} larger than ${LIMITS.jsonBytes / MIB} MiB`);
    const content: Buffer[] = [];
    chunks.set(name, content);
    entry.on("data", (chunk: Buffer) => content.push(chunk));
  };
  try {
    await parse(archive, onEntry, label);
  } catch (cause) {
    throw cause instanceof HostError ? cause : broken(label, "is no tar archive, or is damaged; fetch or pack it again", cause);
  }
  return new Map([...chunks].map(([name, content]) => [name, Buffer.concat(content)]));
}

function parse(archive: Buffer, onEntry: (entry: ReadEntry) => void, label: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const parser = new Parser({ strict: true, zstd: false, brotli: false, onReadEntry: onEntry });
    parser.on("ignoredEntry", (entry: ReadEntry) => {
      throw broken(label, `holds an entry that is no file: ${shown(entry.path)}`);
    });
    // The parser cuts a path at its first NUL, where other readers see another path.
    parser.on("meta", (text: string) => {
      if (/\0[^\0]/.test(text)) throw broken(label, "holds a path with a NUL in it");
    });
    parser.on("error", reject);
    parser.on("end", resolve);
    // All in one piece, so that what a listener throws ends it here.
    parser.end(archive);
  });
}

/** The entry's path below its first segment, which npm calls package. */
function checkEntry({ path, type }: ReadEntry, label: string): string {
  if (!FILES.has(type) && type !== "Directory")
    throw broken(label, `holds a ${shown(type)}, ${shown(path)}; files and folders may be in it`);
  const segments = path.replace(/\/$/, "").split("/");
  if (path.length > MAX_CONTENT_PATH) throw broken(label, `holds a path of more than ${MAX_CONTENT_PATH} characters: ${shown(path)}`);
  const isHostile = segments.some((segment) => segment === "" || segment === "." || segment === "..") || /[\p{Cc}\\]/u.test(path);
  if (isHostile) throw broken(label, `holds a path that leads elsewhere: ${shown(path)}`);
  return segments.slice(1).join("/");
}

const shown = (value: unknown): string => (typeof value === "string" ? printable(value) : "nothing");

const broken = (label: string, why: string, cause?: unknown): HostError => new HostError("invalid-manifest", `${label} ${why}`, { cause });

const tooLarge = (label: string, why: string): HostError => new HostError("quota-exceeded", `${label} ${why}, which is the limit`);
