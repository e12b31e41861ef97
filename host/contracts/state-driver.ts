// What every driver of the shared state must do, whether it answers at once or later.

import assert from "node:assert/strict";
import type { StateChange, StateDriver, StateWrite } from "../core/ports/state.ts";
import type { Bytes } from "../core/types.ts";
import type { ContractTest } from "./contract.ts";

export interface StateToOpen {
  /** Of all owners together; more than the tests need by default. */
  readonly maxBytes?: number;
  readonly maxKeys?: number;
}

export interface OpenedState extends AsyncDisposable {
  readonly driver: StateDriver;
  /** Lets time pass for the driver. */
  pass(ms: number): Promise<void>;
  /** Opens anew what was closed without a word, as after a crash; undefined where nothing is meant to outlive it. */
  readonly reopen?: (() => Promise<StateDriver>) | undefined;
}

const encoder = new TextEncoder();
const utf8 = (text: string): Bytes => encoder.encode(text);
const by = (owner: string, rest: Partial<StateWrite> = {}): StateWrite => ({
  ...{ owner, expected: undefined, ttlMs: undefined, maxBytes: 1_000_000, maxKeys: 1_000 },
  ...rest,
});
const FULL = { code: "quota-exceeded" };
const everything = (): boolean => true;
const all = { prefix: "", after: undefined, limit: 1_000 };

/** `open` gives an empty state each time. */
export function stateDriverContract(open: (state?: StateToOpen) => Promise<OpenedState>): readonly ContractTest[] {
  const test = (name: string, run: (opened: OpenedState) => Promise<void>, options?: StateToOpen): ContractTest => ({
    name,
    async run() {
      await using opened = await open(options);
      await run(opened);
    },
  });
  const text = async ({ driver }: OpenedState, key: string): Promise<string | undefined> => {
    const entry = await driver.get(key);
    return entry === undefined ? undefined : new TextDecoder().decode(entry.value);
  };
  const refused = (work: () => unknown, error: object): Promise<void> => assert.rejects(async () => work(), error);

  return [
    test("answers what was set last, by whom, and nothing for an absent or removed key", async (opened) => {
      const { driver } = opened;
      await driver.set("a", utf8("1"), by("one"));
      await driver.set("a", utf8("zwei €"), by("two"));
      assert.equal(await text(opened, "a"), "zwei €");
      assert.equal((await driver.get("a"))?.owner, "two");
      assert.equal(await driver.get("b"), undefined);
      assert.notEqual(await driver.delete("a", undefined), undefined);
      assert.equal(await driver.delete("a", undefined), undefined);
      assert.equal(await driver.get("a"), undefined);
    }),

    test("gives each change a greater revision, so that a key which was removed and set again has another", async ({ driver }) => {
      const made = [await driver.set("a", utf8("x"), by("p")), await driver.set("b", utf8("x"), by("p"))];
      made.push(await driver.delete("a", undefined), await driver.set("a", utf8("x"), by("p")));
      assert.deepEqual(
        made,
        [...made].sort((one, other) => Number(one) - Number(other)),
      );
      assert.equal(new Set(made).size, 4);
      assert.equal((await driver.get("a"))?.revision, made[3]);
    }),

    test("changes a value only where the expected revision is there, which is an answer", async (opened) => {
      const { driver } = opened;
      const first = await driver.set("a", utf8("1"), by("p", { expected: 0 }));
      assert.notEqual(first, undefined);
      assert.equal(await driver.set("a", utf8("2"), by("p", { expected: 0 })), undefined);
      assert.equal(await driver.set("a", utf8("2"), by("p", { expected: Number(first) + 1 })), undefined);
      const second = await driver.set("a", utf8("3"), by("p", { expected: first }));
      assert.equal(await text(opened, "a"), "3");
      assert.equal(await driver.delete("a", first), undefined);
      assert.notEqual(await driver.delete("a", second), undefined);
      assert.equal(await driver.delete("a", second), undefined);
    }),

    test("lets one of many who count on the same revision win", async (opened) => {
      const { driver } = opened;
      const revision = await driver.set("n", utf8("0"), by("p"));
      const made = await Promise.all(
        Array.from({ length: 20 }, async (_, i) => driver.set("n", utf8(String(i)), by("p", { expected: revision }))),
      );
      assert.equal(made.filter((one) => one !== undefined).length, 1);
    }),

    test("keeps bytes as they are, empty ones too", async ({ driver }) => {
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      await driver.set("all", bytes, by("p"));
      await driver.set("none", new Uint8Array(0), by("p"));
      assert.deepEqual(Buffer.from((await driver.get("all"))?.value ?? []), Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i)));
      assert.equal((await driver.get("none"))?.value.length, 0);
    }),

    test("lists keys by prefix in the order of their bytes, a page at a time", async ({ driver }) => {
      for (const key of ["b.2", "a", "b.10", "b", "B", "b-1", "b_1"]) await driver.set(key, utf8("x"), by("p"));
      assert.deepEqual(await driver.keys({ ...all, prefix: "b." }, everything), ["b.10", "b.2"]);
      assert.deepEqual(await driver.keys(all, everything), ["B", "a", "b", "b-1", "b.10", "b.2", "b_1"]);
      assert.deepEqual(await driver.keys({ prefix: "b", after: "b-1", limit: 2 }, everything), ["b.10", "b.2"]);
      await driver.delete("b.10", undefined);
      assert.deepEqual(await driver.keys({ prefix: "b", after: "b.10", limit: 2 }, everything), ["b.2", "b_1"]);
      assert.deepEqual(await driver.keys({ prefix: "__proto__", after: undefined, limit: 2 }, everything), []);
    }),

    test("ends a value at its time, after which it counts as absent", async (opened) => {
      const { driver, pass } = opened;
      await driver.set("a", utf8("x"), by("p", { ttlMs: 1_000 }));
      await pass(999);
      assert.equal(await text(opened, "a"), "x");
      await pass(1);
      assert.equal(await driver.get("a"), undefined);
      assert.deepEqual(await driver.keys(all, everything), []);
      assert.equal(await driver.delete("a", undefined), undefined);
      assert.notEqual(await driver.set("a", utf8("y"), by("p", { expected: 0 })), undefined);
      await pass(10_000);
      assert.equal(await text(opened, "a"), "y");
    }),

    test("holds each owner to its own number of keys and bytes, to the last, and changes nothing beyond", async (opened) => {
      const { driver } = opened;
      const few = by("few", { maxKeys: 2, maxBytes: 10 });
      await driver.set("a", utf8("1234"), few);
      await driver.set("b", utf8("1234"), few);
      await refused(() => driver.set("c", utf8(""), few), FULL);
      await refused(() => driver.set("b", utf8("12345"), few), FULL);
      assert.equal(await text(opened, "b"), "1234");
      await driver.set("b", utf8("123"), few);
      // Another has room of its own, and who takes a key over takes its weight.
      await driver.set("a", utf8("1".repeat(100)), by("other"));
      await driver.set("c", utf8("12345"), few);
      await driver.delete("c", undefined);
      await driver.set("d", utf8("1234"), few);
    }),

    test("frees what ended for whoever needs the room", async ({ driver, pass }) => {
      const few = { maxKeys: 1 };
      await driver.set("a", utf8("x"), by("p", { ...few, ttlMs: 10 }));
      await refused(() => driver.set("b", utf8("x"), by("p", few)), FULL);
      await pass(10);
      await driver.set("b", utf8("x"), by("p", few));
    }),

    test(
      "bounds what all have together",
      async ({ driver }) => {
        for (const owner of ["a", "b", "c"]) await driver.set(owner, utf8("x".repeat(99)), by(owner));
        await refused(() => driver.set("d", utf8("x"), by("d")), FULL);
        await driver.delete("a", undefined);
        await driver.set("d", utf8("x"), by("d"));
        await refused(() => driver.set("d", utf8("x".repeat(200)), by("d")), FULL);
      },
      { maxKeys: 3, maxBytes: 300 },
    ),

    test("tells watchers of every change in order, also of what ended by itself, until they end it", async ({ driver, pass }) => {
      const seen: StateChange[] = [];
      const unwatch = driver.watch((change) => seen.push(change));
      const first = await driver.set("a", utf8("1"), by("p"));
      const second = await driver.delete("a", undefined);
      await driver.set("a", utf8("2"), by("p", { expected: first }));
      const third = await driver.set("b", utf8("1"), by("p", { ttlMs: 5_000 }));
      assert.deepEqual(seen, [
        { key: "a", revision: first, deleted: false },
        { key: "a", revision: second, deleted: true },
        { key: "b", revision: third, deleted: false },
      ]);
      await pass(70_000);
      assert.deepEqual(
        seen.slice(3).map(({ key, deleted }) => [key, deleted]),
        [["b", true]],
      );
      unwatch();
      await driver.set("a", utf8("3"), by("p"));
      assert.equal(seen.length, 4);
    }),

    test("has again after a crash what it had acknowledged, revisions and owners too, if it is to outlive one", async (opened) => {
      const { driver, reopen } = opened;
      if (reopen === undefined) return;
      await driver.set("a", utf8("1"), by("p"));
      await driver.set("gone", utf8("1"), by("p"));
      await driver.delete("gone", undefined);
      const last = await driver.set("b", utf8("2"), by("q", { ttlMs: 60_000 }));
      const again = await reopen();
      assert.deepEqual(await again.keys(all, everything), ["a", "b"]);
      const found = await again.get("b");
      assert.deepEqual([found?.owner, found?.revision], ["q", last]);
      assert.ok(Number(await again.set("c", utf8("3"), by("p"))) > Number(last));
      await opened.pass(60_000);
      assert.deepEqual(await again.keys(all, everything), ["a", "c"]);
      await refused(() => again.set("d", utf8(""), by("p", { maxKeys: 2 })), FULL);
    }),
  ];
}
