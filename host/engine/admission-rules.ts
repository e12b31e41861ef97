// What the host says about every module, whichever plugin it is of: the sizes it takes, and the functions that its program declares for Extism plugins.

import { DEFAULT_MODULE_BOUNDS, type ModuleBounds } from "../bounds/module-bounds.ts";

/** Module → name → signature, such as `i64,i64:i64`. */
export type DeclaredFunctions = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface AdmissionRules {
  readonly bounds: ModuleBounds;
  readonly functions: DeclaredFunctions;
}

export const DEFAULT_RULES: AdmissionRules = Object.freeze({ bounds: DEFAULT_MODULE_BOUNDS, functions: Object.freeze({}) });
