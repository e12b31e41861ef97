// The operator's configuration file: which plugins run, where, with which grants and limits. Unknown keys are refused.

import { dirname, resolve } from "node:path";
import { z } from "zod";
import { LOG_LEVELS } from "../bounds/log-levels.ts";
import { MODULE_BOUNDS, type ModuleBoundsInput } from "../bounds/module-bounds.ts";
import { type SendOptions, sendOptions } from "../capabilities/sends/options.ts";
import { HostError } from "../core/errors.ts";
import type { LogLevel } from "../core/ports/log.ts";
import type { Grant } from "../core/types.ts";
import { type AuthOptions, authSchema } from "./auth.ts";
import { type ClusterOptions, clusterSchema } from "./cluster.ts";
import { type InstallOptions, installSchema } from "./install-options.ts";
import { describeIssues } from "./issues.ts";
import { type LimitsInput, limitsSchema } from "./limits.ts";
import { dottedName, grantShape, pattern, pluginName, withResource } from "./manifest.ts";
import { absoluteSpec } from "./package-spec.ts";
import { type RatesGiven, ratesGivenSchema } from "./rates.ts";
import { type RecordOptions, recordsSchema } from "./records.ts";
import { type RemotePluginsOptions, remotePluginsSchema } from "./remote-plugins.ts";
import { requireRoles } from "./roles.ts";
import { parseByExtension } from "./structured-file.ts";
import { type TelemetryOptions, telemetrySchema } from "./telemetry.ts";
import { type TrustOptions, trustSchema } from "./trust.ts";

export interface PluginConfiguration {
  /** Folder with plugin.json, relative to the configuration file. Either this or `source`. */
  readonly path?: string | undefined;
  /** A tarball or a package of a registry, such as `@acme/thermostat@^1.2` or `oci://ghcr.io/acme/thermostat@^1.2`; which version exactly stands in bulkhead.lock. */
  readonly source?: string | undefined;
  /**
   * `process` is the wall against strangers; `inline` and `thread` share the host's process and are for plugins that you trust. `remote` is for plugins that are a
   * process of their own, whose memory and CPU the host does not hold.
   */
  readonly isolation: "inline" | "thread" | "process" | "remote";
  /** `metered` is the default; `extism` runs it on the package @extism/extism, which must be installed, behind the same limits. */
  readonly engine: "metered" | "extism";
  /**
   * `on-demand`: loaded at its first turn, and unloaded again after `idleMs` without one. `hibernate`: the same, but what it has become is kept, and the next turn goes
   * on from there, also after the host's restart.
   */
  readonly activation: "eager" | "on-demand" | "hibernate";
  readonly idleMs: number;
  /** Plugins with the same name here share one process; by default each has its own. */
  readonly cell?: string | undefined;
  /** "all" gives whatever the manifest asks for; a list gives exactly that, where the manifest asks for it. */
  readonly grants: "all" | readonly Grant[];
  readonly limits: LimitsInput;
  /** From this level on its lines are written, instead of `drivers.log.level`. */
  readonly logLevel?: LogLevel | undefined;
  /** `failures`: what its turns that fail were told is kept, so that they can be run again. */
  readonly record: "off" | "failures";
  /** Without it the host is not ready. */
  readonly required: boolean;
  /** By what driver it keeps what it stores, instead of `drivers.storage`: its name, or its options with the name as `driver`. */
  readonly storage?: string | Readonly<Record<string, unknown>> | undefined;
  /** How often its services may be called, instead of what its manifest asks for. */
  readonly services: Readonly<Record<string, RatesGiven>>;
  readonly config: Readonly<Record<string, unknown>>;
}

interface HardeningInput {
  /** Users of the system, of which each process cell gets one of its own; false: cells run as the host's user. */
  readonly users?: { readonly first: number; readonly count: number } | false | undefined;
  /** Whether process cells start in namespaces of their own through `bwrap`; where it works, if it is not said. */
  readonly bubblewrap?: boolean | undefined;
  /** Lets strangers' plugins into the host's own process although its V8 has known flaws. */
  readonly acceptVulnerableNode?: boolean | undefined;
}

/** When a plugin that fails pauses, and when it is quarantined. Milliseconds. */
interface ContainmentInput {
  readonly pauseAfter: number;
  readonly quarantineAfter: number;
  readonly windowMs: number;
  readonly pauseMs: number;
  readonly maxPauseMs: number;
}

/** Paths of PEM files. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Of the authority whose certificates clients may show. */
  readonly clientCa?: string | undefined;
}

export interface Configuration {
  readonly dataDir: string;
  /** What process cells get besides the usual hardening; Linux only (docs/configuration.md). */
  readonly hardening: HardeningInput;
  readonly containment: ContainmentInput;
  /** What is queued gets this long when the host stops. */
  readonly drainMs: number;
  /** How long doors go on when the host is told to stop, so that others stop sending. */
  readonly shutdownDelayMs: number;
  /** How much of a second the host itself works for all plugins together. */
  readonly hostMsPerSecond: number;
  /** Sizes of a module up to which it is admitted, beside the limits of its plugin. */
  readonly admission: ModuleBoundsInput;
  /** The npm registry that plugins come from, instead of npm's own setting. */
  readonly registry?: string | undefined;
  /** Where there are indexes of plugins to be found: files, and addresses. */
  readonly index: readonly string[];
  /** Whose plugins come in. */
  readonly trust: TrustOptions;
  /** By what ways packages and documents come. */
  readonly install: InstallOptions;
  /** What the host writes down about its own work. */
  readonly telemetry: TelemetryOptions;
  /** How much is kept of turns that failed. */
  readonly records: RecordOptions;
  /** With what doors speak TLS. */
  readonly tls?: TlsFiles | undefined;
  /** Who may come by the doors, and what he may do then. */
  readonly auth: AuthOptions;
  /** By what doors the host is reached: one that comes with it, a package, or a file beside the configuration; `false` turns one off. */
  readonly adapters: Readonly<Record<string, unknown>>;
  /** What plugins can be granted beyond the core's own; `false` turns one off. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** Patterns of the event types that are kept, whoever subscribes to them. */
  readonly events: { readonly keep: readonly string[] };
  /** Where the host waits for plugins that are processes of their own; nowhere by default. */
  readonly remotePlugins?: RemotePluginsOptions | undefined;
  /** How much may wait of what plugins send, and how often a durable message is tried. */
  readonly sends: SendOptions;
  /** What remembers and carries, by port: the driver's name, or its options with the name as `driver`. */
  readonly drivers: Readonly<Record<string, unknown>>;
  /** The other hosts that this one works with; it is alone without it. */
  readonly cluster?: ClusterOptions | undefined;
  /** Where the configuration lies: what it names is resolved from there. */
  readonly folder: string;
  readonly plugins: Readonly<Record<string, PluginConfiguration>>;
}

const pluginSchema: z.ZodType<PluginConfiguration> = z
  .strictObject({
    path: z.string().min(1).optional(),
    source: z.string().min(1).optional(),
    isolation: z.enum(["inline", "thread", "process", "remote"]).default("process"),
    engine: z.enum(["metered", "extism"]).default("metered"),
    activation: z.enum(["eager", "on-demand", "hibernate"]).default("eager"),
    idleMs: z.int().positive().max(86_400_000).default(300_000),
    cell: pluginName.optional(),
    grants: z
      .union([z.literal("all"), z.array(withResource(z.strictObject({ ...grantShape, effect: z.enum(["allow", "deny"]).optional() })))])
      .default([]),
    limits: limitsSchema.default({}),
    logLevel: z.enum(LOG_LEVELS).optional(),
    record: z.enum(["off", "failures"]).default("off"),
    required: z.boolean().default(false),
    storage: z.union([z.string().min(1), z.record(z.string(), z.unknown())]).optional(),
    services: z.record(dottedName, ratesGivenSchema).default({}),
    config: z.record(z.string().min(1).max(255), z.unknown()).default({}),
  })
  .refine(({ isolation, cell, limits }) => limits.stackKiB === undefined || (isolation === "process" && cell === undefined), {
    path: ["limits", "stackKiB"],
    message: "only a plugin with a process of its own can have it; remove it, or isolation and cell",
  })
  .refine(({ path, source }) => (path === undefined) !== (source === undefined), {
    path: ["path"],
    message: "write path (a folder) or source (a tarball or a package), one of them",
  });

/** The settings of a plugin that is installed beside the configuration: its section without path and grants. Throws HostError `invalid-message`. */
export function pluginSettings(input: Readonly<Record<string, unknown>>): PluginConfiguration {
  const parsed = pluginSchema.safeParse({ ...input, path: "." });
  if (!parsed.success)
    throw new HostError("invalid-message", "these are no settings of a plugin", {
      detail: describeIssues(parsed.error, { input, schema: pluginSchema }),
    });
  return parsed.data;
}

// A user of the system, and the group of the same number; 65,534 is nobody, who may own other things.
const usersSchema = z.strictObject({ first: z.int().min(1).max(4_000_000_000), count: z.int().min(64).max(65_536) });

const hardeningSchema: z.ZodType<HardeningInput> = z.strictObject({
  users: z.union([z.literal(false), usersSchema]).optional(),
  bubblewrap: z.boolean().optional(),
  acceptVulnerableNode: z.boolean().optional(),
});

const containmentSchema: z.ZodType<ContainmentInput> = z.strictObject({
  pauseAfter: z.int().positive().default(3),
  quarantineAfter: z.int().positive().default(10),
  windowMs: z.number().positive().default(600_000),
  pauseMs: z.number().positive().default(500),
  maxPauseMs: z.number().positive().default(60_000),
});

const admissionSchema: z.ZodType<ModuleBoundsInput> = z.strictObject(
  Object.fromEntries(
    Object.values(MODULE_BOUNDS).map(({ key, maximum, meaning }) => [key, z.int().positive().max(maximum).optional().describe(meaning)]),
  ),
);

const file = z.string().min(1).max(4_096);
const tlsSchema: z.ZodType<TlsFiles> = z.strictObject({ cert: file, key: file, clientCa: file.optional() });

const MAX_KEPT = 256;
const MAX_INDEXES = 16;

export const configurationSchema: z.ZodType<Omit<Configuration, "folder">> = z.strictObject({
  $schema: z.string().optional(),
  dataDir: z.string().min(1).default("data"),
  hardening: hardeningSchema.default({}),
  containment: containmentSchema.default(() => containmentSchema.parse({})),
  drainMs: z.number().nonnegative().max(60_000).default(5_000),
  shutdownDelayMs: z.number().nonnegative().max(60_000).default(0),
  hostMsPerSecond: z.number().positive().max(1_000).default(600),
  admission: admissionSchema.default({}),
  events: z.strictObject({ keep: z.array(pattern).max(MAX_KEPT).default([]) }).default({ keep: [] }),
  remotePlugins: remotePluginsSchema.optional(),
  sends: sendOptions.default(() => sendOptions.parse({})),
  index: z.array(z.string().min(1).max(2_048)).max(MAX_INDEXES).default([]),
  trust: trustSchema.default(() => trustSchema.parse({})),
  telemetry: telemetrySchema.default(() => telemetrySchema.parse({})),
  records: recordsSchema.default(() => recordsSchema.parse({})),
  tls: tlsSchema.optional(),
  auth: authSchema.default(() => authSchema.parse({})),
  registry: z.url({ protocol: /^https?$/ }).optional(),
  install: installSchema.default(() => installSchema.parse({})),
  adapters: z.record(z.string(), z.unknown()).default({}),
  capabilities: z.record(z.string(), z.unknown()).default({}),
  drivers: z.record(z.string(), z.unknown()).default({}),
  cluster: clusterSchema.optional(),
  plugins: z.record(pluginName, pluginSchema).default({}),
});

// Standard output is the program's own.
const EMBEDDED = { adapters: { http: false }, drivers: { log: { driver: "json", to: "stderr" } } };

/** Of a program that embeds the host: what it was given, with its own data folder; by default no plugins, no HTTP. */
export function configurationOf({
  configuration,
  dataDir,
}: {
  readonly configuration?: Configuration | undefined;
  readonly dataDir?: string | undefined;
}): Configuration {
  const given = configuration ?? parseConfiguration(JSON.stringify(EMBEDDED), resolve("bulkhead.json"));
  return dataDir === undefined ? given : { ...given, dataDir: resolve(dataDir) };
}

/** Parses the text of the file at `path` and makes its paths absolute. Throws HostError `invalid-message` naming each path. */
export function parseConfiguration(text: string, path: string): Configuration {
  const input = parseByExtension(text, path, "invalid-message");
  const parsed = configurationSchema.safeParse(input);
  if (!parsed.success)
    throw new HostError("invalid-message", `${path} is no configuration`, {
      detail: describeIssues(parsed.error, { input, schema: configurationSchema }),
    });
  const base = dirname(resolve(path));
  const plugins = Object.fromEntries(
    Object.entries(parsed.data.plugins).map(([name, { path: folder, source, ...plugin }]) => [
      name,
      source === undefined ? { ...plugin, path: resolve(base, folder ?? ".") } : { ...plugin, source: absoluteSpec(source, base) },
    ]),
  );
  const { auth, dataDir } = parsed.data;
  const jwt = auth.jwt.map((issuer) => (/^https?:/.test(issuer.keys) ? issuer : { ...issuer, keys: resolve(base, issuer.keys) }));
  requireRoles(
    [auth.groups, auth.certificates].flatMap((named) => Object.values(named).flat()),
    auth,
  );
  const tls = parsed.data.tls && absoluteFiles(parsed.data.tls, base);
  const { trust: said } = parsed.data;
  const trust = {
    ...said,
    policy: said.policy && absolutePlace(said.policy, base),
    log: said.log && { ...said.log, from: absolutePlace(said.log, base).from.replace(/\/?$/, "/") },
    revocations: said.revocations.map((one) => absolutePlace(one, base)),
    sigstore: said.sigstore && { ...said.sigstore, trustedRoot: resolve(base, said.sigstore.trustedRoot) },
  };
  const index = parsed.data.index.map((place) =>
    place.endsWith("/") ? `${absoluteOf(place.slice(0, -1), base)}/` : absoluteOf(place, base),
  );
  return { ...parsed.data, trust, index, tls, auth: { ...auth, jwt }, dataDir: resolve(base, dataDir), plugins, folder: base };
}

const absolutePlace = <T extends { readonly from: string }>(place: T, base: string): T => ({
  ...place,
  from: absoluteOf(place.from, base),
});

const absoluteOf = (place: string, base: string): string => (/^(?:https?|file):/i.test(place) ? place : resolve(base, place));

function absoluteFiles({ cert, key, clientCa }: TlsFiles, base: string): TlsFiles {
  return { cert: resolve(base, cert), key: resolve(base, key), clientCa: clientCa === undefined ? undefined : resolve(base, clientCa) };
}
