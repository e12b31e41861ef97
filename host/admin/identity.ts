// Which host this is: a name that nobody chose, for as long as its data folder lasts. What is brought back from a backup is another host.

import { randomUUID } from "node:crypto";
import type { Database as Connection } from "better-sqlite3";

export interface Identity {
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly since: string;
}

/** Part of the database's schema, with the first name of the host in it. */
export function giveIdentity(connection: Connection): void {
  connection.exec("CREATE TABLE identity (only INTEGER PRIMARY KEY CHECK (only = 1), id TEXT NOT NULL, since TEXT NOT NULL) STRICT");
  renewIdentity(connection);
}

export function identityOf(connection: Connection): Identity {
  const identity = connection.prepare<[], Identity>("SELECT id, since FROM identity").get();
  if (identity === undefined) throw new Error("the host has no identity");
  return identity;
}

/** From now on it is another host. */
export function renewIdentity(connection: Connection): Identity {
  const identity = { id: randomUUID(), since: new Date().toISOString() };
  connection.prepare("INSERT OR REPLACE INTO identity VALUES (1, :id, :since)").run(identity);
  return identity;
}
