// Whether a version may come in, as far as it is about where it comes from: every rule by name. Of facts alone: what was proven of it, what the registry says, what
// came before. Whoever asks has verified the signatures.

import semver from "semver";
import { shownDuration } from "../bounds/durations.ts";
import { printable } from "../core/names.ts";
import { dependenciesOf } from "../manifest/dependencies.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { cardOf } from "./card.ts";
import { lookAlikeOf } from "./look-alikes.ts";
import { type Publisher, publisherOf } from "./publishers.ts";
import { type RevocationList, revocationOf } from "./revocations.ts";
import { type Signer, signerName } from "./signers.ts";

/** What is known of where a package came from. */
export interface Origin {
  /** Who has signed it: proven. */
  readonly signers: readonly Signer[];
  /** Of all its files; undefined where nobody has signed. */
  readonly contentSha256?: string | undefined;
  /** When the registry says that it was published, in milliseconds since 1970. */
  readonly publishedAt?: number | undefined;
  /** The registry's account that published it. */
  readonly publishedBy?: string | undefined;
  /** The registry's accounts that may publish it. */
  readonly maintainers?: readonly string[] | undefined;
  /** What was found when it came, and holds as long as it is not fetched anew. */
  readonly doubts?: readonly Finding[] | undefined;
  /** When this host saw it for the first time. */
  readonly firstSeenAt: number;
}

export interface Version {
  readonly manifest: Manifest;
  readonly origin: Origin;
  readonly source: string;
  readonly wasmSha256: string;
}

/** A key that a name was first seen with, or that an operator has accepted for it. */
export interface Pin {
  readonly keyid: string;
  readonly since: number;
}

export type Freshness = "fresh" | "late" | "stale";

/** What holds at a host when a version is judged. */
export interface Standing {
  readonly mode: "require" | "warn" | "off";
  /** Of the configuration: they go before all others. */
  readonly ownPublishers: readonly Publisher[];
  readonly policy: { readonly publishers: readonly Publisher[]; readonly unlisted: "refuse" | "first-use" } | undefined;
  readonly pins: readonly Pin[];
  readonly revocations: readonly RevocationList[];
  /** Of what was fetched, by the name that messages have for it. */
  readonly freshness: ReadonlyMap<string, Freshness>;
  /** Names that it could be taken for. */
  readonly knownNames: readonly string[];
  readonly minReleaseAgeMs: number;
  readonly dormantAfterMs: number;
  readonly now: number;
}

export const RULES = [
  "unsigned",
  "signature-missing",
  "bad-signature",
  "signer-changed",
  "not-a-publisher",
  "unlisted",
  "first-use",
  "second-key",
  "revoked-version",
  "revoked-digest",
  "revoked-key",
  "list-late",
  "list-stale",
  "release-too-new",
  "owner-changed",
  "new-dependency",
  "widens-after-rest",
  "look-alike",
  "could-send-away",
  "older-version",
  "not-logged",
  "log-contradicts",
  "log-lags",
  "log-broken",
  "log-unsigned",
  "log-away",
] as const;
export type Rule = (typeof RULES)[number];

/** `refused`: not while it is so. `consent`: only when an operator accepts the rule by name. `told`: it stands in the consent and the audit. */
type Verdict = "refused" | "consent" | "told";

export interface Finding {
  readonly rule: Rule;
  readonly verdict: Verdict;
  readonly message: string;
}

/** All that there is to say, the worst first. `before` is the version that is installed. */
export function judge(version: Version, before: Version | undefined, standing: Standing): readonly Finding[] {
  const found = [...(version.origin.doubts ?? []), ...revoked(version, standing), ...outdatedLists(standing)];
  if (standing.mode !== "off") {
    found.push(...signed(version, before, standing), ...released(version, standing), ...named(version, before, standing));
    found.push(...(before === undefined ? [] : changed(version, before, standing)), ...leaks(version, before));
  }
  const order: readonly Verdict[] = ["refused", "consent", "told"];
  return found.toSorted((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
}

const keyidsOf = ({ origin }: Version): readonly string[] => origin.signers.map(({ keyid }) => keyid);

function revoked(version: Version, { revocations }: Standing): Finding[] {
  const { manifest, origin, wasmSha256 } = version;
  const { name: plugin, version: number } = manifest;
  const asked = {
    ...{ plugin, version: number, wasmSha256, contentSha256: origin.contentSha256 },
    ...{ keyids: keyidsOf(version), hereSince: undefined },
  };
  return revocations.flatMap((list) => {
    const hit = revocationOf(asked, list);
    return hit === undefined ? [] : [{ rule: hit.rule, verdict: "refused", message: `it is revoked: ${printable(hit.reason)}` }];
  });
}

function outdatedLists({ freshness }: Standing): Finding[] {
  return [...freshness].flatMap(([what, state]): Finding[] => {
    if (state === "fresh") return [];
    const message = `${what} has expired, and nobody could fetch a later one`;
    if (state === "late") return [{ rule: "list-late", verdict: "told", message }];
    const remedy = '"bulkhead trust refresh" tries again; what runs goes on';
    return [{ rule: "list-stale", verdict: "refused", message: `${message}, for longer than trust.grace allows: ${remedy}` }];
  });
}

function signed(version: Version, before: Version | undefined, standing: Standing): Finding[] {
  const { name } = version.manifest;
  const own = publisherOf(name, standing.ownPublishers);
  const publisher = own ?? publisherOf(name, standing.policy?.publishers ?? []);
  const known = standing.pins.length > 0;
  const keyids = keyidsOf(version);
  const names = version.origin.signers.map(signerName);
  if (publisher === undefined && standing.policy?.unlisted === "refuse")
    return [
      {
        rule: "unlisted",
        verdict: "refused",
        message: `no publisher of the policy may publish ${name}; trust.keys or trust.sigstore of the configuration can say who may`,
      },
    ];
  if (keyids.length === 0) return [unsigned(standing.mode, publisher !== undefined || known)];
  if (publisher !== undefined) return byPublisher(version, before, publisher, own === undefined ? "the policy" : "the configuration");
  if (!known)
    return [{ rule: "first-use", verdict: "told", message: `nobody has seen ${name} here before: ${names.join(" and ")} will be its key` }];
  if (standing.pins.some(({ keyid }) => keyids.includes(keyid))) return [];
  const had = standing.pins.map(({ keyid, since }) => `${keyid} since ${new Date(since).toISOString().slice(0, 10)}`).join(", ");
  const remedy = `if its publisher says so, "bulkhead trust accept ${name} ${keyids[0]}" takes the key`;
  return [
    {
      rule: "signer-changed",
      verdict: "refused",
      message: `it is signed by ${names.join(", ")}; the key of ${name} is ${had}: ${remedy}`,
    },
  ];
}

function unsigned(mode: Standing["mode"], isExpected: boolean): Finding {
  if (isExpected)
    return { rule: "signature-missing", verdict: "refused", message: "nobody has signed it, and the publisher of its name signs" };
  if (mode === "require") return { rule: "unsigned", verdict: "refused", message: "nobody has signed it, and trust.mode is require" };
  return { rule: "unsigned", verdict: "told", message: "nobody has signed it: who made it is not known" };
}

function byPublisher(
  version: Version,
  before: Version | undefined,
  { name, keyids, threshold, toWiden }: Publisher,
  by: string,
): Finding[] {
  const count = keyidsOf(version).filter((keyid) => keyids.includes(keyid)).length;
  const plugin = version.manifest.name;
  if (count < threshold) {
    const message = `${by} lets ${printable(name)} publish ${plugin} with ${threshold} of his keys, and ${count} of them have signed it`;
    return [{ rule: "not-a-publisher", verdict: "refused", message }];
  }
  // A first version is shown whole; there is nothing that it could widen.
  if (count >= toWiden || before === undefined || !asksMore(version, before)) return [];
  const message = `it asks for more than ${before.manifest.version}, for which ${by} wants ${toWiden} keys of ${printable(name)}; ${count} have signed it`;
  return [{ rule: "second-key", verdict: "refused", message }];
}

function asksMore({ manifest }: Version, before: Version | undefined): boolean {
  const had = new Set((before?.manifest.permissions ?? []).map(({ permission, resource }) => `${permission} ${resource}`));
  return manifest.permissions.some(({ permission, resource }) => !had.has(`${permission} ${resource}`));
}

/** Only what comes from a registry has an age: a folder is the operator's own affair. */
function released({ origin, source }: Version, { minReleaseAgeMs, now }: Standing): Finding[] {
  const isOwn = /^(?:folder|tarball):/.test(source);
  // A clock that is wrong, and a registry that says next year, make nothing older.
  const age = now - Math.min(now, origin.publishedAt ?? origin.firstSeenAt);
  if (isOwn || age >= minReleaseAgeMs) return [];
  const since = origin.publishedAt === undefined ? "was first seen here" : "was published";
  const message = `it ${since} ${shownDuration(age)} ago; trust.minReleaseAge is ${shownDuration(minReleaseAgeMs)}`;
  return [{ rule: "release-too-new", verdict: "consent", message }];
}

function named({ manifest }: Version, before: Version | undefined, { knownNames }: Standing): Finding[] {
  const like = before === undefined ? lookAlikeOf(manifest.name, knownNames) : undefined;
  if (like === undefined) return [];
  return [{ rule: "look-alike", verdict: "consent", message: `its name ${manifest.name} looks like ${like}, which is another plugin` }];
}

function changed(version: Version, before: Version, { dormantAfterMs, now }: Standing): Finding[] {
  const found: Finding[] = [];
  const was = before.manifest;
  const { manifest, origin } = version;
  if (semver.lt(manifest.version, was.version))
    found.push({
      rule: "older-version",
      verdict: "consent",
      message: `it is older than ${was.version}, which is installed: a mirror lags, or somebody plays an old version again`,
    });
  found.push(...owners(origin, before.origin));
  const had = new Set(dependenciesOf(was).map(({ plugin }) => plugin));
  const added = dependenciesOf(manifest).filter(({ plugin }) => !had.has(plugin));
  if (added.length > 0) {
    const names = added.map(({ plugin, range, source }) => `${plugin} ${range}${source === undefined ? "" : ` from ${printable(source)}`}`);
    found.push({ rule: "new-dependency", verdict: "consent", message: `it needs what ${was.version} did not: ${names.join(", ")}` });
  }
  const rest = (origin.publishedAt ?? now) - (before.origin.publishedAt ?? before.origin.firstSeenAt);
  if (rest >= dormantAfterMs && asksMore(version, before))
    found.push({ rule: "widens-after-rest", verdict: "consent", message: `it asks for more, ${shownDuration(rest)} after ${was.version}` });
  return found;
}

/** Accounts of a registry are no proof; that they are others is a reason to look. */
function owners(now: Origin, before: Origin): Finding[] {
  const had = [...(before.maintainers ?? []), ...(before.publishedBy === undefined ? [] : [before.publishedBy])];
  const has = [...(now.maintainers ?? []), ...(now.publishedBy === undefined ? [] : [now.publishedBy])];
  if (had.length === 0 || has.length === 0) return [];
  const shown = (names: readonly string[]): string => [...new Set(names)].map(printable).join(", ");
  const isSold = !has.some((name) => had.includes(name));
  const isNew = now.publishedBy !== undefined && !had.includes(now.publishedBy);
  if (!isSold && !isNew) return [];
  const message = isSold
    ? `its owners at the registry are others: ${shown(has)}; they were ${shown(had)}`
    : `${printable(now.publishedBy ?? "")} has published it, who was none of its owners: ${shown(had)}`;
  return [{ rule: "owner-changed", verdict: "consent", message }];
}

/** What is worth stealing and could leave; in an update only when it is more than before. */
function leaks({ manifest }: Version, before: Version | undefined): Finding[] {
  const { couldSendAway, reaches } = cardOf(manifest);
  const had = before === undefined ? undefined : cardOf(before.manifest);
  const isKnown =
    had !== undefined && [...couldSendAway, ...reaches].every((line) => [...had.couldSendAway, ...had.reaches].includes(line));
  if (couldSendAway.length === 0 || isKnown) return [];
  const message = `it ${couldSendAway.map(printable).join(", ")}, and ${reaches.map(printable).join(", ")}: it could send the one to the other`;
  return [{ rule: "could-send-away", verdict: "consent", message }];
}
