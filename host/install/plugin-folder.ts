// Reads a plugin from a folder and makes of manifest, module and configuration what the core runs.

import { join } from "node:path";
import { readPlainFile } from "../bounds/files.ts";
import { HostError } from "../core/errors.ts";
import type { Grant, Limits, PluginDefinition } from "../core/types.ts";
import { API_VERSIONS, type ApiVersion } from "../core/wit.ts";
import type { PluginConfiguration } from "../manifest/configuration.ts";
import { namedEntryPoints } from "../manifest/entry-points.ts";
import { ownPoints } from "../manifest/extension-points.ts";
import { DEFAULT_LIMITS, toLimits } from "../manifest/limits.ts";
import { type Manifest, parseManifest } from "../manifest/manifest.ts";
import { effectiveConfig } from "../manifest/plugin-config.ts";
import { effectiveRates, refuseUnknownServices } from "../manifest/rates.ts";
import { requireIsolation } from "../manifest/remote-plugins.ts";
import { dataSchemasOf } from "../manifest/schemas.ts";
import { reasonsOf } from "../manifest/service-errors.ts";
import { subscriptionsOf } from "../manifest/subscriptions.ts";
import { didYouMean } from "../manifest/suggest.ts";
import type { ContentEntry } from "../trust/contents.ts";

export interface PluginFolder {
  readonly manifest: Manifest;
  /** Of a remote plugin the bytes of its plugin.json: they are what an operator consents to. */
  readonly wasm: Uint8Array<ArrayBuffer>;
}

/** A plugin as it lies in a folder. */
export interface FolderContent extends PluginFolder {
  /** The text of plugin.json as its author wrote it, which is what `manifest` was made of. */
  readonly manifestText: string;
}

/** A plugin as it was read from where it came. */
export interface ReadPlugin extends FolderContent {
  /** All its files, of a package that is signed; else none. */
  readonly contents: readonly ContentEntry[];
  /** The text of its signatures, unread. */
  readonly signatures?: string;
  /** As its package.json says; nobody has looked whether it is one. */
  readonly license?: string;
}

const MIB = 1_024 * 1_024;
/** Of a plugin's two files. A larger module is refused by admission in any case. */
export const MAX_MANIFEST_BYTES: number = MIB;
const MAX_WASM_BYTES = 64 * MIB;

/** An admitted module, the exports of it that can be entered, and the first api that has all it imports, with one import that needs it. */
export interface AdmittedPlugin {
  readonly module: Uint8Array<ArrayBuffer>;
  /** "any" for a component that is asked by name. */
  readonly entryPoints: readonly string[] | "any";
  /** What can be called of it and what cannot, in words that begin with "its". */
  readonly exported: string;
  readonly report: { readonly compileBytes: number; readonly cannotKeep?: string | undefined };
  readonly api: { readonly since: ApiVersion; readonly because: string };
}

/**
 * Each file is opened once and read once. Rejects with HostError `invalid-manifest` when plugin.json or its module is missing, no plain file or
 * malformed, `quota-exceeded` when one is too large.
 */
export async function readPluginFolder(folder: string): Promise<FolderContent> {
  const { manifest, manifestText } = await readManifestOf(folder);
  const rules = { code: "invalid-manifest", maxBytes: MAX_WASM_BYTES, remedy: "build the plugin first (bulkhead build)" } as const;
  if (manifest.wasm === undefined) return { manifest, manifestText, wasm: remoteModule(manifestText) };
  const { buffer, byteOffset, length } = await readPlainFile(join(folder, manifest.wasm), rules);
  return { manifest, manifestText, wasm: new Uint8Array(buffer, byteOffset, length) };
}

/** Like readPluginFolder, for what looks into a module or runs it here; rejects with `invalid-manifest` for a remote plugin too. */
export async function readModuleFolder(folder: string): Promise<FolderContent> {
  const content = await readPluginFolder(folder);
  if (content.manifest.remote === undefined) return content;
  throw new HostError("invalid-manifest", `${content.manifest.name} is a remote plugin: its code is not in its folder`);
}

/** What stands where others have their module. */
export const remoteModule = (manifestText: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(manifestText);

/** A remote plugin as one that was admitted: there is nothing in it to look at. */
export const admittedRemote = ({ wasm }: Pick<PluginFolder, "wasm">): AdmittedPlugin => ({
  module: wasm,
  entryPoints: "any",
  exported: "its code is not here",
  report: { compileBytes: 0 },
  api: { since: API_VERSIONS[0], because: "nothing" },
});

/** Without its module, which may be missing. Rejects like readPluginFolder. */
export async function readManifestOf(folder: string): Promise<Pick<FolderContent, "manifest" | "manifestText">> {
  const file = join(folder, "plugin.json");
  const rules = { code: "invalid-manifest", maxBytes: MAX_MANIFEST_BYTES, remedy: "name the folder of a plugin" } as const;
  const manifestText = (await readPlainFile(file, rules)).toString("utf8");
  return { manifest: parseManifest(manifestText, file), manifestText };
}

/** What a plugin may use: the smallest of what the manifest asks for, what the operator gives, and else the default. */
export function effectiveLimits(manifest: Manifest, configuration: PluginConfiguration): Limits {
  const asked = toLimits(manifest.limits);
  const given = toLimits(configuration.limits);
  const limits: { -readonly [N in keyof Limits]: number } = { ...DEFAULT_LIMITS };
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) {
    const ceiling = given[name] ?? DEFAULT_LIMITS[name];
    limits[name] = Math.min(asked[name] ?? ceiling, ceiling);
  }
  // One process has one size of stack, so only a plugin that is alone in it can have less than V8 gives.
  const isAlone = configuration.isolation === "process" && configuration.cell === undefined;
  const stack = isAlone ? {} : { stackBytes: DEFAULT_LIMITS.stackBytes };
  return { ...limits, ...stack };
}

/** Throws HostError `incompatible-api` when the module imports what the api that its manifest names has not: a host of that version would refuse it. */
export function refuseLaterApi({ name, api }: Manifest, { api: { since, because } }: Pick<AdmittedPlugin, "api">): void {
  if (API_VERSIONS.slice(API_VERSIONS.indexOf(since)).some((version) => version === api)) return;
  throw new HostError(
    "incompatible-api",
    `${name} says "api": "${api}", and its module has ${because}, which came with ${since}; write "api": "${since}"`,
  );
}

/**
 * Throws HostError `invalid-manifest` when the manifest names an entry point that the module does not export, `incompatible-api` when the module is for a
 * later api than the manifest, `invalid-message` when the configuration names a service that it does not provide, or has values that its `config` refuses.
 */
export function definePlugin(
  manifest: Manifest,
  admitted: AdmittedPlugin,
  configuration: PluginConfiguration,
  grants: readonly Grant[],
): PluginDefinition {
  refuseLaterApi(manifest, admitted);
  requireIsolation(manifest, configuration);
  refuseUnknownServices(manifest.name, configuration.services, Object.keys(manifest.services));
  const named = namedEntryPoints(manifest).map(({ entryPoint }) => entryPoint);
  const entryPoints = entryPointsOf(admitted, named);
  const missing = named.find((entryPoint) => !entryPoints.includes(entryPoint));
  if (missing !== undefined) {
    const near = didYouMean(missing, entryPoints);
    throw new HostError("invalid-manifest", `${manifest.name} names the entry point ${missing}; ${admitted.exported}${near}`);
  }
  return {
    name: manifest.name,
    version: manifest.version,
    module: admitted.module,
    compileBytes: admitted.report.compileBytes,
    entryPoints,
    services: Object.entries(manifest.services).map(([name, service]) => ({
      name,
      entryPoint: service.entryPoint,
      asCaller: service.authority === "caller",
      rates: effectiveRates(service, configuration.services[name]),
    })),
    points: ownPoints(manifest),
    extensions: Object.entries(manifest.extends).map(([point, { entryPoint, priority }]) => ({ point, entryPoint, priority })),
    subscriptions: subscriptionsOf(manifest.subscriptions),
    watches: manifest.watches,
    permissions: manifest.permissions,
    grants,
    dependencies: Object.keys(manifest.dependencies),
    config: effectiveConfig(manifest, configuration.config),
    limits: effectiveLimits(manifest, configuration),
    engine: configuration.engine,
    keepsStorageLog: manifest.storage.log,
    transaction: manifest.transaction,
    ...declaredIn(manifest),
    tape: configuration.record === "failures" && !authenticates(manifest) ? "failures" : undefined,
    ...activationOf(configuration, admitted.report),
  };
}

/** A build that is to be run by itself, as its manifest declares it. Throws HostError `incompatible-api`. */
export function buildOf(
  manifest: Manifest,
  admitted: AdmittedPlugin,
): Pick<PluginDefinition, "module" | "compileBytes" | "entryPoints"> & {
  readonly declared: Pick<PluginDefinition, "api" | "reasons" | "schemas">;
} {
  refuseLaterApi(manifest, admitted);
  const named = namedEntryPoints(manifest).map(({ entryPoint }) => entryPoint);
  return {
    module: admitted.module,
    compileBytes: admitted.report.compileBytes,
    entryPoints: entryPointsOf(admitted, named),
    declared: declaredIn(manifest),
  };
}

const declaredIn = (manifest: Manifest): Pick<PluginDefinition, "api" | "reasons" | "schemas"> => ({
  api: API_VERSIONS.find((version) => version === manifest.api),
  reasons: reasonsOf(Object.values(manifest.services)),
  schemas: dataSchemasOf(manifest),
});

/** Whether it is told what people show to be let in, which nobody keeps. */
export const authenticates = ({ contributes }: Pick<Manifest, "contributes">): boolean => Object.hasOwn(contributes, "authenticate");

/** Whether its module is admitted so that what it has become can be kept. */
export const keepsState = ({ activation, engine, record }: PluginConfiguration): boolean =>
  engine === "metered" && (activation === "hibernate" || record === "failures");

/** Whether what is loaded of it is dropped when it is idle, and what becomes of its state then. One whose state cannot be kept stays awake rather than lose it. */
function activationOf(
  { activation, idleMs, engine }: PluginConfiguration,
  { cannotKeep }: Pick<AdmittedPlugin["report"], "cannotKeep">,
): Pick<PluginDefinition, "idleMs" | "keepsState" | "awakeBecause"> {
  if (activation === "eager") return {};
  if (activation === "on-demand") return { idleMs };
  const awakeBecause = engine === "metered" ? cannotKeep : `runs on the engine ${engine}`;
  return awakeBecause === undefined ? { idleMs, keepsState: true } : { awakeBecause };
}

/** What can be entered: a component that is asked by name is asked for what the manifest names and for every step of its life. */
export function entryPointsOf({ entryPoints }: Pick<AdmittedPlugin, "entryPoints">, named: readonly string[]): readonly string[] {
  return entryPoints === "any" ? [...new Set(["on_load", "on_start", "on_stop", "on_unload", ...named])] : entryPoints;
}
