// What an operator can do with accounts, and with the sessions of whoever has logged in.

import { z } from "zod";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { roleName } from "../manifest/auth.ts";
import type { AccountPasswords } from "./account-passwords.ts";
import type { Actor, AuditLog } from "./audit.ts";
import { checked, type Operation } from "./checked.ts";
import type { SessionStore } from "./sessions.ts";
import type { TokenStore } from "./tokens.ts";
import { principalOfUser, type UserInfo, type UserStore } from "./users.ts";

export interface UserOperationsPorts {
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly tokens: Pick<TokenStore, "revokeOf" | "changedOf">;
  readonly passwords: Pick<AccountPasswords, "hash">;
  readonly audit: Pick<AuditLog, "append">;
  /** Throws HostError `invalid-message` for a role that there is not. */
  requireRoles(names: readonly string[]): void;
  transaction(work: () => void): void;
}

/** An account with what goes on with it. */
export interface ListedUser extends UserInfo {
  readonly sessions: number;
}

interface Named {
  readonly name: string;
}

const name: z.ZodType<string> = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "write 1 to 64 lower-case letters, digits, ., _ or -, beginning with a letter or digit");
const roles: z.ZodType<readonly string[]> = z.array(roleName).min(1, "name at least one role").max(16);
const password = z.string().max(4_096);
const noneSchema: z.ZodType<object> = z.strictObject({});
const nameSchema: z.ZodType<Named> = z.strictObject({ name: z.string() });
const addSchema: z.ZodType<Named & { readonly roles: readonly string[]; readonly password: string }> = z.strictObject({
  name,
  roles,
  password,
});
const passwordSchema: z.ZodType<Named & { readonly password: string }> = z.strictObject({ name: z.string(), password });
const rolesSchema: z.ZodType<Named & { readonly roles: readonly string[] }> = z.strictObject({ name: z.string(), roles });
const principalSchema: z.ZodType<{ readonly principal: string }> = z.strictObject({ principal: z.string().max(512) });

/** In what goes on with an account it never has more than it has now, and nothing once it is gone. */
export function userOperations(ports: UserOperationsPorts): readonly (readonly [string, Operation])[] {
  const { users, sessions, tokens, passwords, audit, requireRoles, transaction } = ports;
  const requireUser = (name: string): void => {
    if (users.find(name) === undefined) throw new HostError("invalid-message", `there is no account ${printable(name)}`);
  };
  return [
    ["users", checked(noneSchema, () => listed(ports))],
    [
      "add-user",
      checked(addSchema, async ({ name, roles, password }, actor) => {
        requireRoles(roles);
        const hash = await passwords.hash(password);
        transaction(() => {
          users.add({ name, roles, hash });
          audit.append(actor, "add-user", name, { roles });
        });
        return { name, roles };
      }),
    ],
    [
      "set-password",
      checked(passwordSchema, async ({ name, password }, actor) => {
        requireUser(name);
        const hash = await passwords.hash(password);
        let ended = 0;
        transaction(() => {
          users.setPassword(name, hash);
          audit.append(actor, "set-password", name);
          ended = sessions.endOf(principalOfUser(name));
        });
        return { name, ended };
      }),
    ],
    [
      "set-user-roles",
      checked(rolesSchema, ({ name, roles }, actor) => {
        requireRoles(roles);
        transaction(() => {
          users.setRoles(name, roles);
          audit.append(actor, "set-user-roles", name, { roles });
          sessions.endOf(principalOfUser(name));
        });
        tokens.changedOf(principalOfUser(name));
        return { name, roles };
      }),
    ],
    [
      "remove-user",
      checked(nameSchema, ({ name }, actor) => {
        const principal = principalOfUser(name);
        let revoked: readonly string[] = [];
        transaction(() => {
          users.remove(name);
          audit.append(actor, "remove-user", name);
          sessions.endOf(principal);
          revoked = tokens.revokeOf(principal);
          for (const one of revoked) audit.append(actor, "revoke-token", one, { with: principal });
        });
        return { name, revoked };
      }),
    ],
    [
      "end-sessions",
      checked(principalSchema, ({ principal }, actor: Actor) => {
        const ended = sessions.endOf(principal);
        if (ended === 0)
          throw new HostError("invalid-message", `${printable(principal)} has no session; "bulkhead user list" shows who has`);
        audit.append(actor, "end-sessions", principal, { sessions: ended });
        return { principal, ended };
      }),
    ],
  ];
}

/** All accounts, and how many sessions each principal has that is none of them. */
function listed({ users, sessions }: UserOperationsPorts): {
  readonly users: readonly ListedUser[];
  readonly others: Readonly<Record<string, number>>;
} {
  const counts = new Map(sessions.counts());
  const all = users.list().map((user) => ({ ...user, sessions: counts.get(principalOfUser(user.name)) ?? 0 }));
  for (const { name } of all) counts.delete(principalOfUser(name));
  return { users: all, others: Object.fromEntries(counts) };
}
