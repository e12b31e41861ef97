// Puts all that lasts of a host into a folder, while it runs: databases, blobs, packages, and what stands beside them.

import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import Database from "better-sqlite3";
import { Installations } from "../admin/installations.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import { systemClock } from "../drivers/system-clock.ts";
import { copyBlobs } from "./blob-copies.ts";
import { CONFIGURATION_FOLDER, HOST, SEALED_KEY } from "./contents.ts";
import { copyStores, storesOf } from "./copying.ts";
import { closeKey } from "./sealed-key.ts";

export interface GatheringRequest {
  readonly dataDir: string;
  /** Empty; for the host's user only. */
  readonly folder: string;
  /** Absolute paths of configuration and lock, which need not be there. */
  readonly besides: { readonly configuration: string; readonly lock: string } | undefined;
  /** The key in Base64, and what to close it with. */
  readonly key: { readonly base64: string; readonly passphrase: string } | undefined;
}

const PRIVATE = 0o600;
const FOLDER = 0o700;
const MIB = 1_024 * 1_024;
const MAX_BESIDES_BYTES = 16 * MIB;

/** Resolves with what is not there and should be, in words. Rejects with HostError `conflict` when plugins are being updated all the while, and `storage-failed`. */
export async function gather({ dataDir, folder, besides, key }: GatheringRequest): Promise<readonly string[]> {
  await copyBlobs(join(dataDir, "blobs"), join(folder, "blobs"));
  const damaged = await copyStores(dataDir, folder);
  await copyBlobs(join(dataDir, "blobs"), join(folder, "blobs"));
  if (besides !== undefined) copyBesides(besides, join(folder, CONFIGURATION_FOLDER));
  if (key !== undefined) await writeKey(key, join(folder, SEALED_KEY));
  return [...damaged, ...elsewhere(folder)];
}

/** How large the copies will be, about. */
export function sizeOf(dataDir: string): number {
  const folders = ["blobs", "packages"].flatMap((name) => {
    const folder = join(dataDir, name);
    return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }).map((file) => join(name, file)) : [];
  });
  return [...storesOf(dataDir), ...folders].reduce(
    (sum, name) => sum + (statSync(join(dataDir, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

async function writeKey({ base64, passphrase }: NonNullable<GatheringRequest["key"]>, file: string): Promise<void> {
  writeFileSync(file, await closeKey(Buffer.from(base64, "base64"), passphrase), { mode: PRIVATE });
}

function copyBesides({ configuration, lock }: NonNullable<GatheringRequest["besides"]>, folder: string): void {
  const named = [[configuration, `bulkhead${extname(configuration)}`] as const, [lock, "bulkhead.lock"] as const];
  for (const [file, name] of named) {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) continue;
    if (!found.isFile() || found.size > MAX_BESIDES_BYTES)
      throw new HostError("invalid-message", `${escapeControls(file)} is no file of at most ${MAX_BESIDES_BYTES / MIB} MiB`);
    mkdirSync(folder, { recursive: true, mode: FOLDER });
    copyFileSync(file, join(folder, name));
  }
}

/** What the host knows of and has not got itself, in words. */
function elsewhere(folder: string): string[] {
  const connection = new Database(join(folder, HOST), { readonly: true });
  try {
    const places = connection
      .prepare<[], { readonly plugin: string; readonly driver: string }>(
        "SELECT plugin, driver FROM storage_places WHERE driver <> 'sqlite'",
      )
      .all();
    const packages = [...new Installations(connection, systemClock).packages()];
    return [
      ...places.map(({ plugin, driver }) => `what ${plugin} stores: it lies with the driver ${driver}`),
      ...packages
        .filter((id) => !existsSync(join(folder, "packages", id)))
        .map((id) => `the package ${id}: it is missing here too; install its plugin again`),
    ];
  } finally {
    connection.close();
    for (const ending of ["-wal", "-shm"]) rmSync(join(folder, HOST + ending), { force: true });
  }
}
