// All that a module is compared with: the bounds of the host, and the limits of the plugin that decide about its module.

import { DEFAULT_MODULE_BOUNDS, MODULE_BOUNDS, type ModuleBounds, remedyFor } from "../bounds/module-bounds.ts";

export interface AdmissionLimits extends ModuleBounds {
  /** The source without its custom sections, but with its names. */
  readonly maxModuleBytes: number;
  /** The linear memory's minimum may not exceed it, and its maximum becomes it. 64 KiB each. */
  readonly maxMemoryPages: number;
  /** The minima of all tables together; also what each of them can grow to. */
  readonly maxTableElements: number;
}

export const DEFAULT_ADMISSION_LIMITS: AdmissionLimits = Object.freeze({
  ...DEFAULT_MODULE_BOUNDS,
  maxModuleBytes: 24 * 1024 * 1024,
  maxMemoryPages: 1_024,
  maxTableElements: 100_000,
});

const OF_PLUGINS: Readonly<Record<Exclude<keyof AdmissionLimits, keyof ModuleBounds>, string>> = {
  maxModuleBytes: "limits.moduleMiB",
  maxMemoryPages: "limits.memoryMiB",
  maxTableElements: "limits.tableElements",
};

/** The key by which an operator sets a limit, and what else can be done about a module beyond it. */
export function remedyOf(limit: keyof AdmissionLimits): { readonly key: string; readonly remedy: string | undefined } {
  if (limit in OF_PLUGINS) return { key: OF_PLUGINS[limit as keyof typeof OF_PLUGINS], remedy: undefined };
  const name = limit as keyof ModuleBounds;
  return { key: `admission.${MODULE_BOUNDS[name].key}`, remedy: remedyFor(name) };
}
