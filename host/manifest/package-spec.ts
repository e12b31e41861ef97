// What a person may write for where a plugin comes from: a path, or a package of a registry.

import { resolve } from "node:path";

/** What a person wrote, with a path made absolute, so that it means the same to a host that runs elsewhere. */
export const absoluteSpec = (spec: string, base = "."): string => (isPath(spec) ? resolve(base, spec) : spec);

export function isPath(spec: string): boolean {
  if (/^[./]/.test(spec)) return true;
  if (spec.includes(":")) return false;
  return spec.endsWith(".tgz") || /^[^@]+\//.test(spec);
}

export const isOci = (spec: string): boolean => /^oci(?:\+http)?:/.test(spec);
