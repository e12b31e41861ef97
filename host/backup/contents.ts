// What is in a backup: the files that it may hold, and the manifest that names each with its size and hash. Whoever reads one believes nothing else.

import { z } from "zod";
import { KEY_FILE } from "../admin/seal.ts";
import { HostError } from "../core/errors.ts";
import { isPluginName, printable } from "../core/names.ts";
import { describeIssues } from "../manifest/issues.ts";

const MIB = 1_024 * 1_024;
const GIB = 1_024 * MIB;

/** A plugin has two thousand files of blobs at most, so this is for some hundred plugins that have as many as they may. */
export const MAX_FILES = 200_000;
export const MAX_MANIFEST_BYTES: number = 64 * MIB;
const MAX_TOTAL_BYTES = 1_024 * GIB;

export const MANIFEST = "manifest.json";
export const HOST = "host.sqlite";
export const EVENTS = "events.sqlite";
export const SENDS = "sends/events.sqlite";
export const STATE = "state.sqlite";
export const SCHEDULES = "schedules.sqlite";
/** What is put beside the data and not into force: configuration and lock, as they were. */
export const CONFIGURATION_FOLDER = "configuration";
export const SEALED_KEY: string = `${KEY_FILE}.sealed`;

const SINGLE: ReadonlySet<string> = new Set([HOST, EVENTS, SENDS, STATE, SCHEDULES, SEALED_KEY]);
const PER_PLUGIN = /^(?:storage\/(?<storage>[^/]+)\.sqlite|snapshots\/(?<snapshot>[^/]+)\.sqlite|blobs\/(?<blobs>[^/]+)\/[^/]+)$/;
const BLOB = /\/(?:[0-9a-f]{64}\.json|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.blob)$/;
const PACKAGE = /^packages\/[0-9a-f]{64}\/(?:plugin\.json|module\.wasm)$/;
const CONFIGURATION = /^configuration\/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;

/** Whether a backup may hold a file of this name. None leads out of the folder that it is put into. */
function isBackupName(name: string): boolean {
  if (SINGLE.has(name) || PACKAGE.test(name) || CONFIGURATION.test(name)) return true;
  const { storage, snapshot, blobs } = PER_PLUGIN.exec(name)?.groups ?? {};
  const plugin = storage ?? snapshot ?? blobs ?? "";
  return isPluginName(plugin) && (blobs === undefined || BLOB.test(name));
}

export interface BackupFile {
  readonly name: string;
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

export interface Manifest {
  readonly format: 1;
  /** ISO 8601, UTC: no change that came later is certain to be in it. */
  readonly at: string;
  readonly bulkhead: string;
  readonly node: string;
  /** Which host it is of. */
  readonly host: string;
  /** How far its audit log had come. */
  readonly audit: { readonly entries: number; readonly hash: string };
  /** Whether the key that opens secrets and signing keys is in it. */
  readonly secrets: "included" | "not included" | "none";
  /** What the host has besides, in words. */
  readonly notIncluded: readonly string[];
  readonly files: readonly BackupFile[];
}

const hash: z.ZodString = z.string().regex(/^[0-9a-f]{64}$/);
const short: z.ZodString = z.string().max(100);
const manifestSchema: z.ZodType<Manifest> = z.strictObject({
  format: z.literal(1),
  at: z.iso.datetime(),
  bulkhead: short,
  node: short,
  host: z.uuid(),
  audit: z.strictObject({ entries: z.int().nonnegative(), hash: z.string().max(64) }),
  secrets: z.enum(["included", "not included", "none"]),
  notIncluded: z.array(z.string().max(1_000)).max(10_000),
  files: z
    .array(z.strictObject({ name: z.string().max(300), bytes: z.int().nonnegative().max(MAX_TOTAL_BYTES), sha256: hash }))
    .max(MAX_FILES),
});

export const totalOf = ({ files }: Pick<Manifest, "files">): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

/** Throws HostError `invalid-message` for what is no manifest of a backup, names a file that no backup has, or one twice. */
export function parseBackupManifest(text: string, label: string): Manifest {
  const input = asJson(text);
  const parsed = manifestSchema.safeParse(input);
  if (!parsed.success) throw damaged(label, "its manifest is malformed", describeIssues(parsed.error, { input }));
  const manifest = parsed.data;
  const names = new Set(manifest.files.map(({ name }) => name));
  const foreign = manifest.files.find(({ name }) => !isBackupName(name));
  if (foreign !== undefined) throw damaged(label, `no backup holds a file ${printable(foreign.name)}`);
  if (names.size < manifest.files.length) throw damaged(label, "its manifest names a file twice");
  if (!names.has(HOST)) throw damaged(label, `it holds no ${HOST}`);
  if (totalOf(manifest) > MAX_TOTAL_BYTES) throw damaged(label, `it holds more than ${MAX_TOTAL_BYTES / GIB} GiB`);
  return manifest;
}

export const damaged = (label: string, why: string, detail?: string): HostError =>
  new HostError("invalid-message", `${label} is no backup that can be used: ${why}`, { detail });

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
