// What is said of a release by who signs it: an in-toto statement about the content manifest, with what the manifest of the plugin asks for.

import { z } from "zod";
import { KEYID, MAX_KEY_LENGTH, type PublicKey } from "../bounds/public-keys.ts";
import { HostError } from "../core/errors.ts";
import { describeIssues } from "../manifest/issues.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { parseJson } from "../manifest/structured-file.ts";
import { type ContentEntry, contentDigest, MAX_SIGNED_FILES, sha256Hex } from "./contents.ts";

export const STATEMENT_TYPE = "application/vnd.in-toto+json";
const PREDICATE_TYPE = "https://bulkhead.dev/release/v1";
const MAX_TEXT = 512;
const MAX_PERMISSIONS = 256;

/** Where it was built from, as who signs it says. */
export interface BuiltFrom {
  readonly repository: string;
  readonly commit: string;
}

export interface ReleaseStatement {
  readonly _type: "https://in-toto.io/Statement/v1";
  readonly subject: readonly { readonly name: string; readonly digest: { readonly sha256: string } }[];
  readonly predicateType: typeof PREDICATE_TYPE;
  readonly predicate: {
    readonly plugin: string;
    readonly version: string;
    readonly api: string;
    readonly wasmSha256: string;
    readonly permissions: readonly { readonly permission: string; readonly resource: string }[];
    readonly files: readonly ContentEntry[];
    /** As the clock of who signed it said. */
    readonly issuedAt: string;
    readonly signer: Pick<PublicKey, "keyid" | "publicKey">;
    readonly builtFrom?: BuiltFrom | undefined;
  };
}

const text = z.string().max(MAX_TEXT);
const hash = z.string().regex(KEYID);
const statementSchema: z.ZodType<ReleaseStatement> = z.object({
  _type: z.literal("https://in-toto.io/Statement/v1"),
  subject: z.array(z.object({ name: text, digest: z.object({ sha256: hash }) })).length(1),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate: z.object({
    plugin: text,
    version: text,
    api: text,
    wasmSha256: hash,
    permissions: z.array(z.object({ permission: text, resource: text })).max(MAX_PERMISSIONS),
    files: z.array(z.object({ path: text, sha256: hash })).max(MAX_SIGNED_FILES),
    issuedAt: z.iso.datetime(),
    signer: z.object({ keyid: hash, publicKey: z.string().max(MAX_KEY_LENGTH) }),
    builtFrom: z.object({ repository: text, commit: text }).optional(),
  }),
});

export interface Release {
  readonly manifest: Manifest;
  readonly wasm: Uint8Array;
  readonly contents: readonly ContentEntry[];
}

/** `issuedAt` is milliseconds since 1970. */
export function statementOf(
  { manifest, wasm, contents }: Release,
  { signer, issuedAt, builtFrom }: { readonly signer: PublicKey; readonly issuedAt: number; readonly builtFrom?: BuiltFrom | undefined },
): ReleaseStatement {
  const { name: plugin, version, api } = manifest;
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: `${plugin}@${version}`, digest: { sha256: contentDigest(contents) } }],
    predicateType: PREDICATE_TYPE,
    predicate: {
      plugin,
      version,
      api,
      wasmSha256: sha256Hex(wasm),
      permissions: manifest.permissions.map(({ permission, resource }) => ({ permission, resource })),
      files: contents,
      issuedAt: new Date(issuedAt).toISOString(),
      signer: { keyid: signer.keyid, publicKey: signer.publicKey },
      ...(builtFrom === undefined ? {} : { builtFrom }),
    },
  };
}

/** Throws HostError `invalid-manifest` for what is none. */
export function parseStatement(payload: string, label: string): ReleaseStatement {
  const input = parseJson(payload, `the statement in ${label}`, "invalid-manifest");
  const parsed = statementSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new HostError("invalid-manifest", `${label} has a statement that says nothing of a release`, {
    detail: describeIssues(parsed.error, { input, schema: statementSchema }),
  });
}

/** In words, what of a release is not what was signed; undefined when all is. */
export function contradictionOf(
  { subject: [subject], predicate }: ReleaseStatement,
  { manifest, wasm, contents }: Release,
): string | undefined {
  const { name, version, api, permissions } = manifest;
  if (predicate.plugin !== name) return `it was signed for the plugin ${predicate.plugin}, not for ${name}`;
  if (predicate.version !== version) return `it was signed for ${predicate.version}, not for ${version}`;
  if (subject?.digest.sha256 !== contentDigest(predicate.files)) return "its statement contradicts itself";
  if (subject.digest.sha256 !== contentDigest(contents)) return "its files are not those that were signed";
  const said = JSON.stringify([predicate.api, predicate.wasmSha256, predicate.permissions]);
  const asks = permissions.map(({ permission, resource }) => ({ permission, resource }));
  return said === JSON.stringify([api, sha256Hex(wasm), asks]) ? undefined : "its statement says another thing than its plugin.json";
}
