// How a NATS server is reached, and as whom: the same words wherever the configuration names one.

import { readFileSync, statSync } from "node:fs";
import { z } from "zod";
import { isLoopback } from "../../bounds/loopback.ts";
import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";

export interface NatsOptions {
  /** Such as `nats://127.0.0.1:4222` or `tls://nats.example:4222`; beyond this machine only the latter. */
  readonly servers: readonly string[];
  /** The file of the nkey seed by which the servers know this host. */
  readonly keyFile?: string | undefined;
  readonly tls?: { readonly ca?: string | undefined; readonly cert?: string | undefined; readonly key?: string | undefined } | undefined;
  /** What all streams and subjects begin with: another one is another cluster. */
  readonly prefix: string;
  /** For one question. */
  readonly timeoutMs: number;
}

export const NATS_PACKAGES: Readonly<Record<string, string>> = { "@nats-io/transport-node": "^3.4.0", "@nats-io/jetstream": "^3.4.0" };

const MAX_SERVERS = 32;
const MAX_FILE_BYTES = 64 * 1_024;
/** Of a user, as nkeys are written. */
const SEED = /^SU[A-Z2-7]{56}$/;

/** To be spread into a schema. */
export const natsShape: { readonly [K in keyof Required<NatsOptions>]: z.ZodType<NatsOptions[K]> } = {
  servers: z.array(z.string().min(1).max(253)).min(1).max(MAX_SERVERS),
  keyFile: z.string().min(1).optional(),
  tls: z
    .strictObject({ ca: z.string().min(1).optional(), cert: z.string().min(1).optional(), key: z.string().min(1).optional() })
    .optional(),
  prefix: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,15}$/, "write 1 to 16 lower-case letters, digits and hyphens, beginning with a letter")
    .default("bh"),
  timeoutMs: z.int().min(100).max(60_000).default(5_000),
};

export const natsOptions: z.ZodType<NatsOptions> = z.strictObject(natsShape);

/** Where the servers answer a host with this public key, and nobody else may listen. */
export const inboxOf = (publicKey: string): string => `_INBOX_${publicKey}`;

/** What is to be known before the first byte is sent. */
export interface NatsAddress {
  /** `host:port`. */
  readonly servers: readonly string[];
  readonly seed: Uint8Array | undefined;
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined;
}

/** Throws HostError `invalid-message` for what is no address, would go over a network in clear, or lacks its file. */
export function natsAddress({ servers, keyFile, tls }: NatsOptions): NatsAddress {
  const urls = servers.map(parsed);
  const isSecure = urls.some(({ protocol }) => protocol === "tls:") || tls !== undefined;
  for (const { protocol, hostname, host } of urls)
    if (protocol !== "tls:" && !isLoopback(hostname))
      throw refused(
        `servers names nats://${host}, which is not this machine, in clear: write tls://${host}, and tls.ca if its authority is your own`,
      );
  return {
    servers: urls.map(({ hostname, port }) => `${hostname}:${port === "" ? "4222" : port}`),
    seed: keyFile === undefined ? undefined : seedIn(keyFile),
    tls: isSecure ? certificates(tls ?? {}) : undefined,
  };
}

function parsed(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["nats:", "tls:"].includes(url.protocol) || url.hostname === "")
    throw refused(`servers has ${printable(text)}; write nats://host:port or tls://host:port`);
  if (url.username !== "" || url.password !== "")
    throw refused("servers has a password, which anybody can read there; write keyFile instead");
  return url;
}

function seedIn(file: string): Uint8Array {
  const text = read("keyFile", file);
  if ((statSync(file).mode & 0o077) !== 0) throw refused(`others may read keyFile (${file}): chmod 600 ${file}`);
  const seed = text.split("\n").find((line) => SEED.test(line.trim()));
  if (seed === undefined) throw refused(`keyFile (${file}) has no seed of a user's nkey, which begins with SU`);
  return new TextEncoder().encode(seed.trim());
}

function certificates(tls: NonNullable<NatsOptions["tls"]>): NonNullable<NatsAddress["tls"]> {
  if ((tls.cert === undefined) !== (tls.key === undefined)) throw refused("tls has one of cert and key; it needs both, or neither");
  const files = Object.entries(tls).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(files.map(([name, file]) => [name, read(`tls.${name}`, file)]));
}

function read(option: string, file: string): string {
  let size: number;
  try {
    size = statSync(file).size;
  } catch (cause) {
    throw refused(`${option} (${printable(file)}) cannot be read`, cause);
  }
  if (size > MAX_FILE_BYTES) throw refused(`${option} (${printable(file)}) has ${size} bytes; the limit is ${MAX_FILE_BYTES}`);
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw refused(`${option} (${printable(file)}) cannot be read`, cause);
  }
}

const refused = (why: string, cause?: unknown): HostError => new HostError("invalid-message", `the NATS servers: ${why}`, { cause });
