// Reads and writes of the storage that belong together: they are committed where what was read still holds.

import { HostError } from "./host-error.ts";
import { type Change, commit, getVersioned, type Versioned } from "./storage.ts";

const MAX_RUNS = 10;

/** What `transaction` gives to its function. Nothing of it is in the storage before the function has returned. */
export interface Transaction {
  /** What this transaction has set, else the value in the storage, each time the same. Throws HostError as `storage.get` does. */
  get(key: string): Uint8Array | undefined;
  /** With `ttlMs` the value ends that many milliseconds later. */
  set(key: string, value: Uint8Array, options?: { readonly ttlMs?: number }): void;
  remove(key: string): void;
}

/**
 * Runs a function and commits what it set and removed, all or nothing, provided that no key it read has changed since; else the function runs again, so it may run
 * several times and should do nothing else. What it throws ends the transaction, and nothing is committed. `storage.scan` and `storage.keys` are not part of it.
 *
 * Throws HostError: `conflict` after 10 runs, and what `storage.commit` fails with.
 */
export function transaction<T>(run: (transaction: Transaction) => T): T {
  for (let runs = 0; runs < MAX_RUNS; runs += 1) {
    const read = new Map<string, Versioned | undefined>();
    const changes = new Map<string, Change>();
    const answer = run(over(read, changes));
    const checks = [...read].map(([key, found]) => ({ key, version: found?.version ?? 0 }));
    if (commit(checks, [...changes.values()]).committed) return answer;
  }
  throw new HostError("conflict", `what the transaction read was changed in each of ${MAX_RUNS} runs; read fewer keys, or try again later`);
}

function over(read: Map<string, Versioned | undefined>, changes: Map<string, Change>): Transaction {
  return {
    get(key) {
      const change = changes.get(key);
      if (change !== undefined) return change.value;
      if (!read.has(key)) read.set(key, getVersioned(key));
      return read.get(key)?.value;
    },
    set: (key, value, options) => void changes.set(key, { key, value: value.slice(), ttlMs: options?.ttlMs }),
    remove: (key) => void changes.set(key, { key }),
  };
}
