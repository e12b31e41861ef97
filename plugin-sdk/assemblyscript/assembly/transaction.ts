// Reads and writes of the storage that belong together: they are committed where what was read still holds.

import { Check, Versioned, commit, getVersioned } from "./host/storage";
import { Result, fail, ok } from "./result";
import { Change } from "./storage";

const MAX_RUNS: i32 = 10;

/** What `transaction` gives to its function. Nothing of it is in the storage before the function has returned. */
export class Transaction {
  private readonly read: Map<string, Versioned | null> = new Map();
  private readonly values: Map<string, Uint8Array | null> = new Map();
  private readonly changes: Map<string, Change> = new Map();

  /** What this transaction has set, else the value in the storage, each time the same. */
  get(key: string): Result<Uint8Array | null> {
    if (this.values.has(key)) return ok<Uint8Array | null>(this.values.get(key));
    if (!this.read.has(key)) {
      const found = getVersioned(key);
      if (!found.isOk) return found.failure<Uint8Array | null>();
      this.read.set(key, found.value);
    }
    const seen = this.read.get(key);
    return ok<Uint8Array | null>(seen === null ? null : seen.value);
  }

  /** `null` for an absent value. */
  getText(key: string): Result<string | null> {
    const found = this.get(key);
    if (!found.isOk) return found.failure<string | null>();
    const value = found.value;
    return ok<string | null>(value === null ? null : String.UTF8.decodeUnsafe(value.dataStart, value.byteLength));
  }

  /** With `ttlMs` the value ends that many milliseconds later; 0 keeps it. */
  set(key: string, value: Uint8Array, ttlMs: u64 = 0): void {
    const kept = value.slice();
    this.values.set(key, kept);
    this.changes.set(key, Change.set(key, kept, ttlMs));
  }

  setText(key: string, value: string, ttlMs: u64 = 0): void {
    this.set(key, Uint8Array.wrap(String.UTF8.encode(value)), ttlMs);
  }

  remove(key: string): void {
    this.values.set(key, null);
    this.changes.set(key, Change.remove(key));
  }

  /** @internal */
  __commit(): Result<bool> {
    const checks: Check[] = [];
    const keys = this.read.keys();
    for (let i = 0; i < keys.length; i++) {
      const seen = this.read.get(keys[i]);
      checks.push(new Check(keys[i], seen === null ? 0 : seen.version));
    }
    const outcome = commit(checks, this.changes.values());
    return outcome.isOk ? ok<bool>(outcome.value.committed) : outcome.failure<bool>();
  }
}

/**
 * Calls `run` and commits what it set and removed, all or nothing, provided that no key it read has changed since; else it runs again, so it
 * may run several times and should do nothing else. A failure of it ends the transaction, and nothing is committed. `storage.scan` and
 * `storage.keys` are not part of it. A function has no closure, so what it needs comes in `context`.
 *
 * Fails with conflict after 10 runs, and with what `storage.commit` fails with.
 */
export function transaction<C, T>(context: C, run: (transaction: Transaction, context: C) => Result<T>): Result<T> {
  for (let runs = 0; runs < MAX_RUNS; runs++) {
    const attempt = new Transaction();
    const answer = run(attempt, context);
    if (!answer.isOk) return answer;
    const committed = attempt.__commit();
    if (!committed.isOk) return committed.failure<T>();
    if (committed.value) return answer;
  }
  return fail<T>(`what the transaction read was changed in each of ${MAX_RUNS} runs; read fewer keys, or try again later`, "conflict");
}
