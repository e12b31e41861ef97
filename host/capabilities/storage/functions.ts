// `storage.*` of wit/ for plugins whose storage is on the host's side, by the rules that cells have too: a plugin's own storage, so no permission is asked for.

import {
  asStorageFailure,
  MAX_BATCH_BYTES,
  requireCommit,
  requireEntry,
  requireKey,
  requireKeys,
  requireLimit,
  requireRange,
} from "../../bounds/storage-rules.ts";
import type { CapabilityFunctions, CheckedCall } from "../../core/ports/capability.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { RemoteStorage } from "../../core/ports/storage.ts";
import { traceIdOf } from "../../core/trace.ts";
import type { TurnContext } from "../../core/turn.ts";
import type { Bytes, MaybePromise } from "../../core/types.ts";
import { retrying } from "./retrying.ts";

/** What the driver works for what it reads and writes, beside asking: measured 2 to 4 ms a mebibyte for PostgreSQL. */
const MS_PER_BYTE = 4 / 1_048_576;

export interface PluginStores {
  /** The plugin's own storage, as that turn sees it. Rejects with HostError, `permission-denied` for one that is in the plugin's cell. */
  of(plugin: string, turn: TurnContext | undefined): MaybePromise<RemoteStorage>;
}

export function storageFunctions(stores: PluginStores, clock: Clock): CapabilityFunctions {
  const ask = async <T>(call: CheckedCall, work: (storage: RemoteStorage) => Promise<T>): Promise<T> => {
    try {
      const storage = retrying(await stores.of(call.plugin, call.within.context), { clock, deadline: call.deadline, ended: call.ended });
      const began = clock.monotonicMs();
      const asked = work(storage);
      call.spend(clock.monotonicMs() - began);
      return await asked;
    } catch (thrown) {
      throw asStorageFailure(thrown);
    }
  };
  const bill = (call: CheckedCall, values: Iterable<Bytes | undefined>): void => {
    let bytes = 0;
    for (const value of values) bytes += value?.length ?? 0;
    call.spend(bytes * MS_PER_BYTE);
  };
  const read = async (call: CheckedCall, keys: readonly string[]): ReturnType<RemoteStorage["read"]> => {
    requireKeys(keys);
    const found = await ask(call, (storage) => storage.read(keys, MAX_BATCH_BYTES));
    bill(
      call,
      found.map((one) => one?.value),
    );
    return found;
  };
  const commit = (call: CheckedCall, request: Parameters<RemoteStorage["commit"]>[0]): ReturnType<RemoteStorage["commit"]> => {
    requireCommit(request);
    bill(
      call,
      request.changes.map(({ value }) => value),
    );
    return ask(call, (storage) => storage.commit({ ...request, trace: traceOf(call) }));
  };
  const set = (call: CheckedCall, key: string, value: Bytes | undefined): Promise<boolean> => {
    if (value === undefined) requireKey(key);
    else requireEntry(key, value);
    bill(call, [value]);
    return ask(call, (storage) => storage.set({ key, value, trace: traceOf(call) }));
  };
  return {
    "storage.get": { answer: async (call, key) => (await read(call, [key]))[0]?.value },
    "storage.get-many": { answer: async (call, keys) => (await read(call, keys)).map((one) => one?.value) },
    "storage.get-versioned": { answer: async (call, key) => (await read(call, [key]))[0] },
    "storage.set": { answer: async (call, key, value) => void (await set(call, key, value)) },
    "storage.delete": { answer: async (call, key) => set(call, key, undefined) },
    "storage.apply": { answer: async (call, changes) => void (await commit(call, { checks: [], changes })) },
    "storage.commit": { answer: async (call, checks, changes) => commit(call, { checks, changes }) },
    "storage.keys": {
      async answer(call, prefix, after, limit) {
        const range = { prefix, after, limit };
        requireRange(range);
        return [...(await ask(call, (storage) => storage.keys(range)))];
      },
    },
    "storage.scan": {
      async answer(call, prefix, after, limit, reverse) {
        const range = { prefix, after, limit, reverse, maxBytes: MAX_BATCH_BYTES };
        requireRange(range);
        const page = await ask(call, (storage) => storage.scan(range));
        bill(
          call,
          page.entries.map(({ value }) => value),
        );
        return page;
      },
    },
    "storage.changes": {
      async answer(call, after, limit) {
        requireLimit(limit);
        return ask(call, (storage) => storage.changes(after, limit));
      },
    },
  };
}

const traceOf = ({ within }: CheckedCall): string => traceIdOf(within.context.traceparent);
