// Plugin storage on the host's side, in real servers: the contract of every driver, and its fault half.

import { afterAll, beforeAll, describe, it } from "vitest";
import { remoteStorageContract } from "../../host/contracts/storage-driver.ts";
import { storageFaults } from "../../host/contracts/storage-faults.ts";
import { describeWithServer, ownServer } from "../support/servers.ts";
import { STORE_KINDS, storeWithFaults, TestStores } from "../support/stores.ts";

for (const kind of STORE_KINDS) {
  describeWithServer(kind, `storage by ${kind}`, () => {
    describe("holds the contract", () => {
      const stores = new TestStores(kind);
      afterAll(() => stores[Symbol.asyncDispose]());
      for (const { name, run } of remoteStorageContract(stores.open)) it(name, run);
    });

    describe("when something goes wrong", () => {
      let server: Awaited<ReturnType<typeof ownServer>>;
      beforeAll(async () => {
        server = await ownServer(kind);
      });
      for (const { name, run } of storageFaults(() => storeWithFaults(kind, server))) it(name, run);
    });
  });
}
