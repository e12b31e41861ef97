// What an operator can do about whose plugins come in: see who signs what, take another key for a name, forget one, fetch policy and lists.

import { z } from "zod";
import { KEYID } from "../bounds/public-keys.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { pluginName } from "../manifest/manifest.ts";
import type { Actor } from "./audit.ts";
import { checked, type Operation } from "./checked.ts";
import type { Stores } from "./stores.ts";
import type { Trust } from "./trust.ts";
import type { DocumentStatus, Refreshed } from "./trust-documents.ts";
import type { Revoked, StoredPin } from "./trust-store.ts";

export interface TrustStatus {
  readonly mode: string;
  readonly documents: readonly DocumentStatus[];
  readonly pins: readonly StoredPin[];
  readonly revoked: readonly Revoked[];
}

export interface RefreshOutcome {
  readonly documents: readonly (Omit<Refreshed, "problem"> & { readonly problem: string | undefined })[];
  /** Plugins that were stopped, because a list withdraws their version. */
  readonly stopped: readonly string[];
}

export interface TrustOperationsPorts {
  readonly trust: Trust;
  readonly stores: Stores;
  readonly haltRevoked: () => Promise<readonly string[]>;
}

const noneSchema: z.ZodType<object> = z.strictObject({});
const acceptSchema: z.ZodType<{ readonly plugin: string; readonly keyid: string }> = z.strictObject({
  plugin: pluginName,
  keyid: z.string().regex(KEYID, "write the 64 hexadecimal digits of a keyid"),
});
const settleSchema: z.ZodType<{ readonly plugin: string; readonly package: string }> = z.strictObject({
  plugin: pluginName,
  package: z.string().regex(KEYID),
});
const forgetSchema: z.ZodType<{ readonly plugin: string }> = z.strictObject({ plugin: pluginName });

export function trustOperations({ trust, stores, haltRevoked }: TrustOperationsPorts): readonly (readonly [string, Operation])[] {
  const status = (): TrustStatus => ({
    mode: stores.configuration.trust.mode,
    documents: trust.documents.status(),
    pins: stores.trust.pins(),
    revoked: stores.trust.revoked(),
  });
  return [
    ["trust", checked(noneSchema, status)],
    [
      "trust-accept",
      checked(acceptSchema, ({ plugin, keyid }, actor: Actor) => {
        trust.accept(plugin, keyid, actor);
        return status();
      }),
    ],
    [
      "trust-forget",
      checked(forgetSchema, ({ plugin }, actor: Actor) => {
        if (stores.trust.pinsOf(plugin).length === 0)
          throw new HostError("invalid-message", `nobody has seen a key of ${printable(plugin)} here; "bulkhead trust" lists the names`);
        stores.transaction(() => {
          stores.trust.unpin(plugin);
          stores.audit.append(actor, "forget-key", plugin);
        });
        return status();
      }),
    ],
    [
      // What the configuration names is not installed by the host: whoever writes it into the lock says that it came in.
      "trust-settle",
      checked(settleSchema, ({ plugin, package: id }, actor: Actor) => {
        const { source } = stores.configuration.plugins[plugin] ?? {};
        if (source === undefined) throw new HostError("conflict", `the configuration does not name ${printable(plugin)} by its source`);
        stores.transaction(() => trust.settle(plugin, id, actor));
        return trust.keyidsFor(plugin, id);
      }),
    ],
    [
      "trust-refresh",
      checked(noneSchema, async (): Promise<RefreshOutcome> => {
        const refreshed = await trust.refresh();
        const documents = refreshed.map(({ problem, ...one }) => ({ ...one, problem: problem?.message }));
        return { documents, stopped: await haltRevoked() };
      }),
    ],
  ];
}
