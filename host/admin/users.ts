// Accounts of people who log in by name and password. What an account may do is its roles; of the password only a hash is kept.

import type { Database as Connection } from "better-sqlite3";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Clock } from "../core/ports/clock.ts";

/** What can be told of an account. */
export interface UserInfo {
  readonly name: string;
  readonly roles: readonly string[];
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly passwordSetAt: string;
}

/** An account, as whoever logs in is compared with it. */
export interface User {
  readonly name: string;
  readonly roles: readonly string[];
  /** Of argon2id, as the PHC string format has it. */
  readonly hash: string;
}

interface Row {
  readonly name: string;
  readonly roles: string;
  readonly hash: string;
  readonly created_at: number;
  readonly password_set_at: number;
}

/** Part of the database's schema. */
export const USERS_SCHEMA = `
  CREATE TABLE users (
    name TEXT PRIMARY KEY, roles TEXT NOT NULL, hash TEXT NOT NULL, created_at INTEGER NOT NULL, password_set_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

/** No more than failures are counted for one by one (host/gate/account-table.ts), so that no stranger's tries lock out the account of somebody else. */
export const MAX_USERS = 4_096;
/** How accounts are called as principals. `user:` is whoever runs the host, by the name that the system has for him. */
const PREFIX = "account:";

export const principalOfUser = (name: string): `account:${string}` => `${PREFIX}${name}`;
/** The account that a principal is; undefined for another kind of principal. */
export const userOfPrincipal = (principal: string): string | undefined =>
  principal.startsWith(PREFIX) ? principal.slice(PREFIX.length) : undefined;

export class UserStore {
  readonly #connection: Connection;
  readonly #clock: Pick<Clock, "now">;

  constructor(connection: Connection, clock: Pick<Clock, "now">) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** Throws HostError `conflict` for a name that is taken, `quota-exceeded` when there are too many. */
  add({ name, roles, hash }: User): void {
    if (this.find(name) !== undefined)
      throw new HostError("conflict", `there is an account ${printable(name)} already; "bulkhead user" has passwd, roles and remove`);
    const count = this.#connection.prepare<[], number>("SELECT count(*) FROM users").pluck().get() ?? 0;
    if (count >= MAX_USERS) throw new HostError("quota-exceeded", `there are ${MAX_USERS} accounts, which is the limit; remove some`);
    const now = this.#clock.now();
    this.#connection.prepare("INSERT INTO users VALUES (?, ?, ?, ?, ?)").run(name, JSON.stringify(roles), hash, now, now);
  }

  find(name: string): User | undefined {
    const row = this.#connection.prepare<[string], Row>("SELECT * FROM users WHERE name = ?").get(name);
    return row && { name: row.name, roles: JSON.parse(row.roles) as string[], hash: row.hash };
  }

  list(): UserInfo[] {
    const rows = this.#connection.prepare<[], Row>("SELECT * FROM users ORDER BY name").all();
    return rows.map((row) => ({
      ...{ name: row.name, roles: JSON.parse(row.roles) as string[] },
      createdAt: new Date(row.created_at).toISOString(),
      passwordSetAt: new Date(row.password_set_at).toISOString(),
    }));
  }

  /** Throws HostError `invalid-message` when there is none of the name; so does everything below. */
  setPassword(name: string, hash: string): void {
    this.#changed(
      name,
      this.#connection.prepare("UPDATE users SET hash = ?, password_set_at = ? WHERE name = ?").run(hash, this.#clock.now(), name),
    );
  }

  setRoles(name: string, roles: readonly string[]): void {
    this.#changed(name, this.#connection.prepare("UPDATE users SET roles = ? WHERE name = ?").run(JSON.stringify(roles), name));
  }

  remove(name: string): void {
    this.#changed(name, this.#connection.prepare("DELETE FROM users WHERE name = ?").run(name));
  }

  #changed(name: string, { changes }: { readonly changes: number }): void {
    if (changes === 0) throw new HostError("invalid-message", `there is no account ${printable(name)}`);
  }
}
