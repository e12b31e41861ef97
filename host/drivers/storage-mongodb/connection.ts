// The connections to MongoDB, or what speaks like it. All of the package mongodb is here; the rest of the driver has its collections only.

import type { Collection, Document, FindCursor } from "mongodb";
import type { StoreAddress } from "../../bounds/store-address.ts";
import { StoreUnavailable } from "../../bounds/store-unavailable.ts";

export type { FindCursor };

/** As it is written; as it is read, in a buffer that may hold more. */
export type StoredBytes = Uint8Array | { readonly buffer: Uint8Array; readonly position: number };

export const lengthOf = (bytes: StoredBytes): number => (bytes instanceof Uint8Array ? bytes.length : bytes.position);
/** A copy: what came with it is somebody else's. */
export const copyOf = (bytes: StoredBytes): Uint8Array =>
  bytes instanceof Uint8Array ? bytes.slice() : Uint8Array.from(bytes.buffer.subarray(0, bytes.position));

export interface Entry {
  /** The plugin, a colon and the key: texts are compared by their bytes. */
  readonly _id: string;
  readonly plugin: string;
  readonly value: StoredBytes;
  readonly version: number;
  /** Milliseconds since 1970; null for what stays. */
  readonly endsAt: number | null;
}

/** One commit. */
export interface Logged {
  /** The plugin, a colon and the commit, in digits that sort. */
  readonly _id: string;
  readonly seq: number;
  readonly time: number;
  readonly trace: string | null;
  readonly changes: readonly { readonly key: string; readonly removed: boolean }[];
  readonly count: number;
  readonly bytes: number;
}

/** A commit that is made, and whose entries may not all be written yet: whoever comes next writes them first. */
export interface Intent {
  readonly seq: number;
  /** Null for what is removed. */
  readonly entries: readonly (Pick<Entry, "_id" | "version" | "endsAt"> & { readonly value: StoredBytes | null })[];
  readonly logged: Logged | null;
}

/** All that one plugin's commits need to know, in one document, since only one changes as a whole. */
export interface Meta {
  readonly _id: string;
  readonly seq: number;
  readonly bytes: number;
  readonly keys: number;
  readonly hasEnds: boolean;
  readonly intent: Intent | null;
  readonly made: readonly { readonly id: string; readonly seq: number; readonly had: boolean }[];
  readonly logSince: number | null;
  readonly logChanges: number;
  readonly logBytes: number;
  /** Who writes, until when, and as how manieth. */
  readonly holder: string | null;
  readonly heldUntil: number;
  readonly fence: number;
}

export interface MongoConnection {
  readonly entries: Collection<Entry>;
  readonly log: Collection<Logged>;
  readonly meta: Collection<Meta>;
  /** The server's clock, as far as it was asked. */
  now(): number;
  /** Settles as the work does; rejects with StoreUnavailable when the same may succeed later. */
  asked<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface MongoConnectionOptions {
  readonly address: StoreAddress;
  readonly database: string;
  readonly timeoutMs: number;
}

/** Of the network, of the choice of a server, and of the pool. */
const PASSES = /^Mongo(Network|ServerSelection|Pool|WaitQueue|TopologyClosed|NotConnected|OperationTimeout)/;
/** Not the primary any more, shutting down, or interrupted by it. */
const PASSING_CODES: ReadonlySet<unknown> = new Set([91, 189, 10_107, 11_600, 11_602, 13_435, 13_436]);

/** Rejects with StoreUnavailable while the server is away. */
export async function connect({ address, database, timeoutMs }: MongoConnectionOptions): Promise<MongoConnection> {
  const { MongoClient } = await import("mongodb");
  const { url, tls } = address;
  const client = new MongoClient(url.href, {
    appName: "bulkhead",
    tls: tls !== undefined,
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    connectTimeoutMS: timeoutMs,
    serverSelectionTimeoutMS: timeoutMs,
    socketTimeoutMS: timeoutMs,
    waitQueueTimeoutMS: timeoutMs,
    // A commit has a name, by which it is asked again; what the driver repeats by itself needs sessions of the server.
    retryWrites: false,
    retryReads: false,
    writeConcern: { w: "majority" },
  });
  const asked = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      throw asUnavailable(cause);
    }
  };
  const db = client.db(database);
  const collection = <T extends Document>(name: string): Collection<T> => db.collection<T>(name);
  const entries = collection<Entry>("entries");
  let aheadMs = 0;
  try {
    await asked(async () => {
      await client.connect();
      const { localTime } = await db.command({ hello: 1 });
      if (localTime instanceof Date) aheadMs = localTime.getTime() - Date.now();
      await entries.createIndex({ plugin: 1, endsAt: 1 });
    });
  } catch (thrown) {
    await client.close();
    throw thrown;
  }
  return {
    ...{ entries, log: collection<Logged>("log"), meta: collection<Meta>("plugins") },
    now: () => Date.now() + aheadMs,
    asked,
    close: () => client.close(),
  };
}

function asUnavailable(cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause;
  const { code } = cause as { readonly code?: unknown };
  // Many writes at once fail as what one of them met, or as the connection did.
  const isOfConnection = PASSES.test(cause.name) || (cause.name === "MongoBulkWriteError" && typeof code !== "number");
  return isOfConnection || PASSING_CODES.has(code) ? new StoreUnavailable("MongoDB does not answer", cause) : cause;
}
