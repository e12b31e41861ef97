// The files of a plugin's storage as its cell finds them: there before the cell starts, and its own user's. Nobody else may open them, and the cell may make no
// others beside them.

import { chmodSync, closeSync, constants, existsSync, fchmodSync, fchownSync, fstatSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { copyOf, reserveCopy } from "../../bounds/ladder.ts";
import { HostError, toHostError } from "../../core/errors.ts";
import { isPluginName } from "../../core/names.ts";
import { nextSchemaOf } from "../../drivers/storage-sqlite/schema.ts";
import type { Hardening } from "./hardening.ts";

const ENDINGS = ["", "-wal", "-shm"] as const;
const MODE = 0o600;
// A link would lead to a file of somebody else.
const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Others may pass through, to the one file that is theirs, and see nothing. */
const PASSABLE = 0o711;
const PRIVATE = 0o700;

/** Paths of a plugin's storage, also of the copy that an older one needs, made when missing and given to `user`, where there is one. Throws HostError `storage-failed`. */
export function prepareStorage(dir: string, plugin: string, user: number | undefined): string[] {
  if (!isPluginName(plugin)) throw new HostError("storage-failed", "that is no plugin name");
  mkdirSync(dir, { recursive: true, mode: PRIVATE });
  const file = join(dir, `${plugin}.sqlite`);
  const files = ENDINGS.map((ending) => file + ending);
  for (const path of files) give(path, user);
  const next = nextSchemaOf(file);
  if (next === undefined) return files;
  const copy = copyOf(file, next);
  reserveCopy(file, next);
  give(copy, user);
  return [...files, copy];
}

/**
 * Takes the files of all plugins back, so that no user of this run finds one that another plugin's cell had before; answers, in words, which are none
 * that it can take: whose plugin they are of will be told when it starts. With users, these may pass through the folder, and through the one above
 * where nothing else brings them there.
 */
export function reclaimStorage(dir: string, { users, bubblewrap }: Pick<Hardening, "users" | "bubblewrap">): string[] {
  const me = process.getuid?.() ?? 0;
  try {
    mkdirSync(dir, { recursive: true, mode: PRIVATE });
    chmodSync(dir, users === undefined ? PRIVATE : PASSABLE);
    if (users !== undefined && !bubblewrap) chmodSync(dirname(dir), PASSABLE);
  } catch (cause) {
    throw new HostError("storage-failed", `${dir} cannot be opened to its plugins only; check whose it is`, { cause });
  }
  const files = readdirSync(dir).filter((name) => /\.sqlite(-wal|-shm|\.before-\d+)?$/.test(name));
  return files.flatMap((name) => {
    try {
      if (existsSync(join(dir, name))) give(join(dir, name), me);
      return [];
    } catch (thrown) {
      return [toHostError(thrown).message];
    }
  });
}

function give(path: string, user: number | undefined): void {
  let file: number | undefined;
  try {
    file = openSync(path, FLAGS, MODE);
    const found = fstatSync(file);
    // By another name it may be a file of the host's or root's; a cell can give its own file more names, and loses nothing by it.
    const isOthers = found.nlink !== 1 && (found.uid === 0 || found.uid === process.getuid?.());
    if (!found.isFile() || isOthers)
      throw new HostError("storage-failed", `${path} is no plain file of its own; put a copy in its place, without links`);
    fchmodSync(file, MODE);
    if (user !== undefined && (found.uid !== user || found.gid !== user)) fchownSync(file, user, user);
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    throw new HostError(
      "storage-failed",
      `${path} cannot be given to the plugin's cell; check whose it is, or set hardening.users to false`,
      { cause },
    );
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
