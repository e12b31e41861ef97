// Who has signed without a key of his own: an identity, such as the workflow of a repository, that an authority of the operator's trusted root has certified for some
// minutes and a log has written down. Asks nobody; which identities count is not for here.

import { bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { type SignedEntity, toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { z } from "zod";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { describeIssues } from "../manifest/issues.ts";
import { parseJson } from "../manifest/structured-file.ts";
import { type IdentitySigner, identityKeyid, stableSubject } from "./signers.ts";

/** Says who has signed a bundle, of those that the trusted root leads to. Throws an Error for a bundle that does not hold. */
export type IdentityVerifier = (bundle: unknown) => Omit<IdentitySigner, "statementSha256">;

export const MAX_ROOT_BYTES: number = 1_024 * 1_024;
const MAX_ENTRIES = 8;
const MAX_AUTHORITIES = 64;
const base64 = z
  .string()
  .max(MAX_ROOT_BYTES)
  .regex(/^[A-Za-z0-9+/]+={0,2}$/);
const word = z.string().max(2_048);
const validFor = z.object({ start: z.iso.datetime().optional(), end: z.iso.datetime().optional() }).optional();
const log = z.object({
  baseUrl: word,
  hashAlgorithm: word,
  publicKey: z.object({ rawBytes: base64, keyDetails: word, validFor }),
  logId: z.object({ keyId: base64 }),
  checkpointKeyId: z.object({ keyId: base64 }).optional(),
});
const authority = z.object({
  certChain: z.object({
    certificates: z
      .array(z.object({ rawBytes: base64 }))
      .min(1)
      .max(MAX_ENTRIES),
  }),
  validFor,
});
const rootSchema = z.object({
  mediaType: z.string().regex(/^application\/vnd\.dev\.sigstore\.trustedroot(?:\+json;version=0\.[12]|\.v0\.2\+json)$/),
  // Without a log nobody says when a certificate was used, and those of an authority hold for minutes.
  tlogs: z.array(log).min(1).max(MAX_AUTHORITIES),
  certificateAuthorities: z.array(authority).min(1).max(MAX_AUTHORITIES),
  ctlogs: z.array(log).max(MAX_AUTHORITIES).default([]),
  timestampAuthorities: z.array(authority).max(MAX_AUTHORITIES).default([]),
});
// The rest is read by sigstore's own parser; these are what it goes through one by one.
const bundleSchema = z.looseObject({
  mediaType: z.string().max(128),
  verificationMaterial: z.looseObject({
    publicKey: z.undefined().optional(),
    tlogEntries: z.array(z.unknown()).min(1).max(MAX_ENTRIES),
    timestampVerificationData: z
      .looseObject({ rfc3161Timestamps: z.array(z.unknown()).max(MAX_ENTRIES).optional() })
      .nullish()
      .transform((given) => given ?? undefined),
  }),
});

/** `path` is the file of `trust.sigstore.trustedRoot`. Throws HostError `invalid-message` for what is none. */
export function identityVerifier(text: string, path: string): IdentityVerifier {
  const what = `trust.sigstore.trustedRoot, ${path},`;
  const input = parseJson(text, what, "invalid-message");
  const parsed = rootSchema.safeParse(input);
  if (!parsed.success)
    throw new HostError("invalid-message", `${what} is no trusted root of sigstore with an authority and a log`, {
      detail: describeIssues(parsed.error, { input, schema: rootSchema }),
    });
  const verifier = verifierOf(parsed.data, what);
  return (bundle) => {
    const entity = toSignedEntity(bundleFromJSON(bundleSchema.parse(bundle)));
    const { identity } = verifier.verify(entity);
    const issuer = oneLine(identity?.extensions?.issuer, "issuer");
    const subject = stableSubject(oneLine(identity?.subjectAlternativeName, "subject"));
    return { kind: "identity", keyid: identityKeyid({ issuer, subject }), issuer, subject, issuedAt: timeOf(entity).toISOString() };
  };
}

function verifierOf(root: z.infer<typeof rootSchema>, what: string): Verifier {
  try {
    const ctlogThreshold = root.ctlogs.length === 0 ? 0 : 1;
    return new Verifier(toTrustMaterial(TrustedRoot.fromJSON(root)), { tlogThreshold: 1, ctlogThreshold, timestampThreshold: 1 });
  } catch (cause) {
    throw new HostError("invalid-message", `${what} has a key or a certificate that cannot be read; fetch the file again`, { cause });
  }
}

/** Of the log or of a time authority: the verifier has made sure of each, and that there is one. */
function timeOf({ timestamps }: SignedEntity): Date {
  const [time] = timestamps.flatMap((one) => {
    if (one.$case === "timestamp-authority") return [one.timestamp.signingTime];
    return one.tlogEntry.inclusionPromise === undefined ? [] : [new Date(Number(one.tlogEntry.integratedTime) * 1_000)];
  });
  if (time === undefined) throw new Error("nobody says when it was signed");
  return time;
}

// An identity is hashed with a line for each of the two.
function oneLine(text: string | undefined, what: string): string {
  if (text === undefined || !/^[\x21-\x7e]{1,2048}$/.test(text))
    throw new Error(`its certificate names no ${what}: ${printable(text ?? "none")}`);
  return text;
}
