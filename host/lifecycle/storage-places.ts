// With which driver the data of a plugin lie: nobody is started beside them.

import { join } from "node:path";
import type { StoragePlace } from "../admin/storage-places.ts";
import type { Stores } from "../admin/stores.ts";
import { HostError } from "../core/errors.ts";
import { openStorageReader, type StorageReader } from "../drivers/storage-sqlite/reader.ts";
import type { ChosenStorage } from "./storage.ts";

/** Who chooses these wants nothing kept, so nothing of them is written down. */
export const FORGETFUL: ReadonlySet<string> = new Set(["memory", "memory-remote"]);

export const storageDirOf = (dataDir: string): string => join(dataDir, "storage");

/** Hosts of earlier versions wrote nothing down and had one driver that keeps. Undefined where there is nothing. */
export async function placeOf({ places, configuration }: Stores, plugin: string): Promise<StoragePlace | undefined> {
  const place = places.of(plugin);
  if (place !== undefined && place.driver !== "sqlite") return place;
  const hasBegun = places.moveOf(plugin) !== undefined;
  return hasBegun || (await hasEntries(configuration.dataDir, plugin)) ? (place ?? { driver: "sqlite", options: {} }) : undefined;
}

/** Writes down that the plugin's data are with this driver from now on. Rejects with HostError `conflict` when they lie with another. */
export async function settlePlace(stores: Stores, plugin: string, { driver, options }: ChosenStorage): Promise<void> {
  if (FORGETFUL.has(driver)) return;
  const place = await placeOf(stores, plugin);
  if (place !== undefined && place.driver !== driver)
    throw new HostError(
      "conflict",
      `the data of ${plugin} lie with the driver ${place.driver}, and ${options.key} says ${driver}; "bulkhead storage move ${plugin} --to ${driver}" brings them there`,
    );
  stores.places.settle(plugin, { driver, options: options.value });
}

async function hasEntries(dataDir: string, plugin: string): Promise<boolean> {
  let reader: StorageReader | undefined;
  try {
    reader = openStorageReader(storageDirOf(dataDir), plugin, () => 0);
  } catch {
    // Whatever is wrong with the file, the cell that opens it says it.
    return true;
  }
  if (reader === undefined) return false;
  try {
    const { entries } = await reader.scan({ prefix: "", after: undefined, limit: 1, reverse: false, maxBytes: 1 });
    return entries.length > 0;
  } finally {
    await reader.close();
  }
}
