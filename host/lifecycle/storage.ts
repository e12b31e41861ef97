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
}

const BY_DEFAULT = "sqlite";

/** For a plugin with these settings; for those without any when undefined. Throws HostError `invalid-message`. */
export function storageOf(configuration: Configuration, name?: string, settings?: Pick<PluginConfiguration, "storage">): ChosenStorage {
  const ofAll = sectionOf(configuration, "drivers", "storage");
  const section = settings?.storage === undefined ? ofAll : { key: `plugins.${name}.storage`, value: settings.storage };
  const { name: driver, options } = withOptionsOf(chosenDriver(section, BY_DEFAULT), chosenDriver(ofAll, BY_DEFAULT));
  const side = Object.hasOwn(STORAGE_DRIVERS, driver) ? "cell" : "host";
  const [surplus] = Object.keys(options.value as object);
  if (side === "cell" && surplus !== undefined)
    throw new HostError("invalid-message", `${options.key}.${surplus}: the driver ${driver} has no such option`);
  return { driver, side, options };
}

type Chosen = ReturnType<typeof chosenDriver>;

/** A plugin that names the driver of all, and nothing more, has its options too. */
function withOptionsOf(chosen: Chosen, ofAll: Chosen): Chosen {
  return chosen.name === ofAll.name && Object.keys(chosen.options.value as object).length === 0 ? ofAll : chosen;
}
