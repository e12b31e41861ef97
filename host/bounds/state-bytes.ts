// How large the state of a plugin may be that is kept while it sleeps: one bound for whoever makes, carries, keeps or reads it.

import type { Limits } from "../core/types.ts";

/** Of tables, globals and what says which pages are there. */
const OVERHEAD_BYTES = 4 * 1024 * 1024;

/** Unpacked, and as it is kept. */
export const maxStateBytes = ({ memoryBytes, varBytes }: Pick<Limits, "memoryBytes" | "varBytes">): number =>
  memoryBytes + varBytes + OVERHEAD_BYTES;
