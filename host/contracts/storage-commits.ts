// What every driver of plugin storage must do about versions, commits and quotas.

import assert from "node:assert/strict";
import type { StorageChange } from "../core/wit.ts";
import type { ContractTest } from "./contract.ts";
import { commit, movedClock, type Open, put, remove, storedText, utf8, versionOf } from "./storage-words.ts";

const MIB = 1_048_576;
const DAY_MS = 86_400_000;
const FULL = { code: "quota-exceeded" };

const commits = (open: Open): readonly ContractTest[] => [
  {
    name: "gives all changes of a commit one version, which only grows",
    async run() {
      const driver = await open();
      const first = await commit(driver, [], [put("a", "1"), put("b", "1")]);
      assert.strictEqual(first.committed, true);
      assert.ok(first.version > 0);
      assert.deepStrictEqual(
        [await versionOf(driver, "a"), await versionOf(driver, "b"), await versionOf(driver, "c")],
        [first.version, first.version, 0],
      );
      await driver.set("b", utf8("2"));
      assert.ok((await versionOf(driver, "b")) > first.version);
      assert.strictEqual(await versionOf(driver, "a"), first.version);
      const last = await commit(driver, [], [put("a", "3")]);
      assert.ok(last.version > (await versionOf(driver, "b")));
      await driver.close();
    },
  },

  {
    name: "commits where all checks hold, and answers when one does not, changing nothing",
    async run() {
      const driver = await open();
      const { version } = await commit(driver, [{ key: "a", version: 0 }], [put("a", "1")]);
      const failed = { committed: false, version: 0 };
      assert.deepStrictEqual(await commit(driver, [{ key: "a", version: 0 }], [put("a", "2")]), failed);
      assert.deepStrictEqual(await commit(driver, [{ key: "a", version: version + 1 }], [put("a", "2")]), failed);
      const checks = [
        { key: "a", version },
        { key: "b", version: 1 },
      ];
      assert.deepStrictEqual(await commit(driver, checks, [put("a", "2"), put("c", "2")]), failed);
      assert.deepStrictEqual([await storedText(driver, "a"), await storedText(driver, "c")], ["1", "absent"]);
      assert.strictEqual((await commit(driver, [{ key: "a", version }], [put("a", "2"), remove("b")])).committed, true);
      assert.deepStrictEqual(await commit(driver, [{ key: "a", version }], []), failed);
      assert.deepStrictEqual(await commit(driver, [{ key: "a", version: await versionOf(driver, "a") }], []), {
        committed: true,
        version: 0,
      });
      await driver.close();
    },
  },

  {
    name: "knows a value that went and came back from the one before",
    async run() {
      const driver = await open();
      await driver.set("a", utf8("1"));
      const before = await versionOf(driver, "a");
      await driver.set("a", utf8("2"));
      await driver.set("a", undefined);
      await driver.set("a", utf8("1"));
      assert.strictEqual((await commit(driver, [{ key: "a", version: before }], [put("a", "3")])).committed, false);
      await driver.set("a", undefined);
      assert.strictEqual((await commit(driver, [{ key: "a", version: before }], [put("a", "3")])).committed, false);
      assert.strictEqual((await commit(driver, [{ key: "a", version: 0 }], [put("a", "3")])).committed, true);
      await driver.close();
    },
  },

  {
    name: "takes a value whose time is over for absent, and says when one will end",
    async run() {
      const clock = movedClock();
      const driver = await open({ clock });
      await commit(driver, [], [put("a", "1", 1_000), put("b", "1")]);
      const version = await versionOf(driver, "a");
      assert.strictEqual((await driver.getVersioned("a"))?.expiresAt, clock.now() + 1_000);
      assert.strictEqual((await driver.getVersioned("b"))?.expiresAt, undefined);
      clock.pass(1_000);
      assert.strictEqual(await driver.getVersioned("a"), undefined);
      assert.strictEqual((await commit(driver, [{ key: "a", version }], [put("b", "2")])).committed, false);
      assert.strictEqual((await commit(driver, [{ key: "a", version: 0 }], [put("a", "2")])).committed, true);
      assert.strictEqual(await storedText(driver, "a"), "2");
      await driver.close();
    },
  },

  {
    name: "loses nothing and goes on counting when the clock jumps",
    async run() {
      const clock = movedClock();
      const driver = await open({ clock, keepsLog: true });
      await commit(driver, [], [put("a", "1"), put("brief", "1", 60_000)]);
      const before = await versionOf(driver, "a");
      clock.pass(-30 * DAY_MS);
      await driver.set("b", utf8("2"));
      assert.ok((await versionOf(driver, "b")) > before);
      assert.deepStrictEqual([await storedText(driver, "a"), await storedText(driver, "brief")], ["1", "1"]);
      clock.pass(31 * DAY_MS);
      await driver.set("c", utf8("3"));
      assert.ok((await versionOf(driver, "c")) > (await versionOf(driver, "b")));
      assert.deepStrictEqual(
        [await storedText(driver, "a"), await storedText(driver, "brief"), await storedText(driver, "b")],
        ["1", "absent", "2"],
      );
      await driver.close();
    },
  },

  {
    name: "loses no update of several who commit what they read",
    async run() {
      const driver = await open();
      await driver.set("count", utf8("0"));
      const readers = await Promise.all(Array.from({ length: 6 }, async () => driver.getVersioned("count")));
      const outcomes = await Promise.all(
        readers.map((seen) => commit(driver, [{ key: "count", version: seen?.version ?? 0 }], [put("count", "1")])),
      );
      assert.strictEqual(outcomes.filter(({ committed }) => committed).length, 1);
      await driver.close();
    },
  },
];

const quotas = (open: Open): readonly ContractTest[] => [
  {
    name: "counts the bytes of keys and values, to the last one",
    async run() {
      const driver = await open({ maxBytes: 64 * 1_024 });
      const value = new Uint8Array(8_000);
      // Two bytes a key.
      const keys = ["é", "ü", "ö", "ä", "ß", "ø", "å", "æ"];
      const all = keys.map((key): StorageChange => ({ key, value, ttlMs: undefined }));
      await commit(driver, [], all);
      const left = 64 * 1_024 - keys.length * 8_002;
      await assert.rejects(async () => driver.set("x", new Uint8Array(left)), { ...FULL, message: /65536 bytes.*limits\.storageMiB/ });
      await assert.rejects(
        async () => commit(driver, [], [put("y", ""), { key: "x", value: new Uint8Array(left - 1), ttlMs: undefined }]),
        FULL,
      );
      await driver.set("x", new Uint8Array(left - 1));
      await driver.set("x", new Uint8Array(left - 1));
      await assert.rejects(async () => driver.set("y", new Uint8Array(0)), FULL);
      await assert.rejects(async () => {
        await commit(driver, [], [put("é", "x"), ...all]);
        await driver.set("z", utf8("z"));
      }, FULL);
      await driver.set("é", undefined);
      await driver.set("y", new Uint8Array(8_001));
      await assert.rejects(async () => driver.set("é", new Uint8Array(0)), FULL);
      await driver.close();
    },
  },

  {
    name: "forgets what a refused commit would have taken",
    async run() {
      const driver = await open({ maxBytes: 64 * 1_024, maxKeys: 4 });
      await driver.set("a", utf8("1"));
      const large = { key: "b", value: new Uint8Array(65_000), ttlMs: undefined };
      for (let i = 0; i < 3; i += 1) {
        await assert.rejects(async () => commit(driver, [], [large, { ...large, key: "c" }]), FULL);
        await assert.rejects(
          () =>
            commit(
              driver,
              [],
              ["d", "e", "f", "g"].map((key) => put(key, "1")),
            ),
          FULL,
        );
      }
      await commit(driver, [], [large, put("c", "1"), put("d", "1")]);
      assert.strictEqual(await versionOf(driver, "b"), await versionOf(driver, "d"));
      await driver.close();
    },
  },

  {
    name: "keeps the longest key and the largest value",
    async run() {
      const driver = await open({ maxBytes: 8 * MIB });
      const key = "\u{1F600}".repeat(128);
      const value = Uint8Array.from({ length: MIB }, (_, i) => i);
      await commit(driver, [{ key, version: 0 }], [{ key, value, ttlMs: undefined }]);
      assert.strictEqual(Buffer.compare((await driver.get(key)) ?? utf8(""), value), 0);
      assert.deepStrictEqual(await driver.keys({ prefix: key, after: undefined, limit: 2 }), [key]);
      await driver.close();
    },
  },
];

/** `open` gives an empty store each time. */
export const storageCommits = (open: Open): readonly ContractTest[] => [...commits(open), ...quotas(open)];
