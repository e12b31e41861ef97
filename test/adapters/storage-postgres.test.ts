// Plugin storage in PostgreSQL, in a real one: the contract of every driver.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, it } from "vitest";
import { remoteStorageContract } from "../../host/contracts/storage-driver.ts";
import type { StorageToOpen } from "../../host/contracts/storage-words.ts";
import type { RemoteStorageDriver } from "../../host/core/ports/storage.ts";
import { openPostgres } from "../../host/drivers/storage-postgres/driver.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { describeWithServer, PASSWORD, startedServer } from "../support/servers.ts";

describeWithServer("postgres", "the contract of storage on the host's side, by PostgreSQL", () => {
  const opened: RemoteStorageDriver[] = [];
  let url: URL;
  beforeAll(async () => {
    const { port } = await startedServer("postgres");
    url = new URL(`postgres://postgres:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres`);
  });
  afterAll(async () => {
    for (const driver of opened) await driver[Symbol.asyncDispose]();
  });
  const schema = `t_${randomUUID().replaceAll("-", "_")}`;
  let plugins = 0;
  const open = async ({ maxBytes = 1024 * 1024, maxKeys = 1_000, clock, keepsLog }: StorageToOpen = {}) => {
    const options = { schema, connections: 2, timeoutMs: 30_000 };
    const driver = await openPostgres(options, { address: { url, tls: undefined }, tell: () => {}, now: clock && (() => clock.now()) });
    opened.push(driver);
    plugins += 1;
    const limits = { ...DEFAULT_LIMITS, storageBytes: maxBytes, storageKeys: maxKeys };
    return driver.open({ name: `p${plugins}`, limits, keepsStorageLog: keepsLog });
  };
  for (const { name, run } of remoteStorageContract(open)) it(name, run);
});
