// `bulkhead sbom`: the bill of materials of a plugin, from what its toolchain has locked, or of this host, from what is installed.

import { rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { packageVersion } from "../bounds/package-version.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import { filesOf, MAX_TEXT_BYTES, SBOM_FILE } from "../install/package-files.ts";
import { billOf, CYCLONEDX_PACKAGE, type Subject } from "../install/sbom/cyclonedx.ts";
import { installedPackages } from "../install/sbom/installed-packages.ts";
import { lockFilesOf } from "../install/sbom/lock-files.ts";
import type { Locked } from "../install/sbom/parts.ts";
import { licenseOf } from "../install/tarball.ts";
import { openOurs } from "../lifecycle/foreign.ts";
import { MANIFEST_FILE } from "../manifest/manifest.ts";
import { sha256Hex } from "../trust/contents.ts";
import { sourceDate } from "./signing.ts";
import { say, writeJson } from "./terminal.ts";

interface SbomOptions {
  readonly host?: boolean;
  readonly write?: boolean;
}

const PACKAGES = { [CYCLONEDX_PACKAGE.name]: CYCLONEDX_PACKAGE.range };

export function addSbom(program: Command): void {
  program
    .command("sbom")
    .description("print the bill of materials of a plugin, as CycloneDX 1.6: what its lock files name, with hashes")
    .argument("[folder]", "the plugin's folder, with package-lock.json, Cargo.lock, go.mod, uv.lock or requirements.txt")
    .option("--write", `write ${SBOM_FILE} into the folder, from where "bulkhead pack" takes it; before it is signed`)
    .option("--host", "of this host instead: the packages that it runs with, as they are installed")
    .action(sbom);
}

async function sbom(folder: string | undefined, { host, write }: SbomOptions): Promise<void> {
  if (host === true) {
    if (folder !== undefined || write === true) throw new HostError("invalid-message", "--host takes neither a folder nor --write");
    return writeJson((await billOfHost()).trimEnd());
  }
  if (folder === undefined) throw new HostError("invalid-message", "name the plugin's folder, or say --host");
  const { bill, locked } = await billOfPlugin(folder);
  if (locked.length === 0) say("there is no lock file in the folder: the bill names the module and nothing that it was built from");
  if (write !== true) return writeJson(bill.trimEnd());
  const file = join(resolve(folder), SBOM_FILE);
  if (Buffer.byteLength(bill) > MAX_TEXT_BYTES)
    throw new HostError("quota-exceeded", `the bill has more than ${MAX_TEXT_BYTES / 1_024 / 1_024} MiB, which is the limit of a package`);
  await writeWhole(file, bill);
  say(`${escapeControls(file)} is written; sign and pack the plugin after this`);
}

async function writeWhole(file: string, text: string): Promise<void> {
  try {
    await writeFile(`${file}.unfinished`, text);
    await rename(`${file}.unfinished`, file);
  } catch (cause) {
    throw new HostError("invalid-message", `${escapeControls(file)} cannot be written; check who may`, { cause });
  }
}

async function billOfPlugin(folder: string): Promise<{ readonly bill: string; readonly locked: readonly Locked[] }> {
  const { manifest, wasm, files } = await filesOf(folder);
  const { name, version, description } = manifest;
  const module = { name: manifest.wasm ?? MANIFEST_FILE, sha256: sha256Hex(wasm) };
  const locked = await lockFilesOf(resolve(folder));
  const bill = await made({ name, version, description, files: [module], ...licenseOf(files.get("package.json")) }, locked);
  return { bill, locked };
}

async function billOfHost(): Promise<string> {
  const { root, ...installed } = await installedPackages(fileURLToPath(new URL("../..", import.meta.url)));
  return made({ ...root, files: [] }, [installed]);
}

const made = (subject: Subject, locked: readonly Locked[]): Promise<string> =>
  openOurs({ name: "a bill of materials", packages: PACKAGES }, () =>
    billOf(subject, locked, { toolVersion: packageVersion(), timestamp: sourceDate() }),
  );
