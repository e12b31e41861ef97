// Tokens of remote plugins: what a process shows to be let in as a plugin. They open nothing else. A token has 256 random bits, so its SHA-256 is kept and nothing slower.

import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Database as Connection } from "better-sqlite3";
import { HostError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";

/** What is known of a token, but for the token itself. */
export interface RemoteTokenInfo {
  /** Part of the token, and no secret. */
  readonly id: string;
  readonly plugin: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

interface Row {
  readonly id: string;
  readonly plugin: string;
  readonly hash: Buffer;
  readonly created_at: number;
}

/** Part of the database's schema. */
export const REMOTE_TOKENS_SCHEMA = `
  CREATE TABLE remote_tokens (id TEXT PRIMARY KEY, plugin TEXT NOT NULL, hash BLOB NOT NULL, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Of one plugin: two while one takes the other's place, and some. */
const MAX_TOKENS = 16;
const ID_BYTES = 9;
const SECRET_BYTES = 32;
const TOKEN = /^bhr_([A-Za-z0-9_-]{12})_([A-Za-z0-9_-]{43})$/;

const hashOf = (secret: string): Buffer => hash("sha256", secret, "buffer");

export class RemoteTokenStore {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #rows = new Map<string, Row>();
  readonly #listeners = new Set<(token: RemoteTokenInfo) => void>();

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
    for (const row of connection.prepare<[], Row>("SELECT * FROM remote_tokens").all()) this.#rows.set(row.id, row);
  }

  /** The token, which nobody can see again. Throws HostError `quota-exceeded` when the plugin has too many. */
  create(plugin: string): { readonly id: string; readonly token: string } {
    if (this.list(plugin).length >= MAX_TOKENS)
      throw new HostError(
        "quota-exceeded",
        `${plugin} has ${MAX_TOKENS} tokens, which is the limit; "bulkhead remote token revoke" ends one`,
      );
    const id = randomBytes(ID_BYTES).toString("base64url");
    const secret = randomBytes(SECRET_BYTES).toString("base64url");
    const row: Row = { id, plugin, hash: hashOf(secret), created_at: this.#clock.now() };
    this.#connection.prepare("INSERT INTO remote_tokens VALUES (:id, :plugin, :hash, :created_at)").run(row);
    this.#rows.set(id, row);
    return { id, token: `bhr_${id}_${secret}` };
  }

  /** Whose it is; undefined for what is no token, or none any more. */
  check(token: string): RemoteTokenInfo | undefined {
    const [, id = "", secret = ""] = TOKEN.exec(token) ?? [];
    const row = this.#rows.get(id);
    // The same work for an id that is nobody's.
    const isRight = timingSafeEqual(hashOf(secret), row?.hash ?? hashOf("")) && row !== undefined;
    return isRight ? infoOf(row) : undefined;
  }

  list(plugin?: string): RemoteTokenInfo[] {
    const rows = [...this.#rows.values()].filter((row) => plugin === undefined || row.plugin === plugin);
    return rows.sort((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1)).map(infoOf);
  }

  /** Ends a token of the plugin; all of them without an id. Answers those that it ended. */
  revoke(plugin: string, id?: string): readonly RemoteTokenInfo[] {
    const ended = this.list(plugin).filter((one) => id === undefined || one.id === id);
    const remove = this.#connection.prepare("DELETE FROM remote_tokens WHERE id = ?");
    this.#connection.transaction(() => {
      for (const one of ended) remove.run(one.id);
    })();
    for (const one of ended) {
      this.#rows.delete(one.id);
      for (const listener of this.#listeners) listener(one);
    }
    return ended;
  }

  /** Returns its undo. */
  onRevoked(listener: (token: RemoteTokenInfo) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

const infoOf = ({ id, plugin, created_at }: Row): RemoteTokenInfo => ({ id, plugin, createdAt: new Date(created_at).toISOString() });
