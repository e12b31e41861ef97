// Puts a packed plugin into an OCI registry: the package as it is for npm, with what its manifest says beside it; the bare module under a tag of its own, for
// hosts of others; and its signatures as what refers to it.

import { HostError } from "../core/errors.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { type Descriptor, digestOf, MEDIA } from "./oci-manifest.ts";
import { type OciPlace, placeText, tagOfVersion } from "./oci-reference.ts";
import { addReferrer } from "./oci-referrers.ts";
import { WASM_SUFFIX } from "./oci-registry.ts";
import type { Artifact, OciRepository } from "./oci-repository.ts";

export interface Pushed {
  readonly manifest: Manifest;
  readonly manifestText: string;
  readonly wasm: Uint8Array;
  readonly tarball: Uint8Array;
  readonly fileName: string;
  /** Its signatures, each a sigstore bundle. */
  readonly bundles: readonly string[];
  /** Names of what a component imports and exports; undefined for a module. */
  readonly component: { readonly imports: readonly string[]; readonly exports: readonly string[] } | undefined;
}

export interface PushOptions {
  readonly place: OciPlace;
  /** Whether another artifact under the version's tag may be replaced. */
  readonly force: boolean;
  /** Nothing is uploaded; whether it could be, is asked. */
  readonly dryRun: boolean;
}

// What must be said, and must not differ between two builds of the same.
const CREATED = "1985-10-26T08:15:00Z";

/**
 * The exact reference of what is there now. Rejects with HostError `conflict` when the version is there with other bytes, else like OciRepository.
 */
export async function pushPlugin(repository: OciRepository, pushed: Pushed, { place, force, dryRun }: PushOptions): Promise<string> {
  const { manifest, manifestText, tarball, fileName, bundles } = pushed;
  const tag = tagOfVersion(manifest.version);
  if (tag.endsWith(WASM_SUFFIX))
    throw new HostError(
      "invalid-message",
      `${manifest.version} ends with ${WASM_SUFFIX}, which bare modules do here; write another version`,
    );
  const content = artifact({
    artifactType: MEDIA.plugin,
    config: described(Buffer.from(manifestText), MEDIA.pluginConfig),
    layer: { ...described(tarball, MEDIA.pluginPackage), annotations: { "org.opencontainers.image.title": fileName } },
    manifest,
  });
  const digest = digestOf(JSON.stringify(content));
  await refuseOther(repository, { tag, digest, force, place });
  const reference = `${placeText(place)}:${tag}@${digest}`;
  if (dryRun) return reference;
  await repository.putBlob(Buffer.from(manifestText), MEDIA.pluginConfig);
  await repository.putBlob(tarball, MEDIA.pluginPackage);
  // Who finds the tag finds all of it.
  if (pushed.manifest.wasm !== undefined) await pushModule(repository, pushed, `${tag}${WASM_SUFFIX}`);
  const stored = await repository.putManifest(content);
  for (const bundle of bundles) await addReferrer(repository, stored, { artifactType: MEDIA.bundle, bytes: Buffer.from(bundle) });
  await repository.putManifest(content, tag);
  return reference;
}

const described = (bytes: Uint8Array, mediaType: string): Descriptor => ({ mediaType, digest: digestOf(bytes), size: bytes.length });

const artifact = ({
  artifactType,
  config,
  layer,
  manifest,
}: {
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layer: Descriptor;
  readonly manifest: Manifest;
}): Artifact => ({
  schemaVersion: 2,
  mediaType: MEDIA.manifest,
  ...(artifactType !== undefined && { artifactType }),
  config,
  layers: [layer],
  annotations: { "org.opencontainers.image.title": manifest.name, "org.opencontainers.image.version": manifest.version },
});

async function refuseOther(
  repository: OciRepository,
  { tag, digest, force, place }: { readonly tag: string; readonly digest: string; readonly force: boolean; readonly place: OciPlace },
): Promise<void> {
  const there = await repository.manifest(tag);
  if (there === undefined || there.digest === digest || force) return;
  const remedy = "raise the version in plugin.json, or replace it with --force";
  throw new HostError("conflict", `${placeText(place)}:${tag} is there already and holds something else; ${remedy}`);
}

/** By the layout that the CNCF describes for Wasm: one layer, the module itself. */
async function pushModule(repository: OciRepository, { wasm, component, manifest }: Pushed, tag: string): Promise<void> {
  const layer = await repository.putBlob(wasm, MEDIA.wasm);
  const shape = component === undefined ? { os: "wasip1" } : { os: "wasip2", component };
  const text = JSON.stringify({ created: CREATED, architecture: "wasm", layerDigests: [layer.digest], ...shape });
  const config = await repository.putBlob(Buffer.from(text), MEDIA.wasmConfig);
  await repository.putManifest(artifact({ config, layer, manifest }), tag);
}
