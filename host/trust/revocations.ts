// Lists of what is withdrawn: keys, versions of plugins, digests. Signed like a policy.

import semver from "semver";
import { z } from "zod";
import { KEYID } from "../bounds/public-keys.ts";
import { type Dated, openDocument, parsePayload, payloadHash, type Quorum, requireQuorum, versionShape } from "./signed-documents.ts";

interface RevokedKey {
  readonly keyid: string;
  readonly reason: string;
  /** What a host had installed before goes on; in ISO 8601. Nothing that the key has signed does, where it is not said. */
  readonly since?: string | undefined;
}

export interface RevocationList extends Dated {
  readonly keys: readonly RevokedKey[];
  readonly plugins: readonly { readonly plugin: string; readonly versions: string; readonly reason: string }[];
  /** Of a content manifest or of a module, SHA-256. */
  readonly digests: readonly { readonly sha256: string; readonly reason: string }[];
}

export interface Revocations extends RevocationList {
  readonly sha256: string;
}

/** What a list is asked about. */
export interface Revocable {
  readonly plugin: string;
  readonly version: string;
  readonly wasmSha256: string;
  readonly contentSha256: string | undefined;
  readonly keyids: readonly string[];
  /** Since when this host knows it, in milliseconds since 1970; undefined for what is to come. */
  readonly hereSince: number | undefined;
}

export interface Revocation {
  readonly rule: "revoked-version" | "revoked-digest" | "revoked-key";
  readonly reason: string;
}

const MAX_ENTRIES = 10_000;
const reason = z.string().min(1).max(500);
const hash = z.string().regex(KEYID);
const listSchema: z.ZodType<RevocationList> = z.strictObject({
  ...versionShape,
  keys: z
    .array(z.strictObject({ keyid: hash, reason, since: z.iso.datetime().optional() }))
    .max(MAX_ENTRIES)
    .default([]),
  plugins: z
    .array(
      z.strictObject({
        plugin: z.string().min(1).max(63),
        versions: z
          .string()
          .max(256)
          .refine((text) => semver.validRange(text) !== null, "write a semver range such as <1.2.3 or *"),
        reason,
      }),
    )
    .max(MAX_ENTRIES)
    .default([]),
  digests: z
    .array(z.strictObject({ sha256: hash, reason }))
    .max(MAX_ENTRIES)
    .default([]),
});

/** Throws HostError `permission-denied` for too few signatures, `invalid-message` for what is no list. */
export function readRevocations(text: string, quorum: Quorum, label: string): Revocations {
  const document = openDocument(text, "revocations", label);
  requireQuorum(document, quorum, label);
  return { ...parsePayload(document.payload, listSchema, label), sha256: payloadHash(document.payload) };
}

/** The first entry that a version falls under. */
export function revocationOf(one: Revocable, { keys, plugins, digests }: RevocationList): Revocation | undefined {
  const version = plugins.find(
    ({ plugin, versions }) => plugin === one.plugin && semver.satisfies(one.version, versions, { includePrerelease: true }),
  );
  if (version !== undefined) return { rule: "revoked-version", reason: version.reason };
  const digest = digests.find(({ sha256 }) => sha256 === one.wasmSha256 || sha256 === one.contentSha256);
  if (digest !== undefined) return { rule: "revoked-digest", reason: digest.reason };
  // One good signature beside that of a stolen key says nothing against the thief.
  const key = keys.find(({ keyid, since }) => one.keyids.includes(keyid) && !wasThereBefore(one.hereSince, since));
  return key && { rule: "revoked-key", reason: key.reason };
}

const wasThereBefore = (hereSince: number | undefined, since: string | undefined): boolean =>
  hereSince !== undefined && since !== undefined && hereSince < Date.parse(since);
