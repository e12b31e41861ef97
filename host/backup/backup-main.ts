// The process that makes one backup, beside the host: nobody waits for it, and what it reads of plugins' files is parsed here if at all. It leaves nothing behind
// but the backup, also when the host that asked for it is gone.

import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { setPriority } from "node:os";
import { basename, dirname, join } from "node:path";
import { asStorageError } from "../bounds/storage-error.ts";
import { HostError, toHostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import { totalOf } from "./contents.ts";
import type { BackupAnswer, BackupRequest } from "./creating.ts";
import { gather, sizeOf } from "./gathering.ts";
import { manifestOf, writeBackup } from "./writing.ts";

const MIB = 1_024 * 1_024;
/** Whoever serves goes first. */
const NICE = 10;
let work: string | undefined;

async function make({ dataDir, file, besides, key, secrets, notIncluded, bulkhead }: BackupRequest): Promise<BackupAnswer> {
  const target = dirname(file);
  try {
    requireRoom(target, sizeOf(dataDir));
    work = mkdtempSync(join(target, `.${basename(file)}.unfinished-`));
    const at = new Date().toISOString();
    const folder = join(work, "copies");
    const lacking = await gather({ dataDir, folder, besides, key });
    const known = { at, bulkhead, node: process.versions.node, secrets, notIncluded: [...notIncluded, ...lacking] };
    const manifest = await manifestOf(folder, known);
    await writeBackup(folder, manifest, { unfinished: join(work, "backup"), file });
    const { files, ...told } = manifest;
    return { ok: true, made: { ...told, file, files: files.length, bytes: totalOf(manifest) } };
  } catch (thrown) {
    const { code, message, detail } = toHostError(asStorageError(target, thrown));
    return { ok: false, error: { code, message, detail } };
  } finally {
    leave();
  }
}

/** Copies lie there before they are packed. */
function requireRoom(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const [needs, has] = [bytes, free].map((one) => Math.ceil(one / MIB));
  throw new HostError(
    "storage-failed",
    `the disk of ${escapeControls(folder)} has ${has} MiB left, and copies of ${needs} MiB lie there for a while; make room, or name another place`,
  );
}

function leave(): void {
  if (work !== undefined) rmSync(work, { recursive: true, force: true });
  work = undefined;
}

setPriority(NICE);
process.once("disconnect", () => {
  leave();
  process.exit(1);
});
process.once(
  "message",
  (request) => void make(request as BackupRequest).then((answer) => process.send?.(answer, () => process.disconnect?.())),
);
