// The plugins of a running host: puts them into their cells and to the core, exchanges one version for another, takes them out. What is
// written down about them is the affair of host/admin/.

import type { LivePlugins } from "../admin/installer.ts";
import type { Sleep } from "../admin/sleep.ts";
import type { Stores } from "../admin/stores.ts";
import type { LogLevels } from "../bounds/log-levels.ts";
import type { AdmissionCache } from "../cell/admission/admission-process.ts";
import { HostError, toHostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { printable } from "../core/names.ts";
import type { Plugin } from "../core/plugin.ts";
import type { PluginDefinition } from "../core/types.ts";
import {
  type AdmittedPlugin,
  admittedRemote,
  definePlugin,
  effectiveLimits,
  keepsState,
  type PluginFolder,
} from "../install/plugin-folder.ts";
import type { PluginConfiguration } from "../manifest/configuration.ts";
import { unmetDependencies } from "../manifest/dependencies.ts";
import type { Cells } from "./cells.ts";
import type { Deliveries } from "./events/deliveries.ts";
import type { RemoteStores } from "./remote-stores.ts";
import { readOneConfigured } from "./sources.ts";
import { storageOf } from "./storage.ts";
import { settlePlace } from "./storage-places.ts";
import { refuseStranger } from "./strangers.ts";

export interface FleetPorts {
  readonly core: Host;
  readonly cells: Cells;
  readonly admission: AdmissionCache;
  readonly stores: Stores;
  /** What is kept for plugins, to be handled when they run. */
  readonly keepers: readonly Pick<Deliveries, "pause" | "look" | "forget">[];
  readonly remote: RemoteStores;
  readonly levels: Pick<LogLevels, "configure" | "forget">;
}

/** What to do with a plugin's data while its version changes. */
interface Changeover {
  /** Called when nothing of the plugin is loaded, before the new version is. */
  readonly between: () => Promise<void>;
  /** Called when nothing of it is loaded, after the new version has failed. */
  readonly undo: () => Promise<void>;
}

const NOT_READ = new Uint8Array(0);

export class Fleet implements LivePlugins {
  readonly #ports: FleetPorts;

  constructor(ports: FleetPorts) {
    this.#ports = ports;
  }

  refuseTaken(name: string): void {
    if (this.#ports.core.taken.has(name))
      throw new HostError("conflict", `${name} is a provider of this host; a plugin cannot have its name`);
  }

  /** Admits it and adds it to the core, in the state `installed`. Rejects with HostError. */
  async add(folder: PluginFolder, settings: PluginConfiguration, onProbation = false): Promise<void> {
    const { core, cells, stores } = this.#ports;
    const definition = await this.#define(folder, settings);
    const cell = await cells.get(definition.name, settings, storageOf(stores.configuration, definition.name, settings));
    core.add(definition, cell, { loadAtOnce: onProbation });
    this.#ports.stores.leftOut.delete(definition.name);
  }

  /**
   * Adds a plugin that was left out or unloaded, as it lies there now; nothing when it is there. Rejects with HostError `invalid-message` for one that is neither
   * configured nor installed, `conflict` for one whose dependencies are not met.
   */
  async bring(name: string): Promise<void> {
    if (this.#ports.core.plugin(name) !== undefined) return;
    const { folder, settings } = await this.#read(name);
    const { manifests } = this.#ports.stores;
    const [lack] = unmetDependencies(folder.manifest, manifests);
    if (lack !== undefined) throw new HostError("conflict", lack);
    await this.add(folder, settings);
    manifests.set(name, folder.manifest);
  }

  /** Drops what was kept of plugins that somebody has taken out while no host ran. */
  forgetGone(): void {
    const { cells, stores } = this.#ports;
    cells.dropStates((name) => stores.settingsOf(name) !== undefined);
  }

  /** How it ended is the plugin's state. Rejects with HostError `conflict` for a version that is blocked. */
  async start(name: string): Promise<void> {
    const plugin = this.#ports.core.plugin(name);
    if (plugin !== undefined) this.#refuseBlocked(plugin.definition);
    await this.#ports.core.start(name);
  }

  /** Stops it at once, also one that is just starting. */
  async halt(name: string): Promise<void> {
    await this.#ports.core.plugin(name)?.stop(0);
  }

  /** As it lies there now. Turns that come meanwhile wait; one that does not run is started. */
  async restart(name: string): Promise<void> {
    const { core, stores } = this.#ports;
    const { folder, settings } = await this.#read(name);
    const nothing = async (): Promise<void> => {};
    if (core.plugin(name)?.state === "running") await this.exchange(folder, settings, { between: nothing, undo: nothing });
    else {
      await this.redefine(name);
      await core.start(name);
    }
    stores.manifests.set(name, folder.manifest);
  }

  /** Of one that does not run: as it lies there now, from its next start on. */
  async redefine(name: string): Promise<void> {
    const { core, stores } = this.#ports;
    const { folder, settings } = await this.#read(name);
    core.redefine(await this.#define(folder, settings));
    stores.manifests.set(name, folder.manifest);
  }

  async #read(name: string): Promise<{ readonly folder: PluginFolder; readonly settings: PluginConfiguration }> {
    const { stores } = this.#ports;
    const { configuration, installations, packages, lock } = stores;
    const configured = configuration.plugins[name];
    if (configured !== undefined) return { folder: await readOneConfigured(name, configured, { packages, lock }), settings: configured };
    const installation = installations.find(name);
    if (installation === undefined) throw new HostError("invalid-message", `${printable(name)} is neither installed nor configured`);
    return stores.loadOne(installation);
  }

  /**
   * Runs another version in the place of a running plugin. Turns that come meanwhile wait. When the new version is refused or does not start,
   * the old one goes on, after `undo`, and this rejects with why.
   */
  async exchange(folder: PluginFolder, settings: PluginConfiguration, changeover: Changeover): Promise<void> {
    const { core, stores } = this.#ports;
    const { name } = folder.manifest;
    const plugin = core.plugin(name);
    if (plugin === undefined) return this.#startInItsPlace(folder, settings, changeover);
    const definition = await this.#define(folder, settings);
    await plugin.settled();
    const before = plugin.definition;
    // Grants come and go with the version, and by hand at any time.
    const as = (one: PluginDefinition): void => core.redefine({ ...one, grants: stores.grantsOf(name) });
    // What still runs keeps the rules that it began with, so the new ones come when nothing is loaded.
    const between = async (): Promise<void> => {
      as(definition);
      try {
        await changeover.between();
      } catch (thrown) {
        as(before);
        throw thrown;
      }
      plugin.permissions.replaceGrants(stores.grantsOf(name));
    };
    const undo = async (): Promise<void> => {
      try {
        await changeover.undo();
      } catch (thrown) {
        // Nobody tries this again: the next start of the host puts the data back first, and what was written until then would be lost.
        const why = toHostError(thrown).message;
        throw new HostError(
          "conflict",
          `the data of ${name} could not be put back (${why}); make room if the disk is full, and restart the host`,
        );
      } finally {
        as(before);
      }
    };
    // What the new version handles before it is accepted would be lost with it.
    const resume = await Promise.all(this.#ports.keepers.map((keeper) => keeper.pause(name, this.#drainMs)));
    try {
      if (plugin.state === "running") await plugin.exchange({ drainMs: this.#drainMs, between, undo });
      else await this.#startAnew(plugin, { between, undo });
    } finally {
      for (const one of resume) one();
    }
  }

  sleepOf(name: string): Sleep | undefined {
    const { core, cells } = this.#ports;
    const { keepsState, awakeBecause } = core.plugin(name)?.definition ?? {};
    return keepsState === true || awakeBecause !== undefined ? cells.sleepOf(name) : undefined;
  }

  changed(name: string): void {
    for (const keeper of this.#ports.keepers) keeper.look(name);
  }

  async purged(name: string): Promise<void> {
    for (const keeper of this.#ports.keepers) await keeper.forget(name);
  }

  /** In the place of a version that is not here, because it was left out: it is blocked or revoked, or cannot be read. */
  async #startInItsPlace(folder: PluginFolder, settings: PluginConfiguration, { between, undo }: Changeover): Promise<void> {
    const { core } = this.#ports;
    const { name } = folder.manifest;
    await this.add(folder, settings, true);
    try {
      await between();
      const plugin = core.plugin(name);
      plugin?.permissions.replaceGrants(this.#ports.stores.grantsOf(name));
      if (plugin !== undefined) await this.#startAnew(plugin, { between: async () => {}, undo });
    } catch (thrown) {
      await this.remove(name);
      throw thrown;
    }
  }

  async #startAnew(plugin: Plugin, { between, undo }: Changeover): Promise<void> {
    await between();
    await this.#ports.core.start(plugin.name);
    if (plugin.state === "running") return;
    const { code, message } = plugin.failure ?? { code: "plugin-failed", message: `${plugin.name} did not start` };
    await undo();
    throw new HostError(code, message);
  }

  /** Stops it and takes it out of the core. */
  async remove(name: string): Promise<void> {
    const { core, levels } = this.#ports;
    await core.plugin(name)?.stop(this.#drainMs);
    if (core.plugin(name) !== undefined) core.remove(name);
    levels.forget(name);
  }

  get #drainMs(): number {
    return this.#ports.stores.configuration.drainMs;
  }

  #refuseBlocked(plugin: { readonly name: string; readonly version: string }): void {
    this.#ports.stores.installations.refuseBlocked(plugin);
  }

  async #define(folder: PluginFolder, settings: PluginConfiguration): Promise<PluginDefinition> {
    const { stores, admission, remote, levels } = this.#ports;
    const { name } = folder.manifest;
    levels.configure(name, settings.logLevel);
    this.#refuseBlocked(folder.manifest);
    refuseStranger(name, settings, stores.configuration);
    const storage = storageOf(stores.configuration, name, settings);
    const admitted: AdmittedPlugin & { readonly key?: string } =
      folder.manifest.remote === undefined
        ? await admission.admit(folder.wasm, effectiveLimits(folder.manifest, settings), {
            side: storage.side,
            keepsState: keepsState(settings),
          })
        : admittedRemote(folder);
    const defined = definePlugin(folder.manifest, admitted, settings, stores.grantsOf(name));
    // What a turn has written is not what is there, as long as it has not ended.
    const readCacheBytes = defined.transaction === undefined ? storage.readCacheBytes : undefined;
    const isLate = defined.idleMs !== undefined && admitted.key !== undefined;
    const late = isLate ? { module: NOT_READ, moduleKey: admitted.key } : {};
    const definition = { ...defined, ...late, storage: storage.side, readCacheBytes };
    await settlePlace(stores, name, storage);
    await remote.place(name, storage);
    return definition;
  }
}
