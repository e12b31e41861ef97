// The operator's configuration file: which plugins run, where, with which grants and limits. Unknown keys are refused.

import { dirname, resolve } from "node:path";
import { z } from "zod";
import { HostError } from "../core/errors.ts";
import { type Grant, PERMISSIONS } from "../core/permissions.ts";
import { parseJsonFile } from "./json-file.ts";
import { describeIssues, type LimitsInput, limitsSchema, pattern, pluginName } from "./manifest.ts";

export interface PluginConfiguration {
  /** Folder with plugin.json, relative to the configuration file. */
  readonly path: string;
  /** `inline` shares the host's thread and is for plugins that you trust. */
  readonly isolation: "inline" | "thread";
  /** "all" gives whatever the manifest asks for; a list gives exactly that, where the manifest asks for it. */
  readonly grants: "all" | readonly Grant[];
  readonly limits: LimitsInput;
  readonly config: Readonly<Record<string, unknown>>;
}

export interface Configuration {
  readonly dataDir: string;
  /** What is queued gets this long when the host stops. */
  readonly drainMs: number;
  /** The options of the adapters; each has its own schema. */
  readonly adapters: Readonly<Record<string, unknown>>;
  readonly plugins: Readonly<Record<string, PluginConfiguration>>;
}

const pluginSchema: z.ZodType<PluginConfiguration> = z.strictObject({
  path: z.string().min(1),
  isolation: z.enum(["inline", "thread"]).default("thread"),
  grants: z.union([z.literal("all"), z.array(z.strictObject({ permission: z.enum(PERMISSIONS), resource: pattern }))]).default([]),
  limits: limitsSchema.default({}),
  config: z.record(z.string().min(1).max(255), z.unknown()).default({}),
});

const configurationSchema: z.ZodType<Configuration> = z.strictObject({
  $schema: z.string().optional(),
  dataDir: z.string().min(1).default("data"),
  drainMs: z.number().nonnegative().max(60_000).default(5_000),
  adapters: z.record(z.string(), z.unknown()).default({}),
  plugins: z.record(pluginName, pluginSchema).default({}),
});

/** Parses the text of the file at `path` and makes its paths absolute. Throws HostError `invalid-message` naming each path. */
export function parseConfiguration(text: string, path: string): Configuration {
  const parsed = configurationSchema.safeParse(parseJsonFile(text, path, "invalid-message"));
  if (!parsed.success) throw new HostError("invalid-message", `${path} is no configuration`, { detail: describeIssues(parsed.error) });
  const base = dirname(resolve(path));
  const plugins = Object.fromEntries(
    Object.entries(parsed.data.plugins).map(([name, plugin]) => [name, { ...plugin, path: resolve(base, plugin.path) }]),
  );
  return { ...parsed.data, dataDir: resolve(base, parsed.data.dataDir), plugins };
}
