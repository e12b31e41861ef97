// Blobs as files: a folder a plugin, in it a file for each content and a small one for each entry, all with names of the host's own making. An entry appears by
// renaming a file that is whole on the disk, so that whatever ends the host leaves the former blob or the latter.

import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { HostError } from "../../core/errors.ts";
import { isPluginName } from "../../core/names.ts";
import type { BlobContent, BlobDriver, BlobEntry } from "../../core/ports/blobs.ts";
import type { Bytes } from "../../core/types.ts";
import { CONTENT, ENTRY, entryFile, entryText, parseEntry, type StoredEntry } from "./entry-file.ts";

const UNFINISHED = ".unfinished";
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const { O_WRONLY, O_CREAT, O_EXCL, O_RDONLY, O_NOFOLLOW } = constants;
// Windows cannot open a folder, and has no need to.
const SYNCS_FOLDERS = process.platform !== "win32";

/** In `dir`, which is made when it is needed and is for the host's user only. */
export function fileBlobs(dir: string): BlobDriver {
  const folderOf = (plugin: string): string => {
    if (!isPluginName(plugin)) throw new HostError("storage-failed", "that is no plugin name");
    return join(dir, plugin);
  };
  const contentOf = (plugin: string, { id }: BlobEntry): string => join(folderOf(plugin), id + CONTENT);
  const entryOf = (plugin: string, name: string): string => join(folderOf(plugin), entryFile(name));
  // Later than the answer, if it has to be: nothing names it any more, and `open` removes what names nothing.
  const removeContent = async (plugin: string, entry: BlobEntry | undefined): Promise<void> => {
    if (entry !== undefined) await rm(contentOf(plugin, entry), { force: true }).catch(() => {});
  };
  const writeEntry = async (plugin: string, entry: StoredEntry): Promise<void> => {
    const path = entryOf(plugin, entry.name);
    try {
      await writeWhole(path + UNFINISHED, entryText(entry));
      await rename(path + UNFINISHED, path);
    } catch (thrown) {
      await rm(path + UNFINISHED, { force: true }).catch(() => {});
      throw thrown;
    }
    await syncFolder(folderOf(plugin));
  };
  return {
    open: (plugin) => failing(() => entriesIn(folderOf(plugin))),
    create: (plugin) => failing(() => newContent(folderOf(plugin))),
    put: (plugin, entry, former) =>
      failing(async () => {
        await writeEntry(plugin, entry);
        await removeContent(plugin, former);
      }),
    rename: (plugin, entry, to, former) =>
      failing(async () => {
        await writeEntry(plugin, { ...entry, name: to, from: entry.name });
        await rm(entryOf(plugin, entry.name), { force: true });
        await syncFolder(folderOf(plugin));
        await removeContent(plugin, former);
      }),
    remove: (plugin, entry) =>
      failing(async () => {
        await rm(entryOf(plugin, entry.name), { force: true });
        await syncFolder(folderOf(plugin));
        await removeContent(plugin, entry);
      }),
    read: (plugin, entry, offset, length) => failing(() => readPiece(contentOf(plugin, entry), offset, length)),
    purge: (plugin) => failing(() => rm(folderOf(plugin), { recursive: true, force: true })),
  };
}

/** The entries of a folder. Removes what was not finished: contents that no entry names, and the former name of a blob that was being renamed. */
async function entriesIn(folder: string): Promise<readonly BlobEntry[]> {
  const files = await readdir(folder).catch((thrown) => {
    if (codeOf(thrown) === "ENOENT") return [];
    throw thrown;
  });
  const found = new Map<string, StoredEntry>();
  for (const file of files.filter((one) => one.endsWith(ENTRY))) found.set(file, await readEntry(join(folder, file)));
  for (const entry of [...found.values()]) {
    const former = entry.from === undefined || entry.from === entry.name ? undefined : entryFile(entry.from);
    if (former !== undefined && found.get(former)?.id === entry.id) found.delete(former);
  }
  const kept = new Set([...found.keys(), ...[...found.values()].map(({ id }) => id + CONTENT)]);
  for (const file of files) if (!kept.has(file)) await rm(join(folder, file), { force: true, recursive: true });
  return [...found.values()].map(({ from: _, ...entry }) => entry);
}

async function readEntry(path: string): Promise<StoredEntry> {
  await using file = await open(path, O_RDONLY | O_NOFOLLOW);
  const entry = parseEntry(await file.readFile("utf8"));
  if (entry !== undefined) return entry;
  throw new HostError("storage-failed", `${path} is not what the host wrote there; put a copy in its place, or remove it with its blob`);
}

async function newContent(folder: string): Promise<BlobContent> {
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  const id = randomUUID();
  const path = join(folder, id + CONTENT);
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
  let written = 0;
  return {
    id,
    write: (piece) =>
      failing(async () => {
        await writeAll(file, piece, written);
        written += piece.length;
      }),
    // That its name is there is made durable as well, before an entry says so.
    seal: () =>
      failing(async () => {
        await Promise.all([file.sync(), syncFolder(folder)]);
        await file.close();
      }),
    async discard() {
      await file.close().catch(() => {});
      await rm(path, { force: true }).catch(() => {});
    },
  };
}

async function readPiece(path: string, offset: number, length: number): Promise<Bytes | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, O_RDONLY | O_NOFOLLOW);
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return undefined;
    throw thrown;
  }
  const buffer = Buffer.allocUnsafeSlow(length);
  let had = 0;
  try {
    while (had < length) {
      const { bytesRead } = await file.read(buffer, had, length - had, offset + had);
      if (bytesRead === 0) break;
      had += bytesRead;
    }
  } finally {
    // Nobody waits for it: a third of the time of a piece.
    file.close().catch(() => {});
  }
  return new Uint8Array(buffer.buffer, 0, had);
}

async function writeWhole(path: string, text: string): Promise<void> {
  await rm(path, { force: true });
  await using file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
  await file.writeFile(text);
  await file.sync();
}

async function writeAll(file: FileHandle, piece: Bytes, position: number): Promise<void> {
  for (let done = 0; done < piece.length; ) {
    const { bytesWritten } = await file.write(piece, done, piece.length - done, position + done);
    done += bytesWritten;
  }
}

async function syncFolder(folder: string): Promise<void> {
  if (!SYNCS_FOLDERS) return;
  await using handle = await open(folder, O_RDONLY);
  await handle.sync();
}

/** What the system says is for the host's log; a plugin is told what failed. */
async function failing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    const isFull = codeOf(cause) === "ENOSPC" || codeOf(cause) === "EDQUOT";
    throw new HostError("storage-failed", isFull ? "the disk of the host's blobs is full" : "a blob could not be read or written", {
      cause,
    });
  }
}

function codeOf(thrown: unknown): unknown {
  return thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
}
