// `bulkhead publish --to oci://…`: a packed plugin into an OCI registry, by ourselves, with the credentials of npm's settings.

import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { parseComponent } from "../engine/component/binary/parse-component.ts";
import { isComponent } from "../engine/component/bundle.ts";
import { pushPlugin } from "../install/oci-push.ts";
import { type OciReference, parseOciReference, placeText } from "../install/oci-reference.ts";
import { repositoryOf } from "../install/oci-registry.ts";
import type { PackedFolder } from "../install/pack.ts";
import { readTarball } from "../install/tarball.ts";

export interface OciPublishOptions {
  readonly to: string;
  readonly force?: boolean;
  /** An origin that gives tokens for the registry, beside its own. */
  readonly loginAt?: string;
  readonly dryRun?: boolean;
}

/** The exact reference of what was published. Rejects with HostError. */
export async function publishToOci(
  packed: PackedFolder,
  { to, force = false, loginAt, dryRun = false }: OciPublishOptions,
): Promise<string> {
  const place = placeOf(to);
  const elsewhere = loginAt === undefined ? {} : { [place.registry]: [originOf(loginAt)] };
  const { manifest, manifestText, wasm, signatures = "" } = await readTarball(packed.tarball, packed.fileName);
  const repository = await repositoryOf(place, { label: `${placeText(place)} ${manifest.version}`, elsewhere, mayPush: true });
  const { tarball, fileName } = packed;
  const bundles = signatures.split("\n").filter((line) => line.trim() !== "");
  const pushed = { manifest, manifestText, wasm, tarball, fileName, bundles, component: namesOf(wasm) };
  return pushPlugin(repository, pushed, { place, force, dryRun });
}

function placeOf(to: string): OciReference {
  const reference = parseOciReference(to);
  if (reference.tag === undefined && reference.digest === undefined && reference.range === "*") return reference;
  throw new HostError("invalid-message", `write --to ${placeText(reference)} without a version: the tag is the version of plugin.json`);
}

function originOf(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === "https:" && url.origin === text) return text;
  throw new HostError("invalid-message", `"${printable(text)}" is no origin to log in at; write one such as https://auth.docker.io`);
}

function namesOf(wasm: Uint8Array<ArrayBuffer>): { readonly imports: readonly string[]; readonly exports: readonly string[] } | undefined {
  if (!isComponent(wasm)) return undefined;
  const { imports, exports } = parseComponent(wasm);
  return { imports: imports.map(([name]) => name), exports: [...exports.keys()] };
}
