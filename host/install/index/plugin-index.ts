// What a place says of the plugins that can be had there: a static file that anybody may write, so nothing of it is believed, and all of it is bounded. What it
// names is verified when it is installed.

import semver from "semver";
import { z } from "zod";
import { KEYID } from "../../bounds/public-keys.ts";
import { HostError } from "../../core/errors.ts";
import { escapeControls, isDottedName, isPluginName } from "../../core/names.ts";
import { describeIssues } from "../../manifest/issues.ts";
import { parseJson } from "../../manifest/structured-file.ts";
import { MAX_SIGNERS } from "../../trust/contents.ts";
import { MAX_LICENSE } from "../tarball.ts";

/** Who has signed a version, as whoever made the index has verified. */
interface IndexedSigner {
  readonly keyid: string;
  /** As the signer says, in ISO 8601. */
  readonly issuedAt: string;
}

export interface IndexedVersion {
  readonly version: string;
  /** What `bulkhead install` takes; one that begins with `./` is beside the index. */
  readonly source: string;
  readonly api: string;
  readonly permissions: readonly { readonly permission: string; readonly resource: string }[];
  readonly services: readonly string[];
  readonly events: readonly string[];
  /** That it declares. */
  readonly extensionPoints: readonly string[];
  /** Of its module. */
  readonly bytes: number;
  readonly wasmSha256: string;
  /** Of its content manifest; only what is signed has one. */
  readonly contentSha256?: string | undefined;
  readonly signers: readonly IndexedSigner[];
  readonly license?: string | undefined;
  readonly dependencies: readonly { readonly plugin: string; readonly range: string }[];
}

export interface IndexedPlugin {
  readonly name: string;
  /** As the newest version says. */
  readonly description: string;
  /** The newest first. */
  readonly versions: readonly IndexedVersion[];
}

export interface PluginIndex {
  readonly version: 1;
  /** In ISO 8601. */
  readonly generatedAt?: string | undefined;
  /** By name. */
  readonly plugins: readonly IndexedPlugin[];
}

export const INDEX_FILE = "index.json";
export const MAX_INDEX_BYTES: number = 8 * 1_024 * 1_024;
const MAX_PLUGINS = 10_000;
const MAX_VERSIONS = 256;
const MAX_LISTED = 256;
const MAX_SOURCE = 512;
const MAX_DESCRIPTION = 500;
/** What is shown to be pasted into a shell means nothing there, and begins no option. */
const SOURCE = /^[A-Za-z0-9@./][A-Za-z0-9@._/:+-]*$/;

// Items are looked at only once they are known to be few.
const listOf = <T>(item: z.ZodType<T>, most: number): z.ZodType<readonly T[]> => z.array(z.unknown()).max(most).pipe(z.array(item));

const hash = z.string().regex(KEYID, "write a SHA-256 in hexadecimal");
const text = (most: number): z.ZodString => z.string().max(most);
const dotted = z.string().refine(isDottedName, "write dotted segments");
const pluginName = z.string().refine(isPluginName, "write the name of a plugin");
const semanticVersion = text(256).refine((one) => semver.valid(one) !== null, "write a semantic version such as 1.2.3");

const versionSchema: z.ZodType<IndexedVersion> = z.object({
  version: semanticVersion,
  source: text(MAX_SOURCE).regex(SOURCE, "write letters, digits and @ . _ / : + - only, so that it can be pasted into a shell"),
  api: text(16),
  permissions: listOf(z.object({ permission: text(64), resource: text(2_048) }), MAX_LISTED),
  services: listOf(dotted, MAX_LISTED),
  events: listOf(dotted, MAX_LISTED),
  extensionPoints: listOf(dotted, MAX_LISTED),
  bytes: z.int().nonnegative(),
  wasmSha256: hash,
  contentSha256: hash.optional(),
  signers: listOf(z.object({ keyid: hash, issuedAt: z.iso.datetime() }), MAX_SIGNERS),
  license: text(MAX_LICENSE).optional(),
  dependencies: listOf(z.object({ plugin: pluginName, range: text(256) }), MAX_LISTED),
});

const pluginSchema: z.ZodType<IndexedPlugin> = z.object({
  name: pluginName,
  description: text(MAX_DESCRIPTION),
  versions: listOf(versionSchema, MAX_VERSIONS).refine((versions) => versions.length > 0, "write one version or more"),
});

const indexSchema = z.object({
  version: z.literal(1),
  generatedAt: z.iso.datetime().optional(),
  plugins: z.array(z.unknown()).max(MAX_PLUGINS),
});

/** Throws HostError `invalid-message` naming the path, `quota-exceeded` for one that is too large. `label` is how messages call it. */
export function parseIndex(bytes: Uint8Array, label: string): PluginIndex {
  if (bytes.length > MAX_INDEX_BYTES) throw tooLarge(label);
  const input = parseJson(new TextDecoder().decode(bytes), label, "invalid-message");
  const { plugins, ...head } = parsed(indexSchema, input, label);
  // One by one: of a hostile one the first fault is enough.
  const read = plugins.map((plugin, i) => parsed(pluginSchema, plugin, `${label}, plugins.${i}`));
  const names = new Set<string>();
  for (const { name } of read) {
    if (names.has(name)) throw new HostError("invalid-message", `${escapeControls(label)} has ${name} twice`);
    names.add(name);
  }
  return { ...head, plugins: read };
}

/** Throws as parseIndex does for what no index may say of a version. */
export const checkVersion = (version: IndexedVersion): IndexedVersion => parsed(versionSchema, version, "what it says");

/** The same index gives the same text. Throws as parseIndex does: what is written can be read. */
export function indexText(index: PluginIndex): string {
  const text = `${JSON.stringify(index)}\n`;
  parseIndex(Buffer.from(text), INDEX_FILE);
  return text;
}

function parsed<T>(schema: z.ZodType<T>, input: unknown, label: string): T {
  const found = schema.safeParse(input);
  if (found.success) return found.data;
  throw new HostError("invalid-message", `${escapeControls(label)} is no index of plugins`, {
    detail: describeIssues(found.error, { input, schema }),
  });
}

const tooLarge = (label: string): HostError =>
  new HostError("quota-exceeded", `${escapeControls(label)} has more than ${MAX_INDEX_BYTES / 1_024 / 1_024} MiB, which is the limit`);
