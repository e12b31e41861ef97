// Composition root of the server: the one file that knows everyone. Puts plugins into cells, cells and adapters to the core.

import { userInfo } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type ControlSocket, listenForControl } from "./adapters/control-socket.ts";
import { httpOptions } from "./adapters/http/options.ts";
import type { HttpContribution } from "./adapters/http/plugin-routes.ts";
import { type HttpServer, startHttpServer } from "./adapters/http/server.ts";
import { httpClientOptions, PluginHttpClient } from "./adapters/http-client/client.ts";
import { createJsonLog, logJsonOptions } from "./adapters/log-json.ts";
import { systemClock } from "./adapters/system-clock.ts";
import { Administration } from "./admin/administration.ts";
import type { Actor } from "./admin/audit.ts";
import { openHostDatabase } from "./admin/database.ts";
import { AdmissionCache } from "./cell/admission-process.ts";
import { Containment, Quarantine } from "./cell/containment.ts";
import { Cells } from "./cells.ts";
import { HostError, toHostError } from "./core/errors.ts";
import { Host } from "./core/host.ts";
import type { HttpClient, LogSink } from "./core/ports.ts";
import { blockCodec } from "./engine/guest/blocks.ts";
import type { Configuration, PluginConfiguration } from "./install/configuration.ts";
import { unmetDependencies } from "./install/dependencies.ts";
import { describeIssues, type Manifest } from "./install/manifest.ts";
import { fetchFolder } from "./install/package-store.ts";
import { effectiveLimits, type PluginFolder, readPluginFolder } from "./install/plugin-folder.ts";
import { compileResource } from "./install/resources.ts";
import { startAll, stopAll } from "./install/start-order.ts";
import { PluginManager } from "./plugin-manager.ts";

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
export async function createHost({ configuration, log: givenLog }: HostOptions): Promise<RunningHost> {
  const adapters = parseAdapters(configuration);
  const log = givenLog ?? createJsonLog(adapters.log);
  const folders = await readFolders(configuration, log);
  const manifests = new Map([...folders].map(([name, { manifest }]) => [name, manifest]));
  const database = openHostDatabase(configuration.dataDir);
  const admission = new AdmissionCache(join(configuration.dataDir, "admitted"), configuration.hardening);
  const sources = {
    fetch: fetchFolder,
    admit: (folder: PluginFolder, settings: PluginConfiguration) =>
      admission.admit(folder.wasm, effectiveLimits(folder.manifest, settings)),
  };
  const administration = new Administration({ configuration, database, clock: systemClock, manifests, sources });
  const core = new Host({
    clock: systemClock,
    log,
    http:
      adapters.httpClient === false
        ? NO_REQUESTS
        : new PluginHttpClient({ clock: systemClock, secrets: administration.secrets }, adapters.httpClient),
    blocks: blockCodec,
    permissions: { compile: compileResource, onCheck: administration.usage.onCheck },
  });
  const cells = new Cells(configuration, log);
  const manager = new PluginManager({ core, cells, admission, configuration, grantsOf: (name) => administration.grantsOf(name) });
  administration.attach(core, manager);
  for (const [name, folder] of folders) {
    const settings = configuration.plugins[name];
    if (settings !== undefined) await manager.add(folder, settings).catch((thrown) => leftOut(log, name, thrown));
  }
  administration.installer.recover();
  const installed = await administration.installer.load((plugin, thrown) => leftOut(log, plugin, thrown));
  for (const { folder, settings } of installed) {
    await manager.add(folder, settings).catch((thrown) => leftOut(log, folder.manifest.name, thrown));
  }
  await refuseUnmetDependencies(core, manifests);
  const containment = new Containment({
    host: core,
    clock: systemClock,
    log,
    quarantine: new Quarantine(join(configuration.dataDir, "quarantine")),
    options: configuration.containment,
  });
  core.onState(({ name, state, failure }) => {
    if (state === "quarantined") administration.audit.append("host", "quarantine", name, { reason: failure?.message ?? "" });
  });
  await containment.restore();
  administration.audit.append("host", "start", "host", { plugins: core.plugins.length });
  await startAll(core, log);
  for (const { folder } of installed)
    await administration.installer.settle(folder.manifest.name, core.plugin(folder.manifest.name)?.state === "running");
  warnOfDeafPlugins(core, log);
  let http: HttpServer | undefined;
  let control: ControlSocket | undefined;
  const stop = async (): Promise<void> => {
    containment.close();
    await http?.close();
    await stopAll(core, configuration.drainMs);
    await cells.close();
    await control?.close();
    administration.audit.append("host", "stop", "host");
    administration.close();
  };
  try {
    control = await listenForControl(join(configuration.dataDir, "control.sock"), {
      invoke: (operation, input) => administration.invoke(operation, input, LOCAL_USER),
    });
    if (adapters.http !== false)
      http = await startHttpServer(adapters.http, { host: core, log, contributions: () => contributionsOf(manifests) });
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return { core, url: http?.url, stop };
}

function parseAdapters(configuration: Configuration): z.infer<typeof adaptersSchema> {
  const parsed = adaptersSchema.safeParse(configuration.adapters);
  if (parsed.success) return parsed.data;
  throw new HostError("invalid-message", "the configuration of the adapters is malformed", { detail: describeIssues(parsed.error) });
}

// Only the user who runs the host can open its socket.
const LOCAL_USER: Actor = `user:${userInfo().username}`;

async function readFolders({ plugins }: Configuration, log: LogSink): Promise<Map<string, PluginFolder>> {
  const folders = new Map<string, PluginFolder>();
  for (const [name, { path }] of Object.entries(plugins)) {
    try {
      const folder = await readPluginFolder(path);
      if (folder.manifest.name !== name) throw new HostError("invalid-manifest", `${path} holds the plugin ${folder.manifest.name}`);
      folders.set(name, folder);
    } catch (thrown) {
      leftOut(log, name, thrown);
    }
  }
  return folders;
}

function leftOut(log: LogSink, name: string, thrown: unknown): void {
  const { message, detail } = toHostError(thrown);
  log.write({ level: "error", plugin: "host", message: `${name} is left out: ${message}`, cause: detail });
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
