// Plugin storage in Redis, 6.2 and newer or what speaks like it, for hosts on more than one machine. What was acknowledged is as durable as that Redis makes it.

import { z } from "zod";
import { type StoreAddressOptions, storeAddress, storeAddressShape } from "../../bounds/store-address.ts";
import { StoreUnavailable } from "../../bounds/store-unavailable.ts";
import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { RemoteStorageDriver } from "../../core/ports/storage.ts";
import type { StoredPlugin } from "../../core/types.ts";
import type { StorageDriverOfHost } from "../../seams.ts";
import { connect, type RedisConnection } from "./connection.ts";
import { keysOf, RedisStore } from "./store.ts";

export interface RedisOptions extends StoreAddressOptions {
  /** Of the keys. Hosts that name the same one share what their plugins of the same name keep. */
  readonly prefix: string;
  /** For a connection and for each question. */
  readonly timeoutMs: number;
}

const redisOptions: z.ZodType<RedisOptions> = z.strictObject({
  ...storeAddressShape,
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9_.:-]{1,100}$/, "letters, digits, _, ., : and -")
    .default("bulkhead"),
  timeoutMs: z.int().min(50).max(60_000).default(1_000),
});

export const redis: StorageDriverOfHost<RedisOptions> = {
  name: "redis",
  options: redisOptions,
  packages: { ioredis: "^6.0.0" },
  open: ({ secrets, log }, options) =>
    openRedis(options, {
      address: storeAddress(options, secrets, ["redis:", "rediss:"]),
      tell: (message, cause) => log.write({ level: "warning", plugin: "host", message, cause }),
    }),
};

export interface RedisPorts {
  readonly address: ReturnType<typeof storeAddress>;
  readonly tell: (message: string, cause?: unknown) => void;
  /** Instead of the clock of Redis, for tests. */
  readonly now?: (() => number) | undefined;
}

/** Rejects with HostError for a Redis that would throw away what plugins keep; one that is away is no reason. */
export async function openRedis({ prefix, timeoutMs }: RedisOptions, { address, tell, now }: RedisPorts): Promise<RemoteStorageDriver> {
  let isTold = false;
  const onError = (cause: unknown): void => {
    // Each attempt to connect again fails as the first did.
    if (!isTold) tell("the connection to Redis broke; it is tried again", cause);
    isTold = true;
  };
  const connection = await connect({ address, timeoutMs, onError });
  let checked = false;
  const ready = async (): Promise<void> => {
    if (checked) return;
    await refuseForgetful(connection);
    checked = true;
    isTold = false;
    await warnOfLosses(connection, tell);
  };
  try {
    await ready();
  } catch (thrown) {
    if (!(thrown instanceof StoreUnavailable)) {
      connection.close();
      throw thrown;
    }
    tell("Redis, where plugins keep what they store, does not answer; it is tried again when a plugin asks for it", thrown.cause);
  }
  return {
    async open({ name: plugin, limits, keepsStorageLog = false }: StoredPlugin) {
      await ready();
      const bounds = { plugin, maxBytes: limits.storageBytes, maxKeys: limits.storageKeys };
      return new RedisStore({ ...bounds, connection, prefix, keepsLog: keepsStorageLog, now });
    },
    async purge(plugin) {
      await ready();
      await connection.remove(keysOf(prefix, plugin));
    },
    async [Symbol.asyncDispose]() {
      connection.close();
    },
  };
}

async function refuseForgetful(connection: RedisConnection): Promise<void> {
  const policy = (await connection.info("memory")).get("maxmemory_policy");
  if (policy === "noeviction") return;
  throw new HostError(
    "storage-failed",
    `Redis throws keys away when its memory is full (maxmemory-policy ${printable(policy ?? "unknown")}); set it to noeviction`,
  );
}

async function warnOfLosses(connection: RedisConnection, tell: RedisPorts["tell"]): Promise<void> {
  const isLogged = (await connection.info("persistence")).get("aof_enabled") === "1";
  if (!isLogged)
    tell("Redis keeps no log of its commands (appendonly no): what plugins stored since its last snapshot is lost when it ends");
  else if ((await connection.setting("appendfsync")) !== "always")
    tell("Redis writes its log to disk once a second (appendfsync everysec): a loss of power costs plugins the last second");
}
