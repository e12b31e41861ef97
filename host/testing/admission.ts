// Admits a plugin under test as the host does, in a process, and remembers the module for this user's next test run.

import { lstat, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AdmissionCache } from "../cell/admission/admission-process.ts";

let cache: Promise<AdmissionCache> | undefined;

/** One for the process; the system clears the folder with its other temporary files. */
export function admissionCache(): Promise<AdmissionCache> {
  cache ??= ownFolder(tmpdir()).then((folder) => new AdmissionCache(folder));
  return cache;
}

/**
 * A folder in `parent` that only this user can write to, since what lies in a cache runs unchecked; the same each time, unless somebody else has
 * taken its name.
 */
export async function ownFolder(parent: string): Promise<string> {
  const uid = process.getuid?.();
  const folder = join(parent, `bulkhead-testing-${uid ?? "user"}`);
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch(() => {});
  const found = await lstat(folder).catch(() => undefined);
  const isOwn = found?.isDirectory() === true && (uid === undefined || (found.uid === uid && (found.mode & 0o022) === 0));
  return isOwn ? folder : mkdtemp(join(parent, "bulkhead-testing-"));
}
