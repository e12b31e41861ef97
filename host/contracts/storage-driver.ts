// What every driver of plugin storage must do.

import assert from "node:assert/strict";
import type { StorageDriver } from "../core/ports/storage.ts";
import type { ContractTest } from "./contract.ts";
import { storageCommits } from "./storage-commits.ts";
import { storagePages } from "./storage-pages.ts";
import { movedClock, put, remove, type StorageToOpen, textOf, utf8 } from "./storage-words.ts";

const FULL = { code: "quota-exceeded" };
const keys = (driver: StorageDriver, prefix: string, after?: string, limit = 100): string[] => driver.keys({ prefix, after, limit });

/** `open` gives an empty store each time. */
export function storageDriverContract(open: (storage?: StorageToOpen) => StorageDriver): readonly ContractTest[] {
  return [
    {
      name: "returns what was set last, and nothing for an absent or deleted key",
      run() {
        const driver = open();
        driver.set("a", utf8("1"));
        driver.set("a", utf8("zwei €"));
        assert.strictEqual(textOf(driver.get("a") ?? utf8("absent")), "zwei €");
        assert.strictEqual(driver.get("b"), undefined);
        assert.strictEqual(driver.set("a", undefined), true);
        assert.strictEqual(driver.set("a", undefined), false);
        assert.strictEqual(driver.get("a"), undefined);
        driver.close();
      },
    },

    {
      name: "keeps bytes as they are, empty ones too",
      run() {
        const driver = open();
        const all = Uint8Array.from({ length: 256 }, (_, i) => i);
        driver.set("all", all);
        driver.set("none", new Uint8Array(0));
        assert.strictEqual(Buffer.from(driver.get("all") ?? []).equals(all), true);
        assert.strictEqual(driver.get("none")?.length, 0);
        driver.close();
      },
    },

    {
      name: "lists keys by prefix in the order of their bytes, a page at a time",
      run() {
        const driver = open();
        for (const key of ["b/2", "a", "b/10", "b", "b0", "b/1", "é", "b/\u{1F600}", "%", "b_1"]) driver.set(key, utf8("x"));
        assert.deepStrictEqual(keys(driver, "b/"), ["b/1", "b/10", "b/2", "b/\u{1F600}"]);
        assert.deepStrictEqual(keys(driver, "b/", "b/10", 1), ["b/2"]);
        assert.deepStrictEqual(keys(driver, "b/", "z"), []);
        assert.deepStrictEqual(keys(driver, "%"), ["%"]);
        assert.deepStrictEqual(keys(driver, "b_"), ["b_1"]);
        assert.strictEqual(keys(driver, "").length, 10);
        driver.close();
      },
    },

    {
      name: "treats keys that look like SQL or a prototype's property as keys",
      run() {
        const driver = open();
        for (const key of ["'; DROP TABLE entries; --", "__proto__", "constructor"]) {
          assert.strictEqual(driver.get(key), undefined);
          driver.set(key, utf8(key));
          assert.strictEqual(textOf(driver.get(key) ?? utf8("")), key);
        }
        assert.strictEqual(keys(driver, "").length, 3);
        driver.close();
      },
    },

    {
      name: "applies a batch in order, the last word counting",
      run() {
        const driver = open();
        driver.set("gone", utf8("x"));
        driver.commit({
          checks: [],
          changes: [put("a", "1"), put("a", "2"), remove("gone"), remove("absent"), put("b", "3"), remove("b")],
        });
        assert.deepStrictEqual(keys(driver, ""), ["a"]);
        assert.strictEqual(textOf(driver.get("a") ?? utf8("")), "2");
        driver.close();
      },
    },

    {
      name: "applies nothing of a batch that does not fit",
      run() {
        const driver = open({ maxKeys: 3 });
        driver.set("a", utf8("1"));
        assert.throws(() => driver.commit({ checks: [], changes: [put("a", "2"), put("b", "2"), put("c", "2"), put("d", "2")] }), FULL);
        assert.deepStrictEqual(keys(driver, ""), ["a"]);
        assert.strictEqual(textOf(driver.get("a") ?? utf8("")), "1");
        driver.commit({ checks: [], changes: [put("b", "2"), put("c", "2")] });
        assert.throws(() => driver.set("d", utf8("1")), FULL);
        driver.close();
      },
    },

    {
      name: "forgets a value when its time is over, and keeps one that was set anew",
      run() {
        const clock = movedClock();
        const driver = open({ clock });
        driver.commit({
          checks: [],
          changes: [put("short", "1", 1_000), put("long", "1", 5_000), put("renewed", "1", 1_000), put("plain", "1")],
        });
        driver.set("renewed", utf8("2"));
        clock.pass(999);
        assert.deepStrictEqual(keys(driver, ""), ["long", "plain", "renewed", "short"]);
        clock.pass(1);
        assert.strictEqual(driver.get("short"), undefined);
        assert.strictEqual(driver.set("short", undefined), false);
        assert.deepStrictEqual(keys(driver, ""), ["long", "plain", "renewed"]);
        clock.pass(1e12);
        assert.deepStrictEqual(keys(driver, ""), ["plain", "renewed"]);
        driver.close();
      },
    },

    {
      name: "takes a key more once the time of another is over",
      run() {
        const clock = movedClock();
        const driver = open({ maxKeys: 2, clock });
        driver.commit({ checks: [], changes: [put("a", "1", 1_000), put("b", "1", 1_000)] });
        assert.throws(() => driver.set("c", utf8("1")), FULL);
        clock.pass(1_000);
        driver.set("c", utf8("1"));
        driver.commit({ checks: [], changes: [put("d", "1")] });
        assert.deepStrictEqual(keys(driver, ""), ["c", "d"]);
        driver.close();
      },
    },

    {
      name: "refuses one key more than its limit with quota-exceeded, while those that it has can change, and takes another once one is deleted",
      run() {
        const driver = open({ maxKeys: 3 });
        for (const key of ["a", "b", "c", "a"]) driver.set(key, utf8("1"));
        assert.throws(() => driver.set("d", utf8("1")), { message: /has 3 keys; its limit is 3 \(limits\.storageKeys\)/ });
        driver.set("b", utf8("2"));
        assert.strictEqual(driver.set("absent", undefined), false);
        driver.set("a", undefined);
        driver.set("d", utf8("1"));
        assert.throws(() => driver.set("a", utf8("1")), FULL);
        assert.deepStrictEqual(keys(driver, ""), ["b", "c", "d"]);
        driver.close();
      },
    },

    {
      name: "refuses to grow beyond its limit with quota-exceeded, keeps what it has and takes more once something is deleted",
      run() {
        const driver = open({ maxBytes: 256 * 1024 });
        const value = new Uint8Array(8 * 1024);
        let stored = 0;
        assert.throws(
          () => {
            for (; stored < 100; stored += 1) driver.set(`k${stored}`, value);
          },
          { code: "quota-exceeded", message: /262144 bytes/ },
        );
        assert.ok(stored > 10);
        assert.ok(stored < 33);
        assert.strictEqual(driver.get("k0")?.length, value.length);
        for (let i = 0; i < 5; i += 1) driver.set(`k${i}`, undefined);
        driver.set("again", value);
        driver.close();
      },
    },

    ...storageCommits(open),
    ...storagePages(open),
  ];
}
