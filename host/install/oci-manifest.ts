// What lies in an OCI registry: manifests, indexes and what they describe, read within bounds; and which of them is a plugin.

import { createHash } from "node:crypto";
import { z } from "zod";
import { isJsonWithin } from "../bounds/json.ts";
import { parseJsonInput } from "../bounds/json-input.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { isDigest } from "./oci-reference.ts";
import { MAX_MANIFEST_BYTES } from "./plugin-folder.ts";
import { PACKED_BYTES, packedTooLarge } from "./tarball.ts";

export const MEDIA = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  empty: "application/vnd.oci.empty.v1+json",
  plugin: "application/vnd.bulkhead.plugin.v1",
  pluginConfig: "application/vnd.bulkhead.plugin.config.v1+json",
  pluginPackage: "application/vnd.bulkhead.plugin.package.v1.tar+gzip",
  wasmConfig: "application/vnd.wasm.config.v0+json",
  wasm: "application/wasm",
  bundle: "application/vnd.dev.sigstore.bundle.v0.3+json",
} as const;

export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:` and 64 digits. */
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

export interface OciManifest {
  readonly artifactType?: string | undefined;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor | undefined;
}

/** Of a manifest; the largest of our own has 2 KiB. */
export const MANIFEST_BYTES: number = 64 * 1_024;
const JSON_LIMITS = { maxValues: 10_000, maxDepth: 16 } as const;
const MAX_LAYERS = 64;
/** Of what refers to one manifest. */
export const MAX_REFERRERS = 256;

const mediaType = z.string().min(1).max(256);
const descriptor = z.object({
  mediaType,
  digest: z.string().refine(isDigest, "only digests by sha256 are read"),
  size: z.int().nonnegative(),
  artifactType: mediaType.optional(),
  annotations: z.record(z.string().max(256), z.string().max(4_096)).optional(),
});
const common = { schemaVersion: z.literal(2), mediaType: mediaType.optional() };
const manifestSchema = z.object({
  ...common,
  artifactType: mediaType.optional(),
  config: descriptor,
  layers: z.array(descriptor).max(MAX_LAYERS),
  subject: descriptor.optional(),
});
const indexSchema = z.object({ ...common, manifests: z.array(descriptor).max(MAX_REFERRERS) });

export const digestOf = (bytes: Uint8Array | string): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** `type` is the one that it came with. Throws HostError `invalid-manifest`. */
export function parseOciManifest(bytes: Uint8Array, type: string, label: string): OciManifest {
  if (type !== MEDIA.manifest)
    throw broken(label, `is ${type === MEDIA.index ? "an index of several images" : `"${printable(type)}"`}, and no artifact of a plugin`);
  return parsed(manifestSchema, bytes, type, label);
}

/** What an index names. Throws HostError `invalid-manifest`. */
export function parseOciIndex(bytes: Uint8Array, type: string, label: string): readonly Descriptor[] {
  if (type !== MEDIA.index) throw broken(label, `came as "${printable(type)}"; an index is wanted`);
  return parsed(indexSchema, bytes, type, label).manifests;
}

function parsed<T extends { readonly mediaType?: string | undefined }>(
  schema: z.ZodType<T>,
  bytes: Uint8Array,
  type: string,
  label: string,
): T {
  if (!isJsonWithin(bytes, JSON_LIMITS))
    throw broken(label, `holds more than ${JSON_LIMITS.maxValues} values, or nests deeper than ${JSON_LIMITS.maxDepth}`);
  const result = schema.safeParse(asJson(bytes, label));
  if (!result.success) {
    const [issue] = result.error.issues;
    throw broken(label, `has no usable manifest: ${printable(issue?.path.join(".") ?? "")} ${printable(issue?.message ?? "")}`);
  }
  if (result.data.mediaType === undefined || result.data.mediaType === type) return result.data;
  throw broken(label, `disagrees with itself: it came as ${type} and says ${printable(result.data.mediaType)}`);
}

function asJson(bytes: Uint8Array, label: string): unknown {
  try {
    return parseJsonInput(bytes, label);
  } catch (cause) {
    throw broken(label, "has a manifest that is no JSON", cause);
  }
}

/** What a plugin's artifact is made of. Throws HostError `invalid-manifest` for another artifact, `quota-exceeded` for one that is too large. */
export function pluginParts(manifest: OciManifest, label: string): { readonly config: Descriptor; readonly layer: Descriptor } {
  const { artifactType, config, layers } = manifest;
  if (config.mediaType === MEDIA.wasmConfig)
    throw broken(
      label,
      'is a bare module for other hosts; the plugin lies under the same tag without "-wasm", if "bulkhead publish" put it there',
    );
  if ((artifactType ?? config.mediaType) !== MEDIA.plugin || config.mediaType !== MEDIA.pluginConfig)
    throw broken(label, `is "${printable(artifactType ?? config.mediaType)}", and no plugin; "bulkhead publish --to" makes one`);
  const [layer, ...others] = layers;
  if (layer?.mediaType !== MEDIA.pluginPackage || others.length > 0)
    throw broken(label, "has other layers than the one of a plugin's package; publish it again");
  if (layer.size > PACKED_BYTES) throw packedTooLarge(label);
  if (config.size > MAX_MANIFEST_BYTES)
    throw new HostError("quota-exceeded", `${label} has a manifest of more than ${MAX_MANIFEST_BYTES / 1_024} KiB, which is the limit`);
  return { config, layer };
}

export const broken = (label: string, why: string, cause?: unknown): HostError =>
  new HostError("invalid-manifest", `${label} ${why}`, { cause });
