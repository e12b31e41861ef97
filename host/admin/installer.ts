// Installs, updates and removes plugins. What is written down changes in one transaction, after which the running host, if there is one, follows;
// whoever dies in between finds, at the next start, either the old state or the new one.

import { z } from "zod";
import { HostError, toHostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Grant, PermissionRequest } from "../core/types.ts";
import { type FetchedPlugin, idOf } from "../install/package-store.ts";
import type { PluginFolder } from "../install/plugin-folder.ts";
import { type PluginConfiguration, pluginSettings } from "../manifest/configuration.ts";
import { brokenDependents, type Dependency, dependenciesOf, dependentsOf, unmetDependencies } from "../manifest/dependencies.ts";
import { grantShape, type Manifest, withResource } from "../manifest/manifest.ts";
import { unansweredBy } from "../manifest/resources.ts";
import type { ReadLogFile } from "../trust/log/reader.ts";
import { type Finding, RULES, type Rule } from "../trust/rules.ts";
import type { Actor } from "./audit.ts";
import type { Installations, InstalledVersion } from "./installations.ts";
import type { OperationQueue } from "./operation-queue.ts";
import type { Sleep } from "./sleep.ts";
import type { StoredData } from "./stored-data.ts";
import type { Stores } from "./stores.ts";
import { type Assessment, inWords, type Trust } from "./trust.ts";
import type { FetchDocument } from "./trust-documents.ts";

/** Where plugins come from, and who says whether they may run. Each rejects with HostError. */
export interface Sources {
  fetch(spec: string): Promise<FetchedPlugin>;
  /** A policy, a list of revocations: from a file or an address. */
  readonly document: FetchDocument;
  /** The files of a transparency log below a path or an address that ends with a slash. */
  readonly logFiles: (base: string) => ReadLogFile;
  /** The version that a source has now, without fetching it where that can be avoided. */
  resolve(spec: string): Promise<{ readonly version: string }>;
  /** Rejects with `admission-refused` and every reason when the module may not run. */
  admit(folder: PluginFolder, settings: PluginConfiguration): Promise<unknown>;
}

/** The running host's side; see PluginManager. */
export interface LivePlugins {
  /** Throws HostError `conflict` for a name that the host's own code has; asked before anything is written down. */
  refuseTaken(name: string): void;
  /** Stops it at once, also one that is just starting. */
  halt(name: string): Promise<void>;
  /** Adds one that is installed or configured and not there, as it lies there now. */
  bring(name: string): Promise<void>;
  restart(name: string): Promise<void>;
  add(folder: PluginFolder, settings: PluginConfiguration): Promise<void>;
  start(name: string): Promise<void>;
  exchange(
    folder: PluginFolder,
    settings: PluginConfiguration,
    changeover: { readonly between: () => Promise<void>; readonly undo: () => Promise<void> },
  ): Promise<void>;
  remove(name: string): Promise<void>;
  /** Only of one that is to hibernate. */
  sleepOf(name: string): Sleep | undefined;
  /** Its version has been seen to start, or it is granted something else. */
  changed(name: string): void;
  /** Its data are gone for good. */
  purged(name: string): Promise<void>;
}

/** What an operator sees before anything is installed. */
export interface Plan {
  readonly package: string;
  readonly plugin: string;
  readonly version: string;
  readonly description: string | undefined;
  /** It runs as a process of its own, which the host does not hold. */
  readonly isRemote: boolean;
  readonly source: string;
  /** The version that is installed now, or that the configuration names. */
  readonly installed: string | undefined;
  readonly asks: readonly PermissionRequest[];
  /** What the installed version did not ask for. */
  readonly newlyAsks: readonly PermissionRequest[];
  readonly noLongerAsks: readonly PermissionRequest[];
  /** Points that it extends without asking to answer them. */
  readonly neverAsked: readonly string[];
  /** It offers to say who somebody is, by what he shows. */
  readonly authenticates: boolean;
  /** It does, by auth.plugin: none of its versions comes in by itself. */
  readonly isAuthenticator: boolean;
  readonly limits: Manifest["limits"];
  /** With the version that is installed now, if any. */
  readonly dependencies: readonly (Dependency & { readonly installed: string | undefined })[];
  /** Dependencies that are missing or of another version, its own and those of others that it would break, in words. */
  readonly unmet: readonly string[];
  /** Why it may not run at all: admission, a block, where it comes from. Empty when it may. */
  readonly refusals: readonly string[];
  /** Where it comes from. */
  readonly trust: Assessment;
}

/** What `plan` answers: what is installed by it, and what an operator sees of that. */
export type PlanAnswer = Plan & Omit<InstalledVersion, "version">;

export interface InstallerPorts {
  readonly stores: Stores;
  readonly sources: Sources;
  readonly queue: OperationQueue;
  readonly data: Pick<StoredData, "purge">;
  readonly trust: Trust;
  /** The running host's side; undefined when none runs. */
  readonly live: LivePlugins | undefined;
}

const installShape = {
  package: z.string(),
  source: z.string(),
  integrity: z.string(),
  wasmSha256: z.string(),
  grants: z.array(withResource(z.strictObject(grantShape))),
  untilRestart: z.boolean().optional(),
  settings: z.record(z.string(), z.unknown()),
  accepted: z.array(z.enum(RULES)).max(RULES.length).optional(),
};
export const installSchema: z.ZodType<InstallInput> = z.strictObject(installShape);
/** `approved` says that an operator has seen what it asks for more. */
export const updateSchema: z.ZodType<UpdateInput> = z.strictObject({
  ...installShape,
  approved: z.boolean(),
});

export interface InstallInput {
  readonly package: string;
  readonly source: string;
  readonly integrity: string;
  readonly wasmSha256: string;
  readonly grants: readonly Grant[];
  readonly untilRestart?: boolean | undefined;
  readonly settings: Readonly<Record<string, unknown>>;
  /** What the operator has been told of where it comes from, and takes. */
  readonly accepted?: readonly Rule[] | undefined;
}

export interface UpdateInput extends InstallInput {
  readonly approved: boolean;
}

export interface UpdateOutcome {
  readonly state: "updated" | "waits for approval";
  readonly version: string;
  readonly newlyAsks: readonly PermissionRequest[];
  /** What the operator has yet to accept of where it comes from. */
  readonly unaccepted: readonly Finding[];
}

export class Installer {
  readonly #stores: Stores;
  readonly #sources: Sources;
  readonly #queue: OperationQueue;
  readonly #data: Pick<StoredData, "purge">;
  readonly #trust: Trust;
  readonly #live: LivePlugins | undefined;

  constructor({ stores, sources, queue, data, trust, live }: InstallerPorts) {
    this.#stores = stores;
    this.#sources = sources;
    this.#queue = queue;
    this.#data = data;
    this.#trust = trust;
    this.#live = live;
  }

  /** Fetches a plugin, keeps its package if it is admitted, and says what installing it would mean. Changes nothing else. */
  async plan(spec: string): Promise<PlanAnswer> {
    const { installations, manifests } = this.#stores;
    const sources = this.#sources;
    const fetched = await sources.fetch(spec);
    const { manifest } = fetched;
    const before = manifests.get(manifest.name);
    const isRemote = manifest.remote !== undefined;
    const trust = await this.#trust.assess(fetched);
    const refusals = trust.findings.filter(({ verdict }) => verdict === "refused").map(inWords);
    try {
      await sources.admit(fetched, pluginSettings(isRemote ? { isolation: "remote" } : {}));
      installations.refuseBlocked(manifest);
    } catch (thrown) {
      const { code, message, detail } = toHostError(thrown);
      if (code === "storage-failed" || code === "internal") throw thrown;
      refusals.push(...(detail ?? message).split("\n"));
    }
    // What may never run is not kept.
    if (refusals.length === 0) this.#stores.packages.put(fetched);
    return {
      package: idOf(fetched),
      plugin: manifest.name,
      version: manifest.version,
      description: manifest.description,
      isRemote,
      source: fetched.source,
      integrity: fetched.integrity,
      wasmSha256: fetched.wasmSha256,
      installed: before?.version,
      asks: manifest.permissions,
      newlyAsks: without(manifest.permissions, before?.permissions ?? []),
      noLongerAsks: without(before?.permissions ?? [], manifest.permissions),
      neverAsked: unansweredBy(Object.keys(manifest.extends), manifest.permissions),
      authenticates: Object.hasOwn(manifest.contributes, "authenticate"),
      isAuthenticator: this.#saysWhoComesIn(manifest.name),
      limits: manifest.limits,
      dependencies: dependenciesOf(manifest).map((one) => ({ ...one, installed: manifests.get(one.plugin)?.version })),
      unmet: this.#unmet(manifest),
      refusals,
      trust,
    };
  }

  /** Installs a planned package with these grants and starts it. */
  async install(input: InstallInput, actor: Actor): Promise<string> {
    return this.#queue.run(await this.#nameOf(input), () => this.#install(input, actor));
  }

  async #install(input: InstallInput, actor: Actor): Promise<string> {
    const { folder, version } = await this.#packageOf(input);
    const { manifest } = folder;
    const settings = pluginSettings(input.settings);
    await this.#refuseUnaccepted(folder, input);
    await this.#sources.admit(folder, settings);
    const { accepted = [] } = input;
    this.#stores.transaction(() => {
      this.#stores.installations.add(manifest.name, version, input.settings);
      this.#grant(manifest, input, actor);
      this.#trust.settle(manifest.name, version.package, actor);
      const origin = this.#trust.recordOf(version.package);
      this.#stores.audit.append(actor, "install", manifest.name, { ...version, grants: input.grants, ...origin, accepted });
    });
    this.#stores.manifests.set(manifest.name, manifest);
    if (this.#live !== undefined) {
      await this.#live.add(folder, settings);
      await this.#live.start(manifest.name);
    }
    return manifest.name;
  }

  /**
   * Exchanges an installed plugin for a planned package. When that asks for more than the installed version did, it waits for `approve` unless
   * `approved` says that the operator has seen it. When the new version does not start, the old one is back with its data, and this rejects.
   */
  async update(input: UpdateInput, actor: Actor): Promise<UpdateOutcome> {
    return this.#queue.run(await this.#nameOf(input), () => this.#update(input, actor));
  }

  async #update(input: UpdateInput, actor: Actor): Promise<UpdateOutcome> {
    const { installations, audit, manifests } = this.#stores;
    const sources = this.#sources;
    const { folder, version } = await this.#packageOf(input);
    const { name } = folder.manifest;
    const before = this.#installed(name);
    const settings = pluginSettings(before.settings);
    const { accepted = [] } = input;
    const unaccepted = await this.#unaccepted(folder, input);
    await sources.admit(folder, settings);
    const newlyAsks = without(folder.manifest.permissions, manifests.get(name)?.permissions ?? []);
    const asksMore = newlyAsks.length > 0 || this.#saysWhoComesIn(name);
    if (unaccepted.length > 0 || (asksMore && !input.approved)) {
      this.#stores.transaction(() => {
        installations.setPending(name, version);
        const why = unaccepted.map(({ rule }) => rule);
        audit.append(actor, "update-waits", name, { from: before.version, to: version.version, unaccepted: why });
      });
      return { state: "waits for approval", version: version.version, newlyAsks, unaccepted };
    }
    const commit = (): void =>
      this.#stores.transaction(() => {
        const replaced = this.#stores.grants.replace(name, input.grants, () => this.#grant(folder.manifest, input, actor));
        installations.exchange(name, version, replaced);
        this.#trust.settle(name, version.package, actor);
        const origin = this.#trust.recordOf(version.package);
        audit.append(actor, "update", name, { from: before.version, to: version.version, source: version.source, ...origin, accepted });
      });
    await this.#exchange(name, folder, settings, commit);
    return { state: "updated", version: version.version, newlyAsks, unaccepted };
  }

  /** Whether the operator has named it in auth.plugin: no version of it comes in by itself. */
  #saysWhoComesIn(name: string): boolean {
    return this.#stores.configuration.auth.plugin?.name === name;
  }

  /** Goes back to the version before the last update; the data stay as they are. */
  rollback(name: string, actor: Actor): Promise<string> {
    return this.#queue.run(name, () => this.#rollback(name, actor));
  }

  async #rollback(name: string, actor: Actor): Promise<string> {
    const { installations, audit } = this.#stores;
    const before = this.#installed(name);
    if (before.previous === undefined) throw new HostError("conflict", `${name} has no version before ${before.version}`);
    const { previous } = before;
    const folder = await this.#stores.packages.read(previous.package);
    installations.refuseBlocked(folder.manifest);
    await this.#trust.refuseReturn({ id: previous.package, ...folder });
    const commit = (): void =>
      this.#stores.transaction(() => {
        installations.exchange(name, previous, []);
        audit.append(actor, "rollback", name, { from: before.version, to: previous.version });
      });
    await this.#exchange(name, folder, pluginSettings(before.settings), commit);
    return previous.version;
  }

  /** Removes an installed plugin and its grants; with `purge` its data too. */
  uninstall(name: string, purge: boolean, actor: Actor): Promise<void> {
    return this.#queue.run(name, () => this.#uninstall(name, purge, actor));
  }

  async #uninstall(name: string, purge: boolean, actor: Actor): Promise<void> {
    const { installations, grants, toolWords, remoteTokens, audit, manifests } = this.#stores;
    const { version } = this.#installed(name);
    const dependents = dependentsOf(name, manifests);
    if (dependents.length > 0) throw new HostError("conflict", `${name} is needed by ${dependents.join(", ")}; uninstall those first`);
    this.#stores.transaction(() => {
      installations.remove(name);
      if (purge) installations.planPurge(name);
      grants.forget(name);
      toolWords.forget(name);
      remoteTokens.revoke(name);
      audit.append(actor, "uninstall", name, { version, purge });
    });
    toolWords.committed();
    manifests.delete(name);
    await this.#live?.remove(name);
    if (!purge) return;
    await this.#data.purge(name);
    this.#stores.purge(name);
    await this.#live?.purged(name);
  }

  /** Stops it in the running host, until that starts the next time. */
  async unload(name: string, actor: Actor): Promise<void> {
    if (this.#live === undefined) throw new HostError("plugin-not-running", `${printable(name)} cannot be unloaded: the host does not run`);
    if (!this.#stores.manifests.has(name)) throw new HostError("invalid-message", `there is no plugin ${printable(name)}`);
    this.#stores.audit.append(actor, "unload", name);
    const live = this.#live;
    await this.#queue.run(name, () => live.remove(name));
  }

  /** Decides about an update that was never seen to start: `isRunning` accepts it, else the version before comes back with its data. */
  async settle(name: string, isRunning: boolean): Promise<void> {
    const { installations, audit, manifests } = this.#stores;
    const found = installations.find(name);
    if (found === undefined || !found.onProbation) return;
    if (isRunning) {
      this.#accept(name);
      return;
    }
    await this.#live?.remove(name);
    this.#stores.transaction(() => {
      this.#reject(name);
      audit.append("host", "update-failed", name, { from: found.previous?.version, to: found.version });
    });
    this.#stores.restore(name);
    if (found.previous === undefined) return;
    const folder = await this.#stores.packages.read(found.previous.package);
    manifests.set(name, folder.manifest);
    await this.#live?.add(folder, pluginSettings(found.settings));
    await this.#live?.start(name);
  }

  async #exchange(name: string, folder: PluginFolder, settings: PluginConfiguration, commit: () => void): Promise<void> {
    const { snapshots, audit, manifests } = this.#stores;
    const before = manifests.get(name);
    manifests.set(name, folder.manifest);
    try {
      if (this.#live === undefined) {
        // Nobody has the storage open; the next start finds the update on probation.
        snapshots.take(name);
        commit();
        return;
      }
      await this.#live.exchange(folder, settings, {
        between: async () => {
          snapshots.take(name);
          commit();
        },
        undo: async () => {
          this.#stores.transaction(() => this.#reject(name));
          this.#stores.restore(name);
        },
      });
      this.#accept(name);
    } catch (thrown) {
      if (before !== undefined) manifests.set(name, before);
      audit.append("host", "update-failed", name, { to: folder.manifest.version, why: toHostError(thrown).message });
      throw thrown;
    }
  }

  #accept(name: string): void {
    this.#stores.installations.accept(name);
    this.#live?.changed(name);
  }

  async #nameOf({ package: id }: InstallInput): Promise<string> {
    return (await this.#stores.packages.read(id)).manifest.name;
  }

  async #packageOf({
    package: id,
    source,
    integrity,
    wasmSha256,
  }: InstallInput): Promise<{ folder: PluginFolder; version: InstalledVersion }> {
    const folder = await this.#stores.packages.read(id);
    const { name, version } = folder.manifest;
    if (this.#isConfigured(name)) throw new HostError("conflict", `the configuration names ${name}; change it there`);
    this.#live?.refuseTaken(name);
    this.#stores.installations.refuseBlocked(folder.manifest);
    const unmet = this.#unmet(folder.manifest);
    if (unmet.length > 0) throw new HostError("conflict", `${name} ${version} does not fit what is installed: ${unmet.join("; ")}`);
    return { folder, version: { version, package: id, source, integrity, wasmSha256 } };
  }

  #unaccepted({ manifest, wasm }: PluginFolder, { package: id, accepted = [] }: InstallInput): Promise<readonly Finding[]> {
    return this.#trust.unaccepted({ id, manifest, wasm, accepted });
  }

  async #refuseUnaccepted(folder: PluginFolder, input: InstallInput): Promise<void> {
    const unaccepted = await this.#unaccepted(folder, input);
    if (unaccepted.length === 0) return;
    const rules = unaccepted.map(({ rule }) => rule).join(",");
    throw new HostError("conflict", `${folder.manifest.name} comes in only when it is accepted how: --accept ${rules}`, {
      detail: unaccepted.map(inWords).join("\n"),
    });
  }

  #installed(name: string): NonNullable<ReturnType<Installations["find"]>> {
    const found = this.#stores.installations.find(name);
    if (found !== undefined) return found;
    const why = this.#isConfigured(name) ? "the configuration names it; change it there" : "it is not installed";
    throw new HostError("invalid-message", `${printable(name)} cannot be changed: ${why}`);
  }

  #grant({ name }: Manifest, { grants, untilRestart }: Pick<InstallInput, "grants" | "untilRestart">, actor: Actor): void {
    for (const { permission, resource } of grants) {
      this.#stores.grants.allow({ plugin: name, permission, resource, untilRestart, by: actor, reason: "" });
    }
  }

  // Written down first: a restore that is cut short is done again before anything is loaded.
  #reject(name: string): void {
    const { grants, installations, audit } = this.#stores;
    const restored = grants.restore(name, installations.reject(name));
    for (const grant of restored) audit.append("host", "restore-grant", name, { ...grant, why: "the update that changed it failed" });
    installations.planRestore(name);
  }

  /** In words, what dependencies lack: its own and those of others. */
  #unmet(manifest: Manifest): readonly string[] {
    const { manifests } = this.#stores;
    return [...unmetDependencies(manifest, manifests), ...brokenDependents(manifest, manifests)];
  }

  /** Whether the configuration names the plugin, which then is changed there. */
  #isConfigured(plugin: string): boolean {
    return Object.hasOwn(this.#stores.configuration.plugins, plugin);
  }
}

function without(requests: readonly PermissionRequest[], others: readonly PermissionRequest[]): PermissionRequest[] {
  return requests.filter(
    (request) => !others.some(({ permission, resource }) => permission === request.permission && resource === request.resource),
  );
}
