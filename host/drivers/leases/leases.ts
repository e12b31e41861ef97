// Leases on a table, wherever that is.

import { randomUUID } from "node:crypto";
import { z } from "zod";
import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { Leases, Opening } from "../../seams.ts";
import { Contention, type LeaseTable } from "./contention.ts";

export interface LeaseOptions {
  /** How long a name stays held by one that has died. */
  readonly ttlMs: number;
}

export const ttlMs: z.ZodType<number> = z.int().min(1_000).max(600_000).default(10_000);

const NAME = /^[a-z0-9][a-z0-9./-]{0,127}$/;

export function leasesOn(table: LeaseTable, { clock, log }: Pick<Opening, "clock" | "log">, options: LeaseOptions): Leases {
  const tell = (message: string, cause?: unknown): void => log.write({ level: "warning", plugin: "host", message, cause });
  return {
    contend(name, work) {
      if (!NAME.test(name))
        throw new HostError("invalid-message", `"${printable(name)}" is no name of a lease; write 1 to 128 of a-z 0-9 . / -`);
      return new Contention({ clock, table, name, holder: randomUUID(), ttlMs: options.ttlMs, work, tell });
    },
  };
}
