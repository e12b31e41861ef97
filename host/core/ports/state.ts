// Last values that plugins share, wherever they are kept. Who may read or write what is decided in host-functions.ts.

import type { Bytes, MaybePromise } from "../types.ts";
import type { KeyRange } from "./storage.ts";

export interface StateEntry {
  readonly value: Bytes;
  /** Grows with each change of any key, so a key that was removed and set again has another. */
  readonly revision: number;
  /** Who set it last, and for whose quota it counts. */
  readonly owner: string;
}

export interface StateWrite {
  readonly owner: string;
  /** The revision that must be there, 0 for none; undefined for whatever is. */
  readonly expected: number | undefined;
  /** How long the value is there; undefined for ever. */
  readonly ttlMs: number | undefined;
  /** Of all that the owner has: keys with their values, and how many. */
  readonly maxBytes: number;
  readonly maxKeys: number;
}

export interface StateChange {
  readonly key: string;
  readonly revision: number;
  readonly deleted: boolean;
}

/** Throws or rejects with HostError `storage-failed`. Keys sort by their bytes. What a key may be is checked before. */
export interface StateDriver {
  get(key: string): MaybePromise<StateEntry | undefined>;
  /**
   * The new revision; undefined when another than the expected is there, and nothing has changed. Fails with HostError `quota-exceeded`, also for more than 64 KiB,
   * and `invalid-message` for a time to live of 0, and changes nothing then.
   */
  set(key: string, value: Bytes, write: StateWrite): MaybePromise<number | undefined>;
  /** The revision that this made; undefined when there was none, or another than the expected. */
  delete(key: string, expected: number | undefined): MaybePromise<number | undefined>;
  /** Of those that `isVisible`. Fails with HostError `invalid-message` for a limit that is not 1 to 1,000. */
  keys(range: KeyRange, isVisible: (key: string) => boolean): MaybePromise<readonly string[]>;
  /** Tells of every change from now on, also of what ends by itself, at most a minute late; returns its undo. */
  watch(onChange: (change: StateChange) => void): () => void;
}
