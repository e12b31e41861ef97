// What a registry hands out beside a package of npm: attestations, of which the provenance says which build has made the tarball. Another's word about itself, npm's
// own attestation of the publishing, is left aside.

import { z } from "zod";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { parseJson } from "../manifest/structured-file.ts";
import { sha256Hex } from "./contents.ts";
import type { IdentityVerifier } from "./identities.ts";
import type { IdentitySigner } from "./signers.ts";
import { STATEMENT_TYPE } from "./statement.ts";

/** What came with a package of npm, and of which bytes it has to be. */
export interface NpmAttestations {
  readonly text: string;
  readonly name: string;
  readonly version: string;
  /** Of the tarball that came: SHA-512, in the form of Subresource Integrity. */
  readonly integrity: string;
}

export const MAX_ATTESTATION_BYTES: number = 1_024 * 1_024;
const MAX_BUNDLES = 8;
const PROVENANCE = "https://slsa.dev/provenance/v1";
const LABEL = "what the registry attests";

const word = z.string().max(2_048);
const attestationsSchema = z.object({
  attestations: z.array(z.object({ predicateType: word, bundle: z.unknown() })).max(MAX_BUNDLES),
});
const envelopeSchema = z.object({
  dsseEnvelope: z.object({
    payloadType: z.literal(STATEMENT_TYPE),
    payload: z.base64().max(MAX_ATTESTATION_BYTES),
    signatures: z.array(z.unknown()).length(1),
  }),
});
const statementSchema = z.object({
  subject: z.array(z.object({ name: word, digest: z.object({ sha512: z.string().regex(/^[0-9a-f]{128}$/) }) })).length(1),
  predicateType: z.literal(PROVENANCE),
});

/**
 * The builds that are proven to have made the tarball; none where there is no provenance among them. Throws HostError `invalid-manifest` when one does not hold or
 * is of something else: the package came with it as its claim.
 */
export function verifyProvenance(came: NpmAttestations, verify: IdentityVerifier): readonly IdentitySigner[] {
  const parsed = attestationsSchema.safeParse(parseJson(came.text, LABEL, "invalid-manifest"));
  if (!parsed.success) throw bad(`is no list of at most ${MAX_BUNDLES} bundles`, parsed.error);
  const provenances = parsed.data.attestations.filter(({ predicateType }) => predicateType === PROVENANCE);
  const signers = provenances.map(({ bundle }) => verifyOne(bundle, came, verify));
  return [...new Map(signers.map((signer) => [signer.keyid, signer])).values()];
}

function verifyOne(bundle: unknown, { name, version, integrity }: NpmAttestations, verify: IdentityVerifier): IdentitySigner {
  const envelope = envelopeSchema.safeParse(bundle);
  if (!envelope.success) throw bad("has a provenance without a statement and one signature", envelope.error);
  let signer: ReturnType<IdentityVerifier>;
  try {
    signer = verify(bundle);
  } catch (cause) {
    throw bad(`has a provenance that does not hold: ${printable(reasonOf(cause))}`, cause);
  }
  const payload = Buffer.from(envelope.data.dsseEnvelope.payload, "base64").toString("utf8");
  const statement = statementSchema.safeParse(parseJson(payload, LABEL, "invalid-manifest"));
  const [subject] = statement.success ? statement.data.subject : [];
  if (subject === undefined) throw bad("has a provenance whose statement says nothing of one package", statement.error);
  if (subject.name !== `pkg:npm/${name.replace("@", "%40")}@${version}`)
    throw bad(`is of ${printable(subject.name)}, not of ${name}@${printable(version)}`);
  const came = Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex");
  if (subject.digest.sha512 !== came) throw bad("is of another tarball than came");
  return { ...signer, statementSha256: sha256Hex(payload) };
}

function reasonOf(thrown: unknown): string {
  if (thrown instanceof z.ZodError) return "it is no bundle of an identity with 1 to 8 entries of a log";
  return thrown instanceof Error ? thrown.message : "it is no bundle";
}

const bad = (why: string, cause?: unknown): HostError => new HostError("invalid-manifest", `${LABEL} ${why}`, { cause });
