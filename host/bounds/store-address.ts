// Where a store is that plugins keep their data in, and how it is reached: by an URL, whose password stands in a secret and not in the configuration.

import { readFileSync } from "node:fs";
import { z } from "zod";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";

/** The destination that a secret needs to be the address of a store. No plugin can send one there. */
export const STORE_DESTINATION = "drivers.storage";

export interface StoreAddressOptions {
  /** Without a password. */
  readonly url?: string | undefined;
  /** The name of a secret that is the whole URL. */
  readonly urlSecret?: string | undefined;
  /** Encrypted and the server's name checked; always, but to this machine. `ca` is the path of the authority's certificate. */
  readonly tls?: boolean | { readonly ca: string } | undefined;
}

/** To be spread into a schema. */
export const storeAddressShape: { readonly [K in keyof Required<StoreAddressOptions>]: z.ZodType<StoreAddressOptions[K]> } = {
  url: z.string().min(1).optional(),
  urlSecret: z.string().min(1).optional(),
  tls: z.union([z.boolean(), z.strictObject({ ca: z.string().min(1) })]).optional(),
};

export interface StoreAddress {
  readonly url: URL;
  /** For Node's TLS; undefined in clear. */
  readonly tls: { readonly ca?: string; readonly servername?: string } | undefined;
}

interface Secrets {
  find(name: string): { readonly value: string; mayGoTo(destination: string): boolean } | undefined;
}

const HERE = new Set(["", "localhost", "127.0.0.1", "[::1]"]);

/** `protocols` with their colons. Throws HostError `invalid-message`; never with the URL in it, which may hold a password. */
export function storeAddress(options: StoreAddressOptions, secrets: Secrets, protocols: readonly string[]): StoreAddress {
  const url = parsed(textOf(options, secrets), protocols);
  if (options.urlSecret === undefined && url.password !== "")
    throw refused("url has a password, which anybody can read there; keep the whole URL as a secret and write its name as urlSecret");
  if (["sslmode", "sslrootcert", "tls", "ssl"].some((name) => url.searchParams.has(name)))
    throw refused("the URL says itself how it is encrypted; write tls beside it");
  const { tls = !HERE.has(url.hostname) } = options;
  if (tls === false) return { url, tls: undefined };
  return { url, tls: { servername: url.hostname, ...(tls === true ? {} : { ca: certificate(tls.ca) }) } };
}

function textOf({ url, urlSecret }: StoreAddressOptions, secrets: Secrets): string {
  if ((url === undefined) === (urlSecret === undefined)) throw refused("write url, or urlSecret with the name of a secret, one of them");
  if (urlSecret === undefined) return url ?? "";
  const secret = secrets.find(urlSecret);
  if (secret?.mayGoTo(STORE_DESTINATION) === true) return secret.value;
  const command = `bulkhead secret set ${printable(urlSecret)} --to ${STORE_DESTINATION}`;
  throw refused(`there is no secret ${printable(urlSecret)} for it; "${command}" makes one`);
}

function parsed(text: string, protocols: readonly string[]): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && protocols.includes(url.protocol)) return url;
  throw refused(`its URL is none of ${protocols.map((protocol) => `${protocol}//`).join(", ")}`);
}

function certificate(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new HostError("invalid-message", `the storage driver's tls.ca (${printable(path)}) cannot be read`, { cause });
  }
}

const refused = (why: string): HostError => new HostError("invalid-message", `the storage driver's address: ${why}`);
