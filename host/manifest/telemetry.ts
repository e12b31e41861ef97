// What the host writes down about its own work: the configuration's `telemetry`.

import { z } from "zod";

export interface TelemetryOptions {
  /** `metrics`: counts and times; `spans`: the steps of traces as well. */
  readonly record: "nothing" | "metrics" | "spans";
  /** How many of the last steps are kept, in 250 bytes each. */
  readonly spans: number;
}

export const telemetrySchema: z.ZodType<TelemetryOptions> = z.strictObject({
  record: z.enum(["nothing", "metrics", "spans"]).default("spans"),
  spans: z.int().min(64).max(262_144).default(8_192),
});
