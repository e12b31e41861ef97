// The packages of installed plugins, <dataDir>/packages/<id>: manifest and module, never changed once they are there. An id is the SHA-256 of the
// content, which is checked each time a package is used.

import { createHash } from "node:crypto";
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { HostError } from "../core/errors.ts";
import { MANIFEST_FILE, parseManifest } from "../manifest/manifest.ts";
import type { OciAttestations } from "../trust/oci-attestations.ts";
import type { NpmAttestations } from "../trust/provenance.ts";
import type { Published } from "./packument.ts";
import type { PluginFolder, ReadPlugin } from "./plugin-folder.ts";

/** A plugin as it came from its source. */
export interface FetchedPlugin extends ReadPlugin {
  /** Where it came from, such as `folder:/srv/plugins/thermostat`. */
  readonly source: string;
  /** Of what came, in the form of Subresource Integrity. */
  readonly integrity: string;
  readonly wasmSha256: string;
  /** What a registry says of its coming; nobody says it of a folder. */
  readonly published?: Published;
  /** What a registry attests of it; nobody has verified it. */
  readonly attestations?: NpmAttestations | OciAttestations;
}

const MODULE = "module.wasm";
const ID = /^[0-9a-f]{64}$/;

export class PackageStore {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, "packages");
  }

  /** Keeps a package and answers its id. It is there whole or not at all, also after a crash. */
  put({ manifestText, wasm }: Pick<FetchedPlugin, "manifestText" | "wasm">): string {
    const id = idOf({ manifestText, wasm });
    const final = join(this.#folder, id);
    if (existsSync(final)) return id;
    const unfinished = `${final}.unfinished-${process.pid}`;
    try {
      mkdirSync(unfinished, { recursive: true, mode: 0o700 });
      for (const [name, content] of [[MANIFEST_FILE, manifestText] as const, [MODULE, wasm] as const])
        writeSynced(join(unfinished, name), content);
      synced(unfinished);
      renameSync(unfinished, final);
    } catch (cause) {
      // A full disk has no room for what is of no use.
      rmSync(unfinished, { recursive: true, force: true });
      throw cause;
    }
    synced(this.#folder);
    return id;
  }

  /** Throws HostError `invalid-manifest` when it is missing or is not what it was. */
  async read(id: string): Promise<PluginFolder> {
    const folder = join(this.#folder, ID.test(id) ? id : "none");
    try {
      const manifestText = await readFile(join(folder, MANIFEST_FILE), "utf8");
      const wasm = new Uint8Array(await readFile(join(folder, MODULE)));
      if (idOf({ manifestText, wasm }) !== id) throw new Error("its content was changed");
      return { manifest: parseManifest(manifestText, join(folder, MANIFEST_FILE)), wasm };
    } catch (cause) {
      throw new HostError("invalid-manifest", `the package ${id} cannot be used; install the plugin again`, { cause });
    }
  }

  /** Removes what nobody needs, and what a crash left unfinished. */
  collect(needed: ReadonlySet<string>): void {
    if (!existsSync(this.#folder)) return;
    for (const name of readdirSync(this.#folder)) if (!needed.has(name)) rmSync(join(this.#folder, name), { recursive: true, force: true });
  }
}

/** The name of a package in the store. The length stands between, so that no manifest can borrow bytes of its module. */
export const idOf = ({ manifestText, wasm }: Pick<FetchedPlugin, "manifestText" | "wasm">): string =>
  createHash("sha256")
    .update(`${Buffer.byteLength(manifestText)}\n`)
    .update(manifestText)
    .update(wasm)
    .digest("hex");

function writeSynced(path: string, content: string | Uint8Array): void {
  const descriptor = openSync(path, "w", 0o600);
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function synced(folder: string): void {
  const descriptor = openSync(folder, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}
