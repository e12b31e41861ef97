// Asks an npm registry which version is meant and brings its tarball into memory, from the registry's own origin, no larger than allowed and with the
// hash that was announced. No library sees an address or a name that a registry gives: none could take it for something else, such as a git repository.

import { createHash } from "node:crypto";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { askInWords, unreachable } from "./asking.ts";
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
}

export interface NpmVersion {
  readonly name: string;
  readonly version: string;
  /** SHA-512, in the form of Subresource Integrity. */
  readonly integrity: string;
  /** At the registry's own origin. */
  readonly url: URL;
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
  const { version, integrity, tarball, published } = await reader.chooseVersion({ body, encoding, registry }, spec);
  return { name, version, integrity, url: ownAddress(atMirror(mirrored(tarball, mirrors), base), base), published };
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

/** SHA-512, in the form of Subresource Integrity. */
export const sha512 = (bytes: Uint8Array): string => `sha512-${createHash("sha512").update(bytes).digest("base64")}`;

async function ask(label: string, registry: string, settings: NpmSettings, asked: RegistryRequest): Promise<RegistryAnswer> {
  const answer = await askInWords({ label, registry }, asked, settings);
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
