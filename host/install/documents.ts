// The bytes of a document that an operator named by a file's path or an address: policies, lists of what was revoked, indexes, tiles of a log. Whether it is to be
// believed is for whoever reads it.

import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { readPlainFile } from "../bounds/files.ts";
import { isLoopback } from "../bounds/loopback.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { askInWords, unreachable } from "./asking.ts";
import { type Mirrors, mirrored } from "./mirrors.ts";
import { readNpmSettings } from "./npm-settings.ts";

export interface DocumentOptions {
  /** How messages call it, such as `the policy`. */
  readonly what: string;
  readonly maxBytes: number;
  readonly mirrors?: Mirrors | undefined;
  /** Of all tries together; 30 seconds by default. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;
const ACCEPT = "application/json, application/octet-stream;q=0.9, */*;q=0.1";
const WEB = /^https?:\/\//i;
const NOT_THERE: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR"]);
// A letter alone is a drive.
const SCHEME = /^[a-z][a-z0-9+.-]+:/i;

/**
 * Rejects with HostError `invalid-message` for a file or a document that is not there, and for an address that is neither https nor this machine's;
 * `quota-exceeded` above `maxBytes`, `http-failed` when nobody answers, or is not who was asked.
 */
export async function fetchDocument(place: string, options: DocumentOptions): Promise<Buffer> {
  const found = await findDocument(place, options);
  if (found !== undefined) return found;
  throw new HostError("invalid-message", `${options.what} is not at ${printable(place)}; check the place`);
}

/** Documents below a path or an address that ends with a slash, by the rest of it; undefined for one that is not there. Rejects as fetchDocument does. */
export const documentsBelow =
  (base: string, options: Omit<DocumentOptions, "maxBytes">) =>
  (path: string, maxBytes: number): Promise<Buffer | undefined> =>
    findDocument(`${base}${path}`, { ...options, maxBytes });

async function findDocument(place: string, options: DocumentOptions): Promise<Buffer | undefined> {
  const found = WEB.test(place) ? mirrored(URL.parse(place)?.href ?? place, options.mirrors) : place;
  if (WEB.test(found)) return findOnWeb(found, options);
  if (found.startsWith("file:")) return findFile(pathOf(found, options), options);
  if (SCHEME.test(found))
    throw new HostError("invalid-message", `"${printable(place)}" is no place for ${options.what}; write a path, or an https:// address`);
  return findFile(resolve(found), options);
}

function pathOf(address: string, { what }: DocumentOptions): string {
  try {
    return fileURLToPath(address);
  } catch (cause) {
    throw new HostError("invalid-message", `"${printable(address)}" is no place for ${what}; write file:/// and an absolute path`, {
      cause,
    });
  }
}

async function findFile(path: string, { maxBytes, what }: DocumentOptions): Promise<Buffer | undefined> {
  // What an operator names may be a link; what that leads to may not.
  const real = await realpath(path).catch((cause: NodeJS.ErrnoException) => (NOT_THERE.has(cause.code) ? undefined : path));
  return real === undefined ? undefined : readPlainFile(real, { code: "invalid-message", maxBytes, remedy: `${what} is expected there` });
}

async function findOnWeb(address: string, { what, maxBytes, timeoutMs = TIMEOUT_MS }: DocumentOptions): Promise<Buffer | undefined> {
  const url = safeAddress(address, what);
  const shown = `${url.origin}${url.pathname}`;
  const asked = { label: what, registry: url.origin };
  const tooLarge = (): HostError =>
    new HostError("quota-exceeded", `${shown} has more than ${maxBytes} bytes, which is the limit for ${what}`);
  const request = { url, accept: ACCEPT, encoding: "identity", maxBytes, tooLarge, timeoutMs } as const;
  const { status, body, encoding } = await askInWords(asked, request, await readNpmSettings());
  if (status === 404 || status === 410) return undefined;
  if (status === 401 || status === 403)
    throw new HostError("http-failed", `${url.origin} does not give ${what} to us; write credentials for //${url.host}/ into your .npmrc`);
  if (status !== 200) throw unreachable(asked, new Error(`HTTP ${status}`));
  if (encoding === "identity") return body;
  throw new HostError("http-failed", `${url.origin} packs ${what}; it has to come as it is`);
}

function safeAddress(address: string, what: string): URL {
  const url = URL.parse(address);
  const isSafe = url !== null && (url.protocol === "https:" || isLoopback(url.hostname));
  if (isSafe && url.username === "" && url.password === "") return url;
  const remedy = "write https://, and credentials into your .npmrc";
  throw new HostError("invalid-message", `"${printable(address)}" is no address for ${what}; ${remedy}`);
}
