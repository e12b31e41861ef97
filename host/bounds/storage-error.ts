// What SQLite and the system say when a file of the host cannot be read or written, in words that lead to a remedy.

import Database from "better-sqlite3";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";

const REMEDIES: readonly (readonly [codes: RegExp, why: string])[] = [
  [/^(SQLITE_FULL|ENOSPC|EDQUOT)$/, "cannot grow: the disk is full; make room, and it goes on"],
  [/^(SQLITE_CORRUPT|SQLITE_NOTADB)/, "is damaged; stop the host and bring it back from a backup, or move it away to begin anew"],
  [/^(SQLITE_READONLY|SQLITE_CANTOPEN|SQLITE_PERM|EACCES|EPERM|EROFS)/, "cannot be written; check who may"],
  [/^(SQLITE_BUSY|SQLITE_LOCKED)/, "is held by another process; end that"],
];

/** What SQLite or the file system threw as HostError `storage-failed`; anything else as it is. */
export function asStorageError(file: string, cause: unknown): unknown {
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";
  const why = REMEDIES.find(([codes]) => codes.test(code))?.[1];
  if (why !== undefined) return new HostError("storage-failed", `${escapeControls(file)} ${why}`, { cause });
  if (!(cause instanceof Database.SqliteError)) return cause;
  return new HostError("storage-failed", `${escapeControls(file)} cannot be used (${code})`, { cause });
}
