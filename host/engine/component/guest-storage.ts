// A component's storage for the standard interfaces that are mapped onto it: answered at once in the cell, or by the host, and then the guest is suspended.

import type { KeyRange } from "../../core/ports/storage.ts";
import type { Bytes, MaybePromise } from "../../core/types.ts";
import type {
  StorageChange,
  StorageCheck,
  StorageCommitOutcome,
  StorageVersioned,
  WitFunction,
  WitParams,
  WitResult,
} from "../../core/wit.ts";
import { decodeError, decodeResult } from "../guest/blocks.ts";
import type { ComponentHost } from "./component-host.ts";

/** What `wasi:keyvalue` needs of wit/'s storage. Throws, or rejects with, HostError. */
export interface GuestStorage {
  /** Counts a call that was answered in the cell; each question to the host counts itself. */
  count(): void;
  get(key: string): MaybePromise<Bytes | undefined>;
  set(key: string, value: Bytes): MaybePromise<void>;
  delete(key: string): MaybePromise<boolean>;
  getMany(keys: readonly string[]): MaybePromise<readonly (Bytes | undefined)[]>;
  apply(changes: readonly StorageChange[]): MaybePromise<void>;
  keys(range: KeyRange): MaybePromise<readonly string[]>;
  getVersioned(key: string): MaybePromise<StorageVersioned | undefined>;
  commit(checks: readonly StorageCheck[], changes: readonly StorageChange[]): MaybePromise<StorageCommitOutcome>;
}

export function storageOf(host: ComponentHost): GuestStorage {
  const { scope, storage: side } = host.environment;
  if (side === "host") return storageInHost(host);
  const { storage } = scope;
  return {
    count: () => host.count(),
    get: (key) => storage.get(key),
    set: (key, value) => storage.set(key, value),
    delete: (key) => storage.delete(key),
    getMany: (keys) => storage.getMany(keys),
    apply: (changes) => storage.apply(changes),
    keys: (range) => storage.keys(range),
    getVersioned: (key) => storage.getVersioned(key),
    commit: (checks, changes) => storage.commit(checks, changes),
  };
}

function storageInHost(host: ComponentHost): GuestStorage {
  const ask = async <F extends WitFunction>(name: F, ...values: WitParams<F>): Promise<WitResult<F>> => {
    host.count();
    const block = await host.wait(host.asker()(name, values));
    if (block[0] === 0) return decodeResult(name, block) as WitResult<F>;
    throw decodeError(block);
  };
  return {
    count() {},
    // Copies: an answer is a view on a batch of messages.
    get: async (key) => (await ask("storage.get", key))?.slice(),
    set: (key, value) => ask("storage.set", key, value),
    delete: (key) => ask("storage.delete", key),
    getMany: (keys) => ask("storage.get-many", [...keys]),
    apply: (changes) => ask("storage.apply", [...changes]),
    keys: ({ prefix, after, limit }) => ask("storage.keys", prefix, after, limit),
    getVersioned: (key) => ask("storage.get-versioned", key),
    commit: (checks, changes) => ask("storage.commit", [...checks], [...changes]),
  };
}
