// Words of the suites of plugin storage: what a test opens, and how it writes a change.

import type { StorageDriver } from "../core/ports/storage.ts";
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

export type Open = (storage?: StorageToOpen) => StorageDriver;

const encoder = new TextEncoder();

export const utf8 = (text: string): Uint8Array => encoder.encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
export const put = (key: string, value: string, ttlMs?: number): StorageChange => ({ key, value: utf8(value), ttlMs });
export const remove = (key: string): StorageChange => ({ key, value: undefined, ttlMs: undefined });
export const commit = (driver: StorageDriver, checks: readonly StorageCheck[], changes: readonly StorageChange[]): StorageCommitOutcome =>
  driver.commit({ checks, changes });
export const versionOf = (driver: StorageDriver, key: string): number => driver.getVersioned(key)?.version ?? 0;
export const storedText = (driver: StorageDriver, key: string): string => textOf(driver.get(key) ?? utf8("absent"));

export function movedClock(): { now(): number; pass(ms: number): void } {
  let now = Date.UTC(2026, 0, 1);
  return {
    now: () => now,
    pass(ms) {
      now += ms;
    },
  };
}
