// Sends the host's traces, metrics and log to a collector, by OTLP.

import type { Adapter, Opened } from "../../seams.ts";
import { type OpenTelemetryOptions, openTelemetryOptions } from "./options.ts";

interface Loaded extends Opened {
  readonly Exporting: typeof import("./exporting.ts").Exporting;
}

export const openTelemetry: Adapter<OpenTelemetryOptions, Loaded> = {
  name: "opentelemetry",
  options: openTelemetryOptions,
  packages: {
    "@opentelemetry/api": "^1.10.0",
    "@opentelemetry/exporter-logs-otlp-proto": ">=0.301.0 <1",
    "@opentelemetry/exporter-metrics-otlp-proto": ">=0.301.0 <1",
    "@opentelemetry/exporter-trace-otlp-proto": ">=0.301.0 <1",
    "@opentelemetry/resources": "^3.1.0",
    "@opentelemetry/sdk-metrics": "^3.1.0",
  },
  // Loaded before anything runs, so that a package that is missing is told then.
  open: async () => ({ Exporting: (await import("./exporting.ts")).Exporting, async [Symbol.asyncDispose]() {} }),
  async start(context, options, loaded) {
    const Exporting = loaded?.Exporting ?? (await import("./exporting.ts")).Exporting;
    return new Exporting(options, context);
  },
};
