// The configuration with all that it leaves to defaults: its own, and those of what it names that comes with the host.

import { ADAPTERS } from "../adapters/index.ts";
import { MODULE_BOUNDS } from "../bounds/module-bounds.ts";
import { CAPABILITIES } from "../capabilities/index.ts";
import { EVENT_DRIVERS, LEASE_DRIVERS, LOG_DRIVERS, STATE_DRIVERS, STORAGE_DRIVERS_OF_HOST } from "../drivers/index.ts";
import type { Configuration } from "../manifest/configuration.ts";
import type { Driver } from "../seams.ts";
import { chosenForSends } from "./drivers.ts";
import { chosenDriver, FORMER_ADAPTERS, optionsOf, sectionOf } from "./sections.ts";
import { storageOf } from "./storage.ts";

const KIB = 1_024;

type Values = Readonly<Record<string, unknown>>;

type Drivers = Readonly<Record<string, () => Promise<Pick<Driver<unknown>, "options">>>>;

const DRIVERS: Readonly<Record<string, { readonly ours: Drivers; readonly byDefault: string }>> = {
  log: { ours: LOG_DRIVERS, byDefault: "json" },
  state: { ours: STATE_DRIVERS, byDefault: "sqlite" },
  events: { ours: EVENT_DRIVERS, byDefault: "sqlite" },
  leases: { ours: LEASE_DRIVERS, byDefault: "memory" },
};

/** Rejects with HostError `invalid-message` for options that are malformed. Opens nothing. */
export async function effectiveConfiguration(configuration: Configuration): Promise<Values> {
  const { folder: _, admission, ...rest } = configuration;
  return {
    ...rest,
    admission: { ...Object.fromEntries(Object.values(MODULE_BOUNDS).map((bound) => [bound.key, bound.default])), ...admission },
    adapters: await adaptersOf(configuration),
    capabilities: await capabilitiesOf(configuration),
    drivers: await driversOf(configuration),
  };
}

async function adaptersOf(configuration: Configuration): Promise<Values> {
  const shown: Record<string, unknown> = {};
  for (const [name, { isDefault, load }] of Object.entries(ADAPTERS)) {
    const section = sectionOf(configuration, "adapters", name);
    const isOn = section.value !== false && (isDefault || section.value !== undefined);
    shown[name] = isOn ? optionsOf((await load()).options, section) : false;
  }
  const others = Object.entries(configuration.adapters).filter(([name]) => !Object.hasOwn(ADAPTERS, name) && !FORMER_ADAPTERS.has(name));
  return { ...shown, ...Object.fromEntries(others) };
}

async function capabilitiesOf(configuration: Configuration): Promise<Values> {
  const shown: Record<string, unknown> = {};
  for (const [name, { load }] of Object.entries(CAPABILITIES)) {
    const section = sectionOf(configuration, "capabilities", name);
    shown[name] = section.value === false ? false : optionsOf((await load()).options, section);
  }
  return { ...configuration.capabilities, ...shown };
}

async function driversOf(configuration: Configuration): Promise<Values> {
  const shown: Record<string, unknown> = {};
  for (const [port, { ours, byDefault }] of Object.entries(DRIVERS))
    shown[port] = await driverOf(ours, chosenDriver(sectionOf(configuration, "drivers", port), byDefault));
  const { driver, options, readCacheBytes } = storageOf(configuration);
  const storage = await driverOf(STORAGE_DRIVERS_OF_HOST, { name: driver, options });
  return {
    ...configuration.drivers,
    ...shown,
    sends: await driverOf(EVENT_DRIVERS, chosenForSends(configuration)),
    storage: { ...storage, ...(readCacheBytes !== undefined && { readCacheKiB: readCacheBytes / KIB }) },
  };
}

/** Options of one that is not ours are shown as they are written. */
async function driverOf(ours: Drivers, { name, options }: ReturnType<typeof chosenDriver>): Promise<Values> {
  const load = Object.hasOwn(ours, name) ? ours[name] : undefined;
  const known = load === undefined ? Object(options.value) : optionsOf((await load()).options, options);
  return { driver: name, ...known };
}
