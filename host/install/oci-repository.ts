// One repository of an OCI registry, by the distribution specification: manifests, blobs and tags of it, each within bounds and with the digest that it was
// asked for by. What they mean is not known here.

import { isJsonWithin } from "../bounds/json.ts";
import { parseJsonInput } from "../bounds/json-input.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { askInWords, unreachable } from "./asking.ts";
import { credentialsFor, type NpmSettings, ownAddress } from "./npm-settings.ts";
import { loginAt } from "./oci-login.ts";
import { broken, type Descriptor, digestOf, MANIFEST_BYTES, MEDIA } from "./oci-manifest.ts";
import { isDigest, isTag, type OciPlace, originOf } from "./oci-reference.ts";
import type { Elsewhere, RegistryAnswer, RegistryRequest } from "./registry-client.ts";

export interface RepositoryOptions {
  readonly place: OciPlace;
  /** How messages call what is asked for. */
  readonly label: string;
  readonly settings: NpmSettings;
  readonly elsewhere: Elsewhere;
  readonly mayPush?: boolean;
}

/** A manifest or an index as it came. */
export interface StoredManifest {
  readonly bytes: Buffer;
  readonly digest: string;
  /** Of its content. */
  readonly type: string;
}

/** What is put there: a manifest or an index, as JSON. */
export type Artifact = Readonly<Record<string, unknown>> & { readonly mediaType: string };

type Request = Partial<Pick<RegistryRequest, "method" | "accept" | "body" | "maxBytes" | "tooLarge" | "timeoutMs">> & { readonly url: URL };

const ANSWER_BYTES = 64 * 1_024;
const ASK_MS = 60_000;
const TRANSFER_MS = 300_000;
const MANIFESTS = `${MEDIA.manifest}, ${MEDIA.index}`;
const BLOB = "application/octet-stream";
const TAGS = { perPage: 1_000, pageBytes: 1_024 * 1_024, pages: 20, all: 10_000 } as const;
const NEXT = /^\s*<([^<>]{1,2048})>\s*;\s*rel="?next"?/;

export class OciRepository {
  readonly #options: RepositoryOptions;
  readonly #origin: URL;
  readonly #base: URL;
  #authorization: string | undefined;

  constructor(options: RepositoryOptions) {
    this.#options = options;
    this.#origin = originOf(options.place);
    this.#base = new URL(`v2/${options.place.repository}/`, this.#origin);
  }

  /** Undefined when there is none. Rejects with HostError `invalid-manifest` for other bytes than the digest's, `http-failed`, `quota-exceeded`. */
  async manifest(reference: string, maxBytes: number = MANIFEST_BYTES): Promise<StoredManifest | undefined> {
    const answer = await this.#ask({ url: this.#address("manifests", reference), accept: MANIFESTS, maxBytes });
    if (answer.status === 404) return undefined;
    this.#require(answer, 200);
    const digest = digestOf(answer.body);
    const said = answer.header("docker-content-digest");
    for (const wanted of [isDigest(reference) ? reference : undefined, said])
      if (wanted !== undefined && wanted !== digest) throw this.#changed(wanted);
    return { bytes: answer.body, digest, type: mediaTypeOf(answer) };
  }

  /** What refers to a manifest; undefined where the registry keeps no account of it. */
  async referrers(digest: string, maxBytes: number): Promise<StoredManifest | undefined> {
    const answer = await this.#ask({ url: this.#address("referrers", digest), accept: MEDIA.index, maxBytes });
    if (answer.status === 404) return undefined;
    this.#require(answer, 200);
    return { bytes: answer.body, digest: digestOf(answer.body), type: mediaTypeOf(answer) };
  }

  /** Stops at the size that was said. Rejects like `manifest`. */
  async blob({ digest, size }: Descriptor): Promise<Buffer> {
    const tooLarge = (): HostError => broken(this.#options.label, `sends more than the ${size} bytes that its manifest says`);
    const answer = await this.#ask({ url: this.#address("blobs", digest), maxBytes: size, tooLarge, timeoutMs: TRANSFER_MS });
    this.#require(answer, 200);
    if (answer.body.length !== size || digestOf(answer.body) !== digest) throw this.#changed(digest);
    return answer.body;
  }

  /** All of them. Rejects with HostError `quota-exceeded` when there are too many. */
  async tags(): Promise<readonly string[]> {
    const found: string[] = [];
    let url: URL | undefined = new URL(`tags/list?n=${TAGS.perPage}`, this.#base);
    for (let pages = 0; url !== undefined; pages += 1) {
      if (pages === TAGS.pages || found.length > TAGS.all) throw this.#tooManyTags();
      const answer = await this.#ask({ url, maxBytes: TAGS.pageBytes, tooLarge: () => this.#tooManyTags() });
      this.#require(answer, 200);
      found.push(...this.#tagsIn(answer.body));
      const [, next] = NEXT.exec(answer.header("link") ?? "") ?? [];
      url = next === undefined ? undefined : ownAddress(next, url);
    }
    return found;
  }

  async hasBlob(digest: string): Promise<boolean> {
    const { status } = await this.#ask({ url: this.#address("blobs", digest), method: "HEAD" });
    // A redirect leads to where it lies.
    return status === 200 || status === 307 || status === 302;
  }

  /** Uploads it unless it is there. */
  async putBlob(bytes: Uint8Array, mediaType: string): Promise<Descriptor> {
    const digest = digestOf(bytes);
    const described = { mediaType, digest, size: bytes.length };
    if (await this.hasBlob(digest)) return described;
    const begun = await this.#ask({ url: new URL("blobs/uploads/", this.#base), method: "POST" });
    this.#require(begun, 202);
    const url = ownAddress(begun.header("location") ?? "", this.#origin);
    url.searchParams.set("digest", digest);
    this.#require(await this.#ask({ url, method: "PUT", body: { type: BLOB, bytes }, timeoutMs: TRANSFER_MS }), 201);
    return described;
  }

  /** By its digest, or under a tag too. `tellsSubject` is whether the registry keeps account of what refers to what. */
  async putManifest(content: Artifact, tag?: string): Promise<Descriptor & { readonly tellsSubject: boolean }> {
    const bytes = Buffer.from(JSON.stringify(content));
    const digest = digestOf(bytes);
    const { mediaType } = content;
    const url = this.#address("manifests", tag ?? digest);
    const answer = await this.#ask({ url, method: "PUT", body: { type: mediaType, bytes } });
    this.#require(answer, 201);
    return { mediaType, digest, size: bytes.length, tellsSubject: answer.header("oci-subject") !== undefined };
  }

  #address(kind: "manifests" | "blobs" | "referrers", reference: string): URL {
    if (!isDigest(reference) && !isTag(reference))
      throw new HostError("invalid-message", `"${printable(reference)}" is no tag and no digest`);
    return new URL(`${kind}/${reference}`, this.#base);
  }

  async #ask(request: Request): Promise<RegistryAnswer> {
    const { label, elsewhere } = this.#options;
    const { maxBytes = ANSWER_BYTES } = request;
    const tooLarge = (): HostError =>
      new HostError("quota-exceeded", `${this.#origin.host} says more than ${maxBytes} bytes of ${label}, which is the limit`);
    const whole = { accept: "*/*", timeoutMs: ASK_MS, tooLarge, ...request, maxBytes, encoding: "identity", elsewhere } as const;
    const first = await this.#send(whole);
    if (first.status !== 401) return first;
    this.#authorization = await loginAt(request.url, first.header("www-authenticate"), { ...this.#options, scope: this.#scope() });
    return this.#send(whole);
  }

  /** A name and a password are shown to who asks for them; a token is there to be shown. */
  #known(url: URL): string {
    const ours = credentialsFor(url, this.#options.settings) ?? "";
    return ours.startsWith("Bearer ") ? ours : "";
  }

  async #send(request: RegistryRequest): Promise<RegistryAnswer> {
    const asked = { label: this.#options.label, registry: this.#origin.origin };
    const answer = await askInWords(
      asked,
      { ...request, authorization: this.#authorization ?? this.#known(request.url) },
      this.#options.settings,
    );
    if (answer.encoding === "identity") return answer;
    throw new HostError("http-failed", `${asked.registry} packs what was asked for as it is; check that it is an OCI registry`);
  }

  #scope(): string {
    const { place, mayPush } = this.#options;
    return `repository:${place.repository}:${mayPush === true ? "pull,push" : "pull"}`;
  }

  #require({ status }: RegistryAnswer, wanted: number): void {
    if (status === wanted) return;
    const { label } = this.#options;
    const { origin, host } = this.#origin;
    if (status === 404) throw new HostError("invalid-message", `${label} is not at ${origin}; check its name and version`);
    if (status === 401 || status === 403)
      throw new HostError("http-failed", `${origin} does not let us at ${label}; check the credentials for //${host}/ in your .npmrc`);
    throw unreachable({ label, registry: origin }, new Error(`HTTP ${status}`));
  }

  #tagsIn(body: Buffer): readonly string[] {
    const within = isJsonWithin(body, { maxValues: TAGS.all + 100, maxDepth: 4 });
    if (!within) throw this.#tooManyTags();
    const said = asRecord(parseOrNothing(body)).tags;
    // A repository without any says null.
    if (said === null) return [];
    if (!Array.isArray(said))
      throw new HostError(
        "http-failed",
        `${this.#origin.origin} says nothing usable of ${this.#options.label}; check that it is an OCI registry`,
      );
    return said.filter((tag): tag is string => typeof tag === "string" && isTag(tag));
  }

  #tooManyTags(): HostError {
    const remedy = "name a version, or its digest";
    return new HostError("quota-exceeded", `${this.#options.label} has more than ${TAGS.all} tags, which is the limit; ${remedy}`);
  }

  #changed(digest: string): HostError {
    return broken(this.#options.label, `is not what was announced: the registry gives other bytes than ${printable(digest)}`);
  }
}

const mediaTypeOf = (answer: RegistryAnswer): string => (answer.header("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";

const asRecord = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === "object" && value !== null ? { ...value } : {});

function parseOrNothing(body: Buffer): unknown {
  try {
    return parseJsonInput(body, "");
  } catch {
    return undefined;
  }
}
