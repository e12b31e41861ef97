// Secrets of the operator, encrypted (seal.ts). Name and destinations are authenticated with the value: who changes them in the database breaks it.

import type { Database as Connection } from "better-sqlite3";
import { STORE_DESTINATION } from "../bounds/store-address.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Clock } from "../core/ports/clock.ts";
import { LOGIN_DESTINATION } from "../manifest/auth.ts";
import { compileResource } from "../manifest/resources.ts";
import { Seal } from "./seal.ts";

/** What can be told of a secret. */
export interface SecretInfo {
  readonly name: string;
  /** Patterns of `http.fetch` that it may go to, or what of the host itself it is for: `drivers.storage`, `auth.oidc`. */
  readonly to: readonly string[];
  /** ISO 8601, UTC. */
  readonly setAt: string;
  /** False when the key that it was sealed with is not there any more, or its row was changed: it has to be set again. */
  readonly opens: boolean;
  /** True for one that is not filled in any more, since it cannot be hidden: it has to be set again, longer. */
  readonly isTooShort: boolean;
}

interface Row {
  readonly name: string;
  readonly destinations: string;
  readonly sealed: Buffer;
  readonly set_at: string;
}

const MAX_VALUE_LENGTH = 4_096;
// Copies of a shorter one cannot be told from what stands in an answer by chance, and whoever sees what is hidden could guess it.
const MIN_VALUE_LENGTH = 8;

const OF_THE_HOST: readonly string[] = [STORE_DESTINATION, LOGIN_DESTINATION];

/** Part of the database's schema. */
export const SECRETS_SCHEMA = `
  CREATE TABLE secrets (name TEXT PRIMARY KEY, destinations TEXT NOT NULL, sealed BLOB NOT NULL, set_at TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

export class SecretStore {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #seal: Seal;

  constructor(connection: Connection, clock: Clock, dataDir: string) {
    this.#connection = connection;
    this.#clock = clock;
    this.#seal = new Seal(dataDir);
  }

  /** Throws HostError `invalid-message` for a name, value or destination that cannot be one. */
  set(name: string, value: string, to: readonly string[]): void {
    compileResource("secrets.read", name);
    for (const destination of to) matcherOf(destination);
    if (to.length === 0) throw new HostError("invalid-message", `say where ${name} may go, such as --to https://api.example.com`);
    if (value.length < MIN_VALUE_LENGTH || value.length > MAX_VALUE_LENGTH || !/^[\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new HostError(
        "invalid-message",
        `the value of ${name} must be ${MIN_VALUE_LENGTH} to ${MAX_VALUE_LENGTH} characters of Latin-1 without control characters, as headers have it; copies of a shorter one could not be hidden from plugins`,
      );
    }
    const destinations = JSON.stringify(to);
    const sealed = this.#seal.close(Buffer.from(value, "utf8"), [name, destinations]);
    const at = new Date(this.#clock.now()).toISOString();
    this.#connection.prepare("INSERT OR REPLACE INTO secrets VALUES (?, ?, ?, ?)").run(name, destinations, sealed, at);
  }

  /** False when there was none. */
  remove(name: string): boolean {
    return this.#connection.prepare("DELETE FROM secrets WHERE name = ?").run(name).changes > 0;
  }

  list(): SecretInfo[] {
    const rows = this.#connection.prepare<[], Row>("SELECT * FROM secrets ORDER BY name").all();
    return rows.map((row) => ({
      name: row.name,
      to: JSON.parse(row.destinations) as string[],
      setAt: row.set_at,
      ...this.#conditionOf(row),
    }));
  }

  /** Throws HostError `storage-failed` when it cannot be opened: the key is another one, or the row was changed; `permission-denied` for one that is too short. */
  find(name: string): { readonly value: string; mayGoTo(resource: string): boolean } | undefined {
    const row = this.#connection.prepare<[string], Row>("SELECT * FROM secrets WHERE name = ?").get(name);
    if (row === undefined) return undefined;
    const { sealed, destinations } = row;
    const value = this.#open(name, sealed, destinations);
    if (value.length < MIN_VALUE_LENGTH) {
      const remedy = `"bulkhead secret set ${printable(name)}" takes a longer one`;
      throw new HostError("permission-denied", `the secret ${printable(name)} has fewer than ${MIN_VALUE_LENGTH} characters; ${remedy}`);
    }
    const matchers = (JSON.parse(destinations) as string[]).map(matcherOf);
    return { value, mayGoTo: (resource) => matchers.some((matches) => matches(resource)) };
  }

  #conditionOf({ name, sealed, destinations }: Row): Pick<SecretInfo, "opens" | "isTooShort"> {
    try {
      return { opens: true, isTooShort: this.#open(name, sealed, destinations).length < MIN_VALUE_LENGTH };
    } catch {
      return { opens: false, isTooShort: false };
    }
  }

  #open(name: string, sealed: Buffer, destinations: string): string {
    const remedy = `set ${printable(name)} again`;
    const what = `the secret ${printable(name)}`;
    return this.#seal.open({ what, remedy, context: [name, destinations], bytes: sealed }).toString("utf8");
  }
}

/** Throws HostError `invalid-message` for what is no destination. */
const matcherOf = (destination: string): ((resource: string) => boolean) =>
  OF_THE_HOST.includes(destination) ? (resource) => resource === destination : compileResource("http.fetch", destination);
