// What every driver of plugin storage must do about pages of entries and the log of changes.

import assert from "node:assert/strict";
import type { StorageDriver } from "../core/ports/storage.ts";
import type { ContractTest } from "./contract.ts";
import { commit, movedClock, type Open, put, remove, storedText, textOf, utf8, versionOf } from "./storage-words.ts";

const MIB = 1_048_576;
const LOG_KEPT_MS = 7 * 86_400_000;
const LOG_CHANGES = 100_000;
const FULL = { code: "quota-exceeded" };

const byBytes = (a: string, b: string): number => Buffer.compare(utf8(a), utf8(b));

function scanned(driver: StorageDriver, prefix: string, limit: number, reverse: boolean, between: () => void = () => {}): string[] {
  const found: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = driver.scan({ prefix, after, limit, reverse, maxBytes: 4 * MIB });
    assert.ok(page.entries.length <= limit);
    found.push(...page.entries.map(({ key }) => key));
    if (page.next === undefined) return found;
    assert.strictEqual(page.next, page.entries.at(-1)?.key);
    after = page.next;
    between();
  }
}

const pages = (open: Open): readonly ContractTest[] => [
  {
    name: "scans in the order of bytes, from both ends, a page at a time",
    run() {
      const driver = open();
      const keys = ["p", "p/", "p/a", "p/a/b", "p/b", "p/é", "p/～", "p/\u{1F600}", "p/\u{10FFFF}", "p/\u{10FFFF}\u{10FFFF}", "p0", "o~"];
      commit(
        driver,
        [],
        keys.map((key) => put(key, key)),
      );
      const all = keys.toSorted(byBytes);
      const below = all.filter((key) => key.startsWith("p/"));
      for (const limit of [1, 3, 8, 1_000]) {
        assert.deepStrictEqual(scanned(driver, "p/", limit, false), below);
        assert.deepStrictEqual(scanned(driver, "p/", limit, true), below.toReversed());
        assert.deepStrictEqual(scanned(driver, "", limit, true), all.toReversed());
      }
      const range = { prefix: "p/", limit: 2, maxBytes: MIB };
      const keysOf = (after: string, reverse: boolean): string[] => driver.scan({ ...range, after, reverse }).entries.map(({ key }) => key);
      assert.deepStrictEqual(keysOf("a", false), below.slice(0, 2));
      assert.deepStrictEqual(keysOf("z", true), below.toReversed().slice(0, 2));
      assert.deepStrictEqual([keysOf("z", false), keysOf("a", true)], [[], []]);
      const [entry] = driver.scan({ ...range, after: undefined, reverse: false }).entries;
      assert.deepStrictEqual(
        { ...entry, value: textOf(entry?.value ?? utf8("")) },
        { key: "p/", value: "p/", version: versionOf(driver, "p/") },
      );
      driver.close();
    },
  },

  {
    name: "ends a page before it has too many bytes, but not before its first entry",
    run() {
      const driver = open();
      commit(
        driver,
        [],
        ["a", "b", "c", "d"].map((key) => ({ key, value: new Uint8Array(99), ttlMs: undefined })),
      );
      const sizes = (maxBytes: number): [number, string | undefined] => {
        const { entries, next } = driver.scan({ prefix: "", after: undefined, limit: 10, reverse: false, maxBytes });
        return [entries.length, next];
      };
      assert.deepStrictEqual(
        [sizes(400), sizes(399), sizes(200), sizes(10)],
        [
          [4, undefined],
          [3, "c"],
          [2, "b"],
          [1, "a"],
        ],
      );
      driver.close();
    },
  },

  {
    name: "goes on after a key that was deleted between two pages, and passes over what has ended",
    run() {
      const clock = movedClock();
      const driver = open({ clock });
      const keys = Array.from({ length: 9 }, (_, i) => `k${i}`);
      for (const reverse of [false, true]) {
        commit(driver, [], [...keys.map((key) => put(key, "1")), put("k3", "1", 10), put("k5", "1", 10)]);
        clock.pass(10);
        let left = keys.filter((key) => key !== "k3" && key !== "k5");
        if (reverse) left = left.toReversed();
        let pagesRead = 0;
        const found = scanned(driver, "k", 2, reverse, () => {
          pagesRead += 1;
          if (pagesRead === 1) for (const key of left.slice(0, 3)) driver.set(key, undefined);
        });
        assert.deepStrictEqual(found, [...left.slice(0, 2), ...left.slice(3)]);
      }
      driver.close();
    },
  },
];

const logs = (open: Open): readonly ContractTest[] => [
  {
    name: "logs which keys were changed, in the order of the commits, whole commits a page",
    run() {
      const clock = movedClock();
      const driver = open({ clock, keepsLog: true });
      const time = clock.now();
      const first = driver.commit({ checks: [], changes: [put("a", "1"), put("b", "1"), remove("a")], trace: "f".repeat(32) });
      driver.set("c", utf8("1"), "e".repeat(32));
      driver.set("c", undefined);
      driver.set("never there", undefined);
      commit(driver, [{ key: "b", version: 0 }], [put("d", "1")]);
      const logged = driver.changes(0, 100);
      const row = (key: string, removed: boolean, trace: string | undefined): object => ({ key, removed, time, trace });
      assert.deepStrictEqual(
        logged.map(({ seq: _, ...rest }) => rest),
        [
          row("a", false, "f".repeat(32)),
          row("b", false, "f".repeat(32)),
          row("a", true, "f".repeat(32)),
          row("c", false, "e".repeat(32)),
          row("c", true, undefined),
        ],
      );
      assert.deepStrictEqual(
        logged.slice(0, 3).map(({ seq }) => seq),
        [first.version, first.version, first.version],
      );
      assert.strictEqual(driver.changes(0, 1).length, 3);
      assert.deepStrictEqual(driver.changes(first.version, 1), logged.slice(3, 4));
      assert.deepStrictEqual(driver.changes(logged.at(-1)?.seq ?? 0, 100), []);
      driver.close();
    },
  },

  {
    name: "logs nothing of a refused commit, and refuses to read a log that nobody asked for",
    run() {
      const driver = open({ keepsLog: true, maxKeys: 1 });
      driver.set("a", utf8("1"));
      assert.throws(() => commit(driver, [], [put("b", "1"), put("c", "1")]), FULL);
      assert.deepStrictEqual(
        driver.changes(0, 10).map(({ key }) => key),
        ["a"],
      );
      driver.close();
      const unlogged = open();
      assert.throws(() => unlogged.changes(0, 10), { code: "invalid-message", message: /"storage": \{ "log": true \}/ });
      unlogged.close();
    },
  },

  {
    name: "trims its log by age, and says from where on it is kept",
    run() {
      const clock = movedClock();
      const driver = open({ clock, keepsLog: true });
      driver.set("old", utf8("1"));
      const { version } = commit(driver, [], [put("old", "2")]);
      clock.pass(LOG_KEPT_MS - 1);
      driver.set("young", utf8("1"));
      assert.strictEqual(driver.changes(0, 10).length, 3);
      clock.pass(1);
      driver.set("young", utf8("2"));
      assert.throws(() => driver.changes(0, 10), { code: "conflict", message: new RegExp(`begins at ${version + 1}`) });
      assert.deepStrictEqual(
        driver.changes(version, 10).map(({ key }) => key),
        ["young", "young"],
      );
      assert.strictEqual(storedText(driver, "old"), "2");
      driver.close();
    },
  },

  {
    name: "trims its log by size, so that it never takes much of the quota",
    run() {
      const driver = open({ keepsLog: true, maxBytes: 256 * 1_024 });
      const keys = Array.from({ length: 100 }, (_, i) => `${"k".repeat(60)}${i}`);
      for (let round = 0; round < 20; round += 1)
        commit(
          driver,
          [],
          keys.map((key) => put(key, String(round))),
        );
      assert.throws(() => driver.changes(0, 10), { code: "conflict" });
      const since = Number(/begins at (\d+)/.exec(String(thrownBy(() => driver.changes(0, 1))))?.[1]) - 1;
      const kept = driver.changes(since, 1_000);
      assert.ok(kept.length >= 100);
      assert.ok(kept.length * 125 <= 32 * 1_024);
      assert.strictEqual(kept.at(-1)?.seq, versionOf(driver, keys[0] ?? ""));
      driver.close();
    },
  },

  {
    name: "trims its log by count",
    run() {
      const driver = open({ keepsLog: true, maxBytes: 256 * MIB });
      const keys = Array.from({ length: 1_000 }, (_, i) => put(`k${i}`, ""));
      const rounds = LOG_CHANGES / keys.length;
      for (let round = 0; round < rounds; round += 1) commit(driver, [], keys);
      assert.strictEqual(driver.changes(0, 1).length, 1_000);
      commit(driver, [], keys);
      assert.throws(() => driver.changes(0, 1), { code: "conflict" });
      driver.close();
    },
  },
];

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (thrown) {
    return thrown;
  }
}

/** `open` gives an empty store each time. */
export const storagePages = (open: Open): readonly ContractTest[] => [...pages(open), ...logs(open)];
