// The steps of a host's start that a command without a host takes too, and those that bring its plugins to run.

import { openHostDatabase } from "../admin/database.ts";
import type { Operations } from "../admin/operations.ts";
import { type LoadedPlugin, Stores } from "../admin/stores.ts";
import type { DeclaredFunctions } from "../cell/admission/admission-process.ts";
import { type Hardening, resolveHardening } from "../cell/outside/hardening.ts";
import { HostError, toHostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { PluginDefinition } from "../core/types.ts";
import { driftOf, type Lock } from "../install/lock.ts";
import { authenticates } from "../install/plugin-folder.ts";
import type { Configuration } from "../manifest/configuration.ts";
import { unmetDependencies } from "../manifest/dependencies.ts";
import { unansweredBy } from "../manifest/resources.ts";
import { Containment } from "./containment.ts";
import type { Fleet } from "./fleet.ts";
import { type PluginSources, pluginSources, readConfigured, readOneConfigured } from "./sources.ts";
import { startAll, stopAll } from "./start-order.ts";
import { warningOfEscapes } from "./strangers.ts";

/** What is there of a host before it runs. */
export interface Household {
  readonly stores: Stores;
  readonly sources: PluginSources;
}

export interface HouseholdPorts {
  readonly configuration: Configuration;
  /** Of bulkhead.lock. */
  readonly lock: Lock;
  readonly clock: Clock;
  /** What modules may import of the program that the host is part of. */
  readonly functions?: DeclaredFunctions;
  /** Told of what is wrong and stops nothing. */
  tell(trouble: string, cause?: unknown): void;
}

/**
 * Takes the data folder, finishes in it what a crash interrupted, and reads what the configuration names. Rejects with HostError `conflict` while another
 * process has the folder, and `storage-failed`. All is closed with `opening`.
 */
export async function openHousehold(
  { configuration, lock, clock, functions = {}, tell }: HouseholdPorts,
  opening: AsyncDisposableStack,
): Promise<Household> {
  const database = openHostDatabase(configuration.dataDir);
  opening.defer(() => database.close());
  const sources = await pluginSources(configuration, functions, () => stores.configuration);
  const leftOut = new Map<string, HostError>();
  const manifests = await readConfigured(configuration, lock, (name, thrown) => {
    tell(leftOutWords(name, thrown), toHostError(thrown).detail);
    leftOut.set(name, toHostError(thrown));
  });
  const stores = new Stores({ configuration, database, clock, manifests, lock });
  for (const [name, why] of leftOut) stores.leftOut.set(name, why);
  opening.defer(() => {
    try {
      stores.close();
    } catch (cause) {
      // All else is done by then.
      tell("what was used and refused last is not written down", cause);
    }
  });
  for (const trouble of stores.troubles()) tell(trouble);
  stores.recover();
  return { stores, sources };
}

export interface FleetBoot {
  readonly core: Host;
  readonly fleet: Fleet;
  readonly operations: Operations;
  readonly household: Household;
  readonly clock: Clock;
  readonly log: LogSink;
  /** What each plugin gets for its queue when all are stopped. */
  readonly drainMs: () => number;
  /** Whether there is a bulkhead.lock to compare with. */
  readonly isLocked: boolean;
}

/** Adds and starts all plugins, decides about updates that were never seen to start, and contains whoever fails from now on. Stops them with `booting`. */
export async function bootFleet(boot: FleetBoot, booting: AsyncDisposableStack): Promise<void> {
  const { core, fleet, operations, household, clock, log, drainMs, isLocked } = boot;
  const { stores } = household;
  const { quarantine } = stores;
  const { configuration } = stores;
  booting.defer(() => stopAll(core, drainMs()));
  stores.grants.dropUntilRestart();
  operations.trust.applyRevocations();
  fleet.forgetGone();
  const leftOut = (name: string, thrown: unknown): void => {
    stores.leftOut.set(name, toHostError(thrown));
    log.write({ level: "error", plugin: "host", message: leftOutWords(name, thrown), cause: toHostError(thrown).detail });
  };
  const readable = Object.entries(configuration.plugins).filter(([name]) => stores.manifests.has(name));
  // Read again one after the other: the modules of all at once can be more than the host has memory.
  for (const [name, settings] of readable)
    await readOneConfigured(name, settings, stores)
      .then((folder) => fleet.add(folder, settings))
      .catch((thrown) => leftOut(name, thrown));
  const installed = await stores.load(leftOut);
  for (const { folder, settings, onProbation } of installed)
    await fleet.add(folder, settings, onProbation).catch((thrown) => leftOut(folder.manifest.name, thrown));
  await refuseUnmetDependencies(core, stores);
  const onProbation = new Set(namesOf(installed.filter((one) => one.onProbation)));
  const start = (name: string): Promise<void> => fleet.start(name);
  const containment = new Containment({
    onProbation,
    host: core,
    clock,
    log,
    quarantine,
    start,
    options: () => stores.configuration.containment,
  });
  booting.defer(() => containment.close());
  await containment.restore();
  await startAll(core, log, new Set(namesOf(installed.filter(({ enabled }) => !enabled))));
  for (const name of namesOf(installed.filter(({ enabled }) => enabled))) {
    const isRunning = core.plugin(name)?.state === "running";
    onProbation.delete(name);
    await operations.installer.settle(name, isRunning).catch((thrown) => leftOut(name, thrown));
  }
  warnOfDeafPlugins(core, log);
  warnOfUnrecorded(stores, log);
  if (!isLocked) return;
  for (const drift of driftOf(stores.lock, await operations.lock()))
    log.write({ level: "warning", plugin: "host", message: `differs from bulkhead.lock: ${drift}` });
}

/** What process cells get besides the usual; what cannot be had is told. */
export async function hardeningOf(configuration: Configuration, log: LogSink): Promise<Hardening> {
  const hardening = await resolveHardening(configuration.hardening);
  for (const message of [...hardening.gaps, warningOfEscapes(configuration)])
    if (message !== undefined) log.write({ level: "warning", plugin: "host", message });
  return hardening;
}

export function recordQuarantines(core: Host, record: ReturnType<typeof auditOf>): void {
  core.observe({
    state({ name, state, failure }) {
      if (state === "quarantined") record("quarantine", name, { reason: failure?.message ?? "" });
    },
  });
}

/** Writes down in the audit log what the host does itself; what has happened has happened, whether a full disk takes the entry or not. */
export function auditOf(
  { audit }: Stores,
  log: LogSink,
): (action: string, subject: string, detail?: Readonly<Record<string, unknown>>) => void {
  return (action, subject, detail) => {
    try {
      audit.append("host", action, subject, detail);
    } catch (cause) {
      log.write({ level: "error", plugin: "host", message: `the audit log cannot take "${action}" of ${subject}`, cause });
    }
  };
}

const leftOutWords = (name: string, thrown: unknown): string => `${name} is left out: ${toHostError(thrown).message}`;

const namesOf = (installed: readonly LoadedPlugin[]): string[] => installed.map(({ folder }) => folder.manifest.name);

async function refuseUnmetDependencies(core: Host, { manifests }: Stores): Promise<void> {
  for (const [name, manifest] of manifests) {
    const [lack] = unmetDependencies(manifest, manifests);
    if (lack !== undefined) await core.plugin(name)?.fail(new HostError("conflict", lack));
  }
}

// A subscription without a grant hears nothing and fails nothing, and so with an extension; somebody has to say it.
function warnOfDeafPlugins(core: Host, log: LogSink): void {
  for (const { name, definition } of core.plugins) {
    warnOfNeverAsked(definition, log);
    if (definition.subscriptions.length === 0 || definition.grants.some(({ permission }) => permission === "events.subscribe")) continue;
    const types = definition.subscriptions.map(({ type }) => type).join(", ");
    const remedy = `plugins.${name}.grants needs {"permission": "events.subscribe", "resource": "…"}`;
    log.write({ level: "warning", plugin: "host", message: `${name} subscribes to ${types} and will hear nothing: ${remedy}` });
  }
}

// What people show to be let in is kept nowhere, whatever the configuration says.
function warnOfUnrecorded(stores: Stores, log: LogSink): void {
  for (const [name, manifest] of stores.manifests)
    if (stores.settingsOf(name)?.record === "failures" && authenticates(manifest))
      log.write({
        level: "warning",
        plugin: "host",
        message: `${name} says who people are, so none of its turns is kept: plugins.${name}.record has no effect`,
      });
}

function warnOfNeverAsked({ name, extensions = [], permissions, grants }: PluginDefinition, log: LogSink): void {
  const points = extensions.map(({ point }) => point);
  const unrequested = unansweredBy(points, permissions);
  for (const point of new Set([...unrequested, ...unansweredBy(points, grants)])) {
    const remedy = unrequested.includes(point)
      ? `its manifest does not ask for it: permissions needs extensions.answer on ${point}`
      : `plugins.${name}.grants needs {"permission": "extensions.answer", "resource": "${point}"}`;
    log.write({ level: "warning", plugin: "host", message: `${name} extends ${point} and will not be asked: ${remedy}` });
  }
}
