// What an operator can set of the shared state, wherever it is kept.

import { z } from "zod";

export interface StateOptions {
  /** Of all plugins together; each has its own part of it (limits.stateMiB, limits.stateKeys). */
  readonly maxMiB: number;
  readonly maxKeys: number;
}

const MAX_MIB = 1_024;
const MAX_KEYS = 1_000_000;

/** To be spread into a schema. */
export const stateShape: { readonly [K in keyof StateOptions]: z.ZodType<StateOptions[K]> } = {
  maxMiB: z.number().positive().max(MAX_MIB).default(64),
  maxKeys: z.int().positive().max(MAX_KEYS).default(100_000),
};

export const stateOptions: z.ZodType<StateOptions> = z.strictObject(stateShape);

export const MIB: number = 1_024 * 1_024;
