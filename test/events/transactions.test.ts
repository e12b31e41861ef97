// Turns that are transactions, over each store of a cell and of the host's side.

import { describe, expect, it } from "vitest";
import { StoreUnavailable } from "../../host/bounds/store-unavailable.ts";
import { transactionsContract } from "../../host/contracts/transactions.ts";
import type { RemoteStorage } from "../../host/core/ports/storage.ts";
import { MemoryStorage } from "../../host/drivers/storage-memory/driver.ts";
import { memoryStores } from "../../host/drivers/storage-memory/remote.ts";
import { openPluginStorage } from "../../host/drivers/storage-sqlite/storage-sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { describeWithServer } from "../support/servers.ts";
import { SERVER_OF, STORE_KINDS, TestStores } from "../support/stores.ts";
import { transactionWorld, WORLD_LIMITS } from "../support/transaction-world.ts";

describe("the contract of transactions, over SQLite", () => {
  const open = () => {
    const folder = temporaryFolder();
    const plugin = { name: "p", limits: WORLD_LIMITS, transaction: "turn" } as const;
    return transactionWorld({ openStorage: () => openPluginStorage(folder.path, plugin, systemClock) }, () => folder.remove());
  };
  for (const { name, run } of transactionsContract(open)) it(name, run);
});

describe("the contract of transactions, over memory", () => {
  const open = () => {
    const { storageBytes: maxBytes, storageKeys: maxKeys } = WORLD_LIMITS;
    const storage = new MemoryStorage({ plugin: "p", maxBytes, maxKeys, clock: systemClock });
    return transactionWorld({ openStorage: () => keptOpen(storage) }, () => {});
  };
  for (const { name, run } of transactionsContract(open)) it(name, run);
});

describe("the contract of transactions, over memory on the host's side", () => {
  const open = async () => {
    const driver = memoryStores(systemClock);
    const remote = await driver.open({ name: "p", limits: WORLD_LIMITS });
    return transactionWorld({ remote }, async () => driver[Symbol.asyncDispose]());
  };
  for (const { name, run } of transactionsContract(open)) it(name, run);
});

describe("a store that made a commit and whose answer was lost", () => {
  it("fails the turn, and is looked at before the next one, which neither handles the event nor tells of it again", async () => {
    const driver = memoryStores(systemClock);
    const inner = await driver.open({ name: "p", limits: WORLD_LIMITS });
    let isMute = false;
    const remote: RemoteStorage = {
      ...inner,
      async commit(commit) {
        const made = await inner.commit(commit);
        if (isMute) throw new StoreUnavailable("no answer");
        return made;
      },
    };
    await using world = await transactionWorld({ remote }, async () => driver[Symbol.asyncDispose]());
    const event = { subscription: "s", ids: ["e1"], isBatch: false };
    const failed = await world.turn(async ({ set, publish }) => {
      await set("n", "1");
      await publish("told");
      isMute = true;
      return undefined;
    }, event);
    expect(failed).toMatchObject({ ok: false, error: { code: "storage-failed" }, broken: true });
    expect(await world.kept()).toEqual([]);
    isMute = false;
    const again = await world.turn(async ({ set }) => void (await set("n", "2")), event);
    expect(again).toMatchObject({ ok: true, handledBefore: [0] });
    expect(await world.stored("n")).toBe("1");
    expect((await world.kept()).map(({ data }) => data)).toEqual(["told"]);
  });
});

for (const kind of STORE_KINDS)
  describeWithServer(SERVER_OF[kind], `the contract of transactions, by ${kind}`, () => {
    const open = async () => {
      const stores = new TestStores(kind);
      const { storageBytes: maxBytes, storageKeys: maxKeys } = WORLD_LIMITS;
      return transactionWorld({ remote: await stores.open({ maxBytes, maxKeys }) }, () => stores[Symbol.asyncDispose]());
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
