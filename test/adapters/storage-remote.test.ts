// Plugin storage on the host's side, in real servers: the contract of every driver, and its fault half.

import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StoreUnavailable } from "../../host/bounds/store-unavailable.ts";
import { remoteStorageContract } from "../../host/contracts/storage-driver.ts";
import { storageFaults } from "../../host/contracts/storage-faults.ts";
import { openMongo } from "../../host/drivers/storage-mongodb/driver.ts";
import { openPostgres } from "../../host/drivers/storage-postgres/driver.ts";
import { openRedis } from "../../host/drivers/storage-redis/driver.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { describeWithServer, type MortalServer, ownServer, PASSWORD } from "../support/servers.ts";
import { SERVER_OF, STORE_KINDS, type StoreKind, storeWithFaults, TestStores } from "../support/stores.ts";

describeWithServer("redis", "a Redis", () => {
  it("that throws keys away when it is full is refused", async () => {
    const { port } = await ownServer("redis");
    const client = new Redis({ host: "127.0.0.1", port, password: PASSWORD });
    await client.config("SET", "maxmemory-policy", "allkeys-lru");
    client.disconnect();
    const address = { url: new URL(`redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`), tls: undefined };
    await expect(openRedis({ prefix: "p", timeoutMs: 10_000 }, { address, tell: () => {} })).rejects.toThrow(
      /maxmemory-policy allkeys-lru.*noeviction/,
    );
  });
});

describe.each([
  ["PostgreSQL", "postgres", openPostgres],
  ["Redis", "redis", openRedis],
  ["MongoDB", "mongodb", openMongo],
] as const)("%s that is away", (_name, protocol, open) => {
  it("is no reason not to start: whoever asks it is told so, soon", async () => {
    const said: string[] = [];
    const address = { url: new URL(`${protocol}://127.0.0.1:1/`), tls: undefined };
    const options = { schema: "s", prefix: "p", database: "d", connections: 1, timeoutMs: 300 };
    await using driver = await open(options, { address, tell: (message) => said.push(message) });
    expect(said.join()).toContain("does not answer; it is tried again when a plugin asks for it");
    await expect(driver.open({ name: "p", limits: DEFAULT_LIMITS })).rejects.toBeInstanceOf(StoreUnavailable);
  });
});

/** FerretDB compares every entry with every key that it is asked for: a hundred commits of a thousand keys take it minutes. */
const TIMEOUT_MS: Readonly<Record<StoreKind, number>> = { postgres: 180_000, redis: 180_000, mongodb: 900_000 };

for (const kind of STORE_KINDS) {
  describeWithServer(SERVER_OF[kind], `storage by ${kind}`, () => {
    describe("holds the contract", () => {
      const stores = new TestStores(kind);
      afterAll(() => stores[Symbol.asyncDispose]());
      for (const { name, run } of remoteStorageContract(stores.open)) it(name, run, TIMEOUT_MS[kind]);
    });

    describe("when something goes wrong", () => {
      let server: MortalServer;
      beforeAll(async () => {
        server = await ownServer(SERVER_OF[kind]);
      });
      for (const { name, run } of storageFaults(() => storeWithFaults(kind, server), { isShared: kind !== "mongodb" })) it(name, run);
    });
  });
}
