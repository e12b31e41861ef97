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
    run() {
      const driver = open();
      const first = commit(driver, [], [put("a", "1"), put("b", "1")]);
      assert.strictEqual(first.committed, true);
      assert.ok(first.version > 0);
      assert.deepStrictEqual([versionOf(driver, "a"), versionOf(driver, "b"), versionOf(driver, "c")], [first.version, first.version, 0]);
      driver.set("b", utf8("2"));
      assert.ok(versionOf(driver, "b") > first.version);
      assert.strictEqual(versionOf(driver, "a"), first.version);
      const last = commit(driver, [], [put("a", "3")]);
      assert.ok(last.version > versionOf(driver, "b"));
      driver.close();
    },
  },

  {
    name: "commits where all checks hold, and answers when one does not, changing nothing",
    run() {
      const driver = open();
      const { version } = commit(driver, [{ key: "a", version: 0 }], [put("a", "1")]);
      const failed = { committed: false, version: 0 };
      assert.deepStrictEqual(commit(driver, [{ key: "a", version: 0 }], [put("a", "2")]), failed);
      assert.deepStrictEqual(commit(driver, [{ key: "a", version: version + 1 }], [put("a", "2")]), failed);
      const checks = [
        { key: "a", version },
        { key: "b", version: 1 },
      ];
      assert.deepStrictEqual(commit(driver, checks, [put("a", "2"), put("c", "2")]), failed);
      assert.deepStrictEqual([storedText(driver, "a"), storedText(driver, "c")], ["1", "absent"]);
      assert.strictEqual(commit(driver, [{ key: "a", version }], [put("a", "2"), remove("b")]).committed, true);
      assert.deepStrictEqual(commit(driver, [{ key: "a", version }], []), failed);
      assert.deepStrictEqual(commit(driver, [{ key: "a", version: versionOf(driver, "a") }], []), { committed: true, version: 0 });
      driver.close();
    },
  },

  {
    name: "knows a value that went and came back from the one before",
    run() {
      const driver = open();
      driver.set("a", utf8("1"));
      const before = versionOf(driver, "a");
      driver.set("a", utf8("2"));
      driver.set("a", undefined);
      driver.set("a", utf8("1"));
      assert.strictEqual(commit(driver, [{ key: "a", version: before }], [put("a", "3")]).committed, false);
      driver.set("a", undefined);
      assert.strictEqual(commit(driver, [{ key: "a", version: before }], [put("a", "3")]).committed, false);
      assert.strictEqual(commit(driver, [{ key: "a", version: 0 }], [put("a", "3")]).committed, true);
      driver.close();
    },
  },

  {
    name: "takes a value whose time is over for absent, and says when one will end",
    run() {
      const clock = movedClock();
      const driver = open({ clock });
      commit(driver, [], [put("a", "1", 1_000), put("b", "1")]);
      const version = versionOf(driver, "a");
      assert.strictEqual(driver.getVersioned("a")?.expiresAt, clock.now() + 1_000);
      assert.strictEqual(driver.getVersioned("b")?.expiresAt, undefined);
      clock.pass(1_000);
      assert.strictEqual(driver.getVersioned("a"), undefined);
      assert.strictEqual(commit(driver, [{ key: "a", version }], [put("b", "2")]).committed, false);
      assert.strictEqual(commit(driver, [{ key: "a", version: 0 }], [put("a", "2")]).committed, true);
      assert.strictEqual(storedText(driver, "a"), "2");
      driver.close();
    },
  },

  {
    name: "loses nothing and goes on counting when the clock jumps",
    run() {
      const clock = movedClock();
      const driver = open({ clock, keepsLog: true });
      commit(driver, [], [put("a", "1"), put("brief", "1", 60_000)]);
      const before = versionOf(driver, "a");
      clock.pass(-30 * DAY_MS);
      driver.set("b", utf8("2"));
      assert.ok(versionOf(driver, "b") > before);
      assert.deepStrictEqual([storedText(driver, "a"), storedText(driver, "brief")], ["1", "1"]);
      clock.pass(31 * DAY_MS);
      driver.set("c", utf8("3"));
      assert.ok(versionOf(driver, "c") > versionOf(driver, "b"));
      assert.deepStrictEqual([storedText(driver, "a"), storedText(driver, "brief"), storedText(driver, "b")], ["1", "absent", "2"]);
      driver.close();
    },
  },

  {
    name: "loses no update of several who commit what they read",
    run() {
      const driver = open();
      driver.set("count", utf8("0"));
      const readers = Array.from({ length: 6 }, () => driver.getVersioned("count"));
      const outcomes = readers.map(
        (seen) => commit(driver, [{ key: "count", version: seen?.version ?? 0 }], [put("count", "1")]).committed,
      );
      assert.deepStrictEqual(outcomes, [true, false, false, false, false, false]);
      driver.close();
    },
  },
];

const quotas = (open: Open): readonly ContractTest[] => [
  {
    name: "counts the bytes of keys and values, to the last one",
    run() {
      const driver = open({ maxBytes: 64 * 1_024 });
      const value = new Uint8Array(8_000);
      // Two bytes a key.
      const keys = ["é", "ü", "ö", "ä", "ß", "ø", "å", "æ"];
      const all = keys.map((key): StorageChange => ({ key, value, ttlMs: undefined }));
      commit(driver, [], all);
      const left = 64 * 1_024 - keys.length * 8_002;
      assert.throws(() => driver.set("x", new Uint8Array(left)), { ...FULL, message: /65536 bytes.*limits\.storageMiB/ });
      assert.throws(() => commit(driver, [], [put("y", ""), { key: "x", value: new Uint8Array(left - 1), ttlMs: undefined }]), FULL);
      driver.set("x", new Uint8Array(left - 1));
      driver.set("x", new Uint8Array(left - 1));
      assert.throws(() => driver.set("y", new Uint8Array(0)), FULL);
      assert.throws(() => commit(driver, [], [put("é", "x"), ...all]) && driver.set("z", utf8("z")), FULL);
      driver.set("é", undefined);
      driver.set("y", new Uint8Array(8_001));
      assert.throws(() => driver.set("é", new Uint8Array(0)), FULL);
      driver.close();
    },
  },

  {
    name: "forgets what a refused commit would have taken",
    run() {
      const driver = open({ maxBytes: 64 * 1_024, maxKeys: 4 });
      driver.set("a", utf8("1"));
      const large = { key: "b", value: new Uint8Array(65_000), ttlMs: undefined };
      for (let i = 0; i < 3; i += 1) {
        assert.throws(() => commit(driver, [], [large, { ...large, key: "c" }]), FULL);
        assert.throws(
          () =>
            commit(
              driver,
              [],
              ["d", "e", "f", "g"].map((key) => put(key, "1")),
            ),
          FULL,
        );
      }
      commit(driver, [], [large, put("c", "1"), put("d", "1")]);
      assert.strictEqual(versionOf(driver, "b"), versionOf(driver, "d"));
      driver.close();
    },
  },

  {
    name: "keeps the longest key and the largest value",
    run() {
      const driver = open({ maxBytes: 8 * MIB });
      const key = "\u{1F600}".repeat(128);
      const value = Uint8Array.from({ length: MIB }, (_, i) => i);
      commit(driver, [{ key, version: 0 }], [{ key, value, ttlMs: undefined }]);
      assert.strictEqual(Buffer.compare(driver.get(key) ?? utf8(""), value), 0);
      assert.deepStrictEqual(driver.keys({ prefix: key, after: undefined, limit: 2 }), [key]);
      driver.close();
    },
  },
];

/** `open` gives an empty store each time. */
export const storageCommits = (open: Open): readonly ContractTest[] => [...commits(open), ...quotas(open)];
