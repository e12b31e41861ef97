// What a backup brings back that lets somebody in or lets somebody do something. Since it was made each of these may have been revoked, removed or replaced, so none
// comes back unless a later state of the host has it still, unchanged, or the operator says yes to it. What takes something away always comes back, and that of
// the later state with it.

import type { Database as Connection } from "better-sqlite3";

export interface Returning {
  /** Such as `token:ci`, as the operator says yes to it. */
  readonly item: string;
  /** In words. */
  readonly what: string;
}

interface Row {
  readonly id: string;
  /** Changes with whatever is of weight about it. */
  readonly mark: string;
  readonly what: string;
}

interface Kind {
  /** What is alive of it. `now` is in milliseconds since 1970. */
  readonly list: string;
  /** Takes one away, by its id. */
  readonly withhold: readonly string[];
}

const WITHOUT: Readonly<Record<string, Kind>> = {
  account: {
    list: "SELECT name AS id, roles || char(10) || hash AS mark, 'an account with the roles ' || roles AS what FROM users WHERE :now > 0",
    withhold: ["DELETE FROM users WHERE name = :id"],
  },
  token: {
    list: `SELECT name AS id, hex(hash) || roles || scopes || owner AS mark, 'a token with the roles ' || roles || ', made by ' || owner AS what
      FROM tokens WHERE expires_at IS NULL OR expires_at > :now`,
    withhold: ["DELETE FROM tokens WHERE name = :id"],
  },
  "remote-token": {
    list: `SELECT id, hex(hash) || plugin AS mark, 'a token with which ' || plugin || ' comes in' AS what FROM remote_tokens WHERE :now > 0`,
    withhold: ["DELETE FROM remote_tokens WHERE id = :id"],
  },
  grant: {
    list: `SELECT plugin || ' ' || permission || ' ' || resource AS id, '' AS mark, 'granted by ' || granted_by || ' at ' || granted_at AS what
      FROM grants WHERE effect = 'allow' AND until_restart = 0 AND :now > 0`,
    withhold: ["DELETE FROM grants WHERE effect = 'allow' AND plugin || ' ' || permission || ' ' || resource = :id"],
  },
  plugin: {
    list: `SELECT plugin AS id, json_extract(current, '$.package') || settings AS mark, 'version ' || json_extract(current, '$.version') || ', running' AS what
      FROM installations WHERE enabled = 1 AND :now > 0 AND plugin NOT IN (SELECT plugin FROM quarantine)`,
    withhold: ["UPDATE installations SET enabled = 0 WHERE plugin = :id"],
  },
  secret: {
    list: "SELECT name AS id, hex(sealed) || destinations AS mark, 'a secret for ' || destinations AS what FROM secrets WHERE :now > 0",
    withhold: ["DELETE FROM secrets WHERE name = :id"],
  },
  key: {
    list: `SELECT plugin || ' ' || name AS id, kid AS mark, 'signs with the key ' || kid AS what FROM signing_keys WHERE retired_at IS NULL AND :now > 0`,
    withhold: [
      // What it has signed can still be verified; the plugin gets another one when it signs next.
      `UPDATE signing_keys SET sealed = NULL, retired_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE retired_at IS NULL AND plugin || ' ' || name = :id`,
    ],
  },
  words: {
    list: "SELECT plugin AS id, words AS mark, 'may be told to models, read by ' || read_by AS what FROM tool_words WHERE :now > 0",
    withhold: ["DELETE FROM tool_words WHERE plugin = :id"],
  },
};

/** What is not for anybody any more, whatever the operator says. */
const NEVER = ["DELETE FROM sessions", "DELETE FROM tokens WHERE expires_at <= :now", "DELETE FROM grants WHERE until_restart = 1"];

/** What a later state takes away, which holds on. Its schema is attached as `later`. */
const TAKEN_AWAY = [
  "INSERT OR IGNORE INTO main.blocks SELECT * FROM later.blocks",
  "INSERT OR IGNORE INTO main.quarantine SELECT * FROM later.quarantine",
  "INSERT OR REPLACE INTO main.grants SELECT * FROM later.grants WHERE effect = 'deny' AND until_restart = 0",
  // Whose keys were exchanged since, what was revoked, and what policies, lists and logs never go back behind.
  "DELETE FROM main.pins; INSERT INTO main.pins SELECT * FROM later.pins",
  "INSERT OR IGNORE INTO main.revoked SELECT * FROM later.revoked",
  "INSERT OR REPLACE INTO main.trust_documents SELECT * FROM later.trust_documents",
  "INSERT OR IGNORE INTO main.log_checkpoints SELECT * FROM later.log_checkpoints",
];

const rowsOf = (connection: Connection, { list }: Kind, now: number): Row[] => connection.prepare<{ now: number }, Row>(list).all({ now });

/** What would come back and is not, unchanged, in the later state of the host, if there is one. */
export function returningIn(connection: Connection, later: Connection | undefined, now: number): Returning[] {
  return Object.entries(WITHOUT).flatMap(([name, kind]) => {
    const still = new Map(later === undefined ? [] : rowsOf(later, kind, now).map(({ id, mark }) => [id, mark]));
    return rowsOf(connection, kind, now)
      .filter(({ id, mark }) => still.get(id) !== mark)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, what }) => ({ item: `${name}:${id}`, what }));
  });
}

/** Takes away all of these, and what never comes back. `laterFile` is the database of the later state. */
export function withhold(connection: Connection, items: readonly Returning[], laterFile: string | undefined, now: number): void {
  if (laterFile !== undefined) connection.prepare("ATTACH ? AS later").run(laterFile);
  connection.transaction(() => {
    for (const { item } of items) {
      const [name = "", id] = splitAt(item);
      for (const sql of WITHOUT[name]?.withhold ?? []) connection.prepare(sql).run({ id });
    }
    for (const sql of NEVER) {
      const statement = connection.prepare(sql);
      if (sql.includes(":now")) statement.run({ now });
      else statement.run();
    }
    if (laterFile !== undefined) for (const sql of TAKEN_AWAY) connection.exec(sql);
  })();
  if (laterFile !== undefined) connection.exec("DETACH later");
}

const splitAt = (item: string): [kind: string, id: string] => {
  const at = item.indexOf(":");
  return [item.slice(0, at), item.slice(at + 1)];
};
