// Which plugins there are and what is known of them: states, versions, sources, and the lock that describes them all.

import { HostError, toHostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { type PluginConfiguration, pluginSettings } from "../install/configuration.ts";
import { type Dependency, dependenciesOf } from "../install/dependencies.ts";
import type { Lock, LockedPlugin } from "../install/lock.ts";
import type { Manifest } from "../install/manifest.ts";
import { updateSpec } from "../install/package-sources.ts";
import { idOf } from "../install/package-store.ts";
import type { Installation, Installations } from "./installations.ts";
import type { Sources } from "./installer.ts";
import type { PermissionOverview, PermissionStatus } from "./permission-overview.ts";

export interface PluginSummary {
  readonly plugin: string;
  readonly version: string;
  /** `not running` when the host does not run. */
  readonly state: string;
  readonly isolation: string;
  readonly queued: number;
  readonly failure: string | undefined;
}

/** All that can be told of one plugin. */
export interface PluginDetails extends PluginSummary {
  readonly description: string | undefined;
  /** Where it came from; undefined for a folder that the configuration names. */
  readonly installation: Installation | undefined;
  readonly services: readonly string[];
  readonly subscriptions: readonly string[];
  readonly dependencies: readonly Dependency[];
  readonly permissions: readonly PermissionStatus[];
  readonly limits: Manifest["limits"];
}

export interface Outdated {
  readonly plugin: string;
  readonly source: string;
  readonly installed: string;
  /** What the source has now; undefined when it cannot be asked. */
  readonly latest: string | undefined;
  readonly problem: string | undefined;
}

export interface PluginOverviewPorts {
  readonly configured: Readonly<Record<string, PluginConfiguration>>;
  readonly manifests: ReadonlyMap<string, Manifest>;
  readonly installations: Installations;
  readonly permissions: PermissionOverview;
  readonly sources: Sources;
  readonly lock: Lock;
}

export class PluginOverview {
  readonly #ports: PluginOverviewPorts;
  /** The one that runs. */
  host: Host | undefined;

  constructor(ports: PluginOverviewPorts) {
    this.#ports = ports;
  }

  list(): PluginSummary[] {
    const configured = Object.entries(this.#ports.configured).map(([plugin, { isolation }]) => ({ plugin, isolation }));
    const installed = this.#ports.installations
      .list()
      .map(({ plugin, settings }) => ({ plugin, isolation: pluginSettings(settings).isolation }));
    return [...configured, ...installed].map(({ plugin, isolation }) => {
      const live = this.host?.plugin(plugin);
      return {
        plugin,
        version: this.#ports.manifests.get(plugin)?.version ?? "",
        state: this.host === undefined ? "not running" : (live?.state ?? "left out"),
        isolation,
        queued: live?.queued ?? 0,
        failure: live?.failure?.message,
      };
    });
  }

  info(name: string): PluginDetails {
    const manifest = this.#ports.permissions.manifestOf(name);
    const summary = this.list().find(({ plugin }) => plugin === name);
    if (summary === undefined) throw new HostError("internal", `${name} has a manifest and is not there`);
    return {
      ...summary,
      description: manifest.description,
      installation: this.#ports.installations.find(name),
      services: Object.keys(manifest.services),
      subscriptions: manifest.subscriptions.map(({ type }) => type),
      dependencies: dependenciesOf(manifest),
      permissions: this.#ports.permissions.statusOf(name),
      limits: manifest.limits,
    };
  }

  /** Every installed plugin with the version that its source has now. */
  async outdated(): Promise<Outdated[]> {
    return Promise.all(
      this.#ports.installations.list().map(async ({ plugin, source, version: installed }) => {
        const base = { plugin, source, installed };
        try {
          const { version: latest } = await this.#ports.sources.resolve(updateSpec(source));
          return { ...base, latest, problem: undefined };
        } catch (thrown) {
          return { ...base, latest: undefined, problem: toHostError(thrown).message };
        }
      }),
    );
  }

  /** What is there now, as bulkhead.lock would have it. A configured folder counts as it lies there. */
  async lock(): Promise<Lock> {
    const actual = new Map<string, LockedPlugin>();
    for (const [name, { path, source }] of Object.entries(this.#ports.configured)) {
      const locked = source === undefined ? await this.#lockedFolder(path ?? "") : this.#ports.lock.get(name);
      if (locked !== undefined)
        actual.set(name, { ...locked, permissions: this.#ports.permissions.lastingGrantsOf(name), configured: true, settings: {} });
    }
    for (const { plugin, version, source, integrity, wasmSha256, package: id, settings } of this.#ports.installations.list()) {
      const permissions = this.#ports.permissions.lastingGrantsOf(plugin);
      actual.set(plugin, { version, source, integrity, wasmSha256, package: id, permissions, configured: false, settings });
    }
    return actual;
  }

  async #lockedFolder(path: string): Promise<Omit<LockedPlugin, "permissions" | "configured" | "settings"> | undefined> {
    const fetched = await this.#ports.sources.fetch(path).catch(() => undefined);
    if (fetched === undefined) return undefined;
    const { manifest, source, integrity, wasmSha256 } = fetched;
    return { version: manifest.version, source, integrity, wasmSha256, package: idOf(fetched) };
  }
}
