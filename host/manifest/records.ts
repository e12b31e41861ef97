// How much is kept of turns that failed: the configuration's `records`. Of which plugins is said in their sections.

import { z } from "zod";

export interface RecordOptions {
  /** Of all plugins together; the oldest go first. */
  readonly mib: number;
  readonly mibPerPlugin: number;
  /** Older ones are gone. */
  readonly maxAgeHours: number;
}

export const recordsSchema: z.ZodType<RecordOptions> = z.strictObject({
  mib: z.int().min(1).max(4_096).default(64),
  mibPerPlugin: z.int().min(1).max(1_024).default(16),
  maxAgeHours: z.number().positive().max(8_760).default(168),
});
