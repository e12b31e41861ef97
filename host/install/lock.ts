// bulkhead.lock: which plugins in which version, from where, with which content and which permissions. It belongs beside the configuration in
// version control: from both, a host can be built again.

import { readFile, rename, writeFile } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { z } from "zod";
import { HostError } from "../core/errors.ts";
import type { Grant } from "../core/types.ts";
import { describeIssues } from "../manifest/issues.ts";
import { grantShape, pluginName, withResource } from "../manifest/manifest.ts";
import { parseJson } from "../manifest/structured-file.ts";

export interface LockedPlugin {
  readonly version: string;
  /** Exact, such as `npm:@acme/thermostat@1.2.3`. */
  readonly source: string;
  /** Of what came from there, in the form of Subresource Integrity. */
  readonly integrity: string;
  readonly wasmSha256: string;
  /** The keys that have signed it; what comes in its place is signed by one of them. */
  readonly signers?: readonly string[] | undefined;
  /** Its name in the package store. */
  readonly package: string;
  /** What it may do, for good. */
  readonly permissions: readonly Grant[];
  /** Whether the configuration names it; else it was installed by the command. */
  readonly configured: boolean;
  /** As `plugins.<name>` of the configuration would say; of those that the command installed. */
  readonly settings: Readonly<Record<string, unknown>>;
}

export type Lock = ReadonlyMap<string, LockedPlugin>;

const LOCKFILE_VERSION = 1;

const lockedSchema: z.ZodType<LockedPlugin> = z.strictObject({
  version: z.string(),
  source: z.string(),
  integrity: z.string(),
  wasmSha256: z.string(),
  signers: z.array(z.string()).optional(),
  package: z.string(),
  permissions: z.array(withResource(z.strictObject({ ...grantShape, effect: z.enum(["allow", "deny"]).optional() }))),
  configured: z.boolean(),
  settings: z.record(z.string(), z.unknown()),
});

const lockSchema = z.strictObject({ lockfileVersion: z.literal(LOCKFILE_VERSION), plugins: z.record(pluginName, lockedSchema) });

export const lockFileOf = (configurationFile: string): string => join(dirname(resolve(configurationFile)), "bulkhead.lock");

/** Undefined when there is no lock. Rejects with HostError `invalid-message` for one that is malformed. */
export async function readLock(file: string): Promise<Lock | undefined> {
  const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw new HostError("invalid-message", `${file} cannot be read`, { cause });
  });
  if (text === undefined) return undefined;
  const input = parseJson(text, file, "invalid-message");
  const parsed = lockSchema.safeParse(input);
  if (!parsed.success) throw new HostError("invalid-message", `${file} is no lock`, { detail: describeIssues(parsed.error, { input }) });
  const base = dirname(file);
  return new Map(
    Object.entries(parsed.data.plugins).map(([name, locked]) => [
      name,
      { ...locked, source: mapPath(locked.source, (path) => resolve(base, path)) },
    ]),
  );
}

/** Whole or not at all. Paths are written relative to the file, so that another machine can use it. */
export async function writeLock(file: string, lock: Lock): Promise<void> {
  const base = dirname(file);
  const names = [...lock.keys()].sort();
  const plugins = Object.fromEntries(
    names.map((name) => {
      const locked = lock.get(name);
      return [
        name,
        { ...locked, source: mapPath(locked?.source ?? "", (path) => (isAbsolute(path) ? relative(base, path) || "." : path)) },
      ];
    }),
  );
  const unfinished = `${file}.unfinished`;
  await writeFile(unfinished, `${JSON.stringify({ lockfileVersion: LOCKFILE_VERSION, plugins }, null, 2)}\n`);
  await rename(unfinished, file);
}

/** In words, how what is there differs from what is locked. */
export function driftOf(locked: Lock, actual: Lock): string[] {
  const names = [...new Set([...locked.keys(), ...actual.keys()])].sort();
  return names.flatMap((name) => {
    const before = locked.get(name);
    const now = actual.get(name);
    if (before === undefined) return [`${name} is not in the lock`];
    if (now === undefined) return [`${name} ${before.version} is locked and not there`];
    const drift: string[] = [];
    if (before.version !== now.version) drift.push(`${name} is ${now.version}, locked is ${before.version}`);
    else if (before.wasmSha256 !== now.wasmSha256) drift.push(`${name} ${now.version} has another module than the one that is locked`);
    else if (before.package !== now.package) drift.push(`${name} ${now.version} has another manifest than the one that is locked`);
    if (before.source !== now.source) drift.push(`${name} is from ${now.source}, locked is ${before.source}`);
    const had = new Set(before.permissions.map(describe));
    const has = new Set(now.permissions.map(describe));
    for (const permission of has) if (!had.has(permission)) drift.push(`${name} has "${permission}", which is not locked`);
    for (const permission of had) if (!has.has(permission)) drift.push(`${name} lacks "${permission}", which is locked`);
    return drift;
  });
}

const describe = ({ permission, resource, effect = "allow" }: Grant): string => `${effect} ${permission} ${resource}`;

const mapPath = (source: string, map: (path: string) => string): string => {
  const [, kind, path = ""] = /^(folder|tarball):(.*)$/s.exec(source) ?? [];
  return kind === undefined ? source : `${kind}:${map(path)}`;
};
