// What an operator can do with the tokens of remote plugins.

import { z } from "zod";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { pluginName } from "../manifest/manifest.ts";
import type { AuditLog } from "./audit.ts";
import { checked, type Operation } from "./checked.ts";
import type { RemoteTokenStore } from "./remote-tokens.ts";

export interface RemoteOperationsPorts {
  readonly remoteTokens: RemoteTokenStore;
  readonly audit: Pick<AuditLog, "append">;
  /** Undefined for a plugin that is not here. */
  isRemote(plugin: string): boolean | undefined;
  transaction(work: () => void): void;
}

const pluginSchema: z.ZodType<{ readonly plugin: string }> = z.strictObject({ plugin: pluginName });
const listSchema: z.ZodType<{ readonly plugin?: string | undefined }> = z.strictObject({ plugin: pluginName.optional() });
const revokeSchema: z.ZodType<{ readonly plugin: string; readonly id?: string | undefined }> = z.strictObject({
  plugin: pluginName,
  id: z.string().optional(),
});

export function remoteOperations({
  remoteTokens,
  audit,
  isRemote,
  transaction,
}: RemoteOperationsPorts): readonly (readonly [string, Operation])[] {
  return [
    ["remote-tokens", checked(listSchema, ({ plugin }) => remoteTokens.list(plugin))],
    [
      "create-remote-token",
      checked(pluginSchema, ({ plugin }, actor) => {
        const known = isRemote(plugin);
        if (known === undefined)
          throw new HostError(
            "invalid-message",
            `there is no plugin ${printable(plugin)}; install it first, or name it in the configuration`,
          );
        if (!known) throw new HostError("invalid-message", `${plugin} is no remote plugin, and needs no token`);
        let created = { id: "", token: "" };
        // The token last: what comes before it may fail, and then there is none.
        transaction(() => {
          audit.append(actor, "create-remote-token", plugin);
          created = remoteTokens.create(plugin);
        });
        return { plugin, ...created };
      }),
    ],
    [
      "revoke-remote-token",
      checked(revokeSchema, ({ plugin, id }, actor) => {
        const ended = remoteTokens.revoke(plugin, id);
        if (ended.length === 0)
          throw new HostError("invalid-message", `${printable(plugin)} has no ${id === undefined ? "token" : `token ${printable(id)}`}`);
        for (const one of ended) audit.append(actor, "revoke-remote-token", plugin, { id: one.id });
        return { revoked: ended.map((one) => one.id) };
      }),
    ],
  ];
}
