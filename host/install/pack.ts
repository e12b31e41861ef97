// Makes of a plugin's folder the tarball that a registry takes. The same folder gives the same bytes, on whatever machine and at whatever time.

import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { Header } from "tar";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { contentsOf, SIGNATURE_FILE } from "../trust/contents.ts";
import type { Release } from "../trust/statement.ts";
import { sha512 } from "./npm-registry.ts";
import { filesOf } from "./package-files.ts";
import { readTarball } from "./tarball.ts";

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

/** Adds signatures to those that a folder has; `signatures` is undefined where it has none. Rejects with HostError. */
export type SignPackage = (release: Release, signatures: string | undefined) => Promise<string | undefined>;

export interface PackOptions {
  /** The npm package's, instead of package.json's or else the plugin's. */
  readonly name?: string | undefined;
  readonly sign?: SignPackage | undefined;
}

const BLOCK = 512;
// npm's own: some tools take no older one.
const MTIME = new Date("1985-10-26T08:15:00.000Z");
// The tenth byte of a gzip file names the system that made it; 255 is unknown.
const GZIP_SYSTEM = { at: 9, unknown: 255 } as const;
const compress = promisify(gzip);

/**
 * Rejects with HostError as filesOf and readTarball do: what is packed can be installed. `invalid-manifest` too when the folder's signatures are of
 * something else than is packed.
 */
export async function packPlugin(folder: string, { name, sign = checkSignatures }: PackOptions = {}): Promise<PackedFolder> {
  const { manifest, wasm, npmName, files: found } = await filesOf(folder, { name });
  const contents = contentsOf(found);
  const before = found.get(SIGNATURE_FILE);
  const signatures = await sign({ manifest, wasm, contents }, before && Buffer.from(before).toString("utf8"));
  const all = new Map(found);
  if (signatures !== undefined) all.set(SIGNATURE_FILE, Buffer.from(signatures));
  const files = [...all.keys()].sort();
  const tarball = await compress(archive(files.map((file) => [`package/${file}`, all.get(file) ?? new Uint8Array()])), { level: 9 });
  tarball[GZIP_SYSTEM.at] = GZIP_SYSTEM.unknown;
  const fileName = `${npmName.replace(/^@/, "").replace("/", "-")}-${manifest.version}.tgz`;
  await readTarball(tarball, fileName);
  return { tarball, fileName, npmName, version: manifest.version, integrity: sha512(tarball), files };
}

/** What somebody else would refuse is not packed. */
async function checkSignatures(release: Release, signatures: string | undefined): Promise<string | undefined> {
  if (signatures === undefined) return undefined;
  const { verifySignatures } = await import("../trust/signatures.ts");
  verifySignatures(release, signatures);
  return signatures;
}

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
