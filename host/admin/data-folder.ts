// The folder that everything of a host lies in: made when missing, and refused when others could have put something into it.

import { accessSync, constants, type Stats, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder } from "../bounds/folders.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";

const OTHERS_MAY_WRITE = 0o022;

/** Where the blobs of plugins are, a folder each. */
export const blobsDirOf = (dataDir: string): string => join(dataDir, "blobs");

/** Throws HostError `storage-failed` for a folder that cannot be made or written, or that is not the operator's own. */
export function openDataFolder(dataDir: string): void {
  make(dataDir);
  checkDataFolder(dataDir);
  try {
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw failed(dataDir, "cannot be written; check who may, or name another with --data", cause);
  }
}

/**
 * Whoever else may write there, or owns it, could answer in the host's place. Throws HostError `storage-failed`. A folder that is not there is no
 * danger. Root takes any owner's: that is who runs the host.
 */
export function checkDataFolder(dataDir: string): void {
  const found = statOf(dataDir);
  if (found === undefined) return;
  if (!found.isDirectory()) throw failed(dataDir, "is no folder; name one with --data");
  const me = process.getuid?.();
  if (me === undefined) return;
  if (me !== 0 && found.uid !== me)
    throw failed(
      dataDir,
      `belongs to the user ${found.uid}, not to you (${me}); run this as that user, or name another folder with --data`,
    );
  if ((found.mode & OTHERS_MAY_WRITE) !== 0)
    throw failed(dataDir, `can be written by others; look whether something was put there, then: chmod 700 ${escapeControls(dataDir)}`);
}

/** A socket in the folder is trusted when it belongs to whom the folder belongs to. */
export function checkSocket(path: string): void {
  const [socket, folder] = [statOf(path), statOf(dirname(path))];
  if (socket === undefined || folder === undefined || socket.uid === folder.uid) return;
  throw failed(path, `belongs to the user ${socket.uid}, the folder to ${folder.uid}; remove it`);
}

function make(folder: string): void {
  if (statOf(folder) !== undefined) return;
  try {
    makeFolder(folder);
  } catch (cause) {
    const { path = folder } = cause as NodeJS.ErrnoException;
    throw failed(path, "cannot be made; name another folder with --data", cause);
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw failed(path, "cannot be looked at; name another folder with --data", cause);
  }
}

const failed = (path: string, why: string, cause?: unknown): HostError =>
  new HostError("storage-failed", `${escapeControls(path)} ${why}`, { cause });
