// Opens the drivers that the configuration chooses.

import { join } from "node:path";
import { openDataFolder } from "../admin/data-folder.ts";
import { boundedLog } from "../bounds/log.ts";
import { LOG_LEVELS, LogLevels } from "../bounds/log-levels.ts";
import { RecentLines } from "../bounds/recent-lines.ts";
import type { EventLog } from "../core/ports/events.ts";
import type { LogLevel, LogLine, LogSink } from "../core/ports/log.ts";
import type { StateDriver } from "../core/ports/state.ts";
import { EVENT_DRIVERS, LEASE_DRIVERS, LOG_DRIVERS, STATE_DRIVERS } from "../drivers/index.ts";
import type { Configuration } from "../manifest/configuration.ts";
import type { Driver, Leases, LogOutput, Opening } from "../seams.ts";
import { chosenInCluster } from "./clustered.ts";
import { foreign, openOurs } from "./foreign.ts";
import { chosenDriver, optionsOf, sectionOf } from "./sections.ts";

/** The one way into the log, and what there is to know of it. */
export interface HostLog extends LogSink {
  readonly levels: LogLevels;
  readonly recent: RecentLines;
  /** What it is written to was moved away. */
  reopen(): void;
  /** In words, why it cannot be written. */
  problems(): readonly string[];
  /** From now on the levels of this configuration hold, but for what an operator has set at run time. Rejects with HostError. */
  reconfigure(configuration: Configuration): Promise<void>;
}

/** Where lines go, bounded. `given` is used instead of a driver. Rejects with HostError. */
export async function openLog(
  configuration: Configuration,
  given: LogSink | undefined,
  opening: Omit<Opening, "log">,
  booting: AsyncDisposableStack,
): Promise<HostLog> {
  let write = (_line: LogLine): void => {};
  const output: LogOutput =
    given ??
    booting.use(
      await openDriver(LOG_DRIVERS, logSection(configuration), configuration, { ...opening, log: { write: (line) => write(line) } }),
    );
  const levels = new LogLevels(output.level);
  const recent = new RecentLines(opening.clock);
  // What the driver says of itself is a line like others.
  ({ write } = boundedLog([output, recent], opening.clock, levels));
  return {
    write,
    levels,
    recent,
    reopen: () => output.reopen?.(),
    problems: () => [output.problem?.()].filter((problem) => problem !== undefined),
    async reconfigure(next) {
      if (given === undefined) levels.setDefault(await leastLevelOf(next));
      for (const [name, { logLevel }] of Object.entries(next.plugins)) levels.configure(name, logLevel);
    },
  };
}

/** Of a driver that is not ours only what is written. */
async function leastLevelOf(configuration: Configuration): Promise<LogLevel | undefined> {
  const { name, options } = logSection(configuration);
  const load = Object.hasOwn(LOG_DRIVERS, name) ? LOG_DRIVERS[name] : undefined;
  const { level } = Object(load === undefined ? options.value : optionsOf((await load()).options, options)) as { readonly level?: unknown };
  return LOG_LEVELS.find((one) => one === level);
}

const logSection = (configuration: Configuration): ReturnType<typeof chosenDriver> =>
  chosenDriver(sectionOf(configuration, "drivers", "log"), "json");

/** The state that plugins share. Rejects with HostError. */
export async function openState(configuration: Configuration, opening: Opening, booting: AsyncDisposableStack): Promise<StateDriver> {
  const section = chosenInCluster(configuration, sectionOf(configuration, "drivers", "state"), { alone: "sqlite", together: "nats" });
  return booting.use(await openDriver(STATE_DRIVERS, section, configuration, opening));
}

/** Where events are kept. Rejects with HostError. */
export async function openEventLog(configuration: Configuration, opening: Opening, booting: AsyncDisposableStack): Promise<EventLog> {
  const section = chosenDriver(sectionOf(configuration, "drivers", "events"), "sqlite");
  return booting.use(await openDriver(EVENT_DRIVERS, section, configuration, opening));
}

/** Which of several hosts does what only one may; this one, unless the configuration names where others are. Rejects with HostError. */
export async function openLeases(configuration: Configuration, opening: Opening, booting: AsyncDisposableStack): Promise<Leases> {
  // Hosts with different plugins must not share them by default: whoever holds the one lease of schedules enters the plugins that it has.
  const section = chosenInCluster(configuration, sectionOf(configuration, "drivers", "leases"), { alone: "memory", together: "memory" });
  return booting.use(await openDriver(LEASE_DRIVERS, section, configuration, opening));
}

/** What was sent durably, in a folder of its own: the same as the event log, and another one. Rejects with HostError. */
export async function openSendLog(configuration: Configuration, { dataDir, ...opening }: Opening): Promise<EventLog & AsyncDisposable> {
  const folder = sendsFolder(dataDir);
  openDataFolder(folder);
  return openDriver(EVENT_DRIVERS, chosenForSends(configuration), configuration, { ...opening, dataDir: folder });
}

export function chosenForSends(configuration: Configuration): ReturnType<typeof chosenDriver> {
  const { name, options } = chosenDriver(sectionOf(configuration, "drivers", "sends"), "sqlite");
  // Of ours: what waits for a provider that is down must not go because others are busy.
  const value = Object.hasOwn(EVENT_DRIVERS, name) ? { letGo: "handled", ...Object(options.value) } : options.value;
  return { name, options: { ...options, value } };
}

export const sendsFolder = (dataDir: string): string => join(dataDir, "sends");

/** One of ours, or a package or file that the configuration names. */
export async function openDriver<Port, Given extends Opening = Opening>(
  ours: Readonly<Record<string, () => Promise<Driver<Port, unknown, Given>>>>,
  { name, options }: ReturnType<typeof chosenDriver>,
  configuration: Configuration,
  opening: Given,
): Promise<Port & AsyncDisposable> {
  const load = Object.hasOwn(ours, name) ? ours[name] : undefined;
  const driver =
    load === undefined ? await foreign<Driver<Port, unknown, Given>>(name, configuration, options.key, "driver") : await load();
  const open = (): Promise<Port & AsyncDisposable> => driver.open(opening, optionsOf(driver.options, options));
  return load === undefined ? open() : openOurs(driver, open);
}
