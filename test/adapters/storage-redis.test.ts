// Plugin storage in Redis, in a real one: the contract of every driver.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, it } from "vitest";
import { remoteStorageContract } from "../../host/contracts/storage-driver.ts";
import type { StorageToOpen } from "../../host/contracts/storage-words.ts";
import type { RemoteStorageDriver } from "../../host/core/ports/storage.ts";
import { openRedis } from "../../host/drivers/storage-redis/driver.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { describeWithServer, PASSWORD, startedServer } from "../support/servers.ts";

describeWithServer("redis", "the contract of storage on the host's side, by Redis", () => {
  const opened: RemoteStorageDriver[] = [];
  let url: URL;
  beforeAll(async () => {
    const { port } = await startedServer("redis");
    url = new URL(`redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`);
  });
  afterAll(async () => {
    for (const driver of opened) await driver[Symbol.asyncDispose]();
  });
  const prefix = randomUUID();
  let plugins = 0;
  const open = async ({ maxBytes = 1024 * 1024, maxKeys = 1_000, clock, keepsLog }: StorageToOpen = {}) => {
    const options = { prefix, timeoutMs: 30_000 };
    const driver = await openRedis(options, { address: { url, tls: undefined }, tell: () => {}, now: clock && (() => clock.now()) });
    opened.push(driver);
    plugins += 1;
    const limits = { ...DEFAULT_LIMITS, storageBytes: maxBytes, storageKeys: maxKeys };
    return driver.open({ name: `p${plugins}`, limits, keepsStorageLog: keepsLog });
  };
  for (const { name, run } of remoteStorageContract(open)) it(name, run);
});
