// Turns that are transactions, over each store of a cell.

import { describe, it } from "vitest";
import { transactionsContract } from "../../host/contracts/transactions.ts";
import { MemoryStorage } from "../../host/drivers/storage-memory/driver.ts";
import { openPluginStorage } from "../../host/drivers/storage-sqlite/storage-sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { transactionWorld, WORLD_LIMITS } from "../support/transaction-world.ts";

describe("the contract of transactions, over SQLite", () => {
  const open = () => {
    const folder = temporaryFolder();
    const plugin = { name: "p", limits: WORLD_LIMITS, transaction: "turn" } as const;
    return transactionWorld(
      () => openPluginStorage(folder.path, plugin, systemClock),
      () => folder.remove(),
    );
  };
  for (const { name, run } of transactionsContract(open)) it(name, run);
});

describe("the contract of transactions, over memory", () => {
  const open = () => {
    const { storageBytes: maxBytes, storageKeys: maxKeys } = WORLD_LIMITS;
    const storage = new MemoryStorage({ plugin: "p", maxBytes, maxKeys, clock: systemClock });
    return transactionWorld(
      () => keptOpen(storage),
      () => {},
    );
  };
  for (const { name, run } of transactionsContract(open)) it(name, run);
});

/** It outlives its cells. */
function keptOpen(storage: MemoryStorage): MemoryStorage {
  return new Proxy(storage, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (name === "close") return () => {};
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}
