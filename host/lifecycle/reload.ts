// Puts a configuration that was read anew into force while the host runs: first all of it is checked, and what is wrong changes nothing; then plugins come, go and
// change one after the other, and of each the old one goes on where the new one does not.

import { isDeepStrictEqual } from "node:util";
import type { LiveConfiguration, Reloaded, ReloadedChange } from "../admin/reload-operations.ts";
import type { Stores } from "../admin/stores.ts";
import { HostError, toHostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { PluginView } from "../core/types.ts";
import type { Lock } from "../install/lock.ts";
import type { PluginFolder } from "../install/plugin-folder.ts";
import type { Configuration } from "../manifest/configuration.ts";
import { type ConfigurationChange, changesOf, type Effect, inForce } from "../manifest/configuration-changes.ts";
import { unmetDependencies } from "../manifest/dependencies.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { effectiveConfiguration } from "./effective-configuration.ts";
import type { Fleet } from "./fleet.ts";
import { type PluginSources, readOneConfigured } from "./sources.ts";
import { startOrder } from "./start-order.ts";

/** What the host was started with, as it is written now. */
export interface Reread {
  readonly configuration: Configuration;
  readonly lock?: Lock | undefined;
}

export interface ReloaderPorts {
  readonly stores: Stores;
  readonly core: Host;
  readonly fleet: Fleet;
  readonly sources: PluginSources;
  /** Undefined where the host does not know what it was started with. */
  readonly reread: (() => Promise<Reread>) | undefined;
  readonly log: LogSink;
}

type How = Parameters<LiveConfiguration["reload"]>[0];

/** A plugin of the new configuration that is not as it was. */
interface Checked {
  readonly name: string;
  readonly folder: PluginFolder;
}

const IN_LOCK = "bulkhead.lock";
const MAX_FINDINGS = 20;
/** In order of how much of the plugin they concern: what the first does needs none of those after it. */
const STEPS: readonly Effect[] = ["removes the plugin", "adds the plugin", "moves the plugin", "restarts the plugin", "at once"];
/** Somebody has seen to it that it does not run. */
const AT_REST: ReadonlySet<PluginView["state"]> = new Set(["stopped", "quarantined"]);

export class Reloader implements LiveConfiguration {
  readonly #ports: ReloaderPorts;
  readonly #listeners: ((configuration: Configuration) => void | Promise<void>)[] = [];
  #isBusy = false;

  constructor(ports: ReloaderPorts) {
    this.#ports = ports;
  }

  /** Tells whoever was made of a configuration which one is in force now, before plugins change. */
  onChange(listener: (configuration: Configuration) => void | Promise<void>): void {
    this.#listeners.push(listener);
  }

  /** Rejects with HostError `conflict` while another reload goes on, and where nobody knows what to read; else with what is wrong with the configuration. */
  async reload(how: How): Promise<Reloaded> {
    const { reread } = this.#ports;
    if (reread === undefined)
      throw new HostError(
        "conflict",
        "this host was given its configuration by the program that it is part of, which does not say how to read it anew (reread)",
      );
    if (this.#isBusy) throw new HostError("conflict", "the configuration is being read anew already; wait until that has ended");
    this.#isBusy = true;
    try {
      return await this.#reload(await reread(), how);
    } finally {
      this.#isBusy = false;
    }
  }

  async #reload({ configuration: next, lock = new Map() }: Reread, { dryRun, queued }: How): Promise<Reloaded> {
    const { stores } = this.#ports;
    const now = stores.configuration;
    const changes = [...changesOf(now, next), ...relocked(now, next, stores.lock, lock)];
    const manifests = await this.#check(next, lock, changes);
    if (dryRun || changes.length === 0) return { changes, isApplied: !dryRun };
    const wanted = inForce(now, next, changes);
    // Plugins follow one by one, so that what one is made of is what holds for it.
    stores.reconfigure({ ...wanted, plugins: now.plugins }, lock);
    for (const listener of this.#listeners) await listener(wanted);
    const failures = await this.#change(wanted, this.#stepsOf(changes, manifests), queued);
    const told = changes.map((change) => {
      const failure = change.plugin === undefined ? undefined : failures.get(change.plugin);
      return failure === undefined ? change : { ...change, failure };
    });
    this.#tell(told);
    return { changes: told, isApplied: true };
  }

  /** Resolves with the manifests that there will be. Rejects with HostError for what would not run, or not at the next start of the host. */
  async #check(next: Configuration, lock: Lock, changes: readonly ConfigurationChange[]): Promise<ReadonlyMap<string, Manifest>> {
    const { stores } = this.#ports;
    const now = stores.configuration;
    const sections = ["adapters", "capabilities", "drivers"] as const;
    if (sections.some((section) => !isDeepStrictEqual(now[section], next[section]))) await effectiveConfiguration(next);
    const manifests = new Map<string, Manifest>(stores.manifests);
    // What lacked something before is not what this changes.
    const known = new Set(lacksOf(manifests));
    const wrong: string[] = [];
    for (const name of pluginsIn(changes, "removes the plugin")) manifests.delete(name);
    for (const { name, folder } of await this.#readChanged(next, lock, changes, wrong)) manifests.set(name, folder.manifest);
    wrong.push(...lacksOf(manifests).filter((lack) => !known.has(lack)));
    if (wrong.length === 0) return manifests;
    const detail = [...wrong.slice(0, MAX_FINDINGS), ...(wrong.length > MAX_FINDINGS ? [`and ${wrong.length - MAX_FINDINGS} more`] : [])];
    throw new HostError("invalid-message", "nothing is changed: the configuration names what would not run", { detail: detail.join("\n") });
  }

  async #readChanged(next: Configuration, lock: Lock, changes: readonly ConfigurationChange[], wrong: string[]): Promise<Checked[]> {
    const { stores, sources } = this.#ports;
    const read: Checked[] = [];
    const added = pluginsIn(changes, "adds the plugin");
    for (const name of new Set([...added, ...pluginsIn(changes, "moves the plugin"), ...pluginsIn(changes, "restarts the plugin")])) {
      const settings = next.plugins[name];
      if (settings === undefined) continue;
      try {
        if (added.has(name)) this.#refuseTaken(name);
        const folder = await readOneConfigured(name, settings, { packages: stores.packages, lock });
        stores.installations.refuseBlocked(folder.manifest);
        await sources.admit(folder, settings, next);
        read.push({ name, folder });
      } catch (thrown) {
        wrong.push(`plugins.${name}: ${wordsOf(thrown)}`);
      }
    }
    return read;
  }

  /** One for each plugin, with those that others need first, or last where they go. */
  #stepsOf(changes: readonly ConfigurationChange[], manifests: ReadonlyMap<string, Manifest>): ReadonlyMap<string, Effect> {
    const { order } = startOrder(dependentsIn([...this.#ports.stores.manifests.values(), ...manifests.values()]));
    // Of what cannot be read nobody knows what it needs.
    const placeOf = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
    const steps = new Map<string, Effect>();
    for (const effect of STEPS) {
      const names = [...pluginsIn(changes, effect)].filter((name) => !steps.has(name)).toSorted((a, b) => placeOf(a) - placeOf(b));
      for (const name of effect === "removes the plugin" ? names.toReversed() : names) steps.set(name, effect);
    }
    return steps;
  }

  /** Resolves with why what did not. */
  async #change(wanted: Configuration, steps: ReadonlyMap<string, Effect>, queued: How["queued"]): Promise<ReadonlyMap<string, string>> {
    const failures = new Map<string, string>();
    for (const [name, step] of steps) {
      try {
        await queued(name, () => this.#changeOne(name, step, wanted));
      } catch (thrown) {
        failures.set(name, wordsOf(thrown));
      }
    }
    return failures;
  }

  /** Rejects with HostError; it is as it was then. */
  async #changeOne(name: string, step: Effect, wanted: Configuration): Promise<void> {
    const before = this.#ports.stores.configuration.plugins[name];
    const wasRunning = this.#ports.core.plugin(name)?.state === "running";
    // Somebody may have installed one of the name since.
    if (step === "adds the plugin") this.#refuseTaken(name);
    this.#settle(name, wanted.plugins[name]);
    try {
      await this.#take(name, step);
    } catch (thrown) {
      this.#settle(name, before);
      if (step === "adds the plugin") await this.#drop(name);
      if (step === "restarts the plugin" && !wasRunning) await this.#ports.fleet.redefine(name).catch(() => {});
      // What was taken out is there again; what could be exchanged was never away.
      if (step === "moves the plugin") await this.#comeBack(name, wasRunning).catch(() => {});
      throw thrown;
    }
  }

  async #take(name: string, step: Effect): Promise<void> {
    const { core, fleet, stores } = this.#ports;
    const state = core.plugin(name)?.state;
    switch (step) {
      case "removes the plugin":
        return this.#drop(name);
      case "adds the plugin":
        return this.#comeBack(name, true);
      case "moves the plugin":
        await fleet.remove(name);
        return this.#comeBack(name, state === undefined || !AT_REST.has(state));
      case "restarts the plugin":
        if (state === undefined) return this.#comeBack(name, true);
        if (AT_REST.has(state)) return fleet.redefine(name);
        await fleet.restart(name);
        return this.#requireRunning(name);
      default:
        core.plugin(name)?.permissions.replaceGrants(stores.grantsOf(name));
        return fleet.changed(name);
    }
  }

  async #comeBack(name: string, toStart: boolean): Promise<void> {
    const { fleet } = this.#ports;
    await fleet.bring(name);
    if (!toStart) return;
    await fleet.start(name);
    this.#requireRunning(name);
  }

  #requireRunning(name: string): void {
    const { failure } = this.#ports.core.plugin(name) ?? {};
    if (failure !== undefined) throw new HostError(failure.code, failure.message);
  }

  #refuseTaken(name: string): void {
    const { fleet, stores } = this.#ports;
    fleet.refuseTaken(name);
    if (stores.installations.find(name) === undefined) return;
    throw new HostError("conflict", `it is installed; "bulkhead uninstall ${name}" makes room for the one of the configuration`);
  }

  async #drop(name: string): Promise<void> {
    const { fleet, stores } = this.#ports;
    await fleet.remove(name);
    stores.manifests.delete(name);
    stores.leftOut.delete(name);
  }

  #tell(changes: readonly ReloadedChange[]): void {
    const failed = changes.filter(({ failure }) => failure !== undefined);
    const waiting = changes.filter(({ effect }) => effect === "restart of the host");
    const { log } = this.#ports;
    const counts = `${changes.length} changes, ${failed.length} failed, ${waiting.length} wait for a restart of the host`;
    log.write({ level: "info", plugin: "host", message: `the configuration was read anew: ${counts}` });
    for (const { key, failure } of failed) log.write({ level: "error", plugin: "host", message: `${key} was not changed: ${failure}` });
  }

  #settle(name: string, settings: Configuration["plugins"][string] | undefined): void {
    const { stores } = this.#ports;
    const { [name]: _, ...others } = stores.configuration.plugins;
    const plugins = settings === undefined ? others : { ...others, [name]: settings };
    stores.reconfigure({ ...stores.configuration, plugins });
  }
}

const pluginsIn = (changes: readonly ConfigurationChange[], wanted: Effect): ReadonlySet<string> =>
  new Set(changes.flatMap(({ plugin, effect }) => (plugin !== undefined && effect === wanted ? [plugin] : [])));

const dependentsIn = (manifests: readonly Manifest[]): { readonly name: string; readonly dependencies: readonly string[] }[] =>
  manifests.map(({ name, dependencies }) => ({ name, dependencies: Object.keys(dependencies) }));

function lacksOf(manifests: ReadonlyMap<string, Manifest>): string[] {
  const all = [...manifests.values()];
  const { blocked } = startOrder(dependentsIn(all));
  return all.flatMap((manifest) => {
    const unmet = unmetDependencies(manifest, manifests);
    // In a cycle, or behind somebody who lacks something.
    const why = blocked.get(manifest.name);
    return unmet.length > 0 || why === undefined ? unmet : [`${manifest.name} ${why}`];
  });
}

/** Plugins whose source is as it was, and whose version is not. */
function relocked(now: Configuration, next: Configuration, before: Lock, after: Lock): ConfigurationChange[] {
  return Object.entries(next.plugins).flatMap(([name, { source }]) => {
    const [old, young] = [before.get(name), after.get(name)];
    if (source === undefined || now.plugins[name]?.source !== source || old?.package === young?.package) return [];
    const effect = "restarts the plugin" as const;
    return [{ key: `${name} in ${IN_LOCK}`, path: [IN_LOCK, name], plugin: name, effect, before: old?.version, after: young?.version }];
  });
}

function wordsOf(thrown: unknown): string {
  const { message, detail } = toHostError(thrown);
  return detail === undefined ? message : `${message}\n${detail}`.replaceAll("\n", "\n  ");
}
