// Copies of a plugin's storage from before an update, so that the version before comes back with its data. Made and put back only while nobody
// has the storage open.

import { closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { copiesOf } from "../bounds/ladder.ts";

// What SQLite may leave beside its file; it belongs to one state of it and to no other.
const COMPANIONS = ["-wal", "-shm", "-journal"];

const UNFINISHED = ".unfinished";

export class Snapshots {
  readonly #folder: string;
  readonly #storageDir: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, "snapshots");
    this.#storageDir = join(dataDir, "storage");
  }

  /** Replaces the one before. A plugin without storage has an empty one. */
  take(plugin: string): void {
    const { storage, snapshot } = this.#files(plugin);
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    for (const companion of ["", ...COMPANIONS]) rmSync(snapshot + companion, { force: true });
    // The write-ahead log first: with it alone a snapshot counts as missing.
    for (const companion of ["-wal", ""]) if (existsSync(storage + companion)) copyWhole(storage + companion, snapshot + companion);
  }

  /** Puts the storage back as it was; may be done again when it was interrupted. */
  restore(plugin: string): void {
    const { storage, snapshot } = this.#files(plugin);
    for (const companion of COMPANIONS) rmSync(storage + companion, { force: true });
    if (!existsSync(snapshot)) {
      rmSync(storage, { force: true });
      return;
    }
    for (const companion of ["-wal", ""]) if (existsSync(snapshot + companion)) copyWhole(snapshot + companion, storage + companion);
  }

  /** Removes what a crash left unfinished. Call it before anything is loaded. */
  recover(): void {
    for (const folder of [this.#folder, this.#storageDir]) {
      if (!existsSync(folder)) continue;
      for (const name of readdirSync(folder)) if (name.endsWith(UNFINISHED)) rmSync(join(folder, name), { force: true });
    }
  }

  drop(plugin: string): void {
    for (const companion of ["", ...COMPANIONS]) rmSync(this.#files(plugin).snapshot + companion, { force: true });
  }

  /** Removes the storage itself, for good. */
  purge(plugin: string): void {
    this.drop(plugin);
    const { storage } = this.#files(plugin);
    for (const companion of ["", ...COMPANIONS]) rmSync(storage + companion, { force: true });
    for (const copy of copiesOf(storage)) rmSync(copy, { force: true });
  }

  #files(plugin: string): { readonly storage: string; readonly snapshot: string } {
    return { storage: join(this.#storageDir, `${plugin}.sqlite`), snapshot: join(this.#folder, `${plugin}.sqlite`) };
  }
}

// Appears whole or not at all, also after a loss of power.
function copyWhole(from: string, to: string): void {
  const unfinished = to + UNFINISHED;
  copyFileSync(from, unfinished);
  sync(unfinished);
  renameSync(unfinished, to);
  sync(dirname(to));
}

function sync(path: string): void {
  const descriptor = openSync(path, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}
