// Copies of plugins' blobs while these go on writing some. A content never changes once an entry names it, so a copy that was made once holds.

import { constants, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isPluginName } from "../core/names.ts";
import { CONTENT, ENTRY, parseEntry } from "../drivers/blobs/entry-file.ts";

const PRIVATE = 0o700;
const TRIES = 5;

/**
 * Adds what is there to what an earlier call has copied. Called before the storage is copied and after it, no blob is missing that a plugin had at either
 * moment; of one that was replaced in between the later is there.
 */
export async function copyBlobs(from: string, to: string): Promise<void> {
  for (const plugin of namesIn(from).filter(isPluginName)) await copyFolder(join(from, plugin), join(to, plugin));
}

async function copyFolder(from: string, to: string): Promise<void> {
  const entries = namesIn(from).filter((name) => name.endsWith(ENTRY));
  if (entries.length > 0) mkdirSync(to, { recursive: true, mode: PRIVATE });
  for (const name of entries) await unlessGone(() => copyEntry(from, to, name));
  await removeUnnamed(to);
}

async function copyEntry(from: string, to: string, name: string): Promise<void> {
  const text = await readFile(join(from, name), "utf8");
  const entry = parseEntry(text);
  if (entry === undefined) return;
  const content = entry.id + CONTENT;
  if (!existsSync(join(to, content))) await copyFile(join(from, content), join(to, content), constants.COPYFILE_FICLONE);
  await writeFile(join(to, name), text, { mode: 0o600 });
}

async function removeUnnamed(folder: string): Promise<void> {
  const names = namesIn(folder);
  const entries = await Promise.all(
    names.filter((name) => name.endsWith(ENTRY)).map(async (name) => parseEntry(await readFile(join(folder, name), "utf8"))),
  );
  const named = new Set(entries.map((entry) => `${entry?.id}${CONTENT}`));
  for (const name of names) if (name.endsWith(CONTENT) && !named.has(name)) rmSync(join(folder, name));
}

/** One that was replaced while it was read is read again; one that is gone is not to be copied. */
async function unlessGone(work: () => Promise<void>): Promise<void> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT")) throw thrown;
    }
  }
}

const namesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);
