// What an operator can do about backups while a host runs: make one. Bringing one back is done where no host is. It is written down before it is made, since all that
// the host has leaves it by that.

import { z } from "zod";
import type { AuditLog } from "./audit.ts";
import { checked, type Operation } from "./checked.ts";

interface AskedBackup {
  /** Where it is to be, absolute, on the host's machine. */
  readonly file: string;
  /** The configuration's file, absolute; it goes into the backup with the lock beside it. */
  readonly configuration?: string | undefined;
  /** Closes the key that opens secrets and signing keys; without it the key is not in the backup. */
  readonly passphrase?: string | undefined;
}

export interface Backups {
  /** Throws HostError for what cannot be begun. */
  check(asked: AskedBackup): void;
  /** Resolves with what it is. Rejects with HostError; then nothing is left of it. */
  make(asked: AskedBackup): Promise<object>;
}

const path = z.string().min(1).max(4_096);
const askedSchema: z.ZodType<AskedBackup> = z.strictObject({
  file: path,
  configuration: path.optional(),
  passphrase: z.string().max(1_024).optional(),
});

export function backupOperations(ports: {
  readonly backups: Backups;
  readonly audit: Pick<AuditLog, "append">;
}): readonly (readonly [string, Operation])[] {
  const { backups, audit } = ports;
  return [
    [
      "create-backup",
      checked(askedSchema, (asked, actor) => {
        backups.check(asked);
        audit.append(actor, "create-backup", "host", { file: asked.file, secrets: asked.passphrase !== undefined });
        return backups.make(asked);
      }),
    ],
  ];
}
