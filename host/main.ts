// Composition root of the server: the one file that knows everyone. Puts plugins into cells, cells and adapters to the core.

import { join } from "node:path";
import { z } from "zod";
import { type ControlSocket, listenForControl } from "./adapters/control-socket.ts";
import { watchDiskSpace } from "./adapters/disk-space.ts";
import { httpOptions } from "./adapters/http/options.ts";
import type { HttpContribution } from "./adapters/http/plugin-routes.ts";
import { type HttpServer, startHttpServer } from "./adapters/http/server.ts";
import { httpClientOptions, PluginHttpClient } from "./adapters/http-client/client.ts";
import { createJsonLog, logJsonOptions } from "./adapters/log-json.ts";
import { systemClock } from "./adapters/system-clock.ts";
import { Administration } from "./admin/administration.ts";
import { localActor } from "./admin/audit.ts";
import { openHostDatabase } from "./admin/database.ts";
import { QuarantineStore } from "./admin/quarantine.ts";
import { boundedLog } from "./bounds/log.ts";
import { Containment } from "./cell/containment.ts";
import { resolveHardening } from "./cell/hardening.ts";
import { Cells } from "./cells.ts";
import { HostError, toHostError } from "./core/errors.ts";
import { Host } from "./core/host.ts";
import type { HttpClient, LogSink } from "./core/ports.ts";
import { blockCodec } from "./engine/guest/blocks.ts";
import type { Configuration } from "./install/configuration.ts";
import { unmetDependencies } from "./install/dependencies.ts";
import { driftOf, type Lock } from "./install/lock.ts";
import { describeIssues, type Manifest } from "./install/manifest.ts";
import { compileResource } from "./install/resources.ts";
import { startAll, stopAll } from "./install/start-order.ts";
import { PluginManager } from "./plugin-manager.ts";
import { pluginSources, readConfigured } from "./sources.ts";
import { warningOfEscapes } from "./strangers.ts";

const adaptersSchema = z.strictObject({
  http: z.union([z.literal(false), httpOptions]).default(() => httpOptions.parse({})),
  httpClient: z.union([z.literal(false), httpClientOptions]).default(() => httpClientOptions.parse({})),
  log: logJsonOptions.default(() => logJsonOptions.parse({})),
});

const NO_REQUESTS: HttpClient = {
  fetch: () => Promise.reject(new HostError("permission-denied", "this host makes no requests (adapters.httpClient is false)")),
};

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
  /** Takes no more requests, gives queued turns `drainMs`, stops plugins in reverse order, closes storage. */
  stop(): Promise<void>;
}

/**
 * Boots a host. A plugin that cannot be installed or started is logged and left out; the others run.
 * Rejects with HostError `invalid-message` for malformed adapter options, and when the HTTP port is taken.
 */
export async function createHost({ configuration, log: givenLog, lock: givenLock }: HostOptions): Promise<RunningHost> {
  const adapters = parseAdapters(configuration);
  const log = boundedLog(givenLog ?? createJsonLog(adapters.log), systemClock);
  const lock: Lock = givenLock ?? new Map();
  // Whatever throws on the way, what was opened is closed, and the folder is free again.
  await using booting = new AsyncDisposableStack();
  const database = openHostDatabase(configuration.dataDir);
  booting.defer(() => database.close());
  const folders = await readConfigured(configuration, lock, (name, thrown) => leftOut(log, name, thrown));
  const manifests = new Map([...folders].map(([name, { manifest }]) => [name, manifest]));
  const hardening = await resolveHardening(configuration.hardening);
  for (const gap of [...hardening.gaps, ...[warningOfEscapes(configuration)].filter((one) => one !== undefined)])
    log.write({ level: "warning", plugin: "host", message: gap });
  const sources = pluginSources(configuration);
  const quarantine = new QuarantineStore(database.connection);
  const administration = new Administration({ configuration, database, clock: systemClock, manifests, sources, lock, quarantine });
  booting.defer(() => {
    try {
      administration.close();
    } catch (cause) {
      // The host has done all else by then.
      log.write({ level: "error", plugin: "host", message: "what was used and refused last is not written down", cause });
    }
  });
  for (const trouble of administration.troubles()) log.write({ level: "error", plugin: "host", message: trouble });
  const disk = await watchDiskSpace(configuration.dataDir, { clock: systemClock, log });
  booting.defer(() => disk.close());
  const core = new Host({
    clock: systemClock,
    log,
    http:
      adapters.httpClient === false
        ? NO_REQUESTS
        : new PluginHttpClient({ clock: systemClock, secrets: administration.secrets }, adapters.httpClient),
    blocks: blockCodec,
    permissions: { compile: compileResource, onCheck: administration.usage.onCheck },
    hostMsPerSecond: configuration.hostMsPerSecond,
  });
  let control: ControlSocket | undefined;
  booting.defer(() => control?.close());
  const cells = new Cells(configuration, hardening, log);
  booting.defer(() => cells.close());
  booting.defer(() => stopAll(core, configuration.drainMs));
  const manager = new PluginManager({
    core,
    cells,
    admission: sources.admission,
    configuration,
    grantsOf: (name) => administration.grantsOf(name),
    refuseBlocked: (plugin) => administration.refuseBlocked(plugin),
  });
  administration.attach(core, manager);
  for (const [name, folder] of folders) {
    const settings = configuration.plugins[name];
    if (settings !== undefined) await manager.add(folder, settings).catch((thrown) => leftOut(log, name, thrown));
  }
  administration.installer.recover([...lock.values()].map((locked) => locked.package));
  const installed = await administration.installer.load((plugin, thrown) => leftOut(log, plugin, thrown));
  for (const { folder, settings, onProbation } of installed) {
    await manager.add(folder, settings, onProbation).catch((thrown) => leftOut(log, folder.manifest.name, thrown));
  }
  await refuseUnmetDependencies(core, manifests);
  const onProbation = new Set(installed.filter((one) => one.onProbation).map(({ folder }) => folder.manifest.name));
  const containment = new Containment({
    onProbation,
    host: core,
    clock: systemClock,
    log,
    quarantine,
    start: (name) => manager.start(name),
    options: configuration.containment,
  });
  let http: HttpServer | undefined;
  booting.defer(() => http?.close());
  booting.defer(() => containment.close());
  const record = (action: string, subject: string, detail?: Readonly<Record<string, unknown>>): void => {
    try {
      administration.audit.append("host", action, subject, detail);
    } catch (cause) {
      // What happened has happened, whether a full disk takes the entry or not.
      log.write({ level: "error", plugin: "host", message: `the audit log cannot take "${action}" of ${subject}`, cause });
    }
  };
  core.onState(({ name, state, failure }) => {
    if (state === "quarantined") record("quarantine", name, { reason: failure?.message ?? "" });
  });
  await containment.restore();
  record("start", "host", { plugins: core.plugins.length });
  const stopped = new Set(installed.filter(({ enabled }) => !enabled).map(({ folder }) => folder.manifest.name));
  await startAll(core, log, stopped);
  for (const { folder, enabled } of installed) {
    const { name } = folder.manifest;
    onProbation.delete(name);
    if (enabled)
      await administration.installer.settle(name, core.plugin(name)?.state === "running").catch((thrown) => leftOut(log, name, thrown));
  }
  warnOfDeafPlugins(core, log);
  if (givenLock !== undefined) for (const drift of driftOf(givenLock, await administration.lock())) warnOfDrift(log, drift);
  control = await listenForControl(join(configuration.dataDir, "control.sock"), {
    invoke: (operation, input) => administration.invoke(operation, input, LOCAL_USER),
  });
  if (adapters.http !== false) {
    const problems = (): string[] => [disk.problem()].filter((problem) => problem !== undefined);
    http = await startHttpServer(adapters.http, { host: core, log, contributions: () => contributionsOf(manifests), problems });
  }
  const running = booting.move();
  return {
    core,
    url: http?.url,
    async stop() {
      record("stop", "host");
      await running.disposeAsync();
    },
  };
}

function parseAdapters(configuration: Configuration): z.infer<typeof adaptersSchema> {
  const parsed = adaptersSchema.safeParse(configuration.adapters);
  if (parsed.success) return parsed.data;
  throw new HostError("invalid-message", "the configuration of the adapters is malformed", {
    detail: describeIssues(parsed.error, configuration.adapters),
  });
}

// Only the user who runs the host can open its socket.
const LOCAL_USER = localActor();

function leftOut(log: LogSink, name: string, thrown: unknown): void {
  const { message, detail } = toHostError(thrown);
  log.write({ level: "error", plugin: "host", message: `${name} is left out: ${message}`, cause: detail });
}

function warnOfDrift(log: LogSink, drift: string): void {
  log.write({ level: "warning", plugin: "host", message: `differs from bulkhead.lock: ${drift}` });
}

async function refuseUnmetDependencies(core: Host, manifests: ReadonlyMap<string, Manifest>): Promise<void> {
  for (const [name, manifest] of manifests) {
    const [lack] = unmetDependencies(manifest, manifests);
    if (lack !== undefined) await core.plugin(name)?.fail(new HostError("conflict", lack));
  }
}

// A subscription without a grant hears nothing and fails nothing, so somebody has to say it.
function warnOfDeafPlugins(core: Host, log: LogSink): void {
  for (const { name, definition } of core.plugins) {
    if (definition.subscriptions.length === 0 || definition.grants.some(({ permission }) => permission === "events.subscribe")) continue;
    const types = definition.subscriptions.map(({ type }) => type).join(", ");
    const remedy = `plugins.${name}.grants needs {"permission": "events.subscribe", "resource": "…"}`;
    log.write({ level: "warning", plugin: "host", message: `${name} subscribes to ${types} and will hear nothing: ${remedy}` });
  }
}

function contributionsOf(manifests: ReadonlyMap<string, Manifest>): HttpContribution[] {
  return [...manifests].flatMap(([plugin, { contributes }]) => ("http" in contributes ? [{ plugin, section: contributes.http }] : []));
}
