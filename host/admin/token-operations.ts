// What an operator can do with API tokens.

import { z } from "zod";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Grant } from "../core/types.ts";
import { roleGrants, roleName } from "../manifest/auth.ts";
import type { AuditLog } from "./audit.ts";
import { checked, type Operation } from "./checked.ts";
import type { TokenStore } from "./tokens.ts";

export interface TokenOperationsPorts {
  readonly tokens: TokenStore;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Pick<Clock, "now">;
  /** Throws HostError `invalid-message` for a role that there is not. */
  requireRoles(names: readonly string[]): void;
  transaction(work: () => void): void;
}

interface CreateInput {
  readonly name: string;
  readonly roles: readonly string[];
  readonly scopes: readonly Grant[];
  /** From now on; undefined: until it is revoked. */
  readonly expiresInMs?: number | undefined;
}

const YEARS_MS = 10 * 365 * 86_400_000;
const tokenName: z.ZodType<string> = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "write 1 to 64 lower-case letters, digits, ., _ or -, beginning with a letter or digit");
const createSchema: z.ZodType<CreateInput> = z.strictObject({
  name: tokenName,
  roles: z.array(roleName).min(1, "name at least one role").max(16),
  scopes: roleGrants,
  expiresInMs: z.int().positive().max(YEARS_MS).optional(),
});
const nameSchema: z.ZodType<{ readonly name: string }> = z.strictObject({ name: z.string() });

export function tokenOperations({
  tokens,
  audit,
  clock,
  requireRoles,
  transaction,
}: TokenOperationsPorts): readonly (readonly [string, Operation])[] {
  return [
    ["tokens", checked(z.strictObject({}), () => tokens.list())],
    [
      "create-token",
      checked(createSchema, ({ name, roles, scopes, expiresInMs }, actor) => {
        requireRoles(roles);
        const expiresAt = expiresInMs === undefined ? undefined : clock.now() + expiresInMs;
        const until = expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() };
        let token = "";
        // The token last: what comes before it may fail, and then there is none.
        transaction(() => {
          audit.append(actor, "create-token", name, { roles, scopes, ...until });
          token = tokens.create({ name, roles, scopes, owner: actor, expiresAt });
        });
        return { name, token };
      }),
    ],
    [
      "revoke-token",
      checked(nameSchema, ({ name }, actor) => {
        const ended = tokens.revoke(name);
        if (ended.length === 0) throw new HostError("invalid-message", `there is no token ${printable(name)}`);
        for (const one of ended) audit.append(actor, "revoke-token", one, one === name ? {} : { with: name });
        return { revoked: ended };
      }),
    ],
  ];
}
