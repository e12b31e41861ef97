// A folder that only this user can write to, for what runs unchecked when it is found there.

import { lstat, mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";

/** Below `parent`, of this name: the same each time, unless somebody else has taken its name. */
export async function ownFolder(parent: string, name: string): Promise<string> {
  const uid = process.getuid?.();
  const folder = join(parent, `${name}-${uid ?? "user"}`);
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch(() => {});
  const found = await lstat(folder).catch(() => undefined);
  const isOwn = found?.isDirectory() === true && (uid === undefined || (found.uid === uid && (found.mode & 0o022) === 0));
  return isOwn ? folder : mkdtemp(join(parent, `${name}-`));
}
