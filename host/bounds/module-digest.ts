// By what a module is known: the SHA-256 of its bytes.

import { createHash } from "node:crypto";

const known = new WeakMap<Uint8Array, string>();

/** In hex; the same array is looked at once. */
export function digestOfModule(module: Uint8Array): string {
  const digest = known.get(module) ?? createHash("sha256").update(module).digest("hex");
  known.set(module, digest);
  return digest;
}
