// What a plugin keeps for itself. A store is opened where the plugin runs, so it answers at once.

import type { Bytes } from "../types.ts";
import type { StorageChange } from "../wit.ts";

export interface KeyRange {
  readonly prefix: string;
  readonly after: string | undefined;
  readonly limit: number;
}

/** One plugin's key-value pairs; keys sort by their UTF-8 bytes. Throws HostError `storage-failed` or `quota-exceeded`. */
export interface StorageDriver {
  get(key: string): Bytes | undefined;
  set(key: string, value: Bytes): void;
  delete(key: string): boolean;
  /** All of them in this order, or none. */
  apply(changes: readonly StorageChange[]): void;
  keys(range: KeyRange): string[];
  close(): void;
}
