// How much may wait of what plugins have sent, as an operator sets it.

import { z } from "zod";

/** Of one kind of sends, volatile or durable: what waits or is under way. */
export interface SendLimits {
  readonly maxPerPlugin: number;
  readonly maxMiBPerPlugin: number;
  /** Of all plugins together. */
  readonly max: number;
  readonly maxMiB: number;
}

export interface SendOptions {
  readonly volatile: SendLimits;
  readonly durable: SendLimits;
  /** After so many that failed a durable one becomes a dead letter. */
  readonly maxAttempts: number;
}

const limitsOf = (byDefault: SendLimits, maximum: SendLimits): z.ZodType<SendLimits> => {
  const shape = z.strictObject({
    maxPerPlugin: z.int().positive().max(maximum.maxPerPlugin).default(byDefault.maxPerPlugin),
    maxMiBPerPlugin: z.number().positive().max(maximum.maxMiBPerPlugin).default(byDefault.maxMiBPerPlugin),
    max: z.int().positive().max(maximum.max).default(byDefault.max),
    maxMiB: z.number().positive().max(maximum.maxMiB).default(byDefault.maxMiB),
  });
  return shape.default(byDefault);
};

const IN_MEMORY = { maxPerPlugin: 100_000, maxMiBPerPlugin: 1_024, max: 1_000_000, maxMiB: 4_096 };
const ON_DISK = { maxPerPlugin: 10_000_000, maxMiBPerPlugin: 65_536, max: 100_000_000, maxMiB: 1_048_576 };

export const sendOptions: z.ZodType<SendOptions> = z.strictObject({
  volatile: limitsOf({ maxPerPlugin: 256, maxMiBPerPlugin: 8, max: 4_096, maxMiB: 64 }, IN_MEMORY),
  durable: limitsOf({ maxPerPlugin: 10_000, maxMiBPerPlugin: 32, max: 100_000, maxMiB: 128 }, ON_DISK),
  maxAttempts: z.int().min(1).max(100).default(8),
});
