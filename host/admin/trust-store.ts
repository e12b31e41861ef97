// What the host remembers of where plugins came from: who had signed what it saw, which key belongs to which name, and the policy and lists that it fetched last.
// Kept over uninstalls, or who takes over a name would only have to wait for one.

import type { Database as Connection } from "better-sqlite3";
import type { Clock } from "../core/ports/clock.ts";
import type { Origin, Pin } from "../trust/rules.ts";
import type { Signer } from "../trust/signers.ts";
import type { Actor } from "./audit.ts";

/** Part of the database's schema. */
export const TRUST_SCHEMA = `
  CREATE TABLE origins (
    package TEXT PRIMARY KEY,
    origin TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    taken TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE pins (
    plugin TEXT NOT NULL,
    keyid TEXT NOT NULL,
    public_key TEXT NOT NULL,
    since INTEGER NOT NULL,
    accepted_by TEXT NOT NULL,
    PRIMARY KEY (plugin, keyid)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE trust_documents (place TEXT PRIMARY KEY, text TEXT NOT NULL, quorum TEXT NOT NULL, version INTEGER NOT NULL, sha256 TEXT NOT NULL, fetched INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE revoked (plugin TEXT NOT NULL, version TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (plugin, version)) STRICT, WITHOUT ROWID;
`;

/** What was fetched of where it came from, with what names it in messages. */
export interface StoredOrigin extends Omit<Origin, "firstSeenAt"> {
  readonly source: string;
  readonly wasmSha256: string;
}

export type KnownOrigin = StoredOrigin & Pick<Origin, "firstSeenAt">;

export interface StoredPin extends Pin {
  readonly plugin: string;
  /** SPKI in base64; of an identity what messages call it. */
  readonly publicKey: string;
  readonly acceptedBy: string;
}

export interface StoredDocument {
  readonly text: string;
  /** Whose signatures it was checked by: as JSON of the configuration's, so that another one begins anew. */
  readonly quorum: string;
  readonly version: number;
  readonly sha256: string;
  readonly fetched: number;
}

/** A version that a list has withdrawn, whatever it was known by there. */
export interface Revoked {
  readonly plugin: string;
  readonly version: string;
  readonly reason: string;
}

/** Of packages that nobody has installed; those that were seen last stay. */
const MAX_ORIGINS = 1_000;

export class TrustStore {
  readonly #connection: Connection;
  readonly #clock: Clock;

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** Remembers what was seen of a package, and answers since when it is known here. */
  saw(id: string, origin: StoredOrigin): number {
    const now = this.#clock.now();
    this.#connection
      .prepare(
        "INSERT INTO origins VALUES (?, ?, ?, ?, NULL) ON CONFLICT (package) DO UPDATE SET origin = excluded.origin, seen = excluded.seen",
      )
      .run(id, JSON.stringify(origin), now, now);
    return this.#connection.prepare<[string], number>("SELECT first_seen FROM origins WHERE package = ?").pluck().get(id) ?? now;
  }

  /** As it was seen last, by whatever plan. Undefined for what came before anybody looked. */
  originOf(id: string): KnownOrigin | undefined {
    return this.#origin(id, "origin");
  }

  /** As it was when it came in: whoever plans the same content with other signatures changes nothing of that. */
  takenOf(id: string): KnownOrigin | undefined {
    return this.#origin(id, "coalesce(taken, origin)");
  }

  /** What was seen last of a package is what came in. */
  take(id: string): void {
    this.#connection.prepare("UPDATE origins SET taken = origin WHERE package = ?").run(id);
  }

  #origin(id: string, column: "origin" | "coalesce(taken, origin)"): KnownOrigin | undefined {
    const row = this.#connection
      .prepare<[string], { origin: string; first_seen: number }>(`SELECT ${column} AS origin, first_seen FROM origins WHERE package = ?`)
      .get(id);
    return row && { ...(JSON.parse(row.origin) as StoredOrigin), firstSeenAt: row.first_seen };
  }

  /** One who has signed something that was seen here. */
  signerOf(keyid: string): Signer | undefined {
    const found = this.#connection
      .prepare<[string], string>(
        "SELECT signer.value FROM origins, json_each(origins.origin, '$.signers') AS signer WHERE json_extract(signer.value, '$.keyid') = ? LIMIT 1",
      )
      .pluck()
      .get(keyid);
    return found === undefined ? undefined : (JSON.parse(found) as Signer);
  }

  /** Forgets packages that nobody needs, beyond those that were seen last. */
  collect(needed: ReadonlySet<string>): void {
    const rest = this.#connection.prepare<[], string>("SELECT package FROM origins ORDER BY seen DESC").pluck().all();
    const forgotten = rest.filter((id) => !needed.has(id)).slice(MAX_ORIGINS);
    for (const id of forgotten) this.#connection.prepare("DELETE FROM origins WHERE package = ?").run(id);
  }

  pinsOf(plugin: string): readonly StoredPin[] {
    return this.pins().filter((pin) => pin.plugin === plugin);
  }

  pins(): readonly StoredPin[] {
    return this.#connection
      .prepare<[], StoredPin>(
        'SELECT plugin, keyid, public_key AS "publicKey", since, accepted_by AS "acceptedBy" FROM pins ORDER BY plugin, since, keyid',
      )
      .all();
  }

  pin(plugin: string, { keyid, publicKey }: Pick<StoredPin, "keyid" | "publicKey">, by: Actor): void {
    this.#connection.prepare("INSERT OR IGNORE INTO pins VALUES (?, ?, ?, ?, ?)").run(plugin, keyid, publicKey, this.#clock.now(), by);
  }

  /** How many keys there were. */
  unpin(plugin: string): number {
    return this.#connection.prepare("DELETE FROM pins WHERE plugin = ?").run(plugin).changes;
  }

  document(place: string): StoredDocument | undefined {
    return this.#connection
      .prepare<[string], StoredDocument>("SELECT text, quorum, version, sha256, fetched FROM trust_documents WHERE place = ?")
      .get(place);
  }

  putDocument(place: string, { text, quorum, version, sha256, fetched }: StoredDocument): void {
    this.#connection
      .prepare("INSERT OR REPLACE INTO trust_documents VALUES (?, ?, ?, ?, ?, ?)")
      .run(place, text, quorum, version, sha256, fetched);
  }

  /** What all lists together withdraw of what is here, in the place of what they did. */
  replaceRevoked(rows: readonly Revoked[]): void {
    this.#connection.prepare("DELETE FROM revoked").run();
    const add = this.#connection.prepare("INSERT OR IGNORE INTO revoked VALUES (?, ?, ?)");
    for (const { plugin, version, reason } of rows) add.run(plugin, version, reason);
  }

  revoked(): readonly Revoked[] {
    return this.#connection.prepare<[], Revoked>("SELECT plugin, version, reason FROM revoked ORDER BY plugin, version").all();
  }
}
