// Watches a plugin's sources. Changes that come while one is worked on are worked on once, afterwards.

import { basename } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { watch } from "chokidar";

/** What toolchains write, and nobody edits. */
const IGNORED: ReadonlySet<string> = new Set([
  ...[".git", ".bulkhead", ".cache", ".venv", "node_modules", "target", ".zig-cache", "zig-out", "zig-pkg", "__pycache__"],
]);
/** Editors write in several steps. */
const SETTLE_MS = 100;

export interface Watcher {
  /** As if a file had changed. */
  changed(): void;
  /** Resolves when the work that was under way has ended. */
  close(): Promise<void>;
}

/** Calls `work`, which must not reject, after files in the folder have changed. */
export async function watchFolder(folder: string, work: () => Promise<unknown>): Promise<Watcher> {
  let isDirty = false;
  let working: Promise<void> | undefined;
  const changed = (): void => {
    isDirty = true;
    working ??= run().finally(() => {
      working = undefined;
    });
  };
  const run = async (): Promise<void> => {
    while (isDirty) {
      await wait(SETTLE_MS);
      isDirty = false;
      await work();
    }
  };
  const watcher = watch(folder, {
    ignoreInitial: true,
    ignored: (path) => path !== folder && (IGNORED.has(basename(path)) || path.endsWith(".wasm")),
  });
  watcher.on("all", changed);
  await new Promise((ready) => watcher.once("ready", () => ready(undefined)));
  return {
    changed,
    async close() {
      await watcher.close();
      await working;
    },
  };
}
