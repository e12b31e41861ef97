// Leases of hosts that share NATS servers. No clock is shared: who contends takes a name that nobody has renewed for as long as its holder asked for, by his own
// monotonic clock and since he heard of it; the holder has stopped by then, and of two who take it at once the servers refuse one.

import { z } from "zod";
import type { Clock } from "../../core/ports/clock.ts";
import type { Driver, Leases } from "../../seams.ts";
import type { BucketCopy, BucketEntry } from "../nats/bucket.ts";
import { NATS_PACKAGES, type NatsOptions, natsShape } from "../nats/options.ts";
import type { LeaseTable } from "./contention.ts";
import { type LeaseOptions, leasesOn, ttlMs } from "./leases.ts";

export interface NatsLeaseOptions extends LeaseOptions, NatsOptions {}

export const nats: Driver<Leases, NatsLeaseOptions> = {
  name: "nats",
  options: z.strictObject({ ttlMs, ...natsShape }),
  packages: NATS_PACKAGES,
  async open(opening, { ttlMs, ...options }) {
    const { openNats } = await import("../nats/connection.ts");
    const { BucketCopy } = await import("../nats/bucket.ts");
    await using opened = new AsyncDisposableStack();
    const connection = opened.use(await openNats(options, opening.log));
    const rows = new LeaseRows(opening.clock);
    const bucket = opened.use(await BucketCopy.open(connection, "leases", rows));
    const leases = leasesOn(natsTable(bucket, rows), opening, { ttlMs });
    const all = opened.move();
    return Object.assign(leases, { [Symbol.asyncDispose]: () => all.disposeAsync() });
  },
};

interface Row {
  /** Undefined for a name that was given up. */
  readonly holder: string | undefined;
  readonly epoch: number;
  readonly ttlMs: number;
  readonly revision: number;
  /** On this host's monotonic clock. */
  readonly heardAt: number;
}

const rowSchema = z.strictObject({
  version: z.literal(1),
  holder: z.string().min(1).max(64).optional(),
  /** Absent in what takes the name: its epoch is its own revision. */
  epoch: z.int().positive().optional(),
  ttlMs: z.int().min(1_000).max(600_000),
});

const MAX_ROW_BYTES = 1_024;
/** What nobody can read is held for so long, and is nobody's then. */
const UNREADABLE = { holder: "?", ttlMs: 600_000 } as const;
/** As often a change that another one came before is tried again with what is there now. */
const ATTEMPTS = 3;

/** What is known of each name. */
export class LeaseRows {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #rows = new Map<string, Row>();
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  get(name: string): Row | undefined {
    return this.#rows.get(name);
  }

  isFree(row: Row | undefined): boolean {
    return row?.holder === undefined || this.#clock.monotonicMs() - row.heardAt > row.ttlMs;
  }

  onReleased(name: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(name);
    };
  }

  readonly onEntry = ({ key, revision, value, isDeleted }: BucketEntry): void => {
    const { holder, epoch, ttlMs } = isDeleted ? { holder: undefined, epoch: undefined, ttlMs: 0 } : read(value);
    this.#rows.set(key, { holder, epoch: epoch ?? revision, ttlMs, revision, heardAt: this.#clock.monotonicMs() });
    if (holder === undefined) for (const tell of [...(this.#listeners.get(key) ?? [])]) tell();
  };
}

function read(value: Uint8Array): Pick<z.infer<typeof rowSchema>, "holder" | "epoch" | "ttlMs"> {
  if (value.length > MAX_ROW_BYTES) return UNREADABLE;
  try {
    return rowSchema.parse(JSON.parse(new TextDecoder().decode(value)));
  } catch {
    return UNREADABLE;
  }
}

/** `rows` are those that the bucket tells of. */
export function natsTable(bucket: Pick<BucketCopy, "put" | "catchUp">, rows: LeaseRows): LeaseTable {
  const write = (name: string, row: Omit<z.infer<typeof rowSchema>, "version">): Promise<number | undefined> => {
    const value = new TextEncoder().encode(JSON.stringify({ version: 1, ...row }));
    return bucket.put(name, value, {}, rows.get(name)?.revision ?? 0);
  };
  return {
    async take(name, holder, epoch, ttlMs) {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const row = rows.get(name);
        const isOwn = row?.holder === holder;
        if (!isOwn && !rows.isFree(row)) return undefined;
        const keeps = isOwn && row.epoch === epoch;
        const revision = await write(name, { holder, ttlMs, ...(keeps ? { epoch } : {}) });
        if (revision !== undefined) return keeps ? epoch : revision;
        await bucket.catchUp(name);
      }
      return undefined;
    },
    async release(name, holder) {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const row = rows.get(name);
        if (row?.holder !== holder) return;
        if ((await write(name, { ttlMs: row.ttlMs })) !== undefined) return;
        await bucket.catchUp(name);
      }
    },
    onReleased: (name, listener) => rows.onReleased(name, listener),
  };
}
