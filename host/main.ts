// Composition root of the host: the one file that knows everyone. What is chosen from tables is opened first, then the core, then its plugins, then the doors.

import { Operations } from "./admin/operations.ts";
import { resolveHardening } from "./cell/outside/hardening.ts";
import { Host } from "./core/host.ts";
import type { LogSink } from "./core/ports/log.ts";
import { systemClock } from "./drivers/system-clock.ts";
import { blockCodec } from "./engine/guest/blocks.ts";
import type { Lock } from "./install/lock.ts";
import { adapterContext } from "./lifecycle/adapter-context.ts";
import { contributionParsers, openAdapters } from "./lifecycle/adapters.ts";
import { auditOf, bootFleet, openHousehold } from "./lifecycle/boot.ts";
import { openCapabilities } from "./lifecycle/capabilities.ts";
import { LiveCatalog } from "./lifecycle/catalog.ts";
import { Cells } from "./lifecycle/cells.ts";
import { watchDiskSpace } from "./lifecycle/disk-space.ts";
import { chooseStorage, openLog } from "./lifecycle/drivers.ts";
import { Fleet } from "./lifecycle/fleet.ts";
import { warningOfEscapes } from "./lifecycle/strangers.ts";
import type { Configuration } from "./manifest/configuration.ts";
import { compileResource } from "./manifest/resources.ts";

export interface HostOptions {
  readonly configuration: Configuration;
  /** Where log lines go; JSON on standard output by default. */
  readonly log?: LogSink | undefined;
  /** Of bulkhead.lock: says which packages the configuration's sources are. What differs from it is logged. */
  readonly lock?: Lock | undefined;
}

export interface RunningHost {
  readonly core: Host;
  /** Where the HTTP adapter listens; undefined when it is off. */
  readonly url: string | undefined;
  /** Where every adapter listens that tells, by its name. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Takes no more requests, gives queued turns `drainMs`, stops plugins in reverse order, closes storage. */
  stop(): Promise<void>;
}

/**
 * Boots a host. A plugin that cannot be installed or started is logged and left out; the others run. Rejects with HostError `invalid-message` for malformed
 * options, and with what else a step fails with; whatever was opened is closed then.
 */
export async function createHost({ configuration, log: givenLog, lock }: HostOptions): Promise<RunningHost> {
  const clock = systemClock;
  const { dataDir, hostMsPerSecond } = configuration;
  await using booting = new AsyncDisposableStack();
  const log = await openLog(configuration, givenLog, { clock, dataDir }, booting);
  const opening = { clock, log, dataDir };
  const tell = (message: string, cause?: unknown): void => log.write({ level: "error", plugin: "host", message, cause });
  const household = await openHousehold({ configuration, lock: lock ?? new Map(), clock, tell }, booting);
  const { stores, sources } = household;
  const hardening = await resolveHardening(configuration.hardening);
  for (const message of [...hardening.gaps, warningOfEscapes(configuration)])
    if (message !== undefined) log.write({ level: "warning", plugin: "host", message });
  const disk = booting.use(await watchDiskSpace(dataDir, opening));
  const storage = await chooseStorage(configuration);
  const capabilities = await openCapabilities(configuration, opening, stores.secrets, booting);
  const adapters = await openAdapters(configuration, opening, booting);
  const core = new Host({
    ...{ clock, log, hostMsPerSecond, blocks: blockCodec, guards: adapters.guards },
    capabilities: { ...capabilities, ...adapters.functions },
    permissions: { compile: compileResource, onCheck: stores.usage.onCheck },
  });
  for (const observer of adapters.observers) core.observe(observer);
  const cells = booting.adopt(new Cells({ configuration, hardening, clock, log, storage }), (all) => all.close());
  const fleet = new Fleet({ core, cells, admission: sources.admission, stores });
  const operations = new Operations({ stores, clock, sources, live: { core, plugins: fleet } });
  const native = { services: [], events: [], points: [] };
  const catalog = new LiveCatalog({ core, manifests: stores.manifests, parsers: await contributionParsers(configuration), native, log });
  const record = auditOf(stores, log);
  core.observe({
    state: ({ name, state, failure }) => state === "quarantined" && record("quarantine", name, { reason: failure?.message ?? "" }),
  });
  await bootFleet({ core, fleet, operations, household, clock, log, isLocked: lock !== undefined }, booting);
  record("start", "host", { plugins: core.plugins.length });
  const problems = (): string[] => [disk.problem()].filter((problem) => problem !== undefined);
  const addresses = await adapters.start((name) => adapterContext(name, { core, operations, catalog, clock, log, problems }), booting);
  const running = booting.move();
  const stop = async (): Promise<void> => {
    record("stop", "host");
    await running.disposeAsync();
  };
  return { core, url: addresses.get("http"), addresses, stop };
}
