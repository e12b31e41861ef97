// Signatures of a package: one sigstore bundle a line, each a DSSE envelope around a statement, made with a key of the publisher's own. Who the key belongs to is
// not for here.

import { type KeyObject, sign } from "node:crypto";
import { bundleFromJSON, bundleToJSON, toDSSEBundle } from "@sigstore/bundle";
import { dsse } from "@sigstore/core";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { z } from "zod";
import { type Algorithm, digestFor, type ParsedKey, parsePublicKey } from "../bounds/public-keys.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { parseJson } from "../manifest/structured-file.ts";
import { differencesOf, MAX_SIGNATURE_BYTES, MAX_SIGNERS, SIGNATURE_FILE, sha256Hex } from "./contents.ts";
import type { KeySigner } from "./signers.ts";
import { type BuiltFrom, contradictionOf, parseStatement, type Release, STATEMENT_TYPE, statementOf } from "./statement.ts";

export interface PrivateKey {
  readonly public: ParsedKey;
  readonly key: KeyObject;
}

const MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
// No log, no authority of certificates, no clock of others: the key is all that is asked for.
const OWN_KEYS = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 } as const;
const NO_AUTHORITIES = {
  mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
  tlogs: [],
  certificateAuthorities: [],
  ctlogs: [],
  timestampAuthorities: [],
};

const base64 = z
  .string()
  .max(MAX_SIGNATURE_BYTES)
  .regex(/^[A-Za-z0-9+/]+={0,2}$/);
// What else a bundle has is left away before anybody reads it.
const bundleSchema = z.object({
  mediaType: z.literal(MEDIA_TYPE),
  verificationMaterial: z.object({ publicKey: z.object({ hint: z.string().max(64) }) }),
  dsseEnvelope: z.object({
    payloadType: z.literal(STATEMENT_TYPE),
    payload: base64,
    signatures: z.array(z.object({ sig: base64 })).length(1),
  }),
});

/** A line to be written into a package's signatures. `issuedAt` is milliseconds since 1970. */
export function signRelease(
  release: Release,
  { public: signer, key }: PrivateKey,
  said: { readonly issuedAt: number; readonly builtFrom?: BuiltFrom | undefined },
): string {
  const artifact = Buffer.from(JSON.stringify(statementOf(release, { signer, ...said })));
  const signature = signBytes(dsse.preAuthEncoding(STATEMENT_TYPE, artifact), { algorithm: signer.algorithm, key });
  const bundle = toDSSEBundle({ artifact, artifactType: STATEMENT_TYPE, signature, keyHint: signer.keyid });
  return JSON.stringify(bundleToJSON(bundle));
}

export const signBytes = (bytes: Uint8Array, { algorithm, key }: { readonly algorithm: Algorithm; readonly key: KeyObject }): Buffer =>
  sign(digestFor(algorithm), bytes, key);

/**
 * All who signed a package; nobody when `signatures` is undefined. Throws HostError `invalid-manifest` when a signature is malformed, does not verify, is one
 * key's second or is about anything else than what is there: a package with one bad signature counts as changed.
 */
export function verifySignatures(release: Release, signatures: string | undefined): readonly KeySigner[] {
  if (signatures === undefined) return [];
  if (Buffer.byteLength(signatures) > MAX_SIGNATURE_BYTES) throw bad(`has more than ${MAX_SIGNATURE_BYTES / 1_024} KiB`);
  const lines = signatures.split("\n").filter((line) => line.trim() !== "");
  if (lines.length === 0 || lines.length > MAX_SIGNERS) throw bad(`has ${lines.length} signatures; 1 to ${MAX_SIGNERS} may be there`);
  const signers = lines.map((line) => verifyLine(release, line));
  const keyids = new Set(signers.map(({ keyid }) => keyid));
  if (keyids.size < signers.length) throw bad("has two signatures of one key");
  return signers;
}

function verifyLine(release: Release, line: string): KeySigner {
  const parsed = bundleSchema.safeParse(parseJson(line, SIGNATURE_FILE, "invalid-manifest"));
  if (!parsed.success) throw bad("has a line that is no sigstore bundle of a key (version 0.3)", parsed.error);
  const { dsseEnvelope, verificationMaterial } = parsed.data;
  const statement = parseStatement(Buffer.from(dsseEnvelope.payload, "base64").toString("utf8"), SIGNATURE_FILE);
  const { signer, issuedAt, builtFrom } = statement.predicate;
  const key = parsePublicKey(signer.publicKey);
  if (key.keyid !== signer.keyid || key.keyid !== verificationMaterial.publicKey.hint) throw bad("names another key than it brings");
  verifyBundle(parsed.data, key);
  const contradiction = contradictionOf(statement, release);
  if (contradiction !== undefined) {
    const files = differencesOf(statement.predicate.files, release.contents);
    throw bad(`does not fit the package: ${printable(contradiction)}${files === "" ? "" : ` (${printable(files)})`}`);
  }
  const { keyid, publicKey, algorithm } = key;
  const statementSha256 = sha256Hex(Buffer.from(dsseEnvelope.payload, "base64"));
  return { kind: "key", keyid, publicKey, algorithm, issuedAt, statementSha256, ...(builtFrom === undefined ? {} : { builtFrom }) };
}

function verifyBundle(bundle: z.infer<typeof bundleSchema>, { keyid, key }: ParsedKey): void {
  const material = toTrustMaterial(NO_AUTHORITIES, (hint) => {
    if (hint !== keyid) throw bad("names another key than it brings");
    return { publicKey: key, validFor: () => true };
  });
  try {
    new Verifier(material, OWN_KEYS).verify(toSignedEntity(bundleFromJSON(bundle)));
  } catch (cause) {
    throw bad(`is not what the key ${keyid} has signed`, cause);
  }
}

const bad = (why: string, cause?: unknown): HostError => new HostError("invalid-manifest", `${SIGNATURE_FILE} ${why}`, { cause });
