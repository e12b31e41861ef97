// Storage that ends with the cell: for trying plugins out, and for those that store nothing worth keeping.

import { behind, bytesFull, keysFull, noLog, type StorageBounds } from "../../bounds/storage.ts";
import type { HostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { KeyRange, ScanRange, StorageCommit, StorageDriver } from "../../core/ports/storage.ts";
import type { Bytes } from "../../core/types.ts";
import type {
  StorageChange,
  StorageCheck,
  StorageCommitOutcome,
  StorageEntry,
  StorageLogged,
  StoragePage,
  StorageVersioned,
} from "../../core/wit.ts";
import type { StorageDriverModule } from "../../seams.ts";
import { MemoryLog } from "./memory-log.ts";

export const memory: StorageDriverModule = {
  keepsFiles: false,
  open: ({ clock }, { name, limits, keepsStorageLog }) =>
    new MemoryStorage({ plugin: name, maxBytes: limits.storageBytes, maxKeys: limits.storageKeys, keepsLog: keepsStorageLog, clock }),
};

export interface MemoryStorageOptions extends StorageBounds {
  /** Whether it logs which keys are changed. */
  readonly keepsLog?: boolean | undefined;
  readonly clock: Pick<Clock, "now">;
}

interface Entry {
  readonly value: Bytes;
  readonly version: number;
  /** Milliseconds since 1970; infinite for what stays. */
  readonly endsAt: number;
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const sizeOf = (key: string, value: Bytes): number => Buffer.byteLength(key) + value.length;

/** Each call costs at most what moving its keys within the sorted list costs, whatever is stored. */
export class MemoryStorage implements StorageDriver {
  #options: MemoryStorageOptions;
  readonly #entries = new Map<string, Entry>();
  /** All keys, in the order of their bytes. */
  readonly #sorted: string[] = [];
  #log: MemoryLog | undefined;
  #bytes = 0;
  #version = 0;

  constructor(options: MemoryStorageOptions) {
    this.#options = options;
    this.#log = options.keepsLog === true ? new MemoryLog(options) : undefined;
  }

  /** Goes on with other limits. A log that was not kept meanwhile begins anew. */
  reconfigure(options: MemoryStorageOptions): void {
    this.#options = options;
    if (options.keepsLog !== true) this.#log = undefined;
    else this.#log ??= new MemoryLog(options, this.#version);
  }

  get(key: string): Bytes | undefined {
    return this.#live(key)?.value.slice();
  }

  getVersioned(key: string): StorageVersioned | undefined {
    const found = this.#live(key);
    if (found === undefined) return undefined;
    const { value, version, endsAt } = found;
    return { value: value.slice(), version, expiresAt: Number.isFinite(endsAt) ? endsAt : undefined };
  }

  set(key: string, value: Bytes | undefined, trace?: string): boolean {
    const wasThere = this.#live(key) !== undefined;
    if (wasThere || value !== undefined) this.commit({ checks: [], changes: [{ key, value, ttlMs: undefined }], trace });
    return wasThere;
  }

  commit({ checks, changes, trace, above = 0 }: StorageCommit): StorageCommitOutcome {
    const committed = checks.every((check) => this.#holds(check));
    if (!committed || changes.length === 0) return { committed, version: 0 };
    const version = Math.max(this.#version, above) + 1;
    this.#make(changes, version);
    this.#version = version;
    this.#log?.append(this.#version, changes, this.#options.clock.now(), trace);
    return { committed, version: this.#version };
  }

  keys({ prefix, after, limit }: KeyRange): string[] {
    const found: string[] = [];
    for (const key of this.#forwards(prefix, after)) {
      found.push(key);
      if (found.length === limit) break;
    }
    return found;
  }

  scan({ prefix, after, limit, reverse, maxBytes }: ScanRange): StoragePage {
    const entries: StorageEntry[] = [];
    let bytes = 0;
    for (const key of reverse ? this.#backwards(prefix, after) : this.#forwards(prefix, after)) {
      const entry = this.#live(key);
      if (entry === undefined) continue;
      bytes += sizeOf(key, entry.value);
      if (entries.length === limit || (bytes > maxBytes && entries.length > 0)) return { entries, next: entries.at(-1)?.key };
      entries.push({ key, value: entry.value.slice(), version: entry.version });
    }
    return { entries, next: undefined };
  }

  changes(after: number, limit: number): StorageLogged[] {
    if (this.#log === undefined) throw noLog(this.#options.plugin);
    return this.#log.read(after, limit);
  }

  close(): void {
    this.#entries.clear();
    this.#sorted.length = 0;
  }

  #make(changes: readonly StorageChange[], version: number): void {
    const [keysBefore, bytesBefore] = [this.#entries.size, this.#bytes];
    const now = this.#options.clock.now();
    const before = changes.map(({ key, value, ttlMs }) => {
      const old = this.#entries.get(key);
      const endsAt = ttlMs === undefined ? Number.POSITIVE_INFINITY : now + ttlMs;
      this.#put(key, value === undefined ? undefined : { value: value.slice(), version, endsAt });
      return { key, old };
    });
    const refusal = this.#refusal(keysBefore, bytesBefore);
    if (refusal === undefined) return;
    for (const { key, old } of before.toReversed()) this.#put(key, old);
    throw refusal;
  }

  *#forwards(prefix: string, after: string | undefined): Generator<string> {
    let at = this.#place(prefix);
    if (after !== undefined) at = Math.max(at, this.#place(after) + (this.#entries.has(after) ? 1 : 0));
    for (; ; at += 1) {
      const key = this.#sorted[at];
      if (key?.startsWith(prefix) !== true) return;
      if (this.#live(key) !== undefined) yield key;
    }
  }

  *#backwards(prefix: string, after: string | undefined): Generator<string> {
    let at = Math.min(this.#place(behind(prefix)), this.#place(after ?? behind(""))) - 1;
    for (; ; at -= 1) {
      const key = this.#sorted[at];
      if (key?.startsWith(prefix) !== true) return;
      if (this.#live(key) !== undefined) yield key;
    }
  }

  #holds({ key, version }: StorageCheck): boolean {
    return (this.#live(key)?.version ?? 0) === version;
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.endsAt > this.#options.clock.now() ? entry : undefined;
  }

  #put(key: string, entry: Entry | undefined): void {
    const old = this.#entries.get(key);
    this.#bytes += (entry === undefined ? 0 : sizeOf(key, entry.value)) - (old === undefined ? 0 : sizeOf(key, old.value));
    if (entry === undefined) {
      if (this.#entries.delete(key)) this.#sorted.splice(this.#place(key), 1);
    } else {
      if (old === undefined) this.#sorted.splice(this.#place(key), 0, key);
      this.#entries.set(key, entry);
    }
  }

  /** Where a key stands, or would stand. */
  #place(key: string): number {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (byBytes(this.#sorted[middle] ?? "", key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** What grows must be within the limits. */
  #refusal(keysBefore: number, bytesBefore: number): HostError | undefined {
    const { maxBytes, maxKeys } = this.#options;
    const isFull = (): boolean => this.#entries.size > Math.max(maxKeys, keysBefore) || this.#bytes > Math.max(maxBytes, bytesBefore);
    if (isFull()) this.#dropEnded();
    if (!isFull()) return undefined;
    return this.#entries.size > maxKeys ? keysFull(this.#options, Math.min(keysBefore, maxKeys)) : bytesFull(this.#options);
  }

  #dropEnded(): void {
    const now = this.#options.clock.now();
    for (const [key, { endsAt }] of this.#entries) if (endsAt <= now) this.#put(key, undefined);
  }
}
