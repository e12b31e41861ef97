// Accounts, sessions and tokens that last as long as the test, with what an operator can do with them.

import Database from "better-sqlite3";
import { AccountPasswords } from "../../host/admin/account-passwords.ts";
import type { Operation } from "../../host/admin/checked.ts";
import { SESSIONS_SCHEMA, SessionStore } from "../../host/admin/sessions.ts";
import { TOKENS_SCHEMA, TokenStore } from "../../host/admin/tokens.ts";
import { userOperations } from "../../host/admin/user-operations.ts";
import { USERS_SCHEMA, UserStore } from "../../host/admin/users.ts";
import { HashingLine } from "../../host/capabilities/crypto/hashing-line.ts";
import type { Clock } from "../../host/core/ports/clock.ts";
import { authSchema } from "../../host/manifest/auth.ts";
import { requireRoles } from "../../host/manifest/roles.ts";

export interface TestAccounts {
  readonly connection: Database.Database;
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly tokens: TokenStore;
  readonly passwords: AccountPasswords;
  /** Audit entries, as text. */
  readonly audited: string[];
  /** Does an operation as `user:root`. */
  operate(operation: string, input?: unknown): Promise<unknown>;
}

export const PASSWORD = "correct horse battery";

export function accountsInMemory(clock: Clock): TestAccounts {
  const connection = new Database(":memory:");
  connection.exec(USERS_SCHEMA + SESSIONS_SCHEMA + TOKENS_SCHEMA);
  const users = new UserStore(connection, clock);
  const sessions = new SessionStore(connection, clock);
  const tokens = new TokenStore(connection, clock, users);
  const passwords = new AccountPasswords(new HashingLine(clock), clock);
  const audited: string[] = [];
  const operations: ReadonlyMap<string, Operation> = new Map(
    userOperations({
      ...{ users, sessions, tokens, passwords },
      audit: { append: (actor, action, subject, detail) => audited.push(`${actor} ${action} ${subject} ${JSON.stringify(detail ?? {})}`) },
      requireRoles: (names) => requireRoles(names, authSchema.parse({})),
      transaction: (work) => connection.transaction(work)(),
    }),
  );
  return {
    ...{ connection, users, sessions, tokens, passwords, audited },
    operate: async (operation, input = {}) => operations.get(operation)?.(input, "user:root"),
  };
}
