// Where plugins come from and who says whether they may run: the folders, tarballs and registries of a configuration, and admission in a process.

import { join } from "node:path";
import type { Sources } from "../admin/installer.ts";
import { toModuleBounds } from "../bounds/module-bounds.ts";
import { AdmissionCache, type DeclaredFunctions } from "../cell/admission/admission-process.ts";
import { HostError } from "../core/errors.ts";
import { documentsBelow, fetchDocument } from "../install/documents.ts";
import type { Lock } from "../install/lock.ts";
import type { SourceOptions } from "../install/npm-registry.ts";
import { fetchPackage, isLockedFor, resolveVersion } from "../install/package-sources.ts";
import { PackageStore } from "../install/package-store.ts";
import {
  admittedRemote,
  definePlugin,
  effectiveLimits,
  keepsState,
  type PluginFolder,
  readManifestOf,
  readPluginFolder,
} from "../install/plugin-folder.ts";
import { checkManifest, type Findings } from "../manifest/check.ts";
import type { Configuration, PluginConfiguration } from "../manifest/configuration.ts";
import { describeFindings } from "../manifest/issues.ts";
import { MANIFEST_FILE, type Manifest } from "../manifest/manifest.ts";
import { contributionParsers } from "./adapters.ts";
import { packageReader } from "./package-reader.ts";
import { storageOf } from "./storage.ts";
import { refuseStranger } from "./strangers.ts";

export interface PluginSources extends Sources {
  readonly admission: AdmissionCache;
  /** As `Sources` has it; `within` is another configuration than the one that is in force. */
  admit(folder: PluginFolder, settings: PluginConfiguration, within?: Configuration): Promise<void>;
}

/**
 * `functions` are those that the program declares for modules to import; `inForce` is what holds when something is asked for. Rejects with HostError for an adapter of the configuration that cannot be loaded: it
 * has a say in what may be installed.
 */
export async function pluginSources(
  configuration: Configuration,
  functions: DeclaredFunctions,
  inForce: () => Configuration,
): Promise<PluginSources> {
  const parsers = await contributionParsers(configuration);
  const { dataDir, hardening } = configuration;
  const rules = { bounds: toModuleBounds(configuration.admission), functions };
  const admission = new AdmissionCache(join(dataDir, "admitted"), { hardening, rules });
  const reader = packageReader(hardening);
  const options = (): SourceOptions => {
    const { registry, install, trust } = inForce();
    return { reader, registry, ...install, attested: trust.sigstore !== undefined && trust.mode !== "off" };
  };
  return {
    admission,
    fetch: (spec) => fetchPackage(spec, options()),
    logFiles: (base) => documentsBelow(base, { what: "the log", mirrors: inForce().install.mirrors }),
    document: (place, rules) => fetchDocument(place, { ...rules, mirrors: inForce().install.mirrors }),
    resolve: (spec) => resolveVersion(spec, options()),
    async admit(folder, settings, within = inForce()) {
      refuseStranger(folder.manifest.name, settings, within);
      const { side } = storageOf(within, folder.manifest.name, settings);
      const admitted =
        folder.manifest.remote === undefined
          ? await admission.admit(folder.wasm, effectiveLimits(folder.manifest, settings), { side, keepsState: keepsState(settings) })
          : admittedRemote(folder);
      const { entryPoints, exported } = admitted;
      const module = entryPoints === "any" ? undefined : { entryPoints, exported };
      refuseFindings(folder, checkManifest(folder.manifest, { module, parsers }));
      definePlugin(folder.manifest, admitted, settings, []);
    },
  };
}

/** Throws HostError `invalid-manifest` with a line for each error; warnings are the author's affair. */
function refuseFindings({ manifest, manifestText }: PluginFolder & { readonly manifestText?: string }, { errors }: Findings): void {
  if (errors.length === 0) return;
  const source = manifestText === undefined ? {} : { source: { file: MANIFEST_FILE, text: manifestText } };
  const detail = describeFindings(errors, { input: manifest, ...source });
  throw new HostError("invalid-manifest", `the manifest of ${manifest.name} says what does not work`, { detail });
}

/** The manifests of the plugins that the configuration names, as far as they can be read; what cannot is told of. */
export async function readConfigured(
  { plugins, dataDir }: Configuration,
  lock: Lock,
  onFailure: (plugin: string, thrown: unknown) => void,
): Promise<Map<string, Manifest>> {
  const packages = new PackageStore(dataDir);
  const manifests = new Map<string, Manifest>();
  for (const [name, settings] of Object.entries(plugins)) {
    try {
      manifests.set(name, await manifestOf(name, settings, { packages, lock }));
    } catch (thrown) {
      onFailure(name, thrown);
    }
  }
  return manifests;
}

// The modules of all of them are more than is worth reading for it.
async function manifestOf(
  name: string,
  settings: Pick<PluginConfiguration, "path" | "source">,
  from: { readonly packages: PackageStore; readonly lock: Lock },
): Promise<Manifest> {
  const { path } = settings;
  if (path === undefined) return (await readOneConfigured(name, settings, from)).manifest;
  return requireName((await readManifestOf(path)).manifest, name, path);
}

/** One plugin that the configuration names, as it lies there now. Rejects with HostError. */
export async function readOneConfigured(
  name: string,
  { path, source = "" }: Pick<PluginConfiguration, "path" | "source">,
  { packages, lock }: { readonly packages: PackageStore; readonly lock: Lock },
): Promise<PluginFolder> {
  const folder = path === undefined ? await packages.read(lockedPackage(name, source, lock)) : await readPluginFolder(path);
  requireName(folder.manifest, name, path ?? source);
  return folder;
}

function requireName(manifest: Manifest, name: string, from: string): Manifest {
  if (manifest.name === name) return manifest;
  throw new HostError("invalid-manifest", `${from} holds the plugin ${manifest.name}, not ${name}`);
}

function lockedPackage(name: string, source: string, lock: Lock): string {
  const locked = lock.get(name);
  if (locked !== undefined && isLockedFor(source, locked)) return locked.package;
  throw new HostError("conflict", `bulkhead.lock has no ${name} from ${source}; "bulkhead install" brings it and writes the lock`);
}
