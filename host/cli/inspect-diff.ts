// `bulkhead inspect --diff`: what a version imports, asks for, reaches, weighs and exports more than the one before it, for whoever reviews an update. Of the bytes
// alone: what an author says of the change is none of it.

import { admitInProcess } from "../cell/admission/admission-process.ts";
import { toHostError } from "../core/errors.ts";
import { escapeControls, printable } from "../core/names.ts";
import { type AdmissionReport, DEFAULT_ADMISSION_LIMITS, inspect } from "../engine/admission.ts";
import { isComponent } from "../engine/component/bundle.ts";
import { fetchPackage } from "../install/package-sources.ts";
import type { FetchedPlugin } from "../install/package-store.ts";
import { packageReader } from "../lifecycle/package-reader.ts";
import { dependenciesOf } from "../manifest/dependencies.ts";
import { DEFAULT_LIMITS } from "../manifest/limits.ts";
import { absoluteSpec } from "../manifest/package-spec.ts";
import { cardOf } from "../trust/card.ts";
import { table } from "./report.ts";

/** What one has and the other has not, of one kind of thing. */
interface Difference {
  readonly what: string;
  readonly more: readonly string[];
  readonly less: readonly string[];
}

export interface PackageDiff {
  readonly before: { readonly plugin: string; readonly version: string; readonly source: string };
  readonly after: PackageDiff["before"];
  /** Only what differs. */
  readonly differences: readonly Difference[];
  /** Whether there is anything that it can do, and could not before. */
  readonly widens: boolean;
}

interface Side {
  readonly fetched: FetchedPlugin;
  /** Undefined for a module that nobody admits. */
  readonly module: AdmissionReport | undefined;
  readonly signers: readonly string[];
}

/** What stands for power, rather than for form. */
const POWER: ReadonlySet<string> = new Set(["asks for", "imports", "needs", "reaches", "could send away", "answers", "says who comes in"]);

/** Sources as `bulkhead install` takes them. Rejects with HostError as fetchPackage does. */
export async function diffPackages(before: string, after: string, registry: string | undefined): Promise<PackageDiff> {
  const [old, young] = [await sideOf(before, registry), await sideOf(after, registry)];
  const [was, is] = [factsOf(old), factsOf(young)];
  const differences = [...is.keys()]
    .map((what): Difference => {
      const [had, has] = [was.get(what) ?? [], is.get(what) ?? []];
      return { what, more: has.filter((one) => !had.includes(one)), less: had.filter((one) => !has.includes(one)) };
    })
    .filter(({ more, less }) => more.length > 0 || less.length > 0)
    // Of what nobody has signed only the module and the manifest are known.
    .filter(({ what }) => what !== "files" || [old, young].every(({ fetched }) => fetched.contents.length > 0));
  const widens = differences.some(({ what, more }) => POWER.has(what) && more.length > 0);
  return { before: nameOf(old), after: nameOf(young), differences, widens };
}

export function describeDiff({ before, after, differences, widens }: PackageDiff): string {
  const head = `${before.plugin} ${before.version} → ${after.plugin === before.plugin ? "" : `${after.plugin} `}${after.version}`;
  if (differences.length === 0) return `${head}: nothing differs that anybody could tell`;
  const shown = (lines: readonly string[]): string[] => lines.map((line) => escapeControls(line));
  const rows = differences.map(({ what, more, less }) => [what, shown(more), shown(less)]);
  return `${table([head, "more", "less"], rows)}\n${widens ? "It can do what it could not." : "It can do no more than before."}`;
}

const nameOf = ({ fetched: { manifest, source } }: Side): PackageDiff["before"] => ({
  plugin: manifest.name,
  version: manifest.version,
  source: printable(source),
});

async function sideOf(spec: string, registry: string | undefined): Promise<Side> {
  const fetched = await fetchPackage(absoluteSpec(spec), { reader: packageReader(), registry });
  return { fetched, module: await moduleOf(fetched.wasm), signers: await signersOf(fetched) };
}

/** A component is read by jco, which is part of admitting it. */
async function moduleOf(wasm: Uint8Array<ArrayBuffer>): Promise<AdmissionReport | undefined> {
  try {
    return isComponent(wasm) ? (await admitInProcess(wasm, DEFAULT_LIMITS)).report : inspect(wasm, DEFAULT_ADMISSION_LIMITS);
  } catch {
    return undefined;
  }
}

async function signersOf(fetched: FetchedPlugin): Promise<readonly string[]> {
  if (fetched.signatures === undefined) return [];
  const { verifySignatures } = await import("../trust/signatures.ts");
  try {
    return verifySignatures(fetched, fetched.signatures).map(({ keyid }) => keyid);
  } catch (thrown) {
    return [`nobody: ${toHostError(thrown).message}`];
  }
}

/** Everything of a version that can be compared, by kind, in the order in which a reviewer wants it. */
function factsOf({ fetched, module, signers }: Side): ReadonlyMap<string, readonly string[]> {
  const { manifest, wasm, contents } = fetched;
  const { couldSendAway, reaches } = cardOf(manifest);
  return new Map<string, readonly string[]>([
    ["asks for", manifest.permissions.map(({ permission, resource }) => `${permission} ${resource}`)],
    ["reaches", reaches],
    ["could send away", couldSendAway],
    ["says who comes in", Object.hasOwn(manifest.contributes, "authenticate") ? ["yes"] : []],
    [
      "needs",
      dependenciesOf(manifest).map(({ plugin, range, source }) => `${plugin} ${range}${source === undefined ? "" : ` from ${source}`}`),
    ],
    ["imports", (module?.imports ?? []).map(({ module: from, name }) => `${from} ${name}`)],
    ["exports", (module?.exports ?? []).map(({ name, kind }) => `${name} (${kind})`)],
    ["services", Object.keys(manifest.services)],
    ["events", Object.keys(manifest.events)],
    ["hears", manifest.subscriptions.map(({ type }) => type)],
    ["answers", Object.keys(manifest.extends)],
    ["declares points", Object.keys(manifest.extensionPoints)],
    ["schedules", manifest.schedules.map(({ name }) => name)],
    ["contributes", Object.keys(manifest.contributes)],
    ["limits", Object.entries(manifest.limits).map(([name, value]) => `${name} ${value}`)],
    ["speaks", [`api ${manifest.api}`]],
    ["features", module?.features ?? []],
    ["may be read", [module === undefined ? "no: nobody admits it" : "yes"]],
    ["weighs", [`${wasm.length} bytes, in ${module?.functions ?? "?"} functions`]],
    ["memory", module?.memory === undefined ? [] : [`${module.memory.minPages} to ${module.memory.maxPages} pages`]],
    ["is signed by", signers],
    ["files", contents.map(({ path, sha256 }) => `${path} ${sha256.slice(0, 16)}`)],
  ]);
}
