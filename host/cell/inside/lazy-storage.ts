// Storage that is opened when it is first used: many plugins store nothing, and opening costs more time and memory than the rest of a load. For cells whose
// guests could not open files anyway; a process cell opens it before any guest runs, and gives up its access to files.

import type { StorageDriver } from "../../core/ports/storage.ts";

/** The first use throws what `open` throws, and so does each until it succeeds. */
export function lazyStorage(open: () => StorageDriver): StorageDriver {
  let opened: StorageDriver | undefined;
  const driver = (): StorageDriver => {
    opened ??= open();
    return opened;
  };
  return {
    get: (key) => driver().get(key),
    getVersioned: (key) => driver().getVersioned(key),
    set: (key, value, trace) => driver().set(key, value, trace),
    commit: (commit) => driver().commit(commit),
    keys: (range) => driver().keys(range),
    scan: (range) => driver().scan(range),
    changes: (after, limit) => driver().changes(after, limit),
    close: () => opened?.close(),
  };
}
