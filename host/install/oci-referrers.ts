// What refers to a manifest in an OCI registry, such as signatures: by the referrers API, and where a registry has none, by an index under a tag that is
// made of the digest.

import { HostError } from "../core/errors.ts";
import { broken, type Descriptor, MAX_REFERRERS, MEDIA, parseOciIndex, parseOciManifest } from "./oci-manifest.ts";
import type { OciRepository, StoredManifest } from "./oci-repository.ts";

const INDEX_BYTES = 256 * 1_024;
const EMPTY = Buffer.from("{}");

/** Of one kind, in the registry's order. Rejects like OciRepository's `manifest`. */
export async function referrersOf(repository: OciRepository, digest: string, artifactType: string): Promise<readonly Descriptor[]> {
  const stored = (await repository.referrers(digest, INDEX_BYTES)) ?? (await byTag(repository, digest));
  return indexed(stored, digest).filter((one) => one.artifactType === artifactType);
}

/**
 * The one file that an artifact holds. Rejects with HostError `invalid-manifest` when it refers to something else than `subject`, or holds something
 * else than one file of at most `maxBytes`.
 */
export async function readReferrer(
  repository: OciRepository,
  { digest }: Descriptor,
  { subject, maxBytes }: { readonly subject: string; readonly maxBytes: number },
): Promise<Buffer> {
  const stored = await repository.manifest(digest);
  if (stored === undefined) throw new HostError("invalid-message", `${digest}, which refers to ${subject}, is not there`);
  const manifest = parseOciManifest(stored.bytes, stored.type, digest);
  const [layer, ...others] = manifest.layers;
  if (manifest.subject?.digest !== subject) throw broken(digest, `does not refer to ${subject}`);
  if (layer === undefined || others.length > 0 || layer.size > maxBytes)
    throw broken(digest, `holds something else than one file of at most ${maxBytes} bytes`);
  return repository.blob(layer);
}

/** Puts a file beside a manifest. Twice is once. */
export async function addReferrer(
  repository: OciRepository,
  { mediaType, digest, size }: Descriptor,
  { artifactType, bytes }: { readonly artifactType: string; readonly bytes: Uint8Array },
): Promise<void> {
  const layer = await repository.putBlob(bytes, artifactType);
  const config = await repository.putBlob(EMPTY, MEDIA.empty);
  const subject = { mediaType, digest, size };
  const content = { schemaVersion: 2, mediaType: MEDIA.manifest, artifactType, config, layers: [layer], subject };
  const { tellsSubject, ...stored } = await repository.putManifest(content);
  if (!tellsSubject) await addToTag(repository, digest, { ...stored, artifactType });
}

async function addToTag(repository: OciRepository, subject: string, added: Descriptor): Promise<void> {
  const before = indexed(await byTag(repository, subject), subject);
  if (before.some(({ digest }) => digest === added.digest)) return;
  if (before.length >= MAX_REFERRERS)
    throw new HostError("quota-exceeded", `${MAX_REFERRERS} artifacts refer to ${subject} already, which is the limit`);
  await repository.putManifest({ schemaVersion: 2, mediaType: MEDIA.index, manifests: [...before, added] }, tagOf(subject));
}

const tagOf = (digest: string): string => digest.replace(":", "-");

const byTag = (repository: OciRepository, digest: string): Promise<StoredManifest | undefined> =>
  repository.manifest(tagOf(digest), INDEX_BYTES);

const indexed = (stored: StoredManifest | undefined, digest: string): readonly Descriptor[] =>
  stored === undefined ? [] : parseOciIndex(stored.bytes, stored.type, `what refers to ${digest}`);
