// The adapters that come with the host, loaded when they are configured. What is not here is a package or a file that the configuration names.

import type { Adapter } from "../seams.ts";

interface AdapterRow {
  /** Runs unless the configuration says `false`. */
  readonly isDefault: boolean;
  load(): Promise<Adapter>;
  /** The adapter's `parseContribution` without all that it takes to run it. */
  readonly parser?: () => Promise<NonNullable<Adapter["parseContribution"]>>;
}

export const ADAPTERS: Readonly<Record<string, AdapterRow>> = {
  "control-socket": { isDefault: true, load: async () => (await import("./control-socket/adapter.ts")).controlSocket as Adapter },
  grpc: { isDefault: false, load: async () => (await import("./grpc/adapter.ts")).grpc as Adapter },
  opentelemetry: { isDefault: false, load: async () => (await import("./opentelemetry/adapter.ts")).openTelemetry as Adapter },
  http: {
    isDefault: true,
    load: async () => (await import("./http/adapter.ts")).http as Adapter,
    parser: async () => (await import("./http/routes.ts")).parseRoutes,
  },
};
