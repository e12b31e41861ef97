// Words of the suites of plugin storage: what a test opens, and how it writes a change.

import type { RemoteStorage, StorageDriver } from "../core/ports/storage.ts";
import type { MaybePromise } from "../core/types.ts";
import type { StorageChange, StorageCheck, StorageCommitOutcome } from "../core/wit.ts";

export interface StorageToOpen {
  /** 1 MiB or more by default. */
  readonly maxBytes?: number;
  /** 1,000 or more by default. */
  readonly maxKeys?: number;
  /** Of the times to live and of the log; the real one by default. */
  readonly clock?: { now(): number };
  /** Whether it logs which keys are changed; not by default. */
  readonly keepsLog?: boolean;
}

/** A storage in either colour. */
export type TestedStorage = {
  readonly [M in keyof StorageDriver]: (...args: Parameters<StorageDriver[M]>) => MaybePromise<ReturnType<StorageDriver[M]>>;
};

export type Open = (storage?: StorageToOpen) => MaybePromise<TestedStorage>;

const EVERYTHING = Number.MAX_SAFE_INTEGER;

/** One that answers later, in the words of one that answers at once. */
export function tested(storage: RemoteStorage): TestedStorage {
  const getVersioned: TestedStorage["getVersioned"] = async (key) => (await storage.read([key], EVERYTHING))[0];
  return {
    getVersioned,
    get: async (key) => (await getVersioned(key))?.value,
    set: (key, value, trace) => storage.set({ key, value, trace }),
    commit: (commit) => storage.commit(commit),
    keys: async (range) => [...(await storage.keys(range))],
    scan: (range) => storage.scan(range),
    changes: (after, limit) => storage.changes(after, limit),
    close: () => storage.close(),
  };
}

const encoder = new TextEncoder();

export const utf8 = (text: string): Uint8Array => encoder.encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
export const put = (key: string, value: string, ttlMs?: number): StorageChange => ({ key, value: utf8(value), ttlMs });
export const remove = (key: string): StorageChange => ({ key, value: undefined, ttlMs: undefined });
export const commit = async (
  driver: TestedStorage,
  checks: readonly StorageCheck[],
  changes: readonly StorageChange[],
): Promise<StorageCommitOutcome> => driver.commit({ checks, changes });
export const versionOf = async (driver: TestedStorage, key: string): Promise<number> => (await driver.getVersioned(key))?.version ?? 0;
export const storedText = async (driver: TestedStorage, key: string): Promise<string> => textOf((await driver.get(key)) ?? utf8("absent"));

export function movedClock(): { now(): number; pass(ms: number): void } {
  let now = Date.UTC(2026, 0, 1);
  return {
    now: () => now,
    pass(ms) {
      now += ms;
    },
  };
}
