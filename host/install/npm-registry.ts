// Asks an npm registry which version is meant and brings its tarball into memory, no larger than allowed and with the hash that was announced. Runs
// no script of a package, unpacks nothing and resolves no dependencies.

import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import type Pacote from "pacote";
import semver from "semver";
import { z } from "zod";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { type NpmSettings, readNpmSettings, registryOf } from "./npm-settings.ts";
import { checkPackedSize } from "./tarball.ts";

export interface RegistryOptions {
  /** Keeps what registries say of their packages, so that it need not come again. */
  readonly cacheDir: string;
  /** Instead of npm's own settings. */
  readonly registry?: string | undefined;
}

export interface NpmSpec {
  readonly name: string;
  /** A version, a range or a tag. */
  readonly wanted: string;
}

export interface NpmVersion {
  readonly name: string;
  readonly version: string;
  /** SHA-512, in the form of Subresource Integrity. */
  readonly integrity: string;
  readonly url: string;
}

const TIMEOUTS = { timeout: 60_000, fetchRetries: 2, fetchRetryMintimeout: 200, fetchRetryMaxtimeout: 2_000 } as const;
const DOWNLOAD_MS = 300_000;
const NOT_THERE: ReadonlySet<string> = new Set(["E404", "ETARGET", "ENOVERSIONS", "ENOTARGET"]);
const NOT_ALLOWED: ReadonlySet<string> = new Set(["E401", "E403", "EOTP"]);

const answerSchema = z.looseObject({
  name: z.string(),
  version: z.string().refine((text) => semver.valid(text) === text),
  dist: z.looseObject({ tarball: z.url({ protocol: /^https?$/ }), integrity: z.string().optional() }),
});

/**
 * Without downloading it. Rejects with HostError `invalid-message` when there is no such package or version, `http-failed` when the registry cannot
 * be asked, `invalid-manifest` when it announces no SHA-512.
 */
export async function resolveNpm({ name, wanted }: NpmSpec, { cacheDir, registry }: RegistryOptions): Promise<NpmVersion> {
  const settings = await readNpmSettings(registry);
  const label = `${name}@${printable(wanted)}`;
  const options = { ...settings, ...TIMEOUTS, cache: cacheDir, preferOnline: true };
  const pacote = await loadPacote();
  const answer = await pacote.manifest(`${name}@${wanted}`, options).catch((cause: unknown) => {
    throw refusal(cause, label, registryOf(settings, name));
  });
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success || parsed.data.name !== name)
    throw new HostError("http-failed", `${registryOf(settings, name)} says nothing usable of ${label}; check that it is an npm registry`);
  const { version, dist } = parsed.data;
  const integrity = dist.integrity?.split(/\s+/).find((hash) => hash.startsWith("sha512-"));
  if (integrity === undefined) {
    const remedy = "publish it again to a registry that does, or install its .tgz";
    throw new HostError(
      "invalid-manifest",
      `${registryOf(settings, name)} announces no SHA-512 for ${name}@${printable(version)}; ${remedy}`,
    );
  }
  return { name, version, integrity, url: dist.tarball };
}

/** Rejects with HostError `quota-exceeded` as soon as too much came, `invalid-manifest` for other bytes than announced, `http-failed`. */
export async function downloadNpm({ name, version, integrity, url }: NpmVersion, { registry }: RegistryOptions): Promise<Buffer> {
  const settings = await readNpmSettings(registry);
  const label = `npm:${name}@${printable(version)}`;
  const pacote = await loadPacote();
  const stop = new AbortController();
  const options = { ...downloadSettings(settings), integrity, signal: AbortSignal.any([stop.signal, AbortSignal.timeout(DOWNLOAD_MS)]) };
  // pacote would mend its cache and ask again for what it takes for damage, and its cache is npm's own unless there is one: it sees no such error.
  const receive = (stream: Readable): Promise<Buffer> =>
    collect(stream, label).catch((cause: unknown) => {
      throw refusal(cause, label, registryOf(settings, name));
    });
  try {
    const bytes = await pacote.tarball.stream(`${name}@${url}`, receive, options);
    if (sha512(bytes) !== integrity) throw notAsAnnounced(label);
    return bytes;
  } catch (cause) {
    throw refusal(cause, label, registryOf(settings, name));
  } finally {
    stop.abort();
  }
}

// It takes a quarter of a second to load, for which commands that ask no registry need not wait.
const loadPacote = async (): Promise<typeof Pacote> => (await import("pacote")).default;

/** SHA-512, in the form of Subresource Integrity. */
export const sha512 = (bytes: Uint8Array): string => `sha512-${createHash("sha512").update(bytes).digest("base64")}`;

// Without a cache: a package that is installed is kept, one that is refused must not be.
const downloadSettings = (settings: NpmSettings): object => ({ ...settings, ...TIMEOUTS, preferOnline: true });

function collect(stream: Readable, label: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on("error", reject);
    stream.on("end", () => resolve(Buffer.concat(chunks)));
    stream.on("data", (chunk: Buffer) => {
      size += chunk.length;
      try {
        checkPackedSize(size, label);
        chunks.push(chunk);
      } catch (thrown) {
        reject(thrown);
      }
    });
  });
}

function refusal(cause: unknown, label: string, registry: string): HostError {
  if (cause instanceof HostError) return cause;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (code === "EINTEGRITY") return notAsAnnounced(label, cause);
  if (NOT_THERE.has(code))
    return new HostError("invalid-message", `${label} is not at ${registry}; check its name and version, or name another registry`, {
      cause,
    });
  if (NOT_ALLOWED.has(code))
    return new HostError("http-failed", `${registry} does not give ${label} to us; log in with "npm login --registry ${registry}"`, {
      cause,
    });
  const why = printable(code === "" && cause instanceof Error ? cause.message : code);
  return new HostError("http-failed", `${registry} could not be asked for ${label} (${why}); check the network and the address`, { cause });
}

function notAsAnnounced(label: string, cause?: unknown): HostError {
  return new HostError("invalid-manifest", `${label} is not what the registry announced: its integrity, SHA-512, differs`, { cause });
}
