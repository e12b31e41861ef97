// Asks an npm registry which version is meant and brings its tarball into memory, from the registry's own origin, no larger than allowed and with the
// hash that was announced. No library sees an address or a name that a registry gives: none could take it for something else, such as a git repository.

import { createHash } from "node:crypto";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { MAX_ATTESTATION_BYTES, type NpmAttestations } from "../trust/provenance.ts";
import { askInWords, unreachable } from "./asking.ts";
import { unpacked } from "./content-encoding.ts";
import { type Mirrors, mirrored } from "./mirrors.ts";
import { NPM_REGISTRY, type NpmSettings, ownAddress, readNpmSettings, registryOf, registryUrl } from "./npm-settings.ts";
import { type Announced, type NpmSpec, PACKUMENT_LIMITS, type PackedPackument, type Published } from "./packument.ts";
import type { ReadPlugin } from "./plugin-folder.ts";
import type { RegistryAnswer, RegistryRequest } from "./registry-client.ts";
import { PACKED_BYTES, packedTooLarge } from "./tarball.ts";

/** Reads what strangers packed, where it may run away or die. Rejects as chooseVersion and readTarball do. */
export interface PackageReader {
  chooseVersion(packed: PackedPackument, spec: NpmSpec): Promise<Announced>;
  readTarball(packed: Uint8Array<ArrayBuffer>, label: string): Promise<ReadPlugin>;
}

export interface SourceOptions {
  readonly reader: PackageReader;
  /** Instead of npm's own settings. */
  readonly registry?: string | undefined;
  readonly mirrors?: Mirrors;
  /** OCI registry → origins to which it may send us. */
  readonly elsewhere?: Readonly<Record<string, readonly string[]>>;
  /** Whether what a registry attests of a package is fetched with it. */
  readonly attested?: boolean | undefined;
}

export interface NpmVersion {
  readonly name: string;
  readonly version: string;
  /** SHA-512, in the form of Subresource Integrity. */
  readonly integrity: string;
  /** At the registry's own origin. */
  readonly url: URL;
  /** Where the registry says that attestations of it lie. */
  readonly attestations?: string | undefined;
  readonly published: Published;
}

const PACKUMENT = "application/json";
const TARBALL = "application/octet-stream, */*;q=0.1";
const ASK_MS = 60_000;
const DOWNLOAD_MS = 300_000;
const MIB = 1_024 * 1_024;
// Mirrors hand on the addresses of npm's own registry; npm too reads those as the mirror's.
const NPM_HOST = new URL(NPM_REGISTRY).hostname;

/**
 * Without downloading it. Rejects with HostError `invalid-message` when there is no such package or version, `http-failed` when the registry cannot
 * be asked or sends us elsewhere, `invalid-manifest` when it announces no SHA-512, `quota-exceeded` when it says too much.
 */
export async function resolveNpm(spec: NpmSpec, { reader, registry: named, mirrors }: SourceOptions): Promise<NpmVersion> {
  const { name, wanted } = spec;
  const settings = await readNpmSettings(named, mirrors);
  const registry = registryOf(settings, name);
  const base = registryUrl(settings, name);
  const { packedBytes } = PACKUMENT_LIMITS;
  const { body, encoding } = await ask(`${name}@${printable(wanted)}`, registry, settings, {
    url: new URL(name.replace("/", "%2f"), base),
    accept: PACKUMENT,
    maxBytes: packedBytes,
    tooLarge: () =>
      new HostError("quota-exceeded", `what ${registry} says of ${name} has more than ${packedBytes / MIB} MiB, which is the limit`),
    timeoutMs: ASK_MS,
  });
  const { version, integrity, tarball, attestations, published } = await reader.chooseVersion({ body, encoding, registry }, spec);
  return { name, version, integrity, url: ownAddress(atMirror(mirrored(tarball, mirrors), base), base), attestations, published };
}

/** Rejects with HostError `quota-exceeded` as soon as too much came, `invalid-manifest` for other bytes than announced, `http-failed`. */
export async function downloadNpm(
  { name, version, integrity, url }: NpmVersion,
  { registry: named, mirrors }: SourceOptions,
): Promise<Buffer> {
  const settings = await readNpmSettings(named, mirrors);
  const label = `npm:${name}@${printable(version)}`;
  const { body } = await ask(label, registryOf(settings, name), settings, {
    url,
    accept: TARBALL,
    maxBytes: PACKED_BYTES,
    tooLarge: () => packedTooLarge(label),
    timeoutMs: DOWNLOAD_MS,
  });
  if (sha512(body) === integrity) return body;
  throw new HostError("invalid-manifest", `${label} is not what the registry announced: its integrity, SHA-512, differs`);
}

/** What the registry attests of it, undefined when it has nothing. Rejects with HostError `http-failed`, also for what lies elsewhere, and `quota-exceeded`. */
export async function downloadAttestations(
  { name, version, attestations, integrity }: NpmVersion,
  { registry: named, mirrors }: SourceOptions,
): Promise<NpmAttestations | undefined> {
  if (attestations === undefined) return undefined;
  const settings = await readNpmSettings(named, mirrors);
  const registry = registryOf(settings, name);
  const base = registryUrl(settings, name);
  const label = `the attestations of npm:${name}@${printable(version)}`;
  const maxBytes = MAX_ATTESTATION_BYTES;
  const tooLarge = (): HostError => new HostError("quota-exceeded", `${label} have more than ${maxBytes / MIB} MiB, which is the limit`);
  const unusable = (cause: unknown): HostError => new HostError("http-failed", `${registry} gives nothing usable for ${label}`, { cause });
  const url = ownAddress(atMirror(mirrored(attestations, mirrors), base), base);
  const request = { url, accept: PACKUMENT, maxBytes, tooLarge, timeoutMs: ASK_MS };
  const answer = await askInWords({ label, registry }, request, settings);
  // Mirrors hand on packuments and not this; who wants to withhold it need not announce it either.
  if (answer.status === 404) return undefined;
  given(answer, label, registry);
  const text = Buffer.from(await unpacked(answer, { maxBytes, tooLarge, unusable })).toString("utf8");
  return { text, name, version, integrity };
}

/** SHA-512, in the form of Subresource Integrity. */
export const sha512 = (bytes: Uint8Array): string => `sha512-${createHash("sha512").update(bytes).digest("base64")}`;

async function ask(label: string, registry: string, settings: NpmSettings, asked: RegistryRequest): Promise<RegistryAnswer> {
  return given(await askInWords({ label, registry }, asked, settings), label, registry);
}

function given(answer: RegistryAnswer, label: string, registry: string): RegistryAnswer {
  const { status } = answer;
  if (status === 200) return answer;
  if (status === 404)
    throw new HostError("invalid-message", `${label} is not at ${registry}; check its name and version, or name another registry`);
  if (status === 401 || status === 403)
    throw new HostError("http-failed", `${registry} does not give ${label} to us; log in with "npm login --registry ${registry}"`);
  throw unreachable({ label, registry }, new Error(`HTTP ${status}`));
}

function atMirror(tarball: string, registry: URL): string {
  const url = URL.parse(tarball);
  return url?.hostname === NPM_HOST ? `${registry.origin}${url.pathname}` : tarball;
}
