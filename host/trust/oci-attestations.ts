// What others have put beside a package in an OCI registry: signatures of cosign and provenances, of which each proves an identity or nothing. Whoever may push there can
// put something there, so what does not hold, or is of something else, proves nothing and refuses nothing.

import { z } from "zod";
import { sha256Hex } from "./contents.ts";
import type { IdentityVerifier } from "./identities.ts";
import type { IdentitySigner } from "./signers.ts";
import { STATEMENT_TYPE } from "./statement.ts";

export interface OciAttestations {
  /** Of the manifest that was asked for, such as `sha256:…`. */
  readonly digest: string;
  /** Bundles as text. */
  readonly bundles: readonly string[];
}

export const MAX_OCI_BUNDLES = 8;
export const MAX_OCI_BUNDLE_BYTES: number = 256 * 1_024;
/** What `cosign sign` says, and what a build does. */
const PREDICATES: readonly string[] = ["https://sigstore.dev/cosign/sign/v1", "https://slsa.dev/provenance/v1"];

const bundleSchema = z.object({
  // Those of keys lie in the package, with more to say.
  verificationMaterial: z.object({ publicKey: z.undefined().optional() }),
  dsseEnvelope: z.object({
    payloadType: z.literal(STATEMENT_TYPE),
    payload: z.base64().max(MAX_OCI_BUNDLE_BYTES),
    signatures: z.array(z.unknown()).length(1),
  }),
});
const statementSchema = z.object({
  subject: z
    .array(z.object({ digest: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }) }))
    .min(1)
    .max(MAX_OCI_BUNDLES),
  predicateType: z.enum(PREDICATES),
});

/** Who is proven to have signed the manifest, each once. */
export function verifyOciAttestations({ digest, bundles }: OciAttestations, verify: IdentityVerifier): readonly IdentitySigner[] {
  const signers = bundles.slice(0, MAX_OCI_BUNDLES).flatMap((text) => verifyOne(text, digest, verify) ?? []);
  return [...new Map(signers.map((signer) => [signer.keyid, signer])).values()];
}

function verifyOne(text: string, digest: string, verify: IdentityVerifier): IdentitySigner | undefined {
  if (Buffer.byteLength(text) > MAX_OCI_BUNDLE_BYTES) return undefined;
  try {
    const bundle: unknown = JSON.parse(text);
    const { dsseEnvelope } = bundleSchema.parse(bundle);
    const signer = verify(bundle);
    const payload = Buffer.from(dsseEnvelope.payload, "base64").toString("utf8");
    const { subject } = statementSchema.parse(JSON.parse(payload));
    if (!subject.some((one) => `sha256:${one.digest.sha256}` === digest)) return undefined;
    return { ...signer, statementSha256: sha256Hex(payload) };
  } catch {
    return undefined;
  }
}
