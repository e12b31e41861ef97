// The fault half of the suite of storage on the host's side: what must hold when the store ends in the middle, does not answer, or is written by two.

import assert from "node:assert/strict";
import type { RemoteStorage } from "../core/ports/storage.ts";
import type { StorageCommitOutcome } from "../core/wit.ts";
import type { ContractTest } from "./contract.ts";
import { put, textOf, utf8 } from "./storage-words.ts";

export interface StoreWithFaults extends AsyncDisposable {
  /** The same plugin's part each time, over connections of its own. */
  open(): Promise<RemoteStorage>;
  /** Ends the store as it stands; it comes back by itself. */
  kill(): Promise<void>;
  /** Until what is returned is called it does what it is asked, and nobody hears of it. */
  mute(): () => void;
}

const FAILED = { code: "storage-failed" };
const MAX_BYTES = 4 * 1_048_576;
const KILLS = 3;
const WAIT_MS = 50;
const TRIES = 1_200;

const numberIn = async (storage: RemoteStorage, key: string): Promise<{ readonly number: number; readonly version: number }> => {
  const [found] = await storage.read([key], MAX_BYTES);
  return { number: Number(textOf(found?.value ?? utf8("0"))), version: found?.version ?? 0 };
};

/** Asks until it is answered, as whoever knows that the store comes back. */
async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (thrown) {
      assert.equal((thrown as { readonly code?: unknown }).code, FAILED.code, String(thrown));
      if (tries === TRIES) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    }
  }
}

const opened = (store: StoreWithFaults): Promise<RemoteStorage> => untilAnswered(() => store.open());

async function countUp(storage: RemoteStorage, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const { number, version } = await numberIn(storage, "count");
    const { committed } = await storage.commit({ checks: [{ key: "count", version }], changes: [put("count", String(number + 1))] });
    if (committed) done += 1;
  }
}

type MakeTest = (name: string, run: (store: StoreWithFaults) => Promise<void>) => ContractTest;

const twoWriters = (test: MakeTest): readonly ContractTest[] => [
  test("loses no update of two who have it open, and each sees what the other did", async (store) => {
    const [one, other] = [await opened(store), await opened(store)];
    await Promise.all([countUp(one, 25), countUp(other, 25)]);
    assert.deepEqual([(await numberIn(one, "count")).number, (await numberIn(other, "count")).number], [50, 50]);
    assert.equal(await one.set({ key: "a", value: utf8("1") }), false);
    assert.equal(await other.set({ key: "a", value: undefined }), true);
    assert.deepEqual(await one.read(["a"], MAX_BYTES), [undefined]);
  }),
];

const oneWriter = (test: MakeTest): readonly ContractTest[] => [
  test("refuses who comes second, until the first has closed it", async (store) => {
    const [one, other] = [await opened(store), await opened(store)];
    await countUp(one, 5);
    await assert.rejects(numberIn(other, "count"), FAILED);
    await assert.rejects(other.set({ key: "count", value: utf8("7") }), FAILED);
    await one.close();
    assert.equal((await untilAnswered(() => numberIn(other, "count"))).number, 5);
    await countUp(other, 5);
    await assert.rejects(numberIn(one, "count"), FAILED);
  }),
];

/** `start` gives an empty store each time. `isShared` says whether two hosts may have one plugin's part open at a time. */
export function storageFaults(
  start: () => Promise<StoreWithFaults>,
  { isShared }: { readonly isShared: boolean },
): readonly ContractTest[] {
  const test = (name: string, run: (store: StoreWithFaults) => Promise<void>): ContractTest => ({
    name,
    async run() {
      await using store = await start();
      await run(store);
    },
  });
  const ofTwo = isShared ? twoWriters(test) : oneWriter(test);
  return [
    ...ofTwo,
    test("makes a commit once that is given twice by the same name, and answers the same", async (store) => {
      const storage = await opened(store);
      const first = { id: "b7a0c2f1-0001", checks: [{ key: "count", version: 0 }], changes: [put("count", "1")] };
      const made = await storage.commit(first);
      assert.equal(made.committed, true);
      await storage.commit({ id: "b7a0c2f1-0002", checks: [], changes: [put("other", "1")] });
      assert.deepEqual(await storage.commit(first), made);
      const removal = { id: "b7a0c2f1-0003", key: "count", value: undefined };
      assert.deepEqual([await storage.set(removal), await storage.set(removal)], [true, true]);
      assert.equal(await storage.set({ key: "count", value: undefined }), false);
    }),

    test("fails in the end when it is not answered, and then made each commit at most once", async (store) => {
      const storage = await opened(store);
      await storage.set({ key: "count", value: utf8("0") });
      for (let i = 0; i < KILLS; i += 1) {
        const { number, version } = await numberIn(storage, "count");
        const commit = { id: `b7a0c2f1-1${i}`, checks: [{ key: "count", version }], changes: [put("count", String(number + 1))] };
        const speak = store.mute();
        await assert.rejects(storage.commit(commit), FAILED);
        await assert.rejects(storage.read(["count"], MAX_BYTES), FAILED);
        speak();
        assert.equal((await untilAnswered(() => storage.commit(commit))).committed, true);
        assert.equal((await untilAnswered(() => numberIn(storage, "count"))).number, number + 1);
      }
    }),

    test("keeps whole commits, and all that it acknowledged, when it is ended in the middle of them", async (store) => {
      const storage = await opened(store);
      let acknowledged = 0;
      let last: StorageCommitOutcome = { committed: true, version: 0 };
      for (let i = 0; i < KILLS; i += 1) {
        let isOver = false;
        const writing = (async () => {
          while (!isOver) {
            const next = acknowledged + 1;
            const commit = { id: `b7a0c2f1-2${next}`, checks: [], changes: [put("a", String(next)), put("b", String(next))] };
            const made = await untilAnswered(() => storage.commit(commit));
            assert.ok(made.version > last.version);
            [acknowledged, last] = [next, made];
          }
        })();
        const before = acknowledged;
        const written = async (): Promise<void> => {
          while (acknowledged < before + 20 && !isOver) await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
        };
        await Promise.race([writing, written()]).finally(() => {
          isOver = acknowledged < before + 20;
        });
        await store.kill();
        isOver = true;
        await writing;
        const found = await untilAnswered(() => storage.read(["a", "b"], MAX_BYTES));
        assert.deepEqual(
          found.map((one) => textOf(one?.value ?? utf8("none"))),
          [String(acknowledged), String(acknowledged)],
        );
      }
    }),

    test("gives as many bytes at once as it is asked for, and counts before it gives", async (store) => {
      const storage = await opened(store);
      const value = new Uint8Array(1_048_576).fill(7);
      const keys = ["a", "b", "c", "d", "e"];
      for (const key of keys) await storage.set({ key, value });
      const found = await storage.read(keys.slice(0, 4), MAX_BYTES);
      assert.ok(found.every((one) => Buffer.compare(one?.value ?? utf8(""), value) === 0));
      await assert.rejects(storage.read(keys, MAX_BYTES), { code: "quota-exceeded" });
      await assert.rejects(storage.read(["a", "a", "a", "a", "a"], MAX_BYTES), { code: "quota-exceeded" });
      const page = await storage.scan({ prefix: "", after: undefined, limit: 10, reverse: false, maxBytes: MAX_BYTES });
      assert.deepEqual([page.entries.map(({ key }) => key), page.next], [["a", "b", "c"], "c"]);
    }),
  ];
}
