// The host's own database, <dataDir>/host.sqlite: grants, audit, usage, secrets, installed plugins, quarantine. One process at a time may have it.

import { chmodSync, closeSync, existsSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database, { type Database as Connection } from "better-sqlite3";
import { openStore, type Step } from "../bounds/ladder.ts";
import { asStorageError } from "../bounds/storage-error.ts";
import { HostError } from "../core/errors.ts";
import { openDataFolder } from "./data-folder.ts";
import { giveIdentity } from "./identity.ts";
import { INSTALLATIONS_SCHEMA } from "./installations.ts";
import { LOG_CHECKPOINTS_SCHEMA } from "./log-checkpoints.ts";
import { QUARANTINE_SCHEMA, takeOverQuarantine } from "./quarantine.ts";
import { REMOTE_TOKENS_SCHEMA } from "./remote-tokens.ts";
import { SECRETS_SCHEMA } from "./secrets.ts";
import { SESSIONS_SCHEMA } from "./sessions.ts";
import { SIGNING_KEYS_SCHEMA } from "./signing-keys.ts";
import { STORAGE_PLACES_SCHEMA } from "./storage-places.ts";
import { TOKENS_SCHEMA } from "./tokens.ts";
import { TOOL_WORDS_SCHEMA } from "./tool-words.ts";
import { TRUST_SCHEMA } from "./trust-store.ts";
import { USERS_SCHEMA } from "./users.ts";

const PRIVATE = 0o600;
export const LOCK_FILE = "lock.sqlite";
const SCHEMA_1 = `
  CREATE TABLE grants (
    plugin TEXT NOT NULL,
    permission TEXT NOT NULL,
    resource TEXT NOT NULL,
    effect TEXT NOT NULL CHECK (effect IN ('allow', 'deny')),
    until_restart INTEGER NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (plugin, permission, resource, effect)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE usage (
    plugin TEXT NOT NULL,
    permission TEXT NOT NULL,
    resource TEXT NOT NULL,
    last_used TEXT NOT NULL,
    PRIMARY KEY (plugin, permission, resource)
  ) STRICT, WITHOUT ROWID;

${INSTALLATIONS_SCHEMA}${SECRETS_SCHEMA}
  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE TABLE audit_head (only INTEGER PRIMARY KEY CHECK (only = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
  INSERT INTO audit_head VALUES (1, 0, '');
  CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
`;

const QUARANTINE_OF_0_1 = "quarantine";

/** Each schema from the one before. What a step says has been written somewhere, so it stays as it is. */
export const hostSteps = (dataDir: string): readonly Step[] => [
  { since: "0.1.0", up: (connection) => connection.exec(SCHEMA_1) },
  {
    since: "0.2.0",
    up(connection) {
      connection.exec(QUARANTINE_SCHEMA);
      takeOverQuarantine(connection, join(dataDir, QUARANTINE_OF_0_1));
    },
  },
  { since: "0.2.0", up: (connection) => connection.exec(STORAGE_PLACES_SCHEMA) },
  { since: "0.2.0", up: (connection) => connection.exec(TOKENS_SCHEMA) },
  { since: "0.2.0", up: (connection) => connection.exec(SIGNING_KEYS_SCHEMA) },
  { since: "0.2.0", up: (connection) => connection.exec(TOOL_WORDS_SCHEMA) },
  { since: "0.2.0", up: (connection) => connection.exec(USERS_SCHEMA + SESSIONS_SCHEMA) },
  { since: "0.2.0", up: giveIdentity },
  { since: "0.2.0", up: (connection) => connection.exec(TRUST_SCHEMA) },
  { since: "0.2.0", up: (connection) => connection.exec(LOG_CHECKPOINTS_SCHEMA) },
  { since: "0.2.0", up: (connection) => connection.exec(REMOTE_TOKENS_SCHEMA) },
];

export interface HostDatabase {
  readonly connection: Connection;
  close(): void;
}

/**
 * Opens the database of a data folder and keeps others out until it is closed or the process ends, however it ends. What is committed survives
 * a loss of power. Throws HostError `conflict` while another process has the folder, `storage-failed` when it cannot be opened,
 * or was written by a newer version.
 */
export function openHostDatabase(dataDir: string): HostDatabase {
  openDataFolder(dataDir);
  const lock = lockFolder(dataDir);
  try {
    const connection = openUnlocked(dataDir);
    const close = (): void => {
      connection.close();
      lock.close();
    };
    return { connection, close };
  } catch (cause) {
    lock.close();
    throw cause;
  }
}

/** The same for whoever has the folder locked. Throws HostError `storage-failed`. */
export function openUnlocked(dataDir: string): Connection {
  const file = join(dataDir, "host.sqlite");
  try {
    return openMigrated(file, dataDir);
  } catch (cause) {
    throw asStorageError(file, cause);
  }
}

function openMigrated(file: string, dataDir: string): Connection {
  makePrivate(file);
  const connection = openStore(() => connect(file), hostSteps(dataDir), file);
  // Not a part of the step: the process may have ended between that and this.
  rmSync(join(dataDir, QUARANTINE_OF_0_1), { recursive: true, force: true });
  return connection;
}

function connect(file: string): Connection {
  const connection = new Database(file);
  connection.pragma("journal_mode = WAL");
  connection.pragma("synchronous = FULL");
  return connection;
}

/** A lock of the system, by way of SQLite: unlike a file with a process id in it, it cannot be left behind. Throws HostError `conflict` when another process has it. */
export function lockFolder(dataDir: string): Connection {
  const file = join(dataDir, LOCK_FILE);
  const lock = opened(file);
  try {
    // Whoever has it may rename the folder, and a journal could not be removed by its name any more.
    lock.pragma("journal_mode = MEMORY");
    lock.pragma("locking_mode = EXCLUSIVE");
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (cause) {
    lock.close();
    if (!(cause instanceof Database.SqliteError && cause.code.startsWith("SQLITE_BUSY"))) throw asStorageError(file, cause);
    throw new HostError("conflict", `another process works on ${dataDir}; stop it, or talk to the host that runs there`, { cause });
  }
}

function opened(file: string): Connection {
  try {
    makePrivate(file);
    return new Database(file, { timeout: 0 });
  } catch (cause) {
    throw asStorageError(file, cause);
  }
}

// Cells of their own users may have to pass through the folder. What SQLite puts beside a file has the file's mode.
function makePrivate(file: string): void {
  closeSync(openSync(file, "a", PRIVATE));
  for (const name of [file, `${file}-wal`, `${file}-shm`]) if (existsSync(name)) chmodSync(name, PRIVATE);
}
