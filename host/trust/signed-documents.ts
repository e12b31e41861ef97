// Documents that several keys sign: a DSSE envelope around JSON that has a version and an end. A policy and lists of revocations are such; of either kind none is
// taken for the other.

import { createHash, verify } from "node:crypto";
import { z } from "zod";
import { digestFor, KEYID, type ParsedKey, parsePublicKey } from "../bounds/public-keys.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { describeIssues } from "../manifest/issues.ts";
import { parseJson } from "../manifest/structured-file.ts";
import { type PrivateKey, signBytes } from "./signatures.ts";

export const MAX_DOCUMENT_BYTES: number = 1_024 * 1_024;
const MAX_SIGNATURES = 32;
const TYPE_PREFIX = "application/vnd.bulkhead.";

export type DocumentKind = "trust-policy" | "revocations";

/** What is said of any document. */
export interface Dated {
  /** Never goes back. */
  readonly version: number;
  /** In ISO 8601; nobody should go by it later. */
  readonly expires: string;
}

/** Who must have signed. */
export interface Quorum {
  /** As `bulkhead key export` prints them. */
  readonly keys: readonly string[];
  readonly threshold: number;
}

interface OpenedDocument {
  readonly payload: string;
  /** How many of these keys have signed, each counted once. */
  signedBy(quorum: Quorum): number;
}

interface Envelope {
  readonly payloadType: string;
  readonly payload: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

const base64 = z.string().max(2 * MAX_DOCUMENT_BYTES);
const envelopeSchema: z.ZodType<Envelope> = z.strictObject({
  payloadType: z.string().max(128),
  payload: base64,
  signatures: z.array(z.strictObject({ keyid: z.string().regex(KEYID), sig: base64 })).max(MAX_SIGNATURES),
});

export const versionShape: { readonly version: z.ZodInt; readonly expires: z.ZodISODateTime } = {
  version: z.int().min(1),
  expires: z.iso.datetime(),
};

/** Throws HostError `invalid-message` for what is no such document. Whose signatures count is for `requireQuorum`. */
export function openDocument(
  text: string,
  kind: DocumentKind,
  label: string,
): { readonly payload: string; signedBy(quorum: Quorum): number } {
  const { payloadType, payload, signatures } = parseEnvelope(text, label);
  if (payloadType !== `${TYPE_PREFIX}${kind}+json`)
    throw new HostError("invalid-message", `${label} is of the type ${printable(payloadType)}, not ${TYPE_PREFIX}${kind}+json`);
  const bytes = Buffer.from(payload, "base64");
  const signed = preAuthEncoding(payloadType, bytes);
  return {
    payload: bytes.toString("utf8"),
    signedBy({ keys }) {
      const known = new Map(keys.map((text) => parsePublicKey(text)).map((key) => [key.keyid, key]));
      // One key counts once, however often it has signed.
      const valid = signatures.filter(({ keyid, sig }) => isSignedBy(known.get(keyid), signed, sig)).map(({ keyid }) => keyid);
      return new Set(valid).size;
    },
  };
}

/** Throws HostError `permission-denied` when fewer of the keys have signed than the threshold says. */
export function requireQuorum(document: OpenedDocument, quorum: Quorum, label: string): void {
  const count = document.signedBy(quorum);
  if (count >= quorum.threshold) return;
  throw new HostError(
    "permission-denied",
    `${label} is signed by ${count} of the ${quorum.keys.length} keys that may, each counted once; ${quorum.threshold} are needed`,
    { reason: "not-enough-signatures" },
  );
}

/** Parses what a document says. Throws HostError `invalid-message` naming each path. */
export function parsePayload<T>(payload: string, schema: z.ZodType<T>, label: string): T {
  const input = parseJson(payload, label, "invalid-message");
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new HostError("invalid-message", `${label} says what nobody understands`, {
    detail: describeIssues(parsed.error, { input, schema }),
  });
}

/** Adds a signature to an envelope, or makes one around a payload. A signature that the key has made before is exchanged. Throws HostError `invalid-message`. */
export function signDocument(text: string, kind: DocumentKind, { public: signer, key }: PrivateKey, label: string): string {
  const before = isEnvelope(text, label) ? parseEnvelope(text, label) : undefined;
  const payloadType = `${TYPE_PREFIX}${kind}+json`;
  if (before !== undefined && before.payloadType !== payloadType)
    throw new HostError("invalid-message", `${label} is of the type ${printable(before.payloadType)}, not ${payloadType}`);
  const payload = before?.payload ?? Buffer.from(text).toString("base64");
  const sig = signBytes(preAuthEncoding(payloadType, Buffer.from(payload, "base64")), { algorithm: signer.algorithm, key }).toString(
    "base64",
  );
  const others = (before?.signatures ?? []).filter(({ keyid }) => keyid !== signer.keyid);
  const envelope: Envelope = { payloadType, payload, signatures: [...others, { keyid: signer.keyid, sig }] };
  return `${JSON.stringify(envelope, null, 2)}\n`;
}

/** Of what a document says, to tell two of one version apart. */
export const payloadHash = (payload: string): string => createHash("sha256").update(payload).digest("hex");

function isEnvelope(text: string, label: string): boolean {
  const input = parseJson(text, label, "invalid-message");
  return typeof input === "object" && input !== null && "payloadType" in input;
}

function parseEnvelope(text: string, label: string): Envelope {
  if (Buffer.byteLength(text) > 2 * MAX_DOCUMENT_BYTES)
    throw new HostError("quota-exceeded", `${label} has more than ${(2 * MAX_DOCUMENT_BYTES) / 1_024} KiB, which is the limit`);
  const input = parseJson(text, label, "invalid-message");
  const parsed = envelopeSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const detail = describeIssues(parsed.error, { input, schema: envelopeSchema });
  throw new HostError("invalid-message", `${label} is not signed; "bulkhead trust sign" signs it`, { detail });
}

function isSignedBy(key: ParsedKey | undefined, bytes: Uint8Array, sig: string): boolean {
  if (key === undefined) return false;
  return verify(digestFor(key.algorithm), bytes, key.key, Buffer.from(sig, "base64"));
}

/** What DSSE 1.0 signs, so that no type can be taken for another. */
const preAuthEncoding = (type: string, payload: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload]);
