// Plugin storage in MongoDB, or what speaks like it: one host at a time writes a plugin's part, and no transactions of the server are needed. The example of a
// driver that could live in a package of its own.

import { randomUUID } from "node:crypto";
import { z } from "zod";
import { type StoreAddressOptions, storeAddress, storeAddressShape } from "../../bounds/store-address.ts";
import { StoreUnavailable } from "../../bounds/store-unavailable.ts";
import type { RemoteStorageDriver } from "../../core/ports/storage.ts";
import type { StoredPlugin } from "../../core/types.ts";
import type { StorageDriverOfHost } from "../../seams.ts";
import { logIdOf } from "./commits.ts";
import { connect, type MongoConnection } from "./connection.ts";
import { MongoStore, type Queue } from "./store.ts";

export interface MongoOptions extends StoreAddressOptions {
  readonly database: string;
  /** For a connection and for each question. */
  readonly timeoutMs: number;
}

const mongoOptions: z.ZodType<MongoOptions> = z.strictObject({
  ...storeAddressShape,
  database: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/, "letters, digits, _ and -")
    .default("bulkhead"),
  timeoutMs: z.int().min(50).max(60_000).default(1_000),
});

export const mongodb: StorageDriverOfHost<MongoOptions> = {
  name: "mongodb",
  options: mongoOptions,
  packages: { mongodb: "^7.0.0" },
  open: ({ secrets, log }, options) =>
    openMongo(options, {
      address: storeAddress(options, secrets, ["mongodb:", "mongodb+srv:"]),
      tell: (message, cause) => log.write({ level: "warning", plugin: "host", message, cause }),
    }),
};

export interface MongoPorts {
  readonly address: ReturnType<typeof storeAddress>;
  readonly tell: (message: string, cause?: unknown) => void;
  /** Instead of the server's clock, for tests. */
  readonly now?: (() => number) | undefined;
}

/** One that is away is no reason to reject. */
export async function openMongo({ database, timeoutMs }: MongoOptions, { address, tell, now }: MongoPorts): Promise<RemoteStorageDriver> {
  const holder = randomUUID();
  const queues = new Map<string, Queue>();
  let connecting: Promise<MongoConnection> | undefined;
  const connected = (): Promise<MongoConnection> => {
    connecting ??= connect({ address, database, timeoutMs }).catch((thrown: unknown) => {
      connecting = undefined;
      throw thrown;
    });
    return connecting;
  };
  await connected().catch((thrown: unknown) => {
    if (!(thrown instanceof StoreUnavailable)) throw thrown;
    tell("MongoDB, where plugins keep what they store, does not answer; it is tried again when a plugin asks for it", thrown.cause);
  });
  return {
    async open({ name: plugin, limits, keepsStorageLog: keepsLog = false }: StoredPlugin) {
      const connection = await connected();
      const bounds = { maxBytes: limits.storageBytes, maxKeys: limits.storageKeys };
      const queue = queues.get(plugin) ?? { last: Promise.resolve() };
      queues.set(plugin, queue);
      return new MongoStore({ ...bounds, connection, plugin, holder, timeoutMs, keepsLog, queue, now });
    },
    async purge(plugin) {
      const { entries, log, meta, asked } = await connected();
      await asked(async () => {
        await entries.deleteMany({ plugin });
        await log.deleteMany({ _id: { $gte: logIdOf(plugin, 0), $lte: logIdOf(plugin, Number.MAX_SAFE_INTEGER) } });
        await meta.deleteOne({ _id: plugin });
      });
    },
    async [Symbol.asyncDispose]() {
      await (await connecting?.catch(() => undefined))?.close();
    },
  };
}
