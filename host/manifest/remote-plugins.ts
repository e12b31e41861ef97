// Remote plugins: what their manifest says, where the host waits for them, and that such a manifest and the isolation "remote" go together.

import { z } from "zod";
import { HostError } from "../core/errors.ts";

/** What a manifest has instead of a module. */
export type RemoteManifest = Readonly<Record<string, never>>;

export const remoteManifestSchema: z.ZodType<RemoteManifest> = z.strictObject({});

export interface RemotePluginsOptions {
  /** Address to listen on. */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Above that the oldest one on which no plugin is known makes room. */
  readonly maxConnections: number;
  /** Of one message of a plugin; its payloads have to fit. */
  readonly maxMessageMiB: number;
}

export const remotePluginsSchema: z.ZodType<RemotePluginsOptions> = z.strictObject({
  host: z.string().min(1).default("127.0.0.1"),
  port: z.int().min(0).max(65_535).default(7_422),
  maxConnections: z.int().positive().max(65_536).default(256),
  maxMessageMiB: z.int().positive().max(65).default(5),
});

/** Optional peers of the host, with their ranges. */
export const REMOTE_PACKAGES: Readonly<Record<string, string>> = {
  "@bufbuild/protobuf": "^2.17.0",
  "@grpc/grpc-js": "^1.14.7",
  "grpc-health-check": "^2.1.0",
};

interface Placed {
  readonly isolation: string;
  readonly engine: string;
  readonly activation: string;
  readonly record: string;
  readonly cell?: string | undefined;
}

/** Throws HostError `invalid-message` where a manifest and the settings of its plugin are not for the same kind of plugin. */
export function requireIsolation({ name, remote }: { readonly name: string; readonly remote?: unknown }, settings: Placed): void {
  const { isolation } = settings;
  if (remote === undefined && isolation === "remote")
    throw new HostError(
      "invalid-message",
      `${name} has a module, and isolation is "remote"; leave isolation out, or write thread or inline`,
    );
  if (remote === undefined) return;
  if (isolation !== "remote")
    throw new HostError(
      "invalid-message",
      `${name} is a remote plugin: it runs in a process of its own that the host does not hold; say so with isolation "remote" (bulkhead install --isolation remote)`,
    );
  const only = { engine: "metered", activation: "eager", record: "off", cell: undefined } as const;
  for (const key of Object.keys(only) as (keyof typeof only)[])
    if (settings[key] !== only[key])
      throw new HostError("invalid-message", `${name} is a remote plugin, which has no ${key} "${settings[key]}"; leave ${key} out`);
}
