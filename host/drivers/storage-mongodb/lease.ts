// Who writes a plugin's part. Entries are written after their commit is made, so one that is late could write over what is newer: only who holds the lease
// writes, and it begins nothing that could outlast the lease.

import { StoreUnavailable } from "../../bounds/store-unavailable.ts";
import type { Meta, MongoConnection } from "./connection.ts";

const LEASE_MS = 15_000;
const DUPLICATE = 11_000;

const EMPTY: Omit<Meta, "_id"> = {
  ...{ seq: 0, bytes: 0, keys: 0, hasEnds: false, intent: null, made: [] },
  ...{ logSince: null, logChanges: 0, logBytes: 0 },
  ...{ holder: null, heldUntil: 0, fence: 0 },
};

export interface LeaseOptions {
  readonly connection: Pick<MongoConnection, "meta" | "now">;
  readonly plugin: string;
  /** Whoever opens it: a host. */
  readonly holder: string;
  readonly timeoutMs: number;
}

/** The document, once this one holds it for long enough. Rejects with StoreUnavailable while another does. */
export async function held({ connection, plugin, holder, timeoutMs }: LeaseOptions): Promise<Meta> {
  const { meta } = connection;
  const now = connection.now();
  // A question takes its time at most, and so does the one that writes entries.
  const found = await meta.findOne({ _id: plugin });
  if (found?.holder === holder && found.heldUntil - now > LEASE_MS / 2 && found.heldUntil - now > 3 * timeoutMs) return found;
  if (found === null) await insert(connection, plugin);
  const free = { $or: [{ holder }, { holder: null }, { heldUntil: { $lt: now } }] };
  const taken = await meta.findOneAndUpdate(
    { _id: plugin, ...free },
    { $set: { holder, heldUntil: now + Math.max(LEASE_MS, 6 * timeoutMs) }, $inc: { fence: 1 } },
    { returnDocument: "after" },
  );
  if (taken !== null) return taken;
  throw new StoreUnavailable(`another host writes the storage of ${plugin}; it is free some seconds after that has ended`);
}

// FerretDB 1.24.2 leaves out what is null or empty of $setOnInsert.
async function insert({ meta }: LeaseOptions["connection"], plugin: string): Promise<void> {
  await meta.insertOne({ _id: plugin, ...EMPTY }).catch((cause: unknown) => {
    // Another host was faster.
    if ((cause as { readonly code?: unknown }).code !== DUPLICATE) throw cause;
  });
}

export async function release({ connection, plugin, holder }: LeaseOptions): Promise<void> {
  await connection.meta.updateOne({ _id: plugin, holder }, { $set: { holder: null } });
}
