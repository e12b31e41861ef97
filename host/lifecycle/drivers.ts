// Opens the drivers that the configuration chooses.

import { boundedLog } from "../bounds/log.ts";
import { HostError } from "../core/errors.ts";
import type { LogSink } from "../core/ports/log.ts";
import { LOG_DRIVERS, STORAGE_DRIVERS } from "../drivers/index.ts";
import type { Configuration } from "../manifest/configuration.ts";
import type { Driver, Opening } from "../seams.ts";
import type { PluginStorageDriver } from "./cells.ts";
import { foreign, openOurs } from "./foreign.ts";
import { chosenDriver, optionsOf, sectionOf, unknownName } from "./sections.ts";

/** Where lines go, bounded. `given` is used instead of a driver. Rejects with HostError. */
export async function openLog(
  configuration: Configuration,
  given: LogSink | undefined,
  opening: Omit<Opening, "log">,
  booting: AsyncDisposableStack,
): Promise<LogSink> {
  if (given !== undefined) return boundedLog(given, opening.clock);
  const { name, options } = chosenDriver(sectionOf(configuration, "drivers", "log"), "json");
  const load = Object.hasOwn(LOG_DRIVERS, name) ? LOG_DRIVERS[name] : undefined;
  const driver = load === undefined ? await foreign<Driver<LogSink>>(name, configuration, options.key, "driver") : await load();
  const nowhere: LogSink = { write() {} };
  const open = (): Promise<LogSink & AsyncDisposable> => driver.open({ ...opening, log: nowhere }, optionsOf(driver.options, options));
  return boundedLog(booting.use(await (load === undefined ? open() : openOurs(driver, open))), opening.clock);
}

/** Where plugins keep what they store. Rejects with HostError `invalid-message`. */
export async function chooseStorage(configuration: Configuration): Promise<PluginStorageDriver> {
  const { name, options } = chosenDriver(sectionOf(configuration, "drivers", "storage"), "sqlite");
  const load = Object.hasOwn(STORAGE_DRIVERS, name) ? STORAGE_DRIVERS[name] : undefined;
  if (load === undefined) throw unknownName(options.key, name, Object.keys(STORAGE_DRIVERS));
  const [surplus] = Object.keys(options.value as object);
  if (surplus !== undefined) throw new HostError("invalid-message", `${options.key}.${surplus}: the driver ${name} has no such option`);
  return { driver: name, module: await load() };
}
