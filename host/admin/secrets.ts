// Secrets of the operator, encrypted: AES-256-GCM with a key that lies in a file beside the database or comes from the environment, so that a
// copy of the database alone is of no use. Name and destinations are authenticated with the value: who changes them in the database breaks it.

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Database as Connection } from "better-sqlite3";
import { STORE_DESTINATION } from "../bounds/store-address.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Clock } from "../core/ports/clock.ts";
import { compileResource } from "../manifest/resources.ts";

/** What can be told of a secret. */
export interface SecretInfo {
  readonly name: string;
  /** Patterns of `http.fetch` that it may go to, or `drivers.storage`. */
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

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAX_VALUE_LENGTH = 4_096;
// Copies of a shorter one cannot be told from what stands in an answer by chance, and whoever sees what is hidden could guess it.
const MIN_VALUE_LENGTH = 8;
const KEY_VARIABLE = "BULKHEAD_SECRET_KEY";
const KEY_FILE = "secret.key";

/** Part of the database's schema. */
export const SECRETS_SCHEMA = `
  CREATE TABLE secrets (name TEXT PRIMARY KEY, destinations TEXT NOT NULL, sealed BLOB NOT NULL, set_at TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

export class SecretStore {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #keyFile: string;
  #key: Buffer | undefined;

  constructor(connection: Connection, clock: Clock, dataDir: string) {
    this.#connection = connection;
    this.#clock = clock;
    this.#keyFile = join(dataDir, KEY_FILE);
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
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#requireKey(), nonce).setAAD(contextOf(name, destinations));
    const sealed = Buffer.concat([nonce, cipher.update(value, "utf8"), cipher.final(), cipher.getAuthTag()]);
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
    const key = this.#findKey();
    if (key === undefined) {
      const remedy = `bring it back from a backup, or set ${printable(name)} again`;
      throw new HostError("storage-failed", `the secret ${printable(name)} cannot be opened: ${KEY_FILE} is lost; ${remedy}`);
    }
    try {
      const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(contextOf(name, destinations)).setAuthTag(sealed.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString("utf8");
    } catch {
      throw new HostError("storage-failed", `the secret ${printable(name)} cannot be opened with the key in ${KEY_FILE}; set it again`);
    }
  }

  #requireKey(): Buffer {
    this.#key ??= this.#findKey() ?? this.#makeKey();
    return this.#key;
  }

  /** The key that is there; undefined where none was made yet, or it is lost. */
  #findKey(): Buffer | undefined {
    this.#key ??= this.#keyOfEnvironment() ?? this.#keyOfFile();
    return this.#key;
  }

  #keyOfEnvironment(): Buffer | undefined {
    const text = process.env[KEY_VARIABLE];
    if (text === undefined) return undefined;
    const key = Buffer.from(text, "base64");
    if (key.length === KEY_BYTES) return key;
    throw new HostError("invalid-message", `${KEY_VARIABLE} must be ${KEY_BYTES} bytes in base64; "openssl rand -base64 32" makes one`);
  }

  #keyOfFile(): Buffer | undefined {
    if (!existsSync(this.#keyFile)) return undefined;
    const key = readFileSync(this.#keyFile);
    if (key.length === KEY_BYTES) return key;
    throw new HostError("storage-failed", `${this.#keyFile} is no key of ${KEY_BYTES} bytes; bring it back from a backup`);
  }

  #makeKey(): Buffer {
    const key = randomBytes(KEY_BYTES);
    const unfinished = `${this.#keyFile}.unfinished`;
    const descriptor = openSync(unfinished, "w", 0o600);
    writeSync(descriptor, key);
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(unfinished, this.#keyFile);
    return key;
  }
}

/** Throws HostError `invalid-message` for what is no destination. */
const matcherOf = (destination: string): ((resource: string) => boolean) =>
  destination === STORE_DESTINATION ? (resource) => resource === STORE_DESTINATION : compileResource("http.fetch", destination);

const contextOf = (name: string, destinations: string): Buffer => Buffer.from(JSON.stringify([name, destinations]));
