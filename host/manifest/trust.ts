// Whose plugins come in: the configuration's `trust`. What it says of a name goes before what a policy says, and that before what was seen first.

import { z } from "zod";
import { durationMs } from "../bounds/durations.ts";
import { MAX_KEY_LENGTH, parsePublicKey } from "../bounds/public-keys.ts";
import { toHostError } from "../core/errors.ts";

/** A publisher that the operator knows. */
interface TrustedKey {
  /** As `bulkhead key export` prints it. */
  readonly publicKey: string;
  /** Patterns of the plugins that it may sign, such as acme-*. */
  readonly plugins: readonly string[];
}

/** Where a signed document lies, and who signs it. */
export interface SignedPlace {
  /** A file, beside the configuration, or an address. */
  readonly from: string;
  readonly keys: readonly string[];
  /** How many of the keys must have signed. */
  readonly threshold: number;
}

/** One that need not have a key: the workflow of a repository, or somebody who has logged in at an issuer. */
interface TrustedIdentity {
  readonly issuer: string;
  readonly subject: string;
  /** Patterns of the plugins that it may sign, such as acme-*. */
  readonly plugins: readonly string[];
}

export interface SigstoreOptions {
  /** A file, trusted_root.json of sigstore: whose certificates count, and whose logs. */
  readonly trustedRoot: string;
  readonly identities: readonly TrustedIdentity[];
}

export interface TrustOptions {
  /** `require`: nothing comes in that nobody has signed. `warn`: it is told. `off`: nobody looks. */
  readonly mode: "require" | "warn" | "off";
  /** By what you call the publisher. */
  readonly keys: Readonly<Record<string, TrustedKey>>;
  /** Versions that were published later than this ago wait. */
  readonly minReleaseAge?: string | undefined;
  /** A version that asks for more after so long a rest is told apart. */
  readonly dormantAfter: string;
  readonly policy?: SignedPlace | undefined;
  readonly revocations: readonly SignedPlace[];
  /** In which whatever is signed must stand. */
  readonly log?: { readonly from: string; readonly key: string } | undefined;
  /** Without it no provenance is fetched. */
  readonly sigstore?: SigstoreOptions | undefined;
  /** How often policy and revocations are fetched. */
  readonly refresh: string;
  /** How long after they have expired new plugins still come in. */
  readonly grace: string;
}

const PLUGIN_PATTERN = /^(?:\*|[a-z][a-z0-9-]{0,62}\*?)$/;
const NOTE_KEY = /^[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/;
const MAX_LISTED = 64;
const duration = z.string().refine((text) => durationMs(text) !== undefined, "write a number and m, h, d or w, such as 3d");
const publicKey = z
  .string()
  .max(MAX_KEY_LENGTH)
  .superRefine((text, context) => {
    try {
      parsePublicKey(text);
    } catch (thrown) {
      context.addIssue({ code: "custom", message: toHostError(thrown).message });
    }
  });
export const pluginPatterns: z.ZodType<readonly string[]> = z
  .array(z.string().regex(PLUGIN_PATTERN, "write a plugin's name, or its beginning and a *, such as acme-*"))
  .min(1)
  .max(MAX_LISTED);
const place: z.ZodType<SignedPlace> = z
  .strictObject({
    from: z.string().min(1).max(2_048),
    keys: z.array(publicKey).min(1).max(MAX_LISTED),
    threshold: z.int().min(1).default(1),
  })
  .refine(({ keys, threshold }) => threshold <= new Set(keys).size, {
    path: ["threshold"],
    message: "there are fewer different keys than that",
  });

const word = z
  .string()
  .max(2_048)
  .regex(/^[\x21-\x7e]+$/, "write it without spaces, as the certificate has it");
// A release has a tag of its own, and a key of its own would be a new one each time.
const subject = word.refine((text) => !/@refs\/tags\/(?!\*$)/.test(text), "write @refs/tags/* at its end: each release has its own tag");
const sigstore: z.ZodType<SigstoreOptions> = z.strictObject({
  trustedRoot: z.string().min(1).max(4_096),
  identities: z
    .array(z.strictObject({ issuer: word, subject, plugins: pluginPatterns }))
    .max(MAX_LISTED)
    .default([]),
});

export const trustSchema: z.ZodType<TrustOptions> = z.strictObject({
  mode: z.enum(["require", "warn", "off"]).default("warn"),
  keys: z.record(z.string().min(1).max(64), z.strictObject({ publicKey, plugins: pluginPatterns })).default({}),
  minReleaseAge: duration.optional(),
  dormantAfter: duration.default("180d"),
  policy: place.optional(),
  revocations: z.array(place).max(MAX_LISTED).default([]),
  log: z
    .strictObject({
      from: z.string().min(1).max(2_048),
      key: z.string().max(512).regex(NOTE_KEY, "write the key of a log, such as example.org/log+1234abcd+…"),
    })
    .optional(),
  sigstore: sigstore.optional(),
  refresh: duration.default("1h"),
  grace: duration.default("7d"),
});
