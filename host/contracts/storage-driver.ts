// What every driver of plugin storage must do.

import assert from "node:assert/strict";
import type { RemoteStorage } from "../core/ports/storage.ts";
import type { ContractTest } from "./contract.ts";
import { storageCommits } from "./storage-commits.ts";
import { storagePages } from "./storage-pages.ts";
import { movedClock, type Open, put, remove, type StorageToOpen, type TestedStorage, tested, textOf, utf8 } from "./storage-words.ts";

const FULL = { code: "quota-exceeded" };
const keys = async (driver: TestedStorage, prefix: string, after?: string, limit = 100): Promise<string[]> =>
  driver.keys({ prefix, after, limit });

/** What holds wherever the storage is. `open` gives an empty store each time. */
export function storageDriverContract(open: Open): readonly ContractTest[] {
  return [
    {
      name: "returns what was set last, and nothing for an absent or deleted key",
      async run() {
        const driver = await open();
        await driver.set("a", utf8("1"));
        await driver.set("a", utf8("zwei €"));
        assert.strictEqual(textOf((await driver.get("a")) ?? utf8("absent")), "zwei €");
        assert.strictEqual(await driver.get("b"), undefined);
        assert.strictEqual(await driver.set("a", undefined), true);
        assert.strictEqual(await driver.set("a", undefined), false);
        assert.strictEqual(await driver.get("a"), undefined);
        await driver.close();
      },
    },

    {
      name: "keeps bytes as they are, empty ones too",
      async run() {
        const driver = await open();
        const all = Uint8Array.from({ length: 256 }, (_, i) => i);
        await driver.set("all", all);
        await driver.set("none", new Uint8Array(0));
        assert.strictEqual(Buffer.from((await driver.get("all")) ?? []).equals(all), true);
        assert.strictEqual((await driver.get("none"))?.length, 0);
        await driver.close();
      },
    },

    {
      name: "lists keys by prefix in the order of their bytes, a page at a time",
      async run() {
        const driver = await open();
        for (const key of ["b/2", "a", "b/10", "b", "b0", "b/1", "é", "b/\u{1F600}", "%", "b_1"]) await driver.set(key, utf8("x"));
        assert.deepStrictEqual(await keys(driver, "b/"), ["b/1", "b/10", "b/2", "b/\u{1F600}"]);
        assert.deepStrictEqual(await keys(driver, "b/", "b/10", 1), ["b/2"]);
        assert.deepStrictEqual(await keys(driver, "b/", "z"), []);
        assert.deepStrictEqual(await keys(driver, "%"), ["%"]);
        assert.deepStrictEqual(await keys(driver, "b_"), ["b_1"]);
        assert.strictEqual((await keys(driver, "")).length, 10);
        await driver.close();
      },
    },

    {
      name: "treats keys that look like SQL or a prototype's property as keys",
      async run() {
        const driver = await open();
        for (const key of ["'; DROP TABLE entries; --", "__proto__", "constructor"]) {
          assert.strictEqual(await driver.get(key), undefined);
          await driver.set(key, utf8(key));
          assert.strictEqual(textOf((await driver.get(key)) ?? utf8("")), key);
        }
        assert.strictEqual((await keys(driver, "")).length, 3);
        await driver.close();
      },
    },

    {
      name: "applies a batch in order, the last word counting",
      async run() {
        const driver = await open();
        await driver.set("gone", utf8("x"));
        await driver.commit({
          checks: [],
          changes: [put("a", "1"), put("a", "2"), remove("gone"), remove("absent"), put("b", "3"), remove("b")],
        });
        assert.deepStrictEqual(await keys(driver, ""), ["a"]);
        assert.strictEqual(textOf((await driver.get("a")) ?? utf8("")), "2");
        await driver.close();
      },
    },

    {
      name: "applies nothing of a batch that does not fit",
      async run() {
        const driver = await open({ maxKeys: 3 });
        await driver.set("a", utf8("1"));
        await assert.rejects(
          async () => driver.commit({ checks: [], changes: [put("a", "2"), put("b", "2"), put("c", "2"), put("d", "2")] }),
          FULL,
        );
        assert.deepStrictEqual(await keys(driver, ""), ["a"]);
        assert.strictEqual(textOf((await driver.get("a")) ?? utf8("")), "1");
        await driver.commit({ checks: [], changes: [put("b", "2"), put("c", "2")] });
        await assert.rejects(async () => driver.set("d", utf8("1")), FULL);
        await driver.close();
      },
    },

    {
      name: "forgets a value when its time is over, and keeps one that was set anew",
      async run() {
        const clock = movedClock();
        const driver = await open({ clock });
        await driver.commit({
          checks: [],
          changes: [put("short", "1", 1_000), put("long", "1", 5_000), put("renewed", "1", 1_000), put("plain", "1")],
        });
        await driver.set("renewed", utf8("2"));
        clock.pass(999);
        assert.deepStrictEqual(await keys(driver, ""), ["long", "plain", "renewed", "short"]);
        clock.pass(1);
        assert.strictEqual(await driver.get("short"), undefined);
        assert.strictEqual(await driver.set("short", undefined), false);
        assert.deepStrictEqual(await keys(driver, ""), ["long", "plain", "renewed"]);
        clock.pass(1e12);
        assert.deepStrictEqual(await keys(driver, ""), ["plain", "renewed"]);
        await driver.close();
      },
    },

    {
      name: "takes a key more once the time of another is over",
      async run() {
        const clock = movedClock();
        const driver = await open({ maxKeys: 2, clock });
        await driver.commit({ checks: [], changes: [put("a", "1", 1_000), put("b", "1", 1_000)] });
        await assert.rejects(async () => driver.set("c", utf8("1")), FULL);
        clock.pass(1_000);
        await driver.set("c", utf8("1"));
        await driver.commit({ checks: [], changes: [put("d", "1")] });
        assert.deepStrictEqual(await keys(driver, ""), ["c", "d"]);
        await driver.close();
      },
    },

    {
      name: "refuses one key more than its limit with quota-exceeded, while those that it has can change, and takes another once one is deleted",
      async run() {
        const driver = await open({ maxKeys: 3 });
        for (const key of ["a", "b", "c", "a"]) await driver.set(key, utf8("1"));
        await assert.rejects(async () => driver.set("d", utf8("1")), { message: /has 3 keys; its limit is 3 \(limits\.storageKeys\)/ });
        await driver.set("b", utf8("2"));
        assert.strictEqual(await driver.set("absent", undefined), false);
        await driver.set("a", undefined);
        await driver.set("d", utf8("1"));
        await assert.rejects(async () => driver.set("a", utf8("1")), FULL);
        assert.deepStrictEqual(await keys(driver, ""), ["b", "c", "d"]);
        await driver.close();
      },
    },

    {
      name: "refuses to grow beyond its limit with quota-exceeded, keeps what it has and takes more once something is deleted",
      async run() {
        const driver = await open({ maxBytes: 256 * 1024 });
        const value = new Uint8Array(8 * 1024);
        let stored = 0;
        await assert.rejects(
          async () => {
            for (; stored < 100; stored += 1) await driver.set(`k${stored}`, value);
          },
          { code: "quota-exceeded", message: /262144 bytes/ },
        );
        assert.ok(stored > 10);
        assert.ok(stored < 33);
        assert.strictEqual((await driver.get("k0"))?.length, value.length);
        for (let i = 0; i < 5; i += 1) await driver.set(`k${i}`, undefined);
        await driver.set("again", value);
        await driver.close();
      },
    },

    ...storageCommits(open),
    ...storagePages(open),
  ];
}

/** The same of one on the host's side. */
export function remoteStorageContract(open: (storage?: StorageToOpen) => Promise<RemoteStorage>): readonly ContractTest[] {
  return storageDriverContract(async (storage) => tested(await open(storage)));
}
