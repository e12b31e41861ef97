// What an operator can set of `capabilities.crypto`: how dear a password is to guess, and how dear one that another system stored may be to try.

import { z } from "zod";

const KIB_PER_MIB = 1_024;
/** What OWASP has as the least of argon2id with one lane. */
const MIN_MEMORY_MIB = 19;
const MIN_PASSES = 2;
const [MOST_MEMORY_MIB, MOST_PASSES, MOST_LANES] = [512, 16, 8];

/** Of argon2id, as its own names have it: m, t and p. */
export interface Argon2Parameters {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
}

export interface CryptoOptions {
  /** Of what is hashed here. */
  readonly own: Argon2Parameters;
  /** Of what may be asked to be verified. */
  readonly most: Argon2Parameters;
}

const memory = z.int().min(MIN_MEMORY_MIB).max(MOST_MEMORY_MIB);
const passes = z.int().min(MIN_PASSES).max(MOST_PASSES);
const lanes = z.int().min(1).max(MOST_LANES);

export const cryptoOptions: z.ZodType<CryptoOptions> = z
  .strictObject({
    memoryMiB: memory.default(MIN_MEMORY_MIB),
    passes: passes.default(MIN_PASSES),
    lanes: lanes.default(1),
    maxMemoryMiB: memory.default(64),
    maxPasses: passes.default(4),
    maxLanes: lanes.default(4),
  })
  // What was hashed here is verified here, whatever else may be.
  .transform((given) => ({
    own: { memoryKiB: given.memoryMiB * KIB_PER_MIB, passes: given.passes, lanes: given.lanes },
    most: {
      memoryKiB: Math.max(given.memoryMiB, given.maxMemoryMiB) * KIB_PER_MIB,
      passes: Math.max(given.passes, given.maxPasses),
      lanes: Math.max(given.lanes, given.maxLanes),
    },
  }));
