// Which plugins there are and what is known of them: states, versions, sources, and the lock that describes them all.

import { type ErrorShape, HostError, toHostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { printable } from "../core/names.ts";
import type { ServiceRates } from "../core/types.ts";
import type { Lock, LockedPlugin } from "../install/lock.ts";
import { updateSpec } from "../install/package-sources.ts";
import { idOf } from "../install/package-store.ts";
import { type PluginConfiguration, pluginSettings } from "../manifest/configuration.ts";
import { type Dependency, dependenciesOf } from "../manifest/dependencies.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { effectiveConfig } from "../manifest/plugin-config.ts";
import { effectiveRates } from "../manifest/rates.ts";
import { effectOf } from "../manifest/service-traits.ts";
import type { Installation } from "./installations.ts";
import type { Sources } from "./installer.ts";
import type { PermissionStatus } from "./permission-overview.ts";
import type { Sleep } from "./sleep.ts";
import type { Stores } from "./stores.ts";
import type { KnownSigner } from "./trust.ts";

export interface PluginSummary {
  readonly plugin: string;
  readonly version: string;
  /** `not running` when the host does not run. */
  readonly state: string;
  readonly isolation: string;
  readonly queued: number;
  readonly failure: string | undefined;
  /** Only of one that is to hibernate, while the host runs. */
  readonly sleep?: Sleep | undefined;
}

/** All that can be told of one plugin. */
export interface PluginDetails extends PluginSummary {
  readonly description: string | undefined;
  /** Where it came from; undefined for a folder that the configuration names. */
  readonly installation: Installation | undefined;
  /** Who has signed it. */
  readonly signers: readonly KnownSigner[];
  readonly services: readonly string[];
  /** What calling a service does, as it says itself; only those that say it. */
  readonly effects: Readonly<Record<string, string>>;
  /** How often services may be called; only those that have a rate. */
  readonly rates: Readonly<Record<string, ServiceRates>>;
  /** What its turns are, if not only turns. */
  readonly transaction: Manifest["transaction"];
  /** The points that it declares. */
  readonly extensionPoints: readonly string[];
  /** The points that it extends. */
  readonly extends: readonly string[];
  readonly subscriptions: readonly string[];
  readonly dependencies: readonly Dependency[];
  readonly permissions: readonly PermissionStatus[];
  readonly limits: Manifest["limits"];
  /** What it is told by `config.get`, defaults included. */
  readonly config: Readonly<Record<string, string>>;
  /** Why that is not what its manifest says. */
  readonly configProblem: string | undefined;
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
  readonly stores: Stores;
  readonly sources: Sources;
  /** Of the host that runs. */
  readonly core: Host | undefined;
  readonly sleepOf: (plugin: string) => Sleep | undefined;
  readonly signersOf: (plugin: string) => readonly KnownSigner[];
  readonly keyidsFor: (plugin: string, id: string) => readonly string[];
}

const UNREAD = {
  description: undefined,
  signers: [],
  services: [],
  effects: {},
  rates: {},
  transaction: undefined,
  extensionPoints: [],
  extends: [],
  subscriptions: [],
  dependencies: [],
  permissions: [],
  limits: {},
  config: {},
  configProblem: undefined,
} as const;

export class PluginOverview {
  readonly #stores: Stores;
  readonly #sources: Sources;
  readonly #core: Host | undefined;
  readonly #sleepOf: (plugin: string) => Sleep | undefined;
  readonly #signersOf: (plugin: string) => readonly KnownSigner[];
  readonly #keyidsFor: PluginOverviewPorts["keyidsFor"];

  constructor({ stores, sources, core, sleepOf, signersOf, keyidsFor }: PluginOverviewPorts) {
    this.#stores = stores;
    this.#sources = sources;
    this.#core = core;
    this.#sleepOf = sleepOf;
    this.#signersOf = signersOf;
    this.#keyidsFor = keyidsFor;
  }

  list(): PluginSummary[] {
    const configured = Object.entries(this.#stores.configuration.plugins).map(([plugin, { isolation }]) => ({ plugin, isolation }));
    const installed = this.#stores.installations
      .list()
      .map(({ plugin, settings }) => ({ plugin, isolation: pluginSettings(settings).isolation }));
    return [...configured, ...installed].map(({ plugin, isolation }) => {
      const live = this.#core?.plugin(plugin);
      const leftOut = this.#stores.leftOut.get(plugin);
      return {
        plugin,
        version: this.#stores.manifests.get(plugin)?.version ?? "",
        state: this.#core === undefined ? "not running" : (live?.state ?? (leftOut === undefined ? "unloaded" : "left out")),
        isolation,
        queued: live?.queued ?? 0,
        failure: withDetail(live?.failure ?? leftOut),
        sleep: live === undefined ? undefined : this.#sleepOf(plugin),
      };
    });
  }

  info(name: string): PluginDetails {
    const summary = this.list().find(({ plugin }) => plugin === name);
    const installation = this.#stores.installations.find(name);
    const manifest = this.#stores.manifests.get(name);
    // One that was left out may have no manifest that can be read.
    if (summary !== undefined && manifest === undefined) return { ...summary, ...UNREAD, installation };
    if (summary === undefined || manifest === undefined) throw this.#unknown(name);
    return {
      ...summary,
      description: manifest.description,
      installation,
      signers: this.#signersOf(name),
      services: Object.keys(manifest.services),
      effects: effectsOf(manifest),
      rates: this.#ratesOf(manifest),
      transaction: manifest.transaction,
      extensionPoints: Object.keys(manifest.extensionPoints),
      extends: Object.keys(manifest.extends),
      subscriptions: manifest.subscriptions.map(({ type }) => type),
      dependencies: dependenciesOf(manifest),
      permissions: this.#stores.permissions.statusOf(name),
      limits: manifest.limits,
      ...this.#configOf(manifest),
    };
  }

  #settingsOf(name: string): PluginConfiguration {
    return this.#stores.configuration.plugins[name] ?? pluginSettings(this.#stores.installations.find(name)?.settings ?? {});
  }

  #configOf(manifest: Manifest): Pick<PluginDetails, "config" | "configProblem"> {
    try {
      return { config: effectiveConfig(manifest, this.#settingsOf(manifest.name).config), configProblem: undefined };
    } catch (thrown) {
      return { config: {}, configProblem: toHostError(thrown).message };
    }
  }

  #ratesOf({ name, services }: Manifest): Readonly<Record<string, ServiceRates>> {
    const settings = this.#settingsOf(name);
    const rates = Object.entries(services).map(([service, asked]) => [service, effectiveRates(asked, settings.services[service])] as const);
    return Object.fromEntries(rates.filter(([, { perCaller, total }]) => perCaller !== undefined || total !== undefined));
  }

  #unknown(name: string): HostError {
    const known = this.list().map(({ plugin }) => plugin);
    return new HostError("invalid-message", `there is no plugin ${printable(name)}; known: ${known.join(", ") || "none"}`);
  }

  /** Every installed plugin with the version that its source has now. */
  async outdated(): Promise<Outdated[]> {
    return Promise.all(
      this.#stores.installations.list().map(async ({ plugin, source, version: installed }) => {
        const base = { plugin, source, installed };
        try {
          const { version: latest } = await this.#sources.resolve(updateSpec(source));
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
    for (const [name, { path, source }] of Object.entries(this.#stores.configuration.plugins)) {
      const locked = source === undefined ? await this.#lockedFolder(path ?? "") : this.#stores.lock.get(name);
      if (locked !== undefined)
        actual.set(name, { ...locked, permissions: this.#stores.permissions.lastingGrantsOf(name), configured: true, settings: {} });
    }
    for (const { plugin, version, source, integrity, wasmSha256, package: id, settings } of this.#stores.installations.list()) {
      const permissions = this.#stores.permissions.lastingGrantsOf(plugin);
      const signed = this.#keyidsFor(plugin, id);
      const signers = signed.length === 0 ? {} : { signers: signed };
      actual.set(plugin, { version, source, integrity, wasmSha256, ...signers, package: id, permissions, configured: false, settings });
    }
    return actual;
  }

  async #lockedFolder(path: string): Promise<Omit<LockedPlugin, "permissions" | "configured" | "settings"> | undefined> {
    const fetched = await this.#sources.fetch(path).catch(() => undefined);
    if (fetched === undefined) return undefined;
    const { manifest, source, integrity, wasmSha256 } = fetched;
    return { version: manifest.version, source, integrity, wasmSha256, package: idOf(fetched) };
  }
}

/** The first reason too, where the message alone says only that there are some. */
function withDetail(failure: ErrorShape | undefined): string | undefined {
  if (failure?.code !== "invalid-manifest" && failure?.code !== "admission-refused") return failure?.message;
  return [failure.message, ...(failure.detail?.split("\n", 1) ?? [])].join(": ");
}

const effectsOf = ({ services }: Manifest): Record<string, string> =>
  Object.fromEntries(
    Object.entries(services).flatMap(([name, service]) => {
      const effect = effectOf(service);
      return effect === undefined ? [] : [[name, effect]];
    }),
  );
