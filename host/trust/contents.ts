// What a signature is over: the names and hashes of all files of a package, in the form that `sha256sum -c` reads. Folder, tarball, npm and OCI give the same.

import { createHash } from "node:crypto";

/** One file of a package. */
export interface ContentEntry {
  /** Below the package's folder, with `/`. */
  readonly path: string;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** The one file of a package that is not signed: a sigstore bundle in each line. */
export const SIGNATURE_FILE = "bulkhead.sig.jsonl";
/** Of a package that is signed. */
export const MAX_SIGNED_FILES = 256;
/** Of a file's path in a package. */
export const MAX_CONTENT_PATH = 512;
/** Of a package; a publisher has one key or two, and who reviews it one more. */
export const MAX_SIGNERS = 8;
export const MAX_SIGNATURE_BYTES: number = 256 * 1_024;

export const sha256Hex = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

/** Sorted by path; without the signatures. */
export function contentsOf(files: Iterable<readonly [string, Uint8Array]>): readonly ContentEntry[] {
  const entries = [...files].filter(([path]) => path !== SIGNATURE_FILE).map(([path, bytes]) => ({ path, sha256: sha256Hex(bytes) }));
  return entries.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

/** The content manifest as text. */
const contentText = (contents: readonly ContentEntry[]): string => contents.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join("");

/** The digest that stands for all of it. */
export const contentDigest = (contents: readonly ContentEntry[]): string => sha256Hex(contentText(contents));

/** In words, how two differ; at most three files. */
export function differencesOf(signed: readonly ContentEntry[], found: readonly ContentEntry[]): string {
  const was = new Map(signed.map(({ path, sha256 }) => [path, sha256]));
  const is = new Map(found.map(({ path, sha256 }) => [path, sha256]));
  const changed = [...is].filter(([path, sha256]) => was.has(path) && was.get(path) !== sha256).map(([path]) => `${path} is another one`);
  const added = [...is.keys()].filter((path) => !was.has(path)).map((path) => `${path} was not there`);
  const gone = [...was.keys()].filter((path) => !is.has(path)).map((path) => `${path} is missing`);
  return [...changed, ...added, ...gone].slice(0, 3).join(", ");
}
