// The plugins of a running host: puts them into their cells and to the core, exchanges one version for another, takes them out. What is
// written down about them is the administration's affair.

import { systemClock } from "./adapters/system-clock.ts";
import type { AdmissionCache } from "./cell/admission-process.ts";
import { ManagedCell } from "./cell/managed-cell.ts";
import type { Cells } from "./cells.ts";
import { HostError } from "./core/errors.ts";
import type { Host } from "./core/host.ts";
import type { Grant } from "./core/permissions.ts";
import type { Plugin } from "./core/plugin.ts";
import type { PluginDefinition } from "./core/types.ts";
import type { Configuration, PluginConfiguration } from "./install/configuration.ts";
import { definePlugin, effectiveLimits, type PluginFolder } from "./install/plugin-folder.ts";
import { refuseEscapes } from "./strangers.ts";

export interface PluginManagerPorts {
  readonly core: Host;
  readonly cells: Cells;
  readonly admission: AdmissionCache;
  readonly configuration: Configuration;
  readonly grantsOf: (plugin: string) => readonly Grant[];
  /** Throws HostError `conflict` for a version that may not run. */
  readonly refuseBlocked: (plugin: { readonly name: string; readonly version: string }) => void;
}

/** What to do with a plugin's data while its version changes. */
export interface Changeover {
  /** Called when nothing of the plugin is loaded, before the new version is. */
  readonly between: () => Promise<void>;
  /** Called when nothing of it is loaded, after the new version has failed. */
  readonly undo: () => Promise<void>;
}

export class PluginManager {
  readonly #ports: PluginManagerPorts;
  readonly #doors = new Map<string, ManagedCell>();

  constructor(ports: PluginManagerPorts) {
    this.#ports = ports;
  }

  /** Admits it and adds it to the core, in the state `installed`. Rejects with HostError. */
  async add(folder: PluginFolder, settings: PluginConfiguration, onProbation = false): Promise<void> {
    const { name } = folder.manifest;
    const { core, cells } = this.#ports;
    const definition = await this.#define(folder, settings);
    const door = new ManagedCell({
      cell: cells.get(name, settings),
      clock: systemClock,
      idleMs: settings.activation === "on-demand" ? settings.idleMs : undefined,
      loadAtOnce: onProbation,
      answer: (functionName, args) =>
        core.plugin(name)?.answerLifecycle(functionName, args) ?? Promise.reject(new HostError("plugin-not-running", `${name} is gone`)),
    });
    core.add(definition, door);
    this.#doors.set(name, door);
  }

  /** How it ended is the plugin's state. Rejects with HostError `conflict` for a version that is blocked. */
  async start(name: string): Promise<void> {
    const plugin = this.#ports.core.plugin(name);
    if (plugin !== undefined) this.#ports.refuseBlocked(plugin.definition);
    await this.#ports.core.start(name);
  }

  /** Stops it at once, also one that is just starting. */
  async halt(name: string): Promise<void> {
    const plugin = this.#ports.core.plugin(name);
    if (plugin === undefined) return;
    await this.#started(plugin);
    await plugin.stop(0);
  }

  /** Once a start that is under way, as after a pause, has ended. */
  async #started(plugin: Plugin): Promise<void> {
    while (plugin.state === "loaded" || plugin.state === "starting")
      await new Promise<void>((changed) => {
        const undo = this.#ports.core.onState((other) => {
          if (other !== plugin) return;
          undo();
          changed();
        });
      });
  }

  /** Turns that come meanwhile wait; one that does not run is started. */
  async restart(name: string): Promise<void> {
    const plugin = this.#ports.core.plugin(name);
    if (plugin !== undefined) this.#ports.refuseBlocked(plugin.definition);
    if (plugin?.state === "running")
      await this.#door(name).exchange({ image: plugin.definition, drainMs: this.#ports.configuration.drainMs });
    else await this.#ports.core.start(name);
  }

  /**
   * Runs another version in the place of a running plugin. Turns that come meanwhile wait. When the new version is refused or does not start,
   * the old one goes on, after `undo`, and this rejects with why.
   */
  async exchange(folder: PluginFolder, settings: PluginConfiguration, changeover: Changeover): Promise<void> {
    const { core, configuration } = this.#ports;
    const { name } = folder.manifest;
    const definition = await this.#define(folder, settings);
    const plugin = core.plugin(name);
    if (plugin === undefined) throw new HostError("conflict", `${name} is not here`);
    await this.#started(plugin);
    const before = plugin.definition;
    // Grants come and go with the version, and by hand at any time.
    const as = (one: PluginDefinition): void => core.redefine({ ...one, grants: this.#ports.grantsOf(name) });
    // What still runs keeps the rules that it began with, so the new ones come when nothing is loaded.
    const between = async (): Promise<void> => {
      as(definition);
      await changeover.between();
      plugin.permissions.replaceGrants(this.#ports.grantsOf(name));
    };
    const undo = async (): Promise<void> => {
      await changeover.undo();
      as(before);
    };
    try {
      if (plugin.state === "running") await this.#door(name).exchange({ image: definition, drainMs: configuration.drainMs, between, undo });
      else await this.#startAnew(plugin, { between, undo });
    } catch (thrown) {
      as(before);
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
    const { core, configuration } = this.#ports;
    const plugin = core.plugin(name);
    if (plugin === undefined) return;
    await this.#started(plugin);
    await plugin.stop(configuration.drainMs);
    core.remove(name);
    this.#doors.delete(name);
  }

  async #define(folder: PluginFolder, settings: PluginConfiguration): Promise<PluginDefinition> {
    this.#ports.refuseBlocked(folder.manifest);
    refuseEscapes(folder.manifest.name, settings, this.#ports.configuration);
    const admitted = await this.#ports.admission.admit(folder.wasm, effectiveLimits(folder.manifest, settings));
    return definePlugin(folder.manifest, admitted, settings, this.#ports.grantsOf(folder.manifest.name));
  }

  #door(name: string): ManagedCell {
    const door = this.#doors.get(name);
    if (door === undefined) throw new HostError("conflict", `${name} is not here`);
    return door;
  }
}
