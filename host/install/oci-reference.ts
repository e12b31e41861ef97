// How a plugin in an OCI registry is written: oci://registry/repository, with a tag, a digest or a range of versions. oci+http:// is the same without TLS.

import semver from "semver";
import { isLoopback } from "../bounds/loopback.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";

/** A repository of a registry. */
export interface OciPlace {
  readonly scheme: "oci" | "oci+http";
  /** Host, with its port if it has one of its own. */
  readonly registry: string;
  readonly repository: string;
}

export interface OciReference extends OciPlace {
  /** Without one and without a digest, the newest version in `range` is meant. */
  readonly tag: string | undefined;
  readonly digest: string | undefined;
  readonly range: string;
}

const REMEDY = "write oci://registry/repository, with :1.2.0, @sha256:… or a range such as @^1.2 behind it";
const SPEC = /^(oci|oci\+http):\/\/([^/@]+)\/([^:@]+)(?::([^@]*))?(?:@(.*))?$/s;
const COMPONENT = /^[a-z0-9]+(?:(?:[.]|__?|-+)[a-z0-9]+)*$/;
const MAX_REPOSITORY = 255;
const MAX_SPEC = 1_024;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

export const isDigest = (text: string): boolean => DIGEST.test(text);
export const isTag = (text: string): boolean => TAG.test(text);

/** Throws HostError `invalid-message`. */
export function parseOciReference(spec: string): OciReference {
  const [, scheme, host = "", path = "", tag, behind] = spec.length > MAX_SPEC ? [] : (SPEC.exec(spec) ?? []);
  const registry = hostOf(host);
  const repository = path.length <= MAX_REPOSITORY && path.split("/").every((one) => COMPONENT.test(one)) ? path : undefined;
  if ((scheme !== "oci" && scheme !== "oci+http") || registry === undefined || repository === undefined) throw noReference(spec);
  const place = { scheme, registry, repository } as const;
  if (tag !== undefined && !isTag(tag)) throw noReference(spec);
  if (behind === undefined || isDigest(behind)) return { ...place, tag, digest: behind, range: "*" };
  if (tag !== undefined || behind.trim() === "" || semver.validRange(behind) === null) throw noReference(spec);
  return { ...place, tag, digest: undefined, range: behind };
}

const noReference = (spec: string): HostError =>
  new HostError("invalid-message", `"${printable(spec)}" is no plugin of an OCI registry; ${REMEDY}`);

/** As addresses are compared; undefined for what is no host. */
function hostOf(text: string): string | undefined {
  const url = URL.parse(`https://${text}/`);
  return url !== null && url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "" ? url.host : undefined;
}

/** Without a version. */
export const placeText = ({ scheme, registry, repository }: OciPlace): string => `${scheme}://${registry}/${repository}`;

/** Where requests go. Without TLS only to this machine, and where the operator wrote that it has none. */
export function originOf({ scheme, registry }: OciPlace): URL {
  const isPlain = scheme === "oci+http" || isLoopback(URL.parse(`https://${registry}/`)?.hostname ?? "");
  return new URL(`${isPlain ? "http" : "https"}://${registry}/`);
}

/** The tag under which a version lies: tags have no plus sign. */
export const tagOfVersion = (version: string): string => version.replace("+", "_");

/** Undefined for a tag that is no version. */
export function versionOfTag(tag: string): string | undefined {
  const text = tag.replace("_", "+");
  return /^\d/.test(text) && semver.valid(text) !== null ? text : undefined;
}

/** Whether what was written means what lies there, in this version. */
export function isMeant(wanted: OciReference, found: OciReference, version: string): boolean {
  if (placeText(wanted) !== placeText(found)) return false;
  if (wanted.digest !== undefined) return wanted.digest === found.digest;
  if (wanted.tag !== undefined) return (versionOfTag(wanted.tag) ?? version) === version;
  // Without a version to be had, `latest` was meant.
  return wanted.range === "*" || semver.satisfies(version, wanted.range);
}
