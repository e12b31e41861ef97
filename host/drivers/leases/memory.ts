// Leases of one process: whoever contends for a name there gets it in turn.

import { z } from "zod";
import type { Clock } from "../../core/ports/clock.ts";
import type { Driver, Leases } from "../../seams.ts";
import type { LeaseTable } from "./contention.ts";
import { type LeaseOptions, leasesOn, ttlMs } from "./leases.ts";

export const memory: Driver<Leases, LeaseOptions> = {
  name: "memory",
  options: z.strictObject({ ttlMs }),
  async open(opening, options) {
    return Object.assign(leasesOn(memoryTable(opening.clock), opening, options), { async [Symbol.asyncDispose]() {} });
  },
};

export function memoryTable(clock: Pick<Clock, "monotonicMs">): LeaseTable {
  const rows = new Map<string, { readonly holder: string | undefined; readonly epoch: number; readonly endsAt: number }>();
  return {
    take(name, holder, epoch, ttlMs) {
      const now = clock.monotonicMs();
      const found = rows.get(name);
      const isOwn = found?.holder === holder;
      if (found?.holder !== undefined && !isOwn && found.endsAt > now) return undefined;
      const next = isOwn && found.epoch === epoch ? epoch : (found?.epoch ?? 0) + 1;
      rows.set(name, { holder, epoch: next, endsAt: now + ttlMs });
      return next;
    },
    release(name, holder) {
      const found = rows.get(name);
      // Its epoch stays, so that the next one is greater.
      if (found?.holder === holder) rows.set(name, { ...found, holder: undefined });
    },
  };
}
