// What the operator can set for the OpenTelemetry adapter. Where a collector is and how it is spoken to says the environment too, in the variables that every
// program has which speaks OTLP: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME and the others.

import { z } from "zod";

export interface OpenTelemetryOptions {
  readonly traces: boolean;
  readonly metrics: boolean;
  /** The lines of the log, as they are written. */
  readonly logs: boolean;
  /** Base of the collector's addresses, such as `http://127.0.0.1:4318`, instead of the environment's. */
  readonly endpoint?: string | undefined;
  /** Which share of traces is sent; those in which something failed are sent whatever it says. */
  readonly sampleRatio: number;
  /** How often spans and lines are sent, and metrics. */
  readonly spansEveryMs: number;
  readonly metricsEveryMs: number;
}

export const openTelemetryOptions: z.ZodType<OpenTelemetryOptions> = z.strictObject({
  traces: z.boolean().default(true),
  metrics: z.boolean().default(true),
  logs: z.boolean().default(true),
  endpoint: z
    .url({ protocol: /^https?$/ })
    .max(2_048)
    .optional(),
  sampleRatio: z.number().min(0).max(1).default(1),
  spansEveryMs: z.int().min(100).max(60_000).default(1_000),
  metricsEveryMs: z.int().min(1_000).max(3_600_000).default(60_000),
});
