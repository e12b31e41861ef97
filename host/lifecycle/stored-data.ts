// How the data of plugins are looked at beside the plugin, and how they move from one driver to another.

import { randomUUID } from "node:crypto";
import type { StoragePlace } from "../admin/storage-places.ts";
import type { MovedData, StoredData } from "../admin/stored-data.ts";
import type { Stores } from "../admin/stores.ts";
import { asRemote } from "../bounds/remote-storage.ts";
import { MAX_BATCH_BYTES } from "../bounds/storage-rules.ts";
import type { Blobs } from "../capabilities/blobs/blobs.ts";
import { retrying } from "../capabilities/storage/retrying.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { RemoteStorage } from "../core/ports/storage.ts";
import type { StoredPlugin } from "../core/types.ts";
import { climbStorage, openStorageReader, type StorageReader } from "../drivers/storage-sqlite/reader.ts";
import { openSqliteStorage } from "../drivers/storage-sqlite/storage-sqlite.ts";
import { effectiveLimits } from "../install/plugin-folder.ts";
import { copyAll, requireEqual } from "./moving.ts";
import type { RemoteStores } from "./remote-stores.ts";
import { type ChosenStorage, storageOf } from "./storage.ts";
import { FORGETFUL, placeOf, storageDirOf } from "./storage-places.ts";

const UNLIMITED = 16_384 * 1_048_576;
const NOTHING: StorageReader = {
  read: async (keys) => keys.map(() => undefined),
  scan: async () => ({ entries: [], next: undefined }),
  changes: async () => [],
  lastVersion: async () => 0,
  async close() {},
};

export interface StoredDataPorts {
  readonly stores: Stores;
  readonly clock: Clock;
  readonly remote: RemoteStores;
  readonly blobs: Pick<Blobs, "purge">;
  /** Whether it is loaded, or may be at any moment. */
  isRunning(plugin: string): boolean;
}

export function storedData({ stores, clock, remote, blobs, isRunning }: StoredDataPorts): StoredData {
  const { places } = stores;
  const dir = storageDirOf(stores.configuration.dataDir);
  const now = (): number => clock.now();

  const chosenFor = (plugin: string): ChosenStorage => storageOf(stores.configuration, plugin, stores.settingsOf(plugin));
  const asPlaced = (plugin: string, { driver, options }: StoragePlace): ChosenStorage => ({
    ...{ driver, side: "host" },
    options: { key: `the driver of the data of ${plugin}`, value: options },
  });
  const known = (plugin: string): StoredPlugin => {
    const manifest = stores.permissions.manifestOf(plugin);
    const settings = stores.settingsOf(plugin);
    if (settings === undefined) throw new HostError("invalid-message", `there is no plugin ${printable(plugin)}`);
    return { name: plugin, limits: effectiveLimits(manifest, settings), keepsStorageLog: manifest.storage.log };
  };
  const inStore = async (plugin: StoredPlugin, chosen: ChosenStorage): Promise<RemoteStorage> => {
    const { driver } = await remote.open(chosen);
    return retrying(await driver.open(plugin), { clock, deadline: Number.POSITIVE_INFINITY });
  };

  const readerOf = async (plugin: string): Promise<StorageReader> => {
    const stored = known(plugin);
    const chosen = chosenFor(plugin);
    if (chosen.driver === "memory") throw new HostError("conflict", `what ${plugin} stores is in the memory of its cell, and nowhere else`);
    if (FORGETFUL.has(chosen.driver)) return asReader(await inStore(stored, chosen));
    const place = (await placeOf(stores, plugin)) ?? { driver: chosen.driver, options: chosen.options.value };
    if (place.driver === "sqlite") return openStorageReader(dir, plugin, now) ?? NOTHING;
    return asReader(await inStore(stored, asPlaced(plugin, place)));
  };
  const reading = async <T>(plugin: string, work: (reader: StorageReader) => Promise<T>): Promise<T> => {
    const reader = await readerOf(plugin);
    try {
      return await work(reader);
    } finally {
      await reader.close();
    }
  };

  const target = async (stored: StoredPlugin, chosen: ChosenStorage): Promise<RemoteStorage> => {
    const { name: plugin, limits, keepsStorageLog: keepsLog } = stored;
    // Limits that were lowered since hold for what the plugin writes, and not for what it has.
    const bounds = { storageBytes: UNLIMITED, storageKeys: Number.MAX_SAFE_INTEGER };
    if (chosen.side === "host") return inStore({ ...stored, limits: { ...limits, ...bounds } }, chosen);
    return asRemote(openSqliteStorage({ dir, plugin, maxBytes: UNLIMITED, maxKeys: bounds.storageKeys, keepsLog, clock }));
  };

  const move = async (plugin: string, to: string): Promise<MovedData> => {
    const stored = known(plugin);
    const chosen = chosenFor(plugin);
    const from = await placeOf(stores, plugin);
    refuseMove({ plugin, to, chosen, from, isRunning: isRunning(plugin) });
    if (from?.driver === "sqlite") climbStorage(dir, plugin, UNLIMITED);
    const source = from === undefined ? NOTHING : await readerOf(plugin);
    const destination = await target(stored, chosen);
    try {
      const begun = places.moveOf(plugin);
      if (begun?.to !== to) {
        await refuseTaken(plugin, to, destination, places.copies(plugin));
        places.settle(plugin, from ?? { driver: to, options: chosen.options.value });
      }
      const note = (after: string | undefined): void => places.noteMove(plugin, { to, options: chosen.options.value, after });
      const after = begun?.to === to ? begun.after : undefined;
      note(after);
      await copyAll(source, destination, { after, now, note });
      const { keys, bytes } = await requireEqual(plugin, source, destination);
      places.moved(plugin, { driver: to, options: chosen.options.value });
      return { from: from?.driver ?? to, to, keys, bytes };
    } finally {
      await Promise.all([source.close(), destination.close()]);
    }
  };

  return {
    move,
    keys: (plugin, range) =>
      reading(plugin, async (reader) => {
        const { entries, next } = await reader.scan({ ...range, reverse: false, maxBytes: MAX_BATCH_BYTES });
        return { keys: entries.map(({ key, value, version }) => ({ key, bytes: value.length, version })), next };
      }),
    get: (plugin, key) =>
      reading(plugin, async (reader) => {
        const [found] = await reader.read([key], MAX_BATCH_BYTES);
        return found && { ...found, value: Buffer.from(found.value).toString("base64") };
      }),
    log: (plugin, after, limit) => reading(plugin, (reader) => reader.changes(after, limit)),
    async drop(plugin, from) {
      const copy = places.copies(plugin).find(({ driver }) => driver === from);
      if (copy === undefined || places.moveOf(plugin)?.to === from)
        throw new HostError(
          "invalid-message",
          `${printable(from)} has no copy of the data of ${printable(plugin)} that a move left behind`,
        );
      if (from === "sqlite") stores.snapshots.purge(plugin);
      else await (await remote.open(asPlaced(plugin, copy))).driver.purge(plugin);
      places.copyDropped(plugin, from);
    },
    async purge(plugin) {
      await blobs.purge(plugin);
      const place = places.of(plugin);
      for (const one of [...(place === undefined ? [] : [place]), ...places.copies(plugin)])
        if (one.driver !== "sqlite") await (await remote.open(asPlaced(plugin, one))).driver.purge(plugin);
    },
  };
}

/** Removes what plugins kept that were uninstalled with all they had, when a crash or a store that was away came between. What cannot be is told, and tried at the next start. */
export async function finishPurges(stores: Stores, data: StoredData, tell: (trouble: string, cause?: unknown) => void): Promise<void> {
  for (const plugin of stores.installations.purges()) {
    try {
      await data.purge(plugin);
      stores.purge(plugin);
    } catch (cause) {
      tell(`what ${plugin} kept is not removed yet`, cause);
    }
  }
}

interface AskedMove {
  readonly plugin: string;
  readonly to: string;
  readonly chosen: ChosenStorage;
  readonly from: StoragePlace | undefined;
  readonly isRunning: boolean;
}

function refuseMove({ plugin, to, chosen, from, isRunning }: AskedMove): void {
  if (chosen.driver !== to)
    throw new HostError("invalid-message", `${chosen.options.key} says ${chosen.driver} for ${plugin}; write ${printable(to)} there first`);
  if (FORGETFUL.has(to)) throw new HostError("invalid-message", `${to} keeps nothing, so nothing can be moved there`);
  if (from?.driver === to) throw new HostError("conflict", `the data of ${plugin} are with ${to} already`);
  if (isRunning) throw new HostError("conflict", `${plugin} runs; "bulkhead stop ${plugin}" stops it`);
}

/** What lies there and no move has brought is somebody's. */
async function refuseTaken(plugin: string, to: string, destination: RemoteStorage, copies: readonly StoragePlace[]): Promise<void> {
  const { entries } = await destination.scan({ prefix: "", after: undefined, limit: 1, reverse: false, maxBytes: 1 });
  if (entries.length === 0) return;
  const remedy = copies.some(({ driver }) => driver === to)
    ? `"bulkhead storage drop ${plugin} --from ${to}" removes the copy that an earlier move left there`
    : "name a place of its own for this host in the driver's options";
  throw new HostError("conflict", `${to} has data of ${plugin} already; ${remedy}`);
}

const asReader = (storage: RemoteStorage): StorageReader => ({
  read: (keys, maxBytes) => storage.read(keys, maxBytes),
  scan: (range) => storage.scan(range),
  changes: (after, limit) => storage.changes(after, limit),
  // A commit has a version above all others also where it changes nothing.
  lastVersion: async () =>
    (await storage.commit({ checks: [], changes: [{ key: randomUUID(), value: undefined, ttlMs: undefined }] })).version,
  close: () => storage.close(),
});
