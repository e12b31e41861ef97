// What an operator can do about the configuration of a running host: have it read anew.

import { z } from "zod";
import type { ConfigurationChange } from "../manifest/configuration-changes.ts";
import { checked, type Operation } from "./checked.ts";
import type { RecordEntry } from "./dead-letters.ts";
import type { OperationQueue } from "./operation-queue.ts";

export interface ReloadedChange extends ConfigurationChange {
  /** Why it is not in force. */
  readonly failure?: string;
}

export interface Reloaded {
  /** In the order in which they are written. */
  readonly changes: readonly ReloadedChange[];
  /** Whether they are in force, but for those that failed or wait for a restart of the host; false after a dry run. */
  readonly isApplied: boolean;
}

export interface LiveConfiguration {
  /** Rejects with HostError, and has changed nothing then. */
  reload(how: {
    /** Checks all and changes nothing. */
    readonly dryRun: boolean;
    /** Work on one plugin, after all else that was asked for it. */
    readonly queued: OperationQueue["run"];
  }): Promise<Reloaded>;
}

const reloadSchema: z.ZodType<{ readonly dryRun: boolean }> = z.strictObject({ dryRun: z.boolean().default(false) });

/** Of keys in one entry of the audit log. */
const MAX_KEYS = 100;

export function reloadOperations(ports: {
  /** Throws HostError when no host runs. */
  live(): LiveConfiguration;
  readonly queue: OperationQueue;
  readonly record: RecordEntry;
}): readonly (readonly [string, Operation])[] {
  const { live, queue, record } = ports;
  return [
    [
      "reload",
      checked(reloadSchema, async ({ dryRun }, actor) => {
        const reloaded = await live().reload({ dryRun, queued: (plugin, work) => queue.run(plugin, work) });
        if (!dryRun && reloaded.changes.length > 0) record(actor, "reload", "host", detailOf(reloaded));
        return reloaded;
      }),
    ],
  ];
}

/** Keys alone: their values may be anything. */
function detailOf({ changes }: Reloaded): Readonly<Record<string, unknown>> {
  const keys = (some: Reloaded["changes"]): string[] => some.slice(0, MAX_KEYS).map(({ key }) => key);
  const failed = changes.filter(({ failure }) => failure !== undefined);
  const waiting = changes.filter(({ effect }) => effect === "restart of the host");
  const done = changes.filter((change) => !failed.includes(change) && !waiting.includes(change));
  return { changed: keys(done), failed: keys(failed), waiting: keys(waiting), changes: changes.length };
}
