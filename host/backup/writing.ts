// Makes one file of a folder of gathered copies. It appears under its name when it is whole and on the disk, and never in place of another.

import { createHash } from "node:crypto";
import { closeSync, createWriteStream, fsyncSync, linkSync, openSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";
import Database from "better-sqlite3";
import { create } from "tar";
import type { AuditHead } from "../admin/audit-anchor.ts";
import { identityOf } from "../admin/identity.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import { type BackupFile, HOST, MANIFEST, MAX_FILES, type Manifest } from "./contents.ts";
import { hashOfFile, trailerOf } from "./sealing.ts";

const PRIVATE = 0o600;

/** All that is in the folder, with how the host was called that it is of. */
export async function manifestOf(folder: string, known: Omit<Manifest, "format" | "host" | "audit" | "files">): Promise<Manifest> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
  if (names.length > MAX_FILES)
    throw new HostError(
      "quota-exceeded",
      `there are ${names.length} files to keep, more than ${MAX_FILES}, which is the limit of a backup`,
    );
  const files: BackupFile[] = [];
  for (const name of names) {
    const path = join(folder, name);
    files.push({ name, bytes: statSync(path).size, sha256: await hashOfFile(path) });
  }
  return { format: 1, ...known, ...hostIn(join(folder, HOST)), files };
}

/** `unfinished` is where it is written; nothing may be there. Throws HostError `conflict` when `file` is there. */
export async function writeBackup(
  folder: string,
  manifest: Manifest,
  { unfinished, file }: { readonly unfinished: string; readonly file: string },
): Promise<void> {
  writeFileSync(join(folder, MANIFEST), JSON.stringify(manifest), { mode: PRIVATE });
  // What is first is read first: all that follows is held to it.
  const names = [MANIFEST, ...manifest.files.map(({ name }) => name)];
  const hash = createHash("sha256");
  await pipeline(
    create({ cwd: folder, portable: true, strict: true, noDirRecurse: true }, names),
    createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
    async function* hashed(pieces: AsyncIterable<Buffer>) {
      for await (const piece of pieces) {
        hash.update(piece);
        yield piece;
      }
    },
    createWriteStream(unfinished, { flags: "wx", mode: PRIVATE }),
  );
  await appendFile(unfinished, trailerOf(hash));
  sync(unfinished);
  publish(unfinished, file);
}

/** Another name of the same file, which unlike renaming replaces nothing. */
function publish(unfinished: string, file: string): void {
  try {
    linkSync(unfinished, file);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") throw isThere(file, cause);
    throw cause;
  }
  sync(dirname(file));
}

export const isThere = (file: string, cause?: unknown): HostError =>
  new HostError("conflict", `${escapeControls(file)} is there already; a backup replaces nothing, so name another file`, { cause });

function sync(path: string): void {
  const descriptor = openSync(path, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function hostIn(file: string): Pick<Manifest, "host" | "audit"> {
  const connection = new Database(file, { readonly: true });
  try {
    const head = connection.prepare<[], AuditHead>("SELECT seq, hash FROM audit_head").get();
    return { host: identityOf(connection).id, audit: { entries: head?.seq ?? 0, hash: head?.hash ?? "" } };
  } finally {
    connection.close();
  }
}
