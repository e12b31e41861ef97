// A plugin's storage as calls by name, for those who write down or play back what it is asked.

import type { WitFunction, WitParams, WitResult } from "../../core/wit.ts";
import type { CellStorage } from "../../engine/guest/cell-functions.ts";

type StorageFunction = Extract<WitFunction, `storage.${string}`>;

/** Answers one call; throws HostError. */
export type StorageAnswer = <F extends StorageFunction>(
  name: F,
  values: WitParams<F>,
  run: (storage: CellStorage) => WitResult<F>,
) => WitResult<F>;

/** The same storage, each call of which goes through `answer`; `run` is what the storage itself says. */
export function throughStorage(answer: StorageAnswer, close: () => void): CellStorage {
  return {
    get: (key) => answer("storage.get", [key], (own) => own.get(key)),
    set: (key, value) => answer("storage.set", [key, value], (own) => own.set(key, value)),
    delete: (key) => answer("storage.delete", [key], (own) => own.delete(key)),
    getMany: (keys) => answer("storage.get-many", [[...keys]], (own) => own.getMany(keys)) as ReturnType<CellStorage["getMany"]>,
    apply: (changes) => answer("storage.apply", [[...changes]], (own) => own.apply(changes)),
    keys: (range) => answer("storage.keys", [range.prefix, range.after, range.limit], (own) => own.keys(range)) as string[],
    getVersioned: (key) => answer("storage.get-versioned", [key], (own) => own.getVersioned(key)),
    commit: (checks, changes) => answer("storage.commit", [[...checks], [...changes]], (own) => own.commit(checks, changes)),
    scan: (range) => answer("storage.scan", [range.prefix, range.after, range.limit, range.reverse], (own) => own.scan(range)),
    changes: (after, limit) => answer("storage.changes", [after, limit], (own) => own.changes(after, limit)),
    close,
  };
}
