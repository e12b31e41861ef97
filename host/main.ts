// Composition root of the server: the one file that knows everyone. Puts plugins into cells, cells and adapters to the core.

import { join } from "node:path";
import semver from "semver";
import { z } from "zod";
import { httpOptions } from "./adapters/http/options.ts";
import { type HttpContribution, type HttpServer, startHttpServer } from "./adapters/http/server.ts";
import { createJsonLog, logJsonOptions } from "./adapters/log-json.ts";
import { openSqliteStorage } from "./adapters/storage-sqlite.ts";
import { systemClock } from "./adapters/system-clock.ts";
import { createInlineCell } from "./cell/inline-cell.ts";
import { createThreadCell } from "./cell/thread-cell.ts";
import { HostError, toHostError } from "./core/errors.ts";
import { Host } from "./core/host.ts";
import type { Cell, LogSink } from "./core/ports.ts";
import { admitPlugin } from "./engine/admit-plugin.ts";
import type { Configuration, PluginConfiguration } from "./install/configuration.ts";
import { describeIssues, type Manifest } from "./install/manifest.ts";
import { definePlugin, effectiveLimits, readPluginFolder } from "./install/plugin-folder.ts";

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
  const cells = lazyCells(join(configuration.dataDir, "storage"), log);
  const manifests = new Map<string, Manifest>();
  for (const [name, plugin] of Object.entries(configuration.plugins)) {
    try {
      manifests.set(name, await install(core, cells, name, plugin));
    } catch (thrown) {
      const { message, detail } = toHostError(thrown);
      log.write({ level: "error", plugin: "host", message: `${name} is left out: ${message}`, cause: detail });
    }
  }
  await refuseUnmetDependencies(core, manifests);
  await core.start();
  warnOfDeafPlugins(core, log);
  let http: HttpServer | undefined;
  const stop = async (): Promise<void> => {
    await http?.close();
    await core.stop(configuration.drainMs);
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
  get(isolation: PluginConfiguration["isolation"]): Cell;
  close(): Promise<void>;
}

// One cell of each kind, made when the first plugin asks for it.
function lazyCells(storageDir: string, log: LogSink): Cells {
  const made = new Map<PluginConfiguration["isolation"], Cell>();
  const make = {
    inline: () =>
      createInlineCell({
        clock: systemClock,
        log,
        openStorage: (image) => openSqliteStorage({ dir: storageDir, plugin: image.name, maxBytes: image.limits.storageBytes }),
      }),
    thread: () => createThreadCell({ clock: systemClock, log, storageDir }),
  } as const satisfies Record<PluginConfiguration["isolation"], () => Cell>;
  return {
    get(isolation) {
      const cell = made.get(isolation) ?? make[isolation]();
      made.set(isolation, cell);
      return cell;
    },
    async close() {
      for (const cell of made.values()) await cell[Symbol.asyncDispose]();
    },
  };
}

async function install(core: Host, cells: Cells, name: string, configuration: PluginConfiguration): Promise<Manifest> {
  const { manifest, wasm } = await readPluginFolder(configuration.path);
  if (manifest.name !== name) throw new HostError("invalid-manifest", `${configuration.path} holds the plugin ${manifest.name}`);
  const admitted = admitPlugin(wasm, effectiveLimits(manifest, configuration));
  core.add(definePlugin(manifest, admitted, configuration), cells.get(configuration.isolation));
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
