// One plugin's storage where its place is the cell: what it asks for is checked, then a driver does the work.

import {
  asStorageFailure,
  boundedRead,
  MAX_BATCH_BYTES,
  requireCommit,
  requireEntry,
  requireKey,
  requireKeys,
  requireLimit,
  requireRange,
} from "../../bounds/storage-rules.ts";
import type { KeyRange, ScanRange, StorageCommit, StorageDriver } from "../../core/ports/storage.ts";
import type { Bytes } from "../../core/types.ts";
import type { StorageChange, StorageCheck, StorageCommitOutcome, StorageLogged, StoragePage, StorageVersioned } from "../../core/wit.ts";
import type { CellStorage } from "../../engine/guest/cell-functions.ts";

/** Fails with `invalid-message` for a bad key or range, `quota-exceeded` for a full store, `storage-failed` for the rest. */
export class PluginStorage implements CellStorage {
  readonly #driver: StorageDriver;
  readonly #trace: () => string | undefined;

  /** `trace` is that of the turn that runs. */
  constructor(driver: StorageDriver, trace: () => string | undefined = () => undefined) {
    this.#driver = driver;
    this.#trace = trace;
  }

  get(key: string): Bytes | undefined {
    requireKey(key);
    return driven(() => this.#driver.get(key));
  }

  set(key: string, value: Bytes): void {
    requireEntry(key, value);
    driven(() => this.#driver.set(key, value, this.#trace()));
  }

  delete(key: string): boolean {
    requireKey(key);
    return driven(() => this.#driver.set(key, undefined, this.#trace()));
  }

  getMany(keys: readonly string[]): (Bytes | undefined)[] {
    requireKeys(keys);
    return driven(() =>
      boundedRead(
        keys,
        (key) => this.#driver.get(key),
        ({ length }) => length,
        MAX_BATCH_BYTES,
      ),
    );
  }

  apply(changes: readonly StorageChange[]): void {
    this.commit([], changes);
  }

  getVersioned(key: string): StorageVersioned | undefined {
    requireKey(key);
    return driven(() => this.#driver.getVersioned(key));
  }

  commit(checks: readonly StorageCheck[], changes: readonly StorageChange[]): StorageCommitOutcome {
    const commit: StorageCommit = { checks, changes, trace: this.#trace() };
    requireCommit(commit);
    return driven(() => this.#driver.commit(commit));
  }

  keys(range: KeyRange): string[] {
    requireRange(range);
    return driven(() => this.#driver.keys(range));
  }

  scan(range: Omit<ScanRange, "maxBytes">): StoragePage {
    requireRange(range);
    return driven(() => this.#driver.scan({ ...range, maxBytes: MAX_BATCH_BYTES }));
  }

  changes(after: number, limit: number): readonly StorageLogged[] {
    requireLimit(limit);
    return driven(() => this.#driver.changes(after, limit));
  }

  close(): void {
    this.#driver.close();
  }
}

function driven<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw asStorageFailure(thrown);
  }
}
