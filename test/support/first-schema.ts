// A host's database as the first version had it, made of today's.

import type { Database } from "better-sqlite3";

/** What schemas since the first have added. */
const LATER = [
  ...["quarantine", "storage_places", "storage_copies", "tokens", "signing_keys", "tool_words", "users", "sessions", "identity"],
  ...["origins", "pins", "trust_documents", "revoked", "log_checkpoints", "remote_tokens"],
];

export function toFirstSchema(database: Database): void {
  for (const table of LATER) database.exec(`DROP TABLE ${table}`);
  database.pragma("user_version = 1");
}
