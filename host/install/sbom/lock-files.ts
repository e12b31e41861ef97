// The lock files of a plugin's folder: what its toolchain has fetched to build it.

import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { readPlainFile } from "../../bounds/files.ts";
import { readCargoLock } from "./cargo-lock.ts";
import { readGoLock } from "./go-lock.ts";
import { readNpmLock } from "./npm-lock.ts";
import type { Locked } from "./parts.ts";
import { readRequirements, readUvLock } from "./python-lock.ts";

const MAX_LOCK_BYTES = 16 * 1_024 * 1_024;

const READERS: Readonly<Record<string, (content: string, file: string, folder: string) => Locked | Promise<Locked>>> = {
  "package-lock.json": readNpmLock,
  "Cargo.lock": readCargoLock,
  "go.mod": async (content, file, folder) => readGoLock(content, await readLock(join(folder, "go.sum")), file),
  "uv.lock": readUvLock,
  "requirements.txt": readRequirements,
};

/** All that are there. Rejects with HostError `invalid-message` for one that is not understood, `quota-exceeded` for one above 16 MiB. */
export async function lockFilesOf(folder: string): Promise<readonly Locked[]> {
  const found: Locked[] = [];
  for (const [file, read] of Object.entries(READERS)) {
    const content = await readLock(join(folder, file));
    if (content !== undefined) found.push(await read(content, file, folder));
  }
  return found;
}

async function readLock(path: string): Promise<string | undefined> {
  if ((await lstat(path).catch(() => undefined)) === undefined) return undefined;
  return (await readPlainFile(path, { code: "invalid-message", maxBytes: MAX_LOCK_BYTES, remedy: "write it again" })).toString("utf8");
}
