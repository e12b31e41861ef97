// What every driver of plugin storage must do about pages of entries and the log of changes.

import assert from "node:assert/strict";
import type { ContractTest } from "./contract.ts";
import { commit, movedClock, type Open, put, remove, storedText, type TestedStorage, textOf, utf8, versionOf } from "./storage-words.ts";

const MIB = 1_048_576;
const LOG_KEPT_MS = 7 * 86_400_000;
const LOG_CHANGES = 100_000;
const FULL = { code: "quota-exceeded" };

const byBytes = (a: string, b: string): number => Buffer.compare(utf8(a), utf8(b));

async function scanned(
  driver: TestedStorage,
  prefix: string,
  limit: number,
  reverse: boolean,
  between: () => Promise<void> = async () => {},
): Promise<string[]> {
  const found: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await driver.scan({ prefix, after, limit, reverse, maxBytes: 4 * MIB });
    assert.ok(page.entries.length <= limit);
    found.push(...page.entries.map(({ key }) => key));
    if (page.next === undefined) return found;
    assert.strictEqual(page.next, page.entries.at(-1)?.key);
    after = page.next;
    await between();
  }
}

const pages = (open: Open): readonly ContractTest[] => [
  {
    name: "scans in the order of bytes, from both ends, a page at a time",
    async run() {
      const driver = await open();
      const keys = ["p", "p/", "p/a", "p/a/b", "p/b", "p/é", "p/～", "p/\u{1F600}", "p/\u{10FFFF}", "p/\u{10FFFF}\u{10FFFF}", "p0", "o~"];
      await commit(
        driver,
        [],
        keys.map((key) => put(key, key)),
      );
      const all = keys.toSorted(byBytes);
      const below = all.filter((key) => key.startsWith("p/"));
      for (const limit of [1, 3, 8, 1_000]) {
        assert.deepStrictEqual(await scanned(driver, "p/", limit, false), below);
        assert.deepStrictEqual(await scanned(driver, "p/", limit, true), below.toReversed());
        assert.deepStrictEqual(await scanned(driver, "", limit, true), all.toReversed());
      }
      const range = { prefix: "p/", limit: 2, maxBytes: MIB };
      const keysOf = async (after: string, reverse: boolean): Promise<string[]> =>
        (await driver.scan({ ...range, after, reverse })).entries.map(({ key }) => key);
      assert.deepStrictEqual(await keysOf("a", false), below.slice(0, 2));
      assert.deepStrictEqual(await keysOf("z", true), below.toReversed().slice(0, 2));
      assert.deepStrictEqual([await keysOf("z", false), await keysOf("a", true)], [[], []]);
      const [entry] = (await driver.scan({ ...range, after: undefined, reverse: false })).entries;
      assert.deepStrictEqual(
        { ...entry, value: textOf(entry?.value ?? utf8("")) },
        { key: "p/", value: "p/", version: await versionOf(driver, "p/") },
      );
      await driver.close();
    },
  },

  {
    name: "ends a page before it has too many bytes, but not before its first entry",
    async run() {
      const driver = await open();
      await commit(
        driver,
        [],
        ["a", "b", "c", "d"].map((key) => ({ key, value: new Uint8Array(99), ttlMs: undefined })),
      );
      const sizes = async (maxBytes: number): Promise<[number, string | undefined]> => {
        const { entries, next } = await driver.scan({ prefix: "", after: undefined, limit: 10, reverse: false, maxBytes });
        return [entries.length, next];
      };
      assert.deepStrictEqual(
        [await sizes(400), await sizes(399), await sizes(200), await sizes(10)],
        [
          [4, undefined],
          [3, "c"],
          [2, "b"],
          [1, "a"],
        ],
      );
      await driver.close();
    },
  },

  {
    name: "goes on after a key that was deleted between two pages, and passes over what has ended",
    async run() {
      const clock = movedClock();
      const driver = await open({ clock });
      const keys = Array.from({ length: 9 }, (_, i) => `k${i}`);
      for (const reverse of [false, true]) {
        await commit(driver, [], [...keys.map((key) => put(key, "1")), put("k3", "1", 10), put("k5", "1", 10)]);
        clock.pass(10);
        let left = keys.filter((key) => key !== "k3" && key !== "k5");
        if (reverse) left = left.toReversed();
        let pagesRead = 0;
        const found = await scanned(driver, "k", 2, reverse, async () => {
          pagesRead += 1;
          if (pagesRead === 1) for (const key of left.slice(0, 3)) await driver.set(key, undefined);
        });
        assert.deepStrictEqual(found, [...left.slice(0, 2), ...left.slice(3)]);
      }
      await driver.close();
    },
  },
];

const logs = (open: Open): readonly ContractTest[] => [
  {
    name: "logs which keys were changed, in the order of the commits, whole commits a page",
    async run() {
      const clock = movedClock();
      const driver = await open({ clock, keepsLog: true });
      const time = clock.now();
      const first = await driver.commit({ checks: [], changes: [put("a", "1"), put("b", "1"), remove("a")], trace: "f".repeat(32) });
      await driver.set("c", utf8("1"), "e".repeat(32));
      await driver.set("c", undefined);
      await driver.set("never there", undefined);
      await commit(driver, [{ key: "b", version: 0 }], [put("d", "1")]);
      const logged = await driver.changes(0, 100);
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
      assert.strictEqual((await driver.changes(0, 1)).length, 3);
      assert.deepStrictEqual(await driver.changes(first.version, 1), logged.slice(3, 4));
      assert.deepStrictEqual(await driver.changes(logged.at(-1)?.seq ?? 0, 100), []);
      await driver.close();
    },
  },

  {
    name: "logs nothing of a refused commit, and refuses to read a log that nobody asked for",
    async run() {
      const driver = await open({ keepsLog: true, maxKeys: 1 });
      await driver.set("a", utf8("1"));
      await assert.rejects(async () => commit(driver, [], [put("b", "1"), put("c", "1")]), FULL);
      assert.deepStrictEqual(
        (await driver.changes(0, 10)).map(({ key }) => key),
        ["a"],
      );
      await driver.close();
      const unlogged = await open();
      await assert.rejects(async () => unlogged.changes(0, 10), { code: "invalid-message", message: /"storage": \{ "log": true \}/ });
      await unlogged.close();
    },
  },

  {
    name: "trims its log by age, and says from where on it is kept",
    async run() {
      const clock = movedClock();
      const driver = await open({ clock, keepsLog: true });
      await driver.set("old", utf8("1"));
      const { version } = await commit(driver, [], [put("old", "2")]);
      clock.pass(LOG_KEPT_MS - 1);
      await driver.set("young", utf8("1"));
      assert.strictEqual((await driver.changes(0, 10)).length, 3);
      clock.pass(1);
      await driver.set("young", utf8("2"));
      await assert.rejects(async () => driver.changes(0, 10), { code: "conflict", message: new RegExp(`begins at ${version + 1}`) });
      assert.deepStrictEqual(
        (await driver.changes(version, 10)).map(({ key }) => key),
        ["young", "young"],
      );
      assert.strictEqual(await storedText(driver, "old"), "2");
      await driver.close();
    },
  },

  {
    name: "trims its log by size, so that it never takes much of the quota",
    async run() {
      const driver = await open({ keepsLog: true, maxBytes: 256 * 1_024 });
      const keys = Array.from({ length: 100 }, (_, i) => `${"k".repeat(60)}${i}`);
      for (let round = 0; round < 20; round += 1)
        await commit(
          driver,
          [],
          keys.map((key) => put(key, String(round))),
        );
      await assert.rejects(async () => driver.changes(0, 10), { code: "conflict" });
      const since = Number(/begins at (\d+)/.exec(String(await thrownBy(async () => driver.changes(0, 1))))?.[1]) - 1;
      const kept = await driver.changes(since, 1_000);
      assert.ok(kept.length >= 100);
      assert.ok(kept.length * 125 <= 32 * 1_024);
      assert.strictEqual(kept.at(-1)?.seq, await versionOf(driver, keys[0] ?? ""));
      await driver.close();
    },
  },

  {
    name: "trims its log by count",
    async run() {
      const driver = await open({ keepsLog: true, maxBytes: 256 * MIB });
      const keys = Array.from({ length: 1_000 }, (_, i) => put(`k${i}`, ""));
      const rounds = LOG_CHANGES / keys.length;
      for (let round = 0; round < rounds; round += 1) await commit(driver, [], keys);
      assert.strictEqual((await driver.changes(0, 1)).length, 1_000);
      await commit(driver, [], keys);
      await assert.rejects(async () => driver.changes(0, 1), { code: "conflict" });
      await driver.close();
    },
  },
];

const thrownBy = (work: () => Promise<unknown>): Promise<unknown> => work().catch((thrown: unknown) => thrown);

/** `open` gives an empty store each time. */
export const storagePages = (open: Open): readonly ContractTest[] => [...pages(open), ...logs(open)];
