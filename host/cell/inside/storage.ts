// Which driver keeps what the plugins of a cell store.

import { HostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { StorageDriver } from "../../core/ports/storage.ts";
import type { PluginImage } from "../../core/types.ts";
import { STORAGE_DRIVERS } from "../../drivers/index.ts";

/** Stands for a driver where the host answers for the storage. */
export const ON_HOST = "host";

export interface StoragePlace {
  /** One of the table's, or `ON_HOST`. */
  readonly driver: string;
  /** Where the plugins' files are; nothing outlives the cell when undefined. */
  readonly dir: string | undefined;
}

/** Rejects with HostError `internal` for a driver that does not exist. */
export async function storageOpener(
  { driver, dir }: StoragePlace,
  clock: Pick<Clock, "now">,
): Promise<(image: PluginImage) => StorageDriver> {
  if (driver === ON_HOST) return () => NOT_HERE;
  const load = Object.hasOwn(STORAGE_DRIVERS, driver) ? STORAGE_DRIVERS[driver] : undefined;
  if (load === undefined) throw new HostError("internal", `there is no storage driver ${driver}`);
  const { open } = await load();
  return (image) => open({ dir, clock }, image);
}

const notHere = (): never => {
  throw new HostError("internal", "a cell was asked for a storage that is on the host's side");
};
/** Of a plugin whose storage is on the host's side. */
export const NOT_HERE: StorageDriver = Object.freeze({
  ...{ get: notHere, getVersioned: notHere, set: notHere, commit: notHere, keys: notHere, scan: notHere, changes: notHere },
  close() {},
});
