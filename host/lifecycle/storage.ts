// By what driver each plugin keeps what it stores, and on which side: the configuration's for all, or the plugin's own.

import { HostError } from "../core/errors.ts";
import type { StorageSide } from "../core/types.ts";
import { STORAGE_DRIVERS } from "../drivers/index.ts";
import type { Configuration, PluginConfiguration } from "../manifest/configuration.ts";
import { chosenDriver, type Section, sectionOf } from "./sections.ts";

export interface ChosenStorage {
  readonly driver: string;
  /** Drivers of cells are the host's own; all others run on its side. */
  readonly side: StorageSide;
  readonly options: Section;
  /** How much each plugin's cell may keep of what it has read; undefined for nothing. */
  readonly readCacheBytes?: number | undefined;
}

const BY_DEFAULT = "sqlite";
const MAX_CACHE_KIB = 65_536;

/** For a plugin with these settings; for those without any when undefined. Throws HostError `invalid-message`. */
export function storageOf(configuration: Configuration, name?: string, settings?: Pick<PluginConfiguration, "storage">): ChosenStorage {
  const ofAll = sectionOf(configuration, "drivers", "storage");
  const section = settings?.storage === undefined ? ofAll : { key: `plugins.${name}.storage`, value: settings.storage };
  const { name: driver, options: all } = withOptionsOf(chosenDriver(section, BY_DEFAULT), chosenDriver(ofAll, BY_DEFAULT));
  const { readCacheKiB, ...own } = all.value as { readonly readCacheKiB?: unknown };
  const side = Object.hasOwn(STORAGE_DRIVERS, driver) ? "cell" : "host";
  const options = side === "cell" ? all : { key: all.key, value: own };
  const [surplus] = Object.keys(options.value as object);
  if (side === "cell" && surplus !== undefined)
    throw new HostError("invalid-message", `${options.key}.${surplus}: the driver ${driver} has no such option`);
  return { driver, side, options, readCacheBytes: side === "cell" ? undefined : cacheBytes(all.key, readCacheKiB) };
}

type Chosen = ReturnType<typeof chosenDriver>;

/** A plugin that names the driver of all, and nothing more, has its options too. */
function withOptionsOf(chosen: Chosen, ofAll: Chosen): Chosen {
  return chosen.name === ofAll.name && Object.keys(chosen.options.value as object).length === 0 ? ofAll : chosen;
}

function cacheBytes(key: string, kib: unknown): number | undefined {
  if (kib === undefined) return undefined;
  if (typeof kib === "number" && Number.isInteger(kib) && kib >= 1 && kib <= MAX_CACHE_KIB) return kib * 1_024;
  throw new HostError("invalid-message", `${key}.readCacheKiB is a whole number from 1 to ${MAX_CACHE_KIB}`);
}
