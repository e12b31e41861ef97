// What a plugin keeps for itself. A store is opened where the plugin runs, and answers at once, or on the host's side, and answers later.

import type { Bytes, StoredPlugin } from "../types.ts";
import type { StorageChange, StorageCheck, StorageCommitOutcome, StorageLogged, StoragePage, StorageVersioned } from "../wit.ts";

export interface KeyRange {
  readonly prefix: string;
  readonly after: string | undefined;
  readonly limit: number;
}

export interface ScanRange extends KeyRange {
  /** From the last key on; then `after` is the key before which the page begins. */
  readonly reverse: boolean;
  /** Of keys and values together. A page ends before it has more, unless its first entry alone does. */
  readonly maxBytes: number;
}

export interface StorageCommit {
  /** A version of 0 is that of a key without a value. */
  readonly checks: readonly StorageCheck[];
  readonly changes: readonly StorageChange[];
  /** Of the turn that commits, for the log. */
  readonly trace?: string | undefined;
  /** The commit's version is greater than this: what has come from another store must not have versions that were given out there. */
  readonly above?: number | undefined;
}

/**
 * One plugin's key-value pairs; keys sort by their UTF-8 bytes. Each write is a commit with a version of its own, which grows and is never used again. Throws
 * HostError `storage-failed` or `quota-exceeded`: bytes are those of keys and values together, on every driver.
 */
export interface StorageDriver {
  get(key: string): Bytes | undefined;
  getVersioned(key: string): StorageVersioned | undefined;
  /** Removes the value when it is undefined. Says whether there was one before. */
  set(key: string, value: Bytes | undefined, trace?: string): boolean;
  /** All changes in this order, or none, where all checks hold. A check that fails is an answer. */
  commit(commit: StorageCommit): StorageCommitOutcome;
  keys(range: KeyRange): string[];
  scan(range: ScanRange): StoragePage;
  /**
   * What was changed after the commit `after`, in order, whole commits until there are `limit` changes. Throws HostError `conflict` when some of it is not
   * kept any more, `invalid-message` when there is no log.
   */
  changes(after: number, limit: number): readonly StorageLogged[];
  close(): void;
}

export interface RemoteCommit extends StorageCommit {
  /** Names the commit, so that one whose answer was lost can be given once more and is made once. */
  readonly id?: string | undefined;
}

/** A commit of one key, as StorageDriver has it. */
export interface RemoteSet extends Pick<RemoteCommit, "trace" | "id"> {
  readonly key: string;
  /** Removed when it is undefined. */
  readonly value: Bytes | undefined;
}

/** StorageDriver in its other colour: the same words, answered later, and what is read is read in one go. Rejects with the same errors. */
export interface RemoteStorage {
  /** One answer a key. Rejects with HostError `quota-exceeded` for values of more than `maxBytes` in all. */
  read(keys: readonly string[], maxBytes: number): Promise<readonly (StorageVersioned | undefined)[]>;
  set(change: RemoteSet): Promise<boolean>;
  commit(commit: RemoteCommit): Promise<StorageCommitOutcome>;
  keys(range: KeyRange): Promise<readonly string[]>;
  scan(range: ScanRange): Promise<StoragePage>;
  changes(after: number, limit: number): Promise<readonly StorageLogged[]>;
  /** What is under way may fail. */
  close(): Promise<void>;
}

/** A store for all plugins, each of which reaches its own part only. */
export interface RemoteStorageDriver extends AsyncDisposable {
  /** Rejects with HostError. One store of a plugin is open at a time. */
  open(plugin: StoredPlugin): Promise<RemoteStorage>;
  /** Removes all that a plugin kept, for good; nobody has it open. */
  purge(plugin: string): Promise<void>;
}
