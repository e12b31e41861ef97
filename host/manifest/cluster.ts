// Key `cluster` of the configuration: the other hosts that this one works with.

import { z } from "zod";
import { pattern, pluginName } from "./manifest.ts";

export interface ClusterOptions {
  /** By which the others know this one. */
  readonly host: string;
  /** The NATS servers that they share, which are the way to each other and keep their state, unless something else is named for that. */
  readonly nats?: Readonly<Record<string, unknown>> | undefined;
  /** By what driver they reach each other: its name, or its options with the name as `driver`; `nats` where that is given. */
  readonly peers?: string | Readonly<Record<string, unknown>> | undefined;
  /** How often each tells the others that it is there. One that is not heard of four times in a row is gone. */
  readonly beatMs: number;
  /** Of plugins that are not installed here, the services that they may call here. */
  readonly callers: Readonly<Record<string, readonly string[]>>;
}

const MAX_CALLERS = 2_000;
const MAX_PATTERNS = 256;

export const clusterSchema: z.ZodType<ClusterOptions> = z
  .strictObject({
    host: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "write 1 to 63 lower-case letters, digits and hyphens"),
    nats: z.record(z.string(), z.unknown()).optional(),
    peers: z.union([z.string().min(1), z.record(z.string(), z.unknown())]).optional(),
    beatMs: z.int().min(50).max(10_000).default(250),
    callers: z
      .record(pluginName, z.array(pattern).max(MAX_PATTERNS))
      .refine((callers) => Object.keys(callers).length <= MAX_CALLERS, `at most ${MAX_CALLERS}`)
      .default({}),
  })
  .refine(({ nats, peers }) => nats !== undefined || peers !== undefined, {
    error: "write the NATS servers that the hosts share, or peers instead",
    path: ["nats"],
  });
