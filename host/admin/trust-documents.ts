// The policy and the lists of revocations that the configuration names: fetched, checked, and taken only when they are later than those that are here. What cannot be
// had or does not hold changes nothing; what is here goes on until it is too old.

import { durationMs } from "../bounds/durations.ts";
import { HostError, toHostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { SignedPlace, TrustOptions } from "../manifest/trust.ts";
import { type Policy, readPolicy } from "../trust/policy.ts";
import { type Revocations, readRevocations } from "../trust/revocations.ts";
import type { Freshness } from "../trust/rules.ts";
import { type Dated, MAX_DOCUMENT_BYTES, type Quorum } from "../trust/signed-documents.ts";
import type { TrustStore } from "./trust-store.ts";

/** Rejects with HostError. */
export type FetchDocument = (place: string, rules: { readonly what: string; readonly maxBytes: number }) => Promise<Uint8Array>;

export interface TrustDocumentsPorts {
  readonly store: TrustStore;
  readonly clock: Clock;
  readonly options: () => TrustOptions;
  readonly fetch: FetchDocument;
}

/** How a document stands. */
export interface DocumentStatus {
  readonly what: string;
  readonly from: string;
  /** Undefined while none was ever had. */
  readonly version: number | undefined;
  readonly expires: string | undefined;
  readonly fetchedAt: string | undefined;
  readonly freshness: Freshness;
}

export interface Refreshed {
  readonly what: string;
  /** What is in force afterwards; undefined for nothing. */
  readonly version: number | undefined;
  readonly isNew: boolean;
  /** Why nothing came. */
  readonly problem: HostError | undefined;
}

interface Wanted {
  readonly what: string;
  readonly place: SignedPlace;
  readonly read: (text: string, quorum: Quorum, label: string) => Dated & { readonly sha256: string };
}

type Read = Dated & { readonly sha256: string };

export class TrustDocuments {
  readonly #ports: TrustDocumentsPorts;

  constructor(ports: TrustDocumentsPorts) {
    this.#ports = ports;
  }

  /** In force, however old; undefined where the configuration names none, or none was ever had. */
  policy(): Policy | undefined {
    const { policy } = this.#ports.options();
    return policy && (this.#stored(policyAt(policy)) as Policy | undefined);
  }

  revocations(): readonly Revocations[] {
    return this.#ports
      .options()
      .revocations.map((place) => this.#stored(revocationsAt(place)) as Revocations | undefined)
      .filter((list) => list !== undefined);
  }

  status(): readonly DocumentStatus[] {
    return this.#wanted().map((wanted) => {
      const found = this.#stored(wanted);
      const row = this.#ports.store.document(wanted.place.from);
      return {
        what: wanted.what,
        from: wanted.place.from,
        version: found?.version,
        expires: found?.expires,
        fetchedAt: found && row && new Date(row.fetched).toISOString(),
        freshness: this.#freshnessOf(found),
      };
    });
  }

  /** Fetches all that the configuration names. Never rejects. */
  async refresh(): Promise<readonly Refreshed[]> {
    return Promise.all(this.#wanted().map((wanted) => this.#refresh(wanted)));
  }

  async #refresh(wanted: Wanted): Promise<Refreshed> {
    const { what, place } = wanted;
    const before = this.#stored(wanted);
    try {
      const bytes = await this.#ports.fetch(place.from, { what, maxBytes: 2 * MAX_DOCUMENT_BYTES });
      const text = Buffer.from(bytes).toString("utf8");
      const found = wanted.read(text, this.#quorumOf(wanted), labelOf(wanted));
      this.#refuseOlder(wanted, before, found);
      const { version, sha256 } = found;
      const quorum = JSON.stringify(configured(place));
      this.#ports.store.putDocument(place.from, { text, quorum, version, sha256, fetched: this.#ports.clock.now() });
      return { what, version, isNew: sha256 !== before?.sha256, problem: undefined };
    } catch (thrown) {
      return { what, version: before?.version, isNew: false, problem: toHostError(thrown) };
    }
  }

  /** Versions never go back, also over an exchange of the root keys in the configuration. */
  #refuseOlder(wanted: Wanted, before: Read | undefined, found: Read): void {
    const had = this.#ports.store.document(wanted.place.from);
    if (had === undefined) return;
    const label = labelOf(wanted);
    if (found.version < had.version)
      throw new HostError("conflict", `${label} is version ${found.version}; ${had.version} was here already, and versions never go back`, {
        reason: "rolled-back",
      });
    // Else the root before it, which may be stolen, would count again.
    if (before !== undefined && "root" in before && before.root !== undefined && !("root" in found && found.root !== undefined))
      throw new HostError("conflict", `${label} names no root, and version ${had.version} does; whoever signs it says the root again`, {
        reason: "root-forgotten",
      });
    if (found.version === had.version && before !== undefined && found.sha256 !== had.sha256)
      throw new HostError(
        "conflict",
        `${label} is another version ${found.version} than the one that is here; whoever changes it counts up`,
        {
          reason: "two-of-one-version",
        },
      );
  }

  /** The configuration's keys; once a policy has named the next root, those. */
  #quorumOf(wanted: Wanted): Quorum {
    const before = this.#stored(wanted);
    return before !== undefined && "root" in before && before.root !== undefined ? (before.root as Quorum) : configured(wanted.place);
  }

  /** What is stored was checked when it came, by a root that may be another since; only that of the configuration has to be the same. */
  #stored({ place, read, what }: Wanted): Read | undefined {
    const row = this.#ports.store.document(place.from);
    if (row === undefined || row.quorum !== JSON.stringify(configured(place))) return undefined;
    return read(row.text, { keys: [], threshold: 0 }, what);
  }

  #freshnessOf(found: Read | undefined): Freshness {
    if (found === undefined) return "stale";
    const graceMs = durationMs(this.#ports.options().grace) ?? 0;
    const lateMs = this.#ports.clock.now() - Date.parse(found.expires);
    if (lateMs < 0) return "fresh";
    return lateMs < graceMs ? "late" : "stale";
  }

  #wanted(): readonly Wanted[] {
    const { policy, revocations } = this.#ports.options();
    return [...(policy === undefined ? [] : [policyAt(policy)]), ...revocations.map(revocationsAt)];
  }
}

const policyAt = (place: SignedPlace): Wanted => ({ what: "the policy", place, read: readPolicy });
const revocationsAt = (place: SignedPlace): Wanted => ({ what: "the list of revocations", place, read: readRevocations });
const configured = ({ keys, threshold }: SignedPlace): Quorum => ({ keys, threshold });
const labelOf = ({ what, place }: Wanted): string => `${what} from ${printable(place.from)}`;
