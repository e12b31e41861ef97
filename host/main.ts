// Composition root of the server: the one file that knows everyone. Puts plugins into cells, cells and adapters to the core.

import { join } from "node:path";
import semver from "semver";
import { z } from "zod";
import { httpOptions } from "./adapters/http/options.ts";
import { type HttpContribution, type HttpServer, startHttpServer } from "./adapters/http/server.ts";
import { createJsonLog, logJsonOptions } from "./adapters/log-json.ts";
import { openPluginStorage } from "./adapters/storage-sqlite.ts";
import { systemClock } from "./adapters/system-clock.ts";
import { AdmissionCache } from "./cell/admission-process.ts";
import { Containment, Quarantine } from "./cell/containment.ts";
import { createInlineCell } from "./cell/inline-cell.ts";
import { createProcessCell } from "./cell/process-cell.ts";
import { createThreadCell } from "./cell/thread-cell.ts";
import { HostError, toHostError } from "./core/errors.ts";
import { Host } from "./core/host.ts";
import type { Cell, LogSink } from "./core/ports.ts";
import type { Configuration, PluginConfiguration } from "./install/configuration.ts";
import { describeIssues, type Manifest } from "./install/manifest.ts";
import { definePlugin, effectiveLimits, readPluginFolder } from "./install/plugin-folder.ts";
import { startAll, stopAll } from "./install/start-order.ts";

const adaptersSchema = z.strictObject({
  http: z.union([z.literal(false), httpOptions]).default(() => httpOptions.parse({})),
  log: logJsonOptions.default(() => logJsonOptions.parse({})),
});

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
  const core = new Host({ clock: systemClock, log });
  const cells = lazyCells(configuration, log);
  const admission = new AdmissionCache(join(configuration.dataDir, "admitted"), configuration.hardening);
  const manifests = new Map<string, Manifest>();
  for (const [name, plugin] of Object.entries(configuration.plugins)) {
    try {
      manifests.set(name, await install(core, { cells, admission }, name, plugin));
    } catch (thrown) {
      const { message, detail } = toHostError(thrown);
      log.write({ level: "error", plugin: "host", message: `${name} is left out: ${message}`, cause: detail });
    }
  }
  await refuseUnmetDependencies(core, manifests);
  const containment = new Containment({
    host: core,
    clock: systemClock,
    log,
    quarantine: new Quarantine(join(configuration.dataDir, "quarantine")),
    options: configuration.containment,
  });
  await containment.restore();
  await startAll(core, log);
  warnOfDeafPlugins(core, log);
  let http: HttpServer | undefined;
  const stop = async (): Promise<void> => {
    containment.close();
    await http?.close();
    await stopAll(core, configuration.drainMs);
    await cells.close();
  };
  try {
    if (adapters.http !== false)
      http = await startHttpServer(adapters.http, { host: core, log, contributions: contributionsOf(manifests) });
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

interface Cells {
  get(name: string): Cell;
  close(): Promise<void>;
}

type Isolation = PluginConfiguration["isolation"];

// Made when the first plugin asks for it: one inline, one thread, and a process for each plugin or for each group of them.
function lazyCells({ dataDir, plugins, hardening }: Configuration, log: LogSink): Cells {
  const storageDir = join(dataDir, "storage");
  const made = new Map<string, Cell>();
  const groupOf = (name: string): string => {
    const { isolation, cell } = plugins[name] ?? { isolation: "process" };
    return isolation === "process" ? `process:${cell ?? name}` : isolation;
  };
  const make = {
    inline: () =>
      createInlineCell({
        clock: systemClock,
        log,
        openStorage: (image) => openPluginStorage(storageDir, image),
      }),
    thread: () => createThreadCell({ clock: systemClock, log, storageDir }),
    process: (group: string) => {
      const together = Object.keys(plugins).filter((name) => groupOf(name) === group);
      return createProcessCell({ clock: systemClock, log, storageDir, plugins: together, hardening });
    },
  } as const satisfies Record<Isolation, (group: string) => Cell>;
  return {
    get(name) {
      const group = groupOf(name);
      const cell = made.get(group) ?? make[plugins[name]?.isolation ?? "process"](group);
      made.set(group, cell);
      return cell;
    },
    async close() {
      await Promise.all([...made.values()].map((cell) => cell[Symbol.asyncDispose]()));
    },
  };
}

interface Sandbox {
  readonly cells: Cells;
  readonly admission: AdmissionCache;
}

async function install(core: Host, { cells, admission }: Sandbox, name: string, configuration: PluginConfiguration): Promise<Manifest> {
  const { manifest, wasm } = await readPluginFolder(configuration.path);
  if (manifest.name !== name) throw new HostError("invalid-manifest", `${configuration.path} holds the plugin ${manifest.name}`);
  const admitted = await admission.admit(wasm, effectiveLimits(manifest, configuration));
  core.add(definePlugin(manifest, admitted, configuration), cells.get(name));
  return manifest;
}

async function refuseUnmetDependencies(core: Host, manifests: ReadonlyMap<string, Manifest>): Promise<void> {
  for (const [name, manifest] of manifests) {
    for (const [dependency, range] of Object.entries(manifest.dependencies)) {
      const found = manifests.get(dependency)?.version;
      if (found === undefined || semver.satisfies(found, range)) continue;
      await core.plugin(name)?.fail(new HostError("conflict", `${name} needs ${dependency} ${range}; ${found} is installed`));
    }
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
