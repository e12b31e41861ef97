// What an npm registry says of a package, its packument, and which version of it is meant. Runs where it may die: what comes is a stranger's.

import semver from "semver";
import { z } from "zod";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { unpacked } from "./content-encoding.ts";

export interface NpmSpec {
  readonly name: string;
  /** A version, a range or a tag. */
  readonly wanted: string;
}

/** A version as its registry announces it. */
export interface Announced {
  readonly version: string;
  /** SHA-512, in the form of Subresource Integrity. */
  readonly integrity: string;
  /** Where the registry says that it lies. */
  readonly tarball: string;
  /** Where it says that attestations of it lie. */
  readonly attestations?: string | undefined;
  /** What the registry says of its coming. */
  readonly published: Published;
}

/** All of it is a registry's word. */
export interface Published {
  /** In milliseconds since 1970. */
  readonly at?: number | undefined;
  /** The account that published it. */
  readonly by?: string | undefined;
  /** The accounts that may. */
  readonly maintainers?: readonly string[] | undefined;
}

export interface PackedPackument {
  readonly body: Uint8Array;
  /** The content encoding that it came in. */
  readonly encoding: string;
  /** The registry, as messages call it. */
  readonly registry: string;
}

const NPM_NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;

/** True for a name that npm allows for a package. */
export const isNpmName = (name: string): boolean => name.length <= 214 && NPM_NAME.test(name);

const MIB = 1_024 * 1_024;
/** Of a packument, packed and not: in its long form, since the short one does not say when and by whom. A plugin's have some KiB; the largest of npm's are refused. */
export const PACKUMENT_LIMITS: { readonly packedBytes: number; readonly unpackedBytes: number } = Object.freeze({
  packedBytes: 32 * MIB,
  unpackedBytes: 64 * MIB,
});
const MAX_VERSION_LENGTH = 256;
const MAX_TIME_LENGTH = 64;
const MAX_ACCOUNTS = 256;
const SHA512 = /^sha512-[A-Za-z0-9+/]{86}==$/;

const packumentSchema = z.looseObject({
  name: z.string(),
  "dist-tags": z.record(z.string(), z.unknown()).optional(),
  versions: z.record(z.string(), z.unknown()),
  time: z.record(z.string(), z.unknown()).optional(),
});
const versionSchema = z.looseObject({
  name: z.string(),
  version: z.string(),
  dist: z.looseObject({
    tarball: z.string().max(2_048),
    integrity: z.string().max(4_096).optional(),
    attestations: z
      .looseObject({ url: z.string().max(2_048) })
      .optional()
      .catch(undefined),
  }),
});

const account = z.looseObject({ name: z.string().min(1).max(214) });
const accountsSchema = z.looseObject({ _npmUser: account.optional(), maintainers: z.array(account).max(MAX_ACCOUNTS).optional() });

/**
 * Rejects with HostError `invalid-message` when no version is meant, `quota-exceeded` for a packument that is too large, `http-failed` for what is
 * none, `invalid-manifest` when the version is announced without SHA-512.
 */
export async function chooseVersion(packed: PackedPackument, { name, wanted }: NpmSpec): Promise<Announced> {
  const { registry } = packed;
  const label = `${name}@${printable(wanted)}`;
  const unusable = (cause?: unknown): HostError =>
    new HostError("http-failed", `${registry} says nothing usable of ${label}; check that it is an npm registry`, { cause });
  const { unpackedBytes: maxBytes } = PACKUMENT_LIMITS;
  const tooLarge = (): HostError =>
    new HostError("quota-exceeded", `what ${registry} says has more than ${maxBytes / MIB} MiB, which is the limit`);
  const packument = packumentSchema.safeParse(parse(await unpacked(packed, { maxBytes, tooLarge, unusable }), unusable));
  if (!packument.success || packument.data.name !== name) throw unusable();
  const { versions, "dist-tags": tags = {}, time = {} } = packument.data;
  const chosen = choose(wanted, Object.keys(versions), tags);
  if (chosen === undefined)
    throw new HostError("invalid-message", `${label} is not at ${registry}; check its name and version, or name another registry`);
  const found = versionSchema.safeParse(Object.hasOwn(versions, chosen) ? versions[chosen] : undefined);
  if (!found.success || found.data.version !== chosen || found.data.name !== name) throw unusable();
  const { tarball, integrity, attestations } = found.data.dist;
  const hash = integrity?.split(/\s+/).find((one) => SHA512.test(one));
  if (hash !== undefined) {
    const published = publishedOf(chosen, time, versions[chosen]);
    return { version: chosen, integrity: hash, tarball, published, ...(attestations && { attestations: attestations.url }) };
  }
  const remedy = "publish it again to a registry that does, or install its .tgz";
  throw new HostError("invalid-manifest", `${registry} announces no SHA-512 for ${name}@${printable(chosen)}; ${remedy}`);
}

/** A tag's version; else the greatest in the range, the latest of those it holds first, as npm does. */
function choose(wanted: string, versions: readonly string[], tags: Readonly<Record<string, unknown>>): string | undefined {
  const tagged = (tag: string): string | undefined => {
    const version = Object.hasOwn(tags, tag) ? tags[tag] : undefined;
    return typeof version === "string" && isVersion(version) ? version : undefined;
  };
  const range = semver.validRange(wanted);
  if (range === null) return tagged(wanted);
  const latest = tagged("latest");
  if (latest !== undefined && semver.satisfies(latest, range)) return latest;
  return semver.maxSatisfying(versions.filter(isVersion), range) ?? undefined;
}

/** What is malformed counts as not said. */
function publishedOf(chosen: string, times: Readonly<Record<string, unknown>>, version: unknown): Published {
  const time = Object.hasOwn(times, chosen) ? times[chosen] : undefined;
  const at = typeof time === "string" && time.length <= MAX_TIME_LENGTH ? Date.parse(time) : Number.NaN;
  const accounts = accountsSchema.safeParse(version);
  const { _npmUser: by, maintainers } = accounts.success ? accounts.data : {};
  return {
    ...(Number.isNaN(at) ? {} : { at }),
    ...(by === undefined ? {} : { by: by.name }),
    ...(maintainers === undefined ? {} : { maintainers: maintainers.map(({ name }) => name) }),
  };
}

const isVersion = (text: string): boolean => text.length <= MAX_VERSION_LENGTH && semver.valid(text) === text;

function parse(bytes: Uint8Array, unusable: (cause: unknown) => HostError): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw unusable(cause);
  }
}
