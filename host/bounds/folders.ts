// Makes folders of the host's own, which nobody else can enter.

import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

/**
 * With those above it that are missing; nothing when something is there. Throws what the system says. One by one: made recursively, Node looks for ever below
 * a folder such as /proc in which nothing can be made.
 */
export function makeFolder(folder: string): void {
  if (isThere(folder)) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (cause) {
    // Somebody else was faster.
    if (!isThere(folder)) throw cause;
  }
}
