// The keys that plugins sign with, encrypted (seal.ts). Each is of one plugin and one name; both are authenticated with it, so that a row that is moved to
// another plugin does not open. None of the host's own is here, and none leaves it.

import type { Database as Connection } from "better-sqlite3";
import { makeKey, openKey, requireAlgorithm, type SigningKey } from "../capabilities/crypto/signing-key.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Actor, AuditLog } from "./audit.ts";
import { Seal } from "./seal.ts";

/** What can be told of a key. */
export interface SigningKeyInfo {
  readonly plugin: string;
  readonly name: string;
  /** Its thumbprint (RFC 7638). */
  readonly kid: string;
  readonly algorithm: SigningKey["algorithm"];
  /** Its public half, as JSON text. */
  readonly jwk: string;
  /** ISO 8601, UTC. */
  readonly madeAt: string;
  /** Since when it signs nothing more; undefined for the current one. */
  readonly retiredAt: string | undefined;
  /** False when the current one cannot be opened any more: it has to be rotated. */
  readonly opens: boolean;
}

interface Row {
  readonly plugin: string;
  readonly name: string;
  readonly kid: string;
  readonly algorithm: SigningKey["algorithm"];
  readonly jwk: string;
  /** Of one that is retired nothing is left. */
  readonly sealed: Buffer | null;
  readonly made_at: string;
  readonly retired_at: string | null;
}

/** Why a key is made, for the audit log. */
interface Cause {
  readonly action: "make-key" | "rotate-key";
  readonly actor: Actor;
}

const MADE_BY_USE: Cause = { action: "make-key", actor: "host" };
/** Of one name; more would have to be told apart by whoever verifies. */
const MAX_RETIRED = 16;

/** Part of the database's schema. */
export const SIGNING_KEYS_SCHEMA = `
  CREATE TABLE signing_keys (
    plugin TEXT NOT NULL,
    name TEXT NOT NULL,
    kid TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    jwk TEXT NOT NULL,
    sealed BLOB,
    made_at TEXT NOT NULL,
    retired_at TEXT,
    PRIMARY KEY (plugin, name, kid),
    CHECK ((sealed IS NULL) = (retired_at IS NOT NULL))
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX signing_keys_current ON signing_keys (plugin, name) WHERE retired_at IS NULL;
`;

export interface SigningKeysPorts {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly dataDir: string;
  readonly audit: Pick<AuditLog, "append">;
}

export class SigningKeyStore {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #audit: Pick<AuditLog, "append">;
  readonly #seal: Seal;
  /** Those that were opened. */
  readonly #open = new Map<string, SigningKey>();

  constructor({ connection, clock, dataDir, audit }: SigningKeysPorts) {
    this.#connection = connection;
    this.#clock = clock;
    this.#audit = audit;
    this.#seal = new Seal(dataDir);
  }

  /** What signs under this name; makes it when there is none. Throws HostError `conflict` for another algorithm, `storage-failed`. */
  current(plugin: string, name: string, algorithm: SigningKey["algorithm"] | undefined): SigningKey {
    const id = idOf(plugin, name);
    const key =
      this.#open.get(id) ?? asStored(() => this.#find(plugin, name) ?? this.#make(plugin, name, algorithm ?? "ed25519", MADE_BY_USE));
    this.#open.set(id, key);
    return requireAlgorithm(key, name, algorithm);
  }

  /** Public halves as JSON texts, the current one first, then the one that was retired last. Throws HostError `storage-failed`. */
  list(plugin: string, name: string): string[] {
    return asStored(() => this.#rows(plugin, name).map(({ jwk }) => jwk));
  }

  /** Of one plugin, or of all. */
  info(plugin: string | undefined): SigningKeyInfo[] {
    const rows = this.#connection
      .prepare<[], Row>("SELECT * FROM signing_keys ORDER BY plugin, name, retired_at IS NOT NULL, retired_at DESC")
      .all();
    return rows.filter((row) => plugin === undefined || row.plugin === plugin).map((row) => this.#infoOf(row));
  }

  /** Another key signs from now on, of the same algorithm; of the former one only the public half is kept. Throws HostError `invalid-message`. */
  rotate(plugin: string, name: string, actor: Actor): void {
    const rows = this.#rows(plugin, name);
    const [current] = rows;
    if (current === undefined) throw unknownKey(plugin, name);
    if (rows.length > MAX_RETIRED) {
      const remedy = `"bulkhead keys remove ${plugin} ${name} <kid>" removes one`;
      throw new HostError("invalid-message", `${plugin} has ${MAX_RETIRED} keys ${name} that were rotated, which is the limit; ${remedy}`);
    }
    this.#connection.transaction(() => {
      this.#connection
        .prepare("UPDATE signing_keys SET sealed = NULL, retired_at = ? WHERE plugin = ? AND name = ? AND retired_at IS NULL")
        .run(this.#now(), plugin, name);
      this.#make(plugin, name, current.algorithm, { action: "rotate-key", actor });
    })();
    this.#open.delete(idOf(plugin, name));
  }

  /** Forgets all keys of the name, or one of them: what they have signed is not to be verified any more. Throws HostError `invalid-message`. */
  remove(plugin: string, name: string, kid: string | undefined, actor: Actor): void {
    this.#connection.transaction(() => {
      const { changes } = this.#connection
        .prepare("DELETE FROM signing_keys WHERE plugin = ? AND name = ? AND (? IS NULL OR kid = ?)")
        .run(plugin, name, kid ?? null, kid ?? null);
      if (changes === 0) throw unknownKey(plugin, name, kid);
      this.#audit.append(actor, "remove-key", plugin, { name, ...(kid === undefined ? {} : { kid }), removed: changes });
    })();
    this.#open.delete(idOf(plugin, name));
  }

  /** Forgets all keys of a plugin. */
  purge(plugin: string): void {
    this.#connection.prepare("DELETE FROM signing_keys WHERE plugin = ?").run(plugin);
    for (const id of this.#open.keys()) if (id.startsWith(idOf(plugin, ""))) this.#open.delete(id);
  }

  #rows(plugin: string, name: string): Row[] {
    return this.#connection
      .prepare<[string, string], Row>(
        "SELECT * FROM signing_keys WHERE plugin = ? AND name = ? ORDER BY retired_at IS NOT NULL, retired_at DESC, made_at DESC",
      )
      .all(plugin, name);
  }

  #find(plugin: string, name: string): SigningKey | undefined {
    const row = this.#rows(plugin, name).find(({ retired_at }) => retired_at === null);
    return row && this.#openRow(row);
  }

  #openRow({ plugin, name, kid, algorithm, sealed }: Row): SigningKey {
    const what = `the key ${printable(name)} of ${printable(plugin)}`;
    const remedy = `"bulkhead keys rotate ${printable(plugin)} ${printable(name)}" makes another`;
    const bytes = sealed ?? Buffer.alloc(0);
    return openKey(algorithm, this.#seal.open({ what, remedy, context: contextOf(plugin, name, kid, algorithm), bytes }));
  }

  #make(plugin: string, name: string, algorithm: SigningKey["algorithm"], { action, actor }: Cause): SigningKey {
    const { pkcs8, ...key } = makeKey(algorithm);
    const { kid, jwk } = key;
    const sealed = this.#seal.close(pkcs8, contextOf(plugin, name, kid, algorithm));
    this.#connection.transaction(() => {
      this.#connection
        .prepare("INSERT INTO signing_keys VALUES (?, ?, ?, ?, ?, ?, ?, NULL)")
        .run(plugin, name, kid, algorithm, jwk, sealed, this.#now());
      this.#audit.append(actor, action, plugin, { name, kid, algorithm });
    })();
    return key;
  }

  #infoOf(row: Row): SigningKeyInfo {
    const { plugin, name, kid, algorithm, jwk, made_at: madeAt, retired_at } = row;
    return {
      plugin,
      name,
      kid,
      algorithm,
      jwk,
      madeAt,
      retiredAt: retired_at ?? undefined,
      opens: retired_at !== null || this.#opens(row),
    };
  }

  #opens(row: Row): boolean {
    try {
      this.#openRow(row);
      return true;
    } catch {
      return false;
    }
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString();
  }
}

const idOf = (plugin: string, name: string): string => `${plugin}/${name}`;

const contextOf = (...parts: readonly string[]): readonly string[] => ["signing-key", ...parts];

function unknownKey(plugin: string, name: string, kid?: string): HostError {
  const which = `no key ${printable(name)}${kid === undefined ? "" : ` with the kid ${printable(kid)}`}`;
  return new HostError(
    "invalid-message",
    `${printable(plugin)} has ${which}; "bulkhead keys list ${printable(plugin)}" shows those that there are`,
  );
}

/** What the system says has paths of the host in it, which are not a guest's to see. */
function asStored<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    throw new HostError("storage-failed", "the host's keys cannot be read or written; its log has the cause", { cause });
  }
}
