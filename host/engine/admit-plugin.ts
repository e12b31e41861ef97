// Admission as the host uses it: a plugin's limits in, an admitted module and its entry points out.

import { HostError } from "../core/errors.ts";
import type { Limits } from "../core/types.ts";
import { type AdmissionReport, admit, type ImportName } from "./admission.ts";
import type { AdmissionLimits } from "./admission-limits.ts";
import { type AdmissionRules, DEFAULT_RULES } from "./admission-rules.ts";
import { describeExports, entryPointsIn } from "./entry-points.ts";
import { type ApiNeed, apiOf, apiOfImport, isAllowedImport } from "./guest/imports.ts";
import { PAGE_BYTES } from "./guest/kernel.ts";

export interface AdmittedModule {
  readonly module: Uint8Array<ArrayBuffer>;
  /** Exports without parameters and with no result or one i32; "any" for a component, which alone knows what it handles. */
  readonly entryPoints: readonly string[] | "any";
  /** What can be called of it and what cannot, with the reason, for who asks for something else. Begins with "its module". */
  readonly exported: string;
  readonly api: ApiNeed;
  readonly report: AdmissionReport;
}

/** The limits of a plugin that decide about its module. */
export type ModuleLimits = Pick<Limits, "memoryBytes" | "tableElements" | "moduleBytes">;

/** What admission compares with, for a plugin with these limits. */
export function admissionLimits({ memoryBytes, tableElements, moduleBytes }: ModuleLimits, { bounds }: AdmissionRules): AdmissionLimits {
  return {
    ...bounds,
    maxMemoryPages: Math.floor(memoryBytes / PAGE_BYTES),
    maxTableElements: tableElements,
    maxModuleBytes: moduleBytes,
  };
}

/** Throws HostError `admission-refused` with every reason in `detail`. */
export function admitPlugin(
  wasm: Uint8Array<ArrayBuffer>,
  limits: ModuleLimits,
  rules: AdmissionRules = DEFAULT_RULES,
  keepsState = false,
): AdmittedModule & { readonly entryPoints: readonly string[] } {
  const isAllowed = (entry: ImportName): true | string => isAllowedImport(entry, rules.functions);
  const { bytes, report } = admit(wasm, { limits: admissionLimits(limits, rules), isAllowedImport: isAllowed, keepsState });
  refuseGarbageCollection(report);
  const entryPoints = entryPointsIn(report);
  return { module: bytes, entryPoints, exported: describeExports(report), api: apiOf(report.imports.map(apiOfImport)), report };
}

/** Throws HostError `admission-refused` for a module that makes objects of V8's heap. */
export function refuseGarbageCollection({ features }: AdmissionReport): void {
  if (!features.includes("gc")) return;
  throw new HostError(
    "admission-refused",
    "the module makes garbage-collected objects (proposal gc), which no memory limit of this host bounds; compile it to linear memory",
  );
}
