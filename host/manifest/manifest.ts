// The manifest: what a plugin says of itself and asks for, in `plugin.json`. Checked once here, trusted afterwards.

import semver from "semver";
import { z } from "zod";
import { foreignWords } from "../bounds/foreign-letters.ts";
import { portableFindings } from "../bounds/json-schema/portable.ts";
import { HostError, toHostError } from "../core/errors.ts";
import { isDottedName, isOwnName, isPattern, isPluginName, printable } from "../core/names.ts";
import type { Grant, Permission, PermissionRequest } from "../core/types.ts";
import { API_VERSIONS } from "../core/wit.ts";
import { parseDependency } from "./dependencies.ts";
import { namedEntryPoints } from "./entry-points.ts";
import { describeFindings, describeIssues, type Finding } from "./issues.ts";
import { type LimitsInput, limitsSchema } from "./limits.ts";
import { defaultFindings } from "./plugin-config.ts";
import { type RatesInput, ratesShape } from "./rates.ts";
import { type RemoteManifest, remoteManifestSchema } from "./remote-plugins.ts";
import { compileResource, PERMISSIONS } from "./resources.ts";
import { MAX_SCHEDULES, type ManifestSchedule, scheduleSchema } from "./schedules.ts";
import { schemasIn, sharedEntryPoints } from "./schemas.ts";
import { type ServiceErrors, serviceErrorsSchema } from "./service-errors.ts";
import { type ServiceTraits, TRAITS, traitsShape, withoutSchemasOfBytes } from "./service-traits.ts";
import { parseJson } from "./structured-file.ts";
import { type ManifestSubscription, sharedName, subscriptionSchema } from "./subscriptions.ts";

/** How people call it. */
export const MANIFEST_FILE = "plugin.json";
const MAX_LISTED = 256;
const MAX_PRIORITY = 1_000;
// The host's own exports begin with `__`.
const ENTRY_POINT = /^(?!__)[A-Za-z_][A-Za-z0-9_.-]{0,127}$/;

export const pluginName: z.ZodType<string> = z.string().refine(isPluginName, {
  error: ({ input }) =>
    `write 1 to 63 lower-case letters, digits and hyphens, beginning with a letter, not reserved${foreignWords(String(input))}`,
});
export const dottedName: z.ZodType<string> = z
  .string()
  .refine(isDottedName, "write kebab-case segments joined by dots, such as devices.turn-on");
export const pattern: z.ZodType<string> = z
  .string()
  .refine(isPattern, "write dotted segments, with * for one segment and a last ** for any depth");
const entryPoint = z.string().regex(ENTRY_POINT, "write the name of an export: letters, digits, _ . -, not beginning with __");
const version = z.string().refine((text) => semver.valid(text) !== null, "write a semantic version such as 1.2.3");
const dependency = z
  .string()
  .refine((text) => parseDependency("", text) !== undefined, "write a semver range such as ^1.2.0, or npm:@acme/devices@^1.2.0");
const jsonSchema = z.union([z.boolean(), z.record(z.string(), z.unknown())]);

/** A permission and what it is about. */
export const grantShape: { readonly permission: z.ZodType<Permission>; readonly resource: z.ZodString } = {
  permission: z.enum(PERMISSIONS as [Permission, ...Permission[]]),
  resource: z.string(),
};

/** Refuses a resource that its permission does not have, with what to write instead. */
export function withResource<T extends z.ZodType<Grant>>(schema: T): T {
  return schema.superRefine(({ permission, resource }, context) => {
    try {
      compileResource(permission, resource);
    } catch (thrown) {
      context.addIssue({ code: "custom", path: ["resource"], message: toHostError(thrown).message });
    }
  });
}

interface ProvidedService extends RatesInput, ServiceTraits {
  readonly entryPoint: string;
  readonly description?: string | undefined;
  /** `caller`: what its turns do needs each permission of the calling plugin too. */
  readonly authority?: "own" | "caller" | undefined;
  /** JSON Schemas of payload and answer. */
  readonly input?: unknown;
  readonly output?: unknown;
  /** The reasons with which it refuses. */
  readonly errors?: ServiceErrors | undefined;
}

interface DeclaredPoint {
  readonly description?: string | undefined;
  readonly input?: unknown;
  readonly output?: unknown;
}

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly api: string;
  readonly description?: string | undefined;
  /** File name of the module, beside plugin.json. Either this or `remote`. */
  readonly wasm?: string | undefined;
  /** It has no module: its code is a process of its own, which dials the host. */
  readonly remote?: RemoteManifest | undefined;
  readonly services: Readonly<Record<string, ProvidedService>>;
  /** The points that it declares and asks, with JSON Schemas of question and answer. */
  readonly extensionPoints: Readonly<Record<string, DeclaredPoint>>;
  /** The points of others that it answers. */
  readonly extends: Readonly<Record<string, { readonly entryPoint: string; readonly priority: number }>>;
  readonly subscriptions: readonly ManifestSubscription[];
  /** What it publishes, by type, with a JSON Schema of the data. */
  readonly events: Readonly<Record<string, { readonly description?: string | undefined; readonly data?: unknown }>>;
  /** Keys of the shared state whose changes wake it. */
  readonly watches: readonly { readonly keys: string; readonly entryPoint: string }[];
  readonly schedules: readonly ManifestSchedule[];
  readonly permissions: readonly PermissionRequest[];
  /** JSON Schema of its configuration, with defaults. */
  readonly config?: unknown;
  readonly limits: LimitsInput;
  /** `turn`: what a turn stores, publishes and has handled is one commit at its end, or nothing. */
  readonly transaction?: "turn" | undefined;
  /** `log`: the storage keeps which keys were changed, for `storage.changes`. */
  readonly storage: { readonly log: boolean };
  /** Plugin names with what manifest/dependencies.ts reads. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** Sections by adapter; each adapter parses its own. */
  readonly contributes: Readonly<Record<string, unknown>>;
}

export const manifestSchema: z.ZodType<Manifest> = z.strictObject({
  $schema: z.string().optional(),
  name: pluginName,
  version,
  api: z.string(),
  description: z.string().max(500).optional(),
  wasm: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*\.wasm$/, "write the name of a .wasm file beside plugin.json")
    .optional(),
  remote: remoteManifestSchema.optional(),
  services: z
    .record(
      dottedName,
      withoutSchemasOfBytes(
        z.strictObject({
          entryPoint,
          description: z.string().max(500).optional(),
          authority: z.enum(["own", "caller"]).optional(),
          input: jsonSchema.optional(),
          output: jsonSchema.optional(),
          errors: serviceErrorsSchema.optional(),
          ...traitsShape,
          ...ratesShape,
        }),
      ),
    )
    .default({}),
  extensionPoints: z
    .record(
      dottedName,
      z.strictObject({ description: z.string().max(500).optional(), input: jsonSchema.optional(), output: jsonSchema.optional() }),
    )
    .refine((points) => Object.keys(points).length <= MAX_LISTED, `declare at most ${MAX_LISTED} points`)
    .meta({ maxProperties: MAX_LISTED })
    .default({}),
  extends: z
    .record(dottedName, z.strictObject({ entryPoint, priority: z.int().min(-MAX_PRIORITY).max(MAX_PRIORITY).default(0) }))
    .refine((points) => Object.keys(points).length <= MAX_LISTED, `extend at most ${MAX_LISTED} points`)
    .meta({ maxProperties: MAX_LISTED })
    .default({}),
  subscriptions: z.array(subscriptionSchema).max(MAX_LISTED).default([]),
  events: z
    .record(dottedName, z.strictObject({ description: z.string().max(500).optional(), data: jsonSchema.optional() }))
    .refine((events) => Object.keys(events).length <= MAX_LISTED, `declare at most ${MAX_LISTED} events`)
    .meta({ maxProperties: MAX_LISTED })
    .default({}),
  watches: z
    .array(z.strictObject({ keys: pattern, entryPoint }))
    .max(MAX_LISTED)
    .default([]),
  schedules: z.array(scheduleSchema).max(MAX_SCHEDULES).default([]),
  permissions: z
    .array(withResource(z.strictObject({ ...grantShape, reason: z.string().min(1).max(500) })))
    .max(MAX_LISTED)
    .default([]),
  config: jsonSchema.optional(),
  limits: limitsSchema.default({}),
  transaction: z.literal("turn").optional(),
  storage: z.strictObject({ log: z.boolean().default(false) }).default({ log: false }),
  dependencies: z.record(pluginName, dependency).default({}),
  contributes: z.record(z.string(), z.unknown()).default({}),
});

/** What is wrong with the schemas; what checks by one only once all are portable. */
function findingsOf(manifest: Manifest): readonly Finding[] {
  const found = portableFindings(schemasIn(manifest));
  return found.length > 0 ? found : [...sharedEntryPoints(manifest, namedEntryPoints(manifest)), ...defaultFindings(manifest.config)];
}

/** A plugin is a module or a process of its own. */
function codeFindings({ wasm, remote }: Manifest): readonly Finding[] {
  if ((wasm === undefined) !== (remote === undefined)) return [];
  const key = wasm === undefined ? "wasm" : "remote";
  const message = 'write wasm, the file of a module beside plugin.json, or "remote": {} for a process of its own, one of them';
  return [{ path: [key], message }];
}

/** Throws HostError `invalid-manifest` naming each path, or `incompatible-api`. `file` is how messages call it. */
export function parseManifest(text: string, file: string): Manifest {
  const input = parseJson(text, file, "invalid-manifest");
  const parsed = manifestSchema.safeParse(input);
  const source = { file: MANIFEST_FILE, text };
  if (!parsed.success)
    throw new HostError("invalid-manifest", `${file} is no manifest`, {
      detail: describeIssues(parsed.error, { input, schema: manifestSchema, source }),
    });
  const manifest = parsed.data;
  const unclear = codeFindings(manifest);
  if (unclear.length > 0)
    throw new HostError("invalid-manifest", `${file} does not say where its code is`, {
      detail: describeFindings(unclear, { input, source }),
    });
  if (!API_VERSIONS.some((version) => version === manifest.api)) {
    const spoken = API_VERSIONS.map((version) => `"${version}"`).join(" and ");
    throw new HostError("incompatible-api", `${file} asks for api "${printable(manifest.api)}"; this host speaks ${spoken}`);
  }
  // What 0.1 said of its payloads was for people only, and nobody held it to be more.
  const findings = manifest.api === "0.1" ? [] : findingsOf(manifest);
  if (findings.length > 0)
    throw new HostError("invalid-manifest", `${file} has a schema that nobody can check by`, {
      detail: describeFindings(findings, { input, source }),
    });
  for (const [section, does] of [
    ["services", "provides"],
    ["events", "declares"],
    ["extensionPoints", "declares"],
  ] as const) {
    const foreign = Object.keys(manifest[section]).find((name) => !isOwnName(manifest.name, name));
    if (foreign !== undefined)
      throw new HostError("invalid-manifest", `${file} ${does} ${foreign}; a plugin ${does} only below its own name, ${manifest.name}.`);
  }
  const points = Object.keys(manifest.extends);
  const later = [
    points.length > 0 && "extends",
    Object.keys(manifest.extensionPoints).length > 0 && "extensionPoints",
    Object.keys(manifest.events).length > 0 && "events",
    manifest.config !== undefined && "config",
    manifest.watches.length > 0 && "watches",
    manifest.schedules.length > 0 && "schedules",
    manifest.storage.log && "storage.log",
    manifest.remote !== undefined && "remote",
    manifest.transaction !== undefined && "transaction",
    ...(["errors", "perCaller", "total", ...TRAITS] as const).map(
      (key) => Object.values(manifest.services).some((service) => service[key] !== undefined) && `services.<name>.${key}`,
    ),
    manifest.subscriptions.some(({ durable }) => durable === true) && "subscriptions.durable",
  ].find((key) => key !== false);
  if (later !== undefined && manifest.api === "0.1")
    throw new HostError("incompatible-api", `${file} says "api": "0.1" and has ${later}, which came with 0.2; write "api": "0.2"`);
  const shared = sharedName(manifest.subscriptions);
  if (shared !== undefined)
    throw new HostError("invalid-manifest", `${file}: two durable subscriptions are called ${shared}; give each a "name" of its own`);
  const own = points.find((point) => isOwnName(manifest.name, point));
  if (own !== undefined)
    throw new HostError("invalid-manifest", `${file}: extends.${own} is below the plugin's own name; extend points that others declare`);
  return manifest;
}
