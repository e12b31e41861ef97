// API tokens: what programs show to be known by. A token has 256 random bits, so its SHA-256 is kept and nothing slower; who reads the database learns none.

import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Database as Connection } from "better-sqlite3";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Grant } from "../core/types.ts";
import { type UserStore, userOfPrincipal } from "./users.ts";

/** What is known of a token, but for the token itself. */
export interface TokenInfo {
  readonly name: string;
  readonly roles: readonly string[];
  /** What it is for, within its roles; all that these give when there is none. */
  readonly scopes: readonly Grant[];
  /** Who made it. A token that a token made is over when that one is. */
  readonly owner: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly expiresAt: string | undefined;
  /** To the minute. */
  readonly lastUsedAt: string | undefined;
}

export interface NewToken {
  readonly name: string;
  readonly roles: readonly string[];
  readonly scopes: readonly Grant[];
  readonly owner: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number | undefined;
}

/** A token that was shown and is one of ours. */
export interface CheckedToken extends Omit<NewToken, "owner"> {
  /** It and those by which it was made, the account of whoever made the first included. */
  readonly line: readonly CheckedLink[];
}

interface CheckedLink {
  readonly name: string;
  readonly roles: readonly string[];
  readonly scopes: readonly Grant[];
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly hash: Buffer;
  readonly roles: string;
  readonly scopes: string;
  readonly owner: string;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly last_used_at: number | null;
}

/** Part of the database's schema. */
export const TOKENS_SCHEMA = `
  CREATE TABLE tokens (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, hash BLOB NOT NULL, roles TEXT NOT NULL, scopes TEXT NOT NULL, owner TEXT NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER, last_used_at INTEGER
  ) STRICT, WITHOUT ROWID;
`;

const MAX_TOKENS = 10_000;
const USED_EVERY_MS = 60_000;
const ID_BYTES = 9;
const SECRET_BYTES = 32;
const TOKEN = /^bh_([A-Za-z0-9_-]{12})_([A-Za-z0-9_-]{43})$/;
/** What all of them begin with, so that scanners of repositories find one that was left there. */
export const TOKEN_PREFIX = "bh_";
/** How tokens are called as principals. */
const OWNER_PREFIX = "token:";

const isoOf = (ms: number | null): string | undefined => (ms === null ? undefined : new Date(ms).toISOString());
const hashOf = (secret: string): Buffer => hash("sha256", secret, "buffer");

export class TokenStore {
  readonly #connection: Connection;
  readonly #users: Pick<UserStore, "find">;
  readonly #clock: Clock;
  readonly #rows = new Map<string, Row>();
  readonly #usedAt = new Map<string, number>();
  readonly #listeners = new Set<(names: ReadonlySet<string>) => void>();

  /** `users` are the accounts that may have made some, and bound them. */
  constructor(connection: Connection, clock: Clock, users: Pick<UserStore, "find"> = { find: () => undefined }) {
    this.#users = users;
    this.#connection = connection;
    this.#clock = clock;
    for (const row of connection.prepare<[], Row>("SELECT * FROM tokens").all()) this.#rows.set(row.id, row);
  }

  /** The token, which nobody can see again. Throws HostError `conflict` for a name that is taken, `quota-exceeded` when there are too many. */
  create({ name, roles, scopes, owner, expiresAt }: NewToken): string {
    if (this.#named(name) !== undefined)
      throw new HostError("conflict", `there is a token ${printable(name)} already; "bulkhead token revoke ${printable(name)}" ends it`);
    if (this.#rows.size >= MAX_TOKENS)
      throw new HostError("quota-exceeded", `there are ${MAX_TOKENS} tokens, which is the limit; revoke some`);
    const id = randomBytes(ID_BYTES).toString("base64url");
    const secret = randomBytes(SECRET_BYTES).toString("base64url");
    const row: Row = {
      ...{ id, name, owner, hash: hashOf(secret), roles: JSON.stringify(roles), scopes: JSON.stringify(scopes) },
      ...{ created_at: this.#clock.now(), expires_at: expiresAt ?? null, last_used_at: null },
    };
    this.#connection
      .prepare("INSERT INTO tokens VALUES (:id, :name, :hash, :roles, :scopes, :owner, :created_at, :expires_at, :last_used_at)")
      .run(row);
    this.#rows.set(id, row);
    return `${TOKEN_PREFIX}${id}_${secret}`;
  }

  /** Whose it is; undefined for what is no token, or none any more. */
  check(token: string): CheckedToken | undefined {
    const [, id = "", secret = ""] = TOKEN.exec(token) ?? [];
    const row = this.#rows.get(id);
    // The same work for an id that is nobody's.
    const isRight = timingSafeEqual(hashOf(secret), row?.hash ?? hashOf("")) && row !== undefined;
    const rows = isRight ? this.#lineOf(row) : undefined;
    const line = rows && this.#linksOf(rows);
    if (!isRight || rows === undefined || line === undefined) return undefined;
    this.#use(row);
    const ends = rows.map(({ expires_at }) => expires_at).filter((one) => one !== null);
    return { ...linkOf(row), expiresAt: ends.length === 0 ? undefined : Math.min(...ends), line };
  }

  /** Those that it ended, the one of the name and all that were made by it; none when there is none of the name. */
  revoke(name: string): readonly string[] {
    if (this.#named(name) === undefined) return [];
    return this.#end(new Set([name, ...this.#madeBy(OWNER_PREFIX + name)]));
  }

  /** Ends all that somebody has made, and those that were made by these. */
  revokeOf(owner: string): readonly string[] {
    return this.#end(this.#madeBy(owner));
  }

  /** What whoever made them may do is another thing from now on. */
  changedOf(owner: string): void {
    this.#tell(this.#madeBy(owner));
  }

  list(): TokenInfo[] {
    const rows = [...this.#rows.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return rows.map((row) => ({
      ...{ name: row.name, roles: JSON.parse(row.roles), scopes: JSON.parse(row.scopes), owner: row.owner },
      createdAt: new Date(row.created_at).toISOString(),
      expiresAt: isoOf(row.expires_at),
      lastUsedAt: isoOf(this.#usedAt.get(row.id) ?? row.last_used_at),
    }));
  }

  /** Tells the names of those that are revoked, or may something else than before; returns its undo. */
  onRevoked(listener: (names: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #madeBy(owner: string, found: Set<string> = new Set()): Set<string> {
    for (const { name, owner: by } of this.#rows.values()) {
      if (by !== owner || found.has(name)) continue;
      found.add(name);
      this.#madeBy(OWNER_PREFIX + name, found);
    }
    return found;
  }

  #tell(names: ReadonlySet<string>): void {
    for (const listener of this.#listeners) listener(names);
  }

  #end(ended: ReadonlySet<string>): readonly string[] {
    const remove = this.#connection.prepare("DELETE FROM tokens WHERE name = ?");
    this.#connection.transaction(() => {
      for (const one of ended) remove.run(one);
    })();
    for (const [id, { name: gone }] of this.#rows) if (ended.has(gone)) this.#rows.delete(id);
    this.#tell(ended);
    return [...ended];
  }

  #named(name: string): Row | undefined {
    return [...this.#rows.values()].find((row) => row.name === name);
  }

  /** It and those by which it was made; undefined when one of them is over. */
  #lineOf(row: Row): Row[] | undefined {
    const line: Row[] = [];
    for (let one: Row | undefined = row; ; ) {
      if (line.includes(one) || (one.expires_at !== null && one.expires_at <= this.#clock.now())) return undefined;
      line.push(one);
      if (!one.owner.startsWith(OWNER_PREFIX)) return line;
      one = this.#named(one.owner.slice(OWNER_PREFIX.length));
      if (one === undefined) return undefined;
    }
  }

  /** With the account that made the first, if one did; undefined when that is gone. */
  #linksOf(rows: readonly Row[]): readonly CheckedLink[] | undefined {
    const owner = rows.at(-1)?.owner ?? "";
    const account = userOfPrincipal(owner);
    if (account === undefined) return rows.map(linkOf);
    const user = this.#users.find(account);
    return user && [...rows.map(linkOf), { name: owner, roles: user.roles, scopes: [] }];
  }

  #use({ id }: Row): void {
    const now = this.#clock.now();
    if (Math.abs(now - (this.#usedAt.get(id) ?? Number.NEGATIVE_INFINITY)) < USED_EVERY_MS) return;
    this.#usedAt.set(id, now);
    this.#connection.prepare("UPDATE tokens SET last_used_at = ? WHERE id = ?").run(now, id);
  }
}

/** Of rows, which are exchanged and never changed: a token is checked at each request. */
const links = new WeakMap<Row, CheckedLink>();

function linkOf(row: Row): CheckedLink {
  const known = links.get(row);
  if (known !== undefined) return known;
  const { name, roles, scopes } = row;
  const link = { name, roles: JSON.parse(roles), scopes: JSON.parse(scopes) };
  links.set(row, link);
  return link;
}
