// Whether a package may come in, as far as it is about where it comes from, and what became of it since: puts together what was proven, what the host remembers and
// what the operator, the policy and the lists say. The rules themselves are host/trust/rules.ts.

import { durationMs } from "../bounds/durations.ts";
import { parsePublicKey } from "../bounds/public-keys.ts";
import { HostError, toHostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Clock } from "../core/ports/clock.ts";
import { type FetchedPlugin, idOf } from "../install/package-store.ts";
import { type Manifest, parseManifest } from "../manifest/manifest.ts";
import type { SigstoreOptions } from "../manifest/trust.ts";
import { type Card, cardOf } from "../trust/card.ts";
import { contentDigest, sha256Hex } from "../trust/contents.ts";
import type { ReadLogFile } from "../trust/log/reader.ts";
import { type Publisher, publisherOf } from "../trust/publishers.ts";
import { revocationOf } from "../trust/revocations.ts";
import { type Finding, judge, type Pin, RULES, type Rule, type Standing, type Version } from "../trust/rules.ts";
import { identityKeyid, type Signer, signerName } from "../trust/signers.ts";
import type { Actor } from "./audit.ts";
import type { Stores } from "./stores.ts";
import { type FetchDocument, type Refreshed, TrustDocuments } from "./trust-documents.ts";
import type { KnownOrigin, Revoked, StoredOrigin, StoredPin } from "./trust-store.ts";

/** One who has signed, and what is known of the key here. */
export type KnownSigner = Signer & {
  /** By whose word it may sign this name: a publisher's name; undefined for a key that is only known from before. */
  readonly publisher: string | undefined;
  /** Since when the name has this key here, in ISO 8601. */
  readonly since: string | undefined;
};

/** What an operator is told of where a version comes from. */
export interface Assessment {
  readonly signers: readonly KnownSigner[];
  /** SHA-256 of its content manifest, which is what was signed. */
  readonly contentSha256: string | undefined;
  readonly publishedAt: string | undefined;
  readonly publishedBy: string | undefined;
  readonly findings: readonly Finding[];
  readonly card: Card;
}

export interface TrustPorts {
  readonly stores: Stores;
  readonly clock: Clock;
  readonly fetchDocument: FetchDocument;
  /** The files of a log below a path or an address that ends with a slash. */
  readonly readLog: (base: string) => ReadLogFile;
}

const PLAN_REFRESH_MS = 300_000;

export class Trust {
  readonly documents: TrustDocuments;
  readonly #stores: Stores;
  readonly #clock: Clock;
  readonly #readLog: TrustPorts["readLog"];
  readonly #fetchDocument: FetchDocument;
  #refreshed: number | undefined;

  constructor({ stores, clock, fetchDocument, readLog }: TrustPorts) {
    this.#stores = stores;
    this.#clock = clock;
    this.#readLog = readLog;
    this.#fetchDocument = fetchDocument;
    this.documents = new TrustDocuments({
      ...{ store: stores.trust, clock, fetch: fetchDocument },
      options: () => stores.configuration.trust,
    });
  }

  /** Verifies what was fetched, remembers what is known of it and judges it beside what is installed. Rejects with what is no fault of the package. */
  async assess(fetched: FetchedPlugin): Promise<Assessment> {
    const now = this.#clock.now();
    if (this.#refreshed === undefined || now - this.#refreshed >= PLAN_REFRESH_MS || now < this.#refreshed) await this.refresh();
    const { manifest } = fetched;
    const { signers, broken } = await this.#signersOf(fetched);
    const doubts = broken === undefined ? await this.#unlogged(manifest, signers) : [broken];
    const { at, by, maintainers } = fetched.published ?? {};
    const stored: StoredOrigin = {
      ...{ signers, doubts },
      contentSha256: fetched.contents.length === 0 ? undefined : contentDigest(fetched.contents),
      ...{ publishedAt: at, publishedBy: by, maintainers, source: fetched.source, wasmSha256: fetched.wasmSha256 },
    };
    const firstSeenAt = this.#stores.trust.saw(idOf(fetched), stored);
    const findings = await this.#judge({
      manifest,
      origin: { ...stored, firstSeenAt },
      source: fetched.source,
      wasmSha256: fetched.wasmSha256,
    });
    return {
      signers: this.#known(manifest.name, signers),
      contentSha256: stored.contentSha256,
      publishedAt: at === undefined ? undefined : new Date(at).toISOString(),
      publishedBy: by,
      findings,
      card: cardOf(manifest),
    };
  }

  /**
   * Judges a package that is here, by what was seen of it when it came. Throws HostError `admission-refused` with every reason that refuses it. Answers the rules
   * that an operator has to accept and has not.
   */
  async unaccepted({ id, manifest, wasm, accepted }: PlannedPackage): Promise<readonly Finding[]> {
    const findings = await this.#judge(this.#versionOf(this.#stores.trust.originOf(id), manifest, wasm));
    const refused = findings.filter(({ verdict }) => verdict === "refused");
    const { name, version } = manifest;
    if (refused.length > 0)
      throw new HostError("admission-refused", `${name} ${version} may not come in`, { detail: refused.map(inWords).join("\n") });
    return findings.filter(({ verdict, rule }) => verdict === "consent" && !accepted.includes(rule));
  }

  /** Throws HostError `admission-refused` for a version that was here and is not to come back: it is revoked, or of a key that is none of the name's any more. */
  async refuseReturn({ id, manifest, wasm }: Omit<PlannedPackage, "accepted">): Promise<void> {
    const findings = await this.#judge(this.#versionOf(this.#stores.trust.takenOf(id), manifest, wasm));
    const refused = findings.filter(({ rule, verdict }) => verdict === "refused" && NOT_TO_RETURN.has(rule));
    if (refused.length === 0) return;
    const { name, version } = manifest;
    throw new HostError("admission-refused", `${name} ${version} may not come back`, { detail: refused.map(inWords).join("\n") });
  }

  /** Who has signed the version that is there. */
  signersOf(plugin: string): readonly KnownSigner[] {
    const found = this.#stores.installations.find(plugin) ?? this.#stores.lock.get(plugin);
    return found === undefined ? [] : this.#known(plugin, this.#stores.trust.takenOf(found.package)?.signers ?? []);
  }

  /** Those by whom a name is known, of who has signed a package: whoever has signed beside them is nobody's word. */
  keyidsFor(plugin: string, id: string): readonly string[] {
    const known = new Set([...this.#stores.trust.pinsOf(plugin).map(({ keyid }) => keyid), ...(this.#publisherOf(plugin)?.keyids ?? [])]);
    return (this.#stores.trust.takenOf(id)?.signers ?? []).map(({ keyid }) => keyid).filter((keyid) => known.has(keyid));
  }

  /** What the audit says of where a package came from. */
  recordOf(id: string): object {
    const origin = this.#stores.trust.originOf(id);
    if (origin === undefined) return {};
    const { signers, contentSha256, publishedBy } = origin;
    return { signers: signers.map(({ keyid }) => keyid), ...(contentSha256 && { contentSha256 }), ...(publishedBy && { publishedBy }) };
  }

  /** What was seen of a package is what came in; and a name that nobody had a key for has those that have signed it, from now on. */
  settle(plugin: string, id: string, by: Actor): void {
    this.#stores.trust.take(id);
    const signers = this.#stores.trust.originOf(id)?.signers ?? [];
    if (this.#stores.trust.pinsOf(plugin).length > 0) return;
    const publisher = this.#publisherOf(plugin);
    for (const signer of signers)
      if (publisher === undefined || publisher.keyids.includes(signer.keyid)) this.#stores.trust.pin(plugin, asPin(signer), by);
  }

  /** Takes a key for a name in the place of those that it had. Throws HostError `invalid-message` for a key that nothing seen here was signed with. */
  accept(plugin: string, keyid: string, by: Actor): void {
    const found = this.#stores.trust.signerOf(keyid);
    if (found === undefined)
      throw new HostError(
        "invalid-message",
        `nothing that was seen here is signed by ${printable(keyid)}; look at it first, with "bulkhead install" or "bulkhead update" and --dry-run`,
      );
    const { trust, audit } = this.#stores;
    this.#stores.transaction(() => {
      const before = trust.pinsOf(plugin).map((pin) => pin.keyid);
      trust.unpin(plugin);
      trust.pin(plugin, asPin(found), by);
      audit.append(by, "accept-key", plugin, { keyid, before });
    });
  }

  /** Fetches policy and lists, and works out what they withdraw of what is here. Never rejects. */
  async refresh(): Promise<readonly Refreshed[]> {
    const refreshed = await this.documents.refresh();
    this.#refreshed = this.#clock.now();
    for (const { what, version, isNew, problem } of refreshed) {
      if (isNew) this.#stores.audit.append("host", "trust-document", what, { version });
      if (problem?.reason !== undefined) this.#stores.audit.append("host", "trust-refused", what, { why: problem.message });
    }
    this.applyRevocations();
    return refreshed;
  }

  /** Works out anew which of the versions that are here the lists withdraw; from then on they are as good as blocked. What a list that cannot be read has withdrawn stays so. */
  applyRevocations(): void {
    const lists = this.documents.revocations();
    const isWhole = lists.length === this.#stores.configuration.trust.revocations.length;
    const rows = this.#here().flatMap((one) =>
      lists.flatMap((list): Revoked[] => {
        const hit = revocationOf(one, list);
        return hit === undefined ? [] : [{ plugin: one.plugin, version: one.version, reason: hit.reason }];
      }),
    );
    const all = isWhole ? rows : [...rows, ...this.#stores.trust.revoked()];
    this.#stores.transaction(() => this.#stores.trust.replaceRevoked(all));
  }

  /** Every version of which a package is here. */
  #here(): readonly Parameters<typeof revocationOf>[0][] {
    const { installations, lock, trust, manifests } = this.#stores;
    const installed = installations
      .list()
      .flatMap(({ plugin, previous, pending, ...current }) =>
        [current, previous, pending]
          .filter((one) => one !== undefined)
          .map((one) => ({ ...one, plugin, signers: [] as readonly string[] })),
      );
    const locked = [...lock].map(([plugin, one]) => ({ ...one, plugin, signers: one.signers ?? [] }));
    const known = [...installed, ...locked].map(({ plugin, version, wasmSha256, package: id, signers }) => {
      const origin = trust.takenOf(id);
      const keyids = [...signers, ...(origin?.signers ?? []).map(({ keyid }) => keyid)];
      return { plugin, version, wasmSha256, contentSha256: origin?.contentSha256, keyids, hereSince: origin?.firstSeenAt };
    });
    // Of a folder that the configuration names only the version is known, which may be another than the lock has.
    const named = [...manifests].filter(([plugin, { version }]) => !known.some((one) => one.plugin === plugin && one.version === version));
    const folders = named.map(([plugin, { version }]) => ({
      ...{ plugin, version, wasmSha256: "", contentSha256: undefined, keyids: [], hereSince: undefined },
    }));
    return [...known, ...folders];
  }

  async #signersOf(fetched: FetchedPlugin): Promise<{ readonly signers: readonly Signer[]; readonly broken?: Finding }> {
    if (this.#stores.configuration.trust.mode === "off") return { signers: [] };
    const proven = await this.#provenIdentities();
    try {
      return { signers: [...(await keySigners(fetched)), ...proven(fetched)] };
    } catch (thrown) {
      const { code, message } = toHostError(thrown);
      if (code === "internal") throw thrown;
      return { signers: [], broken: { rule: "bad-signature", verdict: "refused", message } };
    }
  }

  /** What of the keys' signatures does not stand in the log that the configuration names: an identity's stands in that of its authority. A log that cannot be asked keeps out what is new and stops nothing. */
  async #unlogged({ name: plugin, version }: Manifest, signers: readonly Signer[]): Promise<readonly Finding[]> {
    const { log } = this.#stores.configuration.trust;
    if (log === undefined || signers.length === 0) return [];
    const { LogCheck, LogReader, parseNoteKey } = await import("../trust/log/checking.ts");
    const check = new LogCheck({
      reader: new LogReader(this.#readLog(log.from), parseNoteKey(log.key)),
      memory: this.#stores.logs,
      onContradiction: (origin, what) => this.#stores.audit.append("host", "log-contradicts", origin, { what }),
    });
    const doubts: Finding[] = [];
    for (const { keyid, statementSha256: statement } of signers.filter(({ kind }) => kind === "key"))
      await check.check({ plugin, version, statement, keyid }).catch((thrown: unknown) => {
        const { reason, message } = toHostError(thrown);
        doubts.push({ rule: RULES.find((rule) => rule === reason) ?? "log-away", verdict: "refused", message });
      });
    return doubts;
  }

  /** Reads the trusted root, whatever is fetched, so that a wrong one is told at once. Rejects with HostError `invalid-message`. */
  async #provenIdentities(): Promise<(fetched: FetchedPlugin) => readonly Signer[]> {
    const { sigstore } = this.#stores.configuration.trust;
    if (sigstore === undefined) return () => [];
    const { identityVerifier, MAX_ROOT_BYTES } = await import("../trust/identities.ts");
    const { verifyProvenance } = await import("../trust/provenance.ts");
    const { verifyOciAttestations } = await import("../trust/oci-attestations.ts");
    const path = sigstore.trustedRoot;
    const bytes = await this.#fetchDocument(path, { what: "trust.sigstore.trustedRoot", maxBytes: MAX_ROOT_BYTES });
    const verifier = identityVerifier(new TextDecoder().decode(bytes), path);
    return ({ attestations }) => {
      if (attestations === undefined) return [];
      return "digest" in attestations ? verifyOciAttestations(attestations, verifier) : verifyProvenance(attestations, verifier);
    };
  }

  async #judge(version: Version): Promise<readonly Finding[]> {
    return judge(version, await this.#installedVersion(version.manifest.name), this.#standing(version.manifest.name));
  }

  /** The version that is there now, installed or configured, also one that was left out because it is revoked or cannot be read. */
  async #installedVersion(plugin: string): Promise<Version | undefined> {
    const found = this.#stores.installations.find(plugin) ?? this.#stores.lock.get(plugin);
    const known = this.#stores.manifests.get(plugin);
    if (found === undefined) return known && this.#versionOf(undefined, known, undefined);
    const manifest = known ?? (await this.#stores.packages.read(found.package).catch(() => undefined))?.manifest;
    return this.#versionOf(this.#stores.trust.takenOf(found.package), manifest ?? askingNothing(plugin, found.version), undefined);
  }

  #versionOf(known: KnownOrigin | undefined, manifest: Manifest, wasm: Uint8Array | undefined): Version {
    const unknown = {
      signers: [],
      source: "folder:",
      wasmSha256: wasm === undefined ? "" : sha256Hex(wasm),
      firstSeenAt: this.#clock.now(),
    };
    const { source, wasmSha256, ...origin } = known ?? unknown;
    return { manifest, origin, source, wasmSha256 };
  }

  #standing(plugin: string): Standing {
    const { trust: options } = this.#stores.configuration;
    const policy = this.documents.policy();
    const publishers = [...this.#ownPublishers(), ...(policy?.publishers ?? [])];
    const published = publishers.flatMap(({ plugins }) => plugins).filter((pattern) => !pattern.endsWith("*"));
    return {
      mode: options.mode,
      ownPublishers: this.#ownPublishers(),
      policy,
      pins: this.#pinsOf(plugin),
      revocations: this.documents.revocations(),
      freshness: new Map(this.documents.status().map(({ what, from, freshness }) => [`${what} from ${printable(from)}`, freshness])),
      knownNames: [...this.#stores.manifests.keys(), ...this.#stores.trust.pins().map((pin) => pin.plugin), ...published],
      minReleaseAgeMs: options.minReleaseAge === undefined ? 0 : (durationMs(options.minReleaseAge) ?? 0),
      dormantAfterMs: durationMs(options.dormantAfter) ?? Number.POSITIVE_INFINITY,
      now: this.#clock.now(),
    };
  }

  /** What was accepted here goes before what the lock brought along. */
  #pinsOf(plugin: string): readonly Pin[] {
    const pins = this.#stores.trust.pinsOf(plugin);
    return pins.length > 0 ? pins : (this.#stores.lock.get(plugin)?.signers ?? []).map((keyid) => ({ keyid, since: 0 }));
  }

  #ownPublishers(): readonly Publisher[] {
    const { keys, sigstore } = this.#stores.configuration.trust;
    const withKeys = Object.entries(keys).map(([name, { publicKey, plugins }]) => {
      return { name, plugins, keyids: [parsePublicKey(publicKey).keyid], threshold: 1, toWiden: 1 };
    });
    return [...withKeys, ...identityPublishers(sigstore?.identities ?? [])];
  }

  #publisherOf(plugin: string): Publisher | undefined {
    return publisherOf(plugin, this.#ownPublishers()) ?? publisherOf(plugin, this.documents.policy()?.publishers ?? []);
  }

  #known(plugin: string, signers: readonly Signer[]): readonly KnownSigner[] {
    const publisher = this.#publisherOf(plugin);
    const pins = new Map(this.#stores.trust.pinsOf(plugin).map(({ keyid, since }) => [keyid, new Date(since).toISOString()]));
    return signers.map((signer) => ({
      ...signer,
      publisher: publisher?.keyids.includes(signer.keyid) === true ? publisher.name : undefined,
      since: pins.get(signer.keyid),
    }));
  }
}

const asPin = (signer: Signer): Pick<StoredPin, "keyid" | "publicKey"> => ({
  keyid: signer.keyid,
  publicKey: signer.kind === "identity" ? signerName(signer) : signer.publicKey,
});

/** Any of the identities that have the same pattern may sign what it matches. */
function identityPublishers(identities: SigstoreOptions["identities"]): readonly Publisher[] {
  const patterns = new Set(identities.flatMap(({ plugins }) => plugins));
  return [...patterns].map((pattern) => {
    const those = identities.filter(({ plugins }) => plugins.includes(pattern));
    const keyids = those.map(identityKeyid);
    return { name: those.map(({ subject }) => subject).join(" or "), plugins: [pattern], keyids, threshold: 1, toWiden: 1 };
  });
}

async function keySigners(fetched: FetchedPlugin): Promise<readonly Signer[]> {
  if (fetched.signatures === undefined) return [];
  // Most of what is installed is signed by nobody.
  const { verifySignatures } = await import("../trust/signatures.ts");
  return verifySignatures(fetched, fetched.signatures);
}

/** What a version that was here before may not come back with. Ages and lists that are late are for what is new. */
const NOT_TO_RETURN: ReadonlySet<Rule> = new Set([
  ...["bad-signature", "signer-changed", "not-a-publisher", "revoked-version", "revoked-digest", "revoked-key"],
] as const);

/** In the place of a version that nobody can read any more: whatever comes asks for more. */
const askingNothing = (name: string, version: string): Manifest =>
  parseManifest(JSON.stringify({ name, version, api: "0.2", wasm: "plugin.wasm" }), "plugin.json");

export interface PlannedPackage {
  /** In the package store. */
  readonly id: string;
  readonly manifest: Manifest;
  readonly wasm: Uint8Array;
  /** The rules that an operator has accepted by name. */
  readonly accepted: readonly Rule[];
}

/** As it stands among the reasons of a refusal. */
export const inWords = ({ rule, message }: Finding): string => `${message} (${rule})`;
