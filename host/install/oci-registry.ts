// Brings a plugin out of an OCI registry: the same tarball as from npm, by the digests of its manifest. Which version is meant is chosen among the tags.

import semver from "semver";
import { HostError } from "../core/errors.ts";
import { escapeControls, printable } from "../core/names.ts";
import { MANIFEST_FILE, type Manifest, parseManifest } from "../manifest/manifest.ts";
import { MAX_OCI_BUNDLE_BYTES, MAX_OCI_BUNDLES, type OciAttestations } from "../trust/oci-attestations.ts";
import { mirrored } from "./mirrors.ts";
import type { SourceOptions } from "./npm-registry.ts";
import { readNpmSettings } from "./npm-settings.ts";
import { broken, type Descriptor, digestOf, MEDIA, parseOciManifest, pluginParts } from "./oci-manifest.ts";
import { type OciPlace, type OciReference, parseOciReference, placeText, tagOfVersion, versionOfTag } from "./oci-reference.ts";
import { readReferrer, referrersOf } from "./oci-referrers.ts";
import { OciRepository } from "./oci-repository.ts";
import type { ReadPlugin } from "./plugin-folder.ts";

export interface OciPlugin {
  readonly plugin: ReadPlugin;
  readonly packed: Buffer;
  /** What others have put beside it, where that was asked for. */
  readonly attestations?: OciAttestations;
  /** Exact, such as `oci://ghcr.io/acme/thermostat:1.2.0@sha256:…`, whatever mirror it came from. */
  readonly source: string;
}

/** Beside a tag, for hosts that run bare modules. */
export const WASM_SUFFIX = "-wasm";
const LATEST = "latest";
/** How one that is not there, is too large or is none is refused. */
const NO_BUNDLE: ReadonlySet<string> = new Set(["invalid-manifest", "invalid-message", "quota-exceeded"]);

/**
 * Rejects with HostError `invalid-message` when there is no such repository or version, `http-failed` when the registry cannot be asked or sends us
 * elsewhere, `invalid-manifest` for what is no plugin, other bytes than the digests say, or another version than the tag; `quota-exceeded`.
 */
export async function fetchOci(reference: OciReference, options: SourceOptions): Promise<OciPlugin> {
  const { repository, found, layer, config, tag } = await locate(reference, options);
  const packed = await repository.blob(layer);
  const label = labelOf(reference);
  const plugin = await options.reader.readTarball(new Uint8Array(packed), label);
  if (digestOf(plugin.manifestText) !== config.digest)
    throw broken(label, `disagrees with itself: its package holds another ${MANIFEST_FILE} than the one that the registry shows`);
  requireTag(tag, plugin.manifest, label);
  const attested = options.attested === true ? { attestations: await attestationsOf(repository, found) } : {};
  return { plugin, packed, ...attested, source: `${placeText(reference)}:${tagOfVersion(plugin.manifest.version)}@${found}` };
}

/** Those beyond the first eight are not looked at, nor one that is larger than a bundle is, or refers to something else: whoever may push can put it there. */
async function attestationsOf(repository: OciRepository, digest: string): Promise<OciAttestations> {
  const referring = (await referrersOf(repository, digest, MEDIA.bundle)).slice(0, MAX_OCI_BUNDLES);
  const bundles: string[] = [];
  for (const one of referring) {
    const bytes = await readReferrer(repository, one, { subject: digest, maxBytes: MAX_OCI_BUNDLE_BYTES }).catch((thrown: unknown) => {
      if (thrown instanceof HostError && NO_BUNDLE.has(thrown.code)) return undefined;
      throw thrown;
    });
    if (bytes !== undefined) bundles.push(bytes.toString("utf8"));
  }
  return { digest, bundles };
}

/** The version that is meant, without downloading the package. Rejects like fetchOci. */
export async function resolveOci(reference: OciReference, options: SourceOptions): Promise<string> {
  const { repository, config, tag } = await locate(reference, options);
  const label = labelOf(reference);
  const manifest = parseManifest((await repository.blob(config)).toString("utf8"), `${MANIFEST_FILE} of ${label}`);
  requireTag(tag, manifest, label);
  return manifest.version;
}

/** Where a place is asked for, and with what. */
export async function repositoryOf(
  place: OciPlace,
  {
    label,
    registry,
    mirrors,
    elsewhere = {},
    mayPush = false,
  }: Omit<SourceOptions, "reader"> & { readonly label: string; readonly mayPush?: boolean },
): Promise<OciRepository> {
  const asked = parseOciReference(mirrored(placeText(place), mirrors));
  const named = Object.hasOwn(elsewhere, asked.registry) ? elsewhere[asked.registry] : [];
  const settings = await readNpmSettings(registry);
  return new OciRepository({ place: asked, label, settings, elsewhere: new Set(named), mayPush });
}

interface Located {
  readonly repository: OciRepository;
  /** Its digest. */
  readonly found: string;
  /** The one that was written, or chosen. */
  readonly tag: string | undefined;
  readonly config: Descriptor;
  readonly layer: Descriptor;
}

async function locate(reference: OciReference, options: SourceOptions): Promise<Located> {
  const label = labelOf(reference);
  const repository = await repositoryOf(reference, { ...options, label });
  const { digest, range } = reference;
  const isChosen = digest === undefined && reference.tag === undefined;
  const tag = isChosen ? newest(await repository.tags(), range) : reference.tag;
  const wanted = digest ?? tag;
  const stored = wanted === undefined ? undefined : await repository.manifest(wanted);
  if (stored === undefined)
    throw new HostError("invalid-message", `${label} is not there; check its name and version, or whether the registry lets us see it`);
  return { repository, found: stored.digest, tag, ...pluginParts(parseOciManifest(stored.bytes, stored.type, label), label) };
}

/** The tag of the greatest version in the range; where no tag is a version, `latest`. */
function newest(tags: readonly string[], range: string): string | undefined {
  const versions = tags.filter((tag) => !tag.endsWith(WASM_SUFFIX)).flatMap((tag) => versionOfTag(tag) ?? []);
  const chosen = semver.maxSatisfying(versions, range);
  if (chosen !== null) return tagOfVersion(chosen);
  return range === "*" && tags.includes(LATEST) ? LATEST : undefined;
}

/** Whoever may move a tag must not bring an old version back under a new one's name. */
function requireTag(tag: string | undefined, { version }: Manifest, label: string): void {
  const said = tag === undefined ? undefined : versionOfTag(tag);
  if (said !== undefined && said !== version)
    throw broken(label, `disagrees with itself: under the tag ${printable(tag ?? "")} lies version ${version}`);
}

function labelOf(reference: OciReference): string {
  const { tag, digest, range } = reference;
  const behind = digest === undefined ? `@${range}` : `@${digest}`;
  return escapeControls(`${placeText(reference)}${tag === undefined ? behind : `:${tag}`}`);
}
