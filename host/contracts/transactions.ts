// What must hold of plugins whose turns are transactions, wherever storage and event log are: everything a turn did is there at its end, or nothing of it.

import assert from "node:assert/strict";
import type { HandledEvents, MaybePromise, TurnOutcome } from "../core/types.ts";
import type { StorageChange, StorageCheck, StorageCommitOutcome, StoragePage } from "../core/wit.ts";
import type { ContractTest } from "./contract.ts";

/** What a turn can do, with texts for bytes. */
export interface TestedTurn {
  get(key: string): MaybePromise<string | undefined>;
  version(key: string): MaybePromise<number | undefined>;
  set(key: string, value: string): MaybePromise<void>;
  delete(key: string): MaybePromise<boolean>;
  commit(checks: readonly StorageCheck[], changes: readonly StorageChange[]): MaybePromise<StorageCommitOutcome>;
  keys(prefix: string, after: string | undefined, limit: number): MaybePromise<readonly string[]>;
  scan(prefix: string, after: string | undefined, limit: number, reverse: boolean): MaybePromise<StoragePage>;
  /** Resolves with the event's id. */
  publish(data: string): Promise<string>;
}

export type TestedWork = (turn: TestedTurn) => Promise<string | undefined>;

/** A plugin whose turns are transactions, on a host. What it publishes is kept. */
export interface TestedTransactions extends AsyncDisposable {
  /** Runs a turn and resolves with how it ended; work that throws fails as a guest does. */
  turn(work: TestedWork, handles?: HandledEvents): Promise<TurnOutcome>;
  /** What the plugin's storage has, as whoever reads it beside the turns sees it. */
  stored(key: string): Promise<string | undefined>;
  /** What the event log has, in order. */
  kept(): Promise<readonly { readonly id: string; readonly data: string }[]>;
  /** From now on nothing can be kept, or it can again. */
  breakLog(isBroken: boolean): void;
  /** Host and cell die at this moment, and live again over what they have written down. */
  die(): Promise<void>;
  /** Lets pass what the host does by itself after a while. */
  pass(): Promise<void>;
}

const put = (key: string, value: string): StorageChange => ({ key, value: new TextEncoder().encode(value), ttlMs: undefined });
const one = (id: string): HandledEvents => ({ subscription: "s", ids: [id], isBatch: false });
const batch = (...ids: string[]): HandledEvents => ({ subscription: "s", ids, isBatch: true });
const codeOf = (outcome: TurnOutcome): string => (outcome.ok ? "ok" : outcome.error.code);

async function refused(work: () => MaybePromise<unknown>): Promise<string> {
  try {
    await work();
  } catch (thrown) {
    return (thrown as { readonly code?: string }).code ?? String(thrown);
  }
  return "ok";
}

type Scenario = (world: TestedTransactions) => Promise<void>;

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "shows a turn what it has written, and nobody else before it ends": async (world) => {
    const outcome = await world.turn(async ({ get, set, delete: remove, publish }) => {
      await set("a", "1");
      await set("b", "2");
      assert.equal(await remove("b"), true);
      assert.equal(await remove("b"), false);
      await publish("first");
      assert.equal(await world.stored("a"), undefined);
      assert.deepEqual(await world.kept(), []);
      return `${await get("a")} ${await get("b")}`;
    });
    assert.equal(outcome.ok && new TextDecoder().decode(outcome.output), "1 undefined");
    assert.equal(await world.stored("a"), "1");
    assert.equal(await world.stored("b"), undefined);
  },
  "hands out what was published in order, with the ids that the turn was told": async (world) => {
    const ids: string[] = [];
    for (const turn of ["a", "b"])
      await world.turn(async ({ publish }) => {
        for (let i = 0; i < 3; i += 1) ids.push(await publish(`${turn}${i}`));
        return undefined;
      });
    const kept = await world.kept();
    assert.deepEqual(
      kept.map(({ data }) => data),
      ["a0", "a1", "a2", "b0", "b1", "b2"],
    );
    assert.deepEqual(
      kept.map(({ id }) => id),
      ids,
    );
  },
  "leaves nothing of a turn that fails": async (world) => {
    await world.turn(async ({ set }) => void (await set("a", "before")));
    const outcome = await world.turn(async ({ set, publish }) => {
      await set("a", "never");
      await publish("never");
      throw new Error("no");
    }, one("e1"));
    assert.equal(outcome.ok, false);
    assert.equal(await world.stored("a"), "before");
    assert.deepEqual(await world.kept(), []);
    // Nor is its event taken to be handled, nor does the next turn commit what this one left.
    const again = await world.turn(async ({ get }) => get("a") as Promise<string>, one("e1"));
    assert.equal(again.ok && again.handledBefore, undefined);
    assert.equal(await world.stored("a"), "before");
    assert.deepEqual(await world.kept(), []);
  },
  "handles an event once, whoever has died since": async (world) => {
    const count: Array<string> = [];
    const work: TestedWork = async ({ get, set }) => {
      count.push("ran");
      await set("n", String(Number((await get("n")) ?? 0) + 1));
      return undefined;
    };
    await world.turn(work, one("e1"));
    const again = await world.turn(work, one("e1"));
    assert.deepEqual(again.ok && again.handledBefore, [0]);
    await world.die();
    const later = await world.turn(work, one("e1"));
    assert.deepEqual(later.ok && later.handledBefore, [0]);
    assert.equal(await world.stored("n"), "1");
    assert.equal(count.length, 1);
    const other = await world.turn(work, { ...one("e1"), subscription: "t" });
    assert.equal(other.ok && other.handledBefore, undefined);
    assert.equal(await world.stored("n"), "2");
  },
  "counts of a batch as handled what the handler names, and says which of the next were": async (world) => {
    await world.turn(
      async ({ set }) => {
        await set("a", "1");
        return "2";
      },
      batch("e1", "e2", "e3"),
    );
    const next = await world.turn(async ({ set }) => void (await set("a", "2")), batch("e3", "e2", "e4", "e1"));
    assert.deepEqual(next.ok && next.handledBefore, [1, 3]);
    assert.equal(await world.stored("a"), "1");
    const rest = await world.turn(async ({ set }) => void (await set("a", "3")), batch("e3", "e4"));
    assert.equal(rest.ok && rest.handledBefore, undefined);
    assert.equal(await world.stored("a"), "3");
  },
  "keeps nothing of a batch whose handler answers what no number is": async (world) => {
    await world.turn(
      async ({ set }) => {
        await set("a", "1");
        return "all";
      },
      batch("e1", "e2"),
    );
    assert.equal(await world.stored("a"), undefined);
  },
  "remembers the last thousand events of a subscription over any number of turns": async (world) => {
    const idOf = (i: number): string => `e${i}`;
    for (let from = 0; from < 1_500; from += 100)
      await world.turn(async () => undefined, batch(...Array.from({ length: 100 }, (_, i) => idOf(from + i))));
    await world.die();
    for (const i of [500, 1_499]) {
      const outcome = await world.turn(async () => undefined, one(idOf(i)));
      assert.deepEqual(outcome.ok && outcome.handledBefore, [0], `event ${i}`);
    }
  },
  "hands out after a death what was committed before it, once": async (world) => {
    world.breakLog(true);
    const outcome = await world.turn(async ({ set, publish }) => {
      await set("a", "1");
      await publish("first");
      await publish("second");
      return undefined;
    }, one("e1"));
    assert.equal(codeOf(outcome), "ok");
    assert.equal(await world.stored("a"), "1");
    assert.deepEqual(await world.kept(), []);
    await world.die();
    world.breakLog(false);
    await world.pass();
    await world.turn(async ({ publish }) => publish("third"));
    await world.die();
    await world.turn(async () => undefined);
    const kept = await world.kept();
    assert.deepEqual(
      kept.map(({ data }) => data),
      ["first", "second", "third"],
    );
    assert.equal(new Set(kept.map(({ id }) => id)).size, 3);
  },
  "hands out by itself what could not be kept when it was committed, in order": async (world) => {
    world.breakLog(true);
    for (const data of ["a", "b"]) assert.equal(codeOf(await world.turn(async ({ publish }) => publish(data))), "ok");
    world.breakLog(false);
    await world.pass();
    await world.turn(async ({ publish }) => publish("c"));
    assert.deepEqual(
      (await world.kept()).map(({ data }) => data),
      ["a", "b", "c"],
    );
  },
  "checks a commit within a turn against what the turn has written": async (world) => {
    const outcome = await world.turn(async ({ version, set, commit }) => {
      assert.deepEqual(await commit([{ key: "a", version: 0 }], [put("a", "1")]), { committed: true, version: await version("a") });
      assert.equal((await commit([{ key: "a", version: 0 }], [put("a", "2")])).committed, false);
      const before = (await version("a")) ?? 0;
      await set("a", "3");
      assert.equal((await commit([{ key: "a", version: before }], [put("a", "4")])).committed, false);
      assert.equal((await commit([{ key: "a", version: (await version("a")) ?? 0 }], [put("a", "5")])).committed, true);
      return undefined;
    });
    assert.equal(codeOf(outcome), "ok");
    assert.equal(await world.stored("a"), "5");
  },
  "never gives a version twice, not even one of a turn that failed": async (world) => {
    const seen: number[] = [];
    const work =
      (fails: boolean): TestedWork =>
      async ({ set, version }) => {
        await set("a", String(seen.length));
        seen.push((await version("a")) ?? 0);
        if (fails) throw new Error("no");
        return undefined;
      };
    for (const fails of [false, true, true, false]) await world.turn(work(fails));
    await world.die();
    for (const fails of [false, true, false]) await world.turn(work(fails));
    assert.deepEqual(
      seen,
      [...new Set(seen)].toSorted((a, b) => a - b),
    );
  },
  "lists and scans stored and written entries as one, both ways, page by page": async (world) => {
    await world.turn(async ({ set }) => {
      for (const key of ["k/a", "k/c", "k/e", "k/g", "l"]) await set(key, "stored");
      return undefined;
    });
    const outcome = await world.turn(async ({ set, delete: remove, keys, scan }) => {
      for (const key of ["k/b", "k/f", "k/h", "k/\u{1F600}", "k/\uFFFD"]) await set(key, "written");
      await set("k/c", "changed");
      await remove("k/e");
      const all = ["k/a", "k/b", "k/c", "k/f", "k/g", "k/h", "k/\uFFFD", "k/\u{1F600}"];
      for (const limit of [1, 2, 3, 100]) {
        const listed: string[] = [];
        for (let page = await keys("k/", undefined, limit); page.length > 0; page = await keys("k/", page.at(-1), limit))
          listed.push(...page);
        assert.deepEqual(listed, all, `keys by ${limit}`);
        for (const reverse of [false, true]) {
          const scanned: string[] = [];
          for (let after: string | undefined; ; ) {
            const { entries, next } = await scan("k/", after, limit, reverse);
            assert.ok(entries.length <= limit);
            scanned.push(...entries.map(({ key }) => key));
            after = next;
            if (after === undefined) break;
          }
          assert.deepEqual(scanned, reverse ? all.toReversed() : all, `scan by ${limit}, reverse ${reverse}`);
        }
      }
      const { entries } = await scan("k/c", undefined, 1, false);
      return new TextDecoder().decode(entries[0]?.value);
    });
    assert.equal(outcome.ok && new TextDecoder().decode(outcome.output), "changed", codeOf(outcome));
  },
  "keeps the host's own rows from the plugin": async (world) => {
    await world.turn(async ({ set, publish }) => {
      await set("a", "1");
      await publish("x");
      return undefined;
    }, one("e1"));
    await world.turn(async ({ keys, scan, get, set, commit }) => {
      for (const key of ["\0bulkhead/", "\0bulkhead/outbox/0000000000000000", "\0bulkhead/handled/s/0000"]) {
        assert.equal(await get(key), undefined);
        assert.equal(await refused(() => set(key, "mine")), "invalid-message");
        assert.equal(await refused(() => commit([], [put("b", "1"), put(key, "mine")])), "invalid-message");
        assert.equal(await refused(() => commit([{ key, version: 0 }], [put("b", "1")])), "invalid-message");
      }
      assert.deepEqual(await keys("", undefined, 1_000), ["a"]);
      assert.deepEqual(await keys("\0", undefined, 1_000), []);
      assert.deepEqual(await keys("", "\0bulkhead/handled/", 1_000), ["a"]);
      for (const reverse of [false, true])
        assert.deepEqual(
          (await scan("", undefined, 1_000, reverse)).entries.map(({ key }) => key),
          ["a"],
        );
      return undefined;
    });
  },
  "ends a turn that writes or publishes too much, and keeps nothing of it": async (world) => {
    const tooMany = await world.turn(async ({ set }) => {
      for (let i = 0; i <= 1_000; i += 1) await set(`k${i}`, "");
      return undefined;
    });
    assert.equal(codeOf(tooMany), "quota-exceeded");
    const tooLarge = await world.turn(async ({ set }) => {
      for (let i = 0; i < 5; i += 1) await set(`k${i}`, "x".repeat(1_000_000));
      return undefined;
    });
    assert.equal(codeOf(tooLarge), "quota-exceeded");
    const tooLoud = await world.turn(async ({ publish }) => {
      for (let i = 0; i <= 100; i += 1) await publish(String(i));
      return undefined;
    });
    assert.equal(codeOf(tooLoud), "quota-exceeded");
    assert.equal(await world.stored("k0"), undefined);
    assert.deepEqual(await world.kept(), []);
    // A key that is written again counts once.
    const often = await world.turn(async ({ set }) => {
      for (let i = 0; i < 10; i += 1) await set("k", "x".repeat(1_000_000));
      return undefined;
    });
    assert.equal(codeOf(often), "ok");
  },
  "fails a turn whose writes do not fit, also when they fitted while it ran": async (world) => {
    const fill = (keys: readonly string[]) =>
      world.turn(async ({ set, publish }) => {
        for (const key of keys) await set(key, "x".repeat(1_000_000));
        await publish(keys.join());
        return undefined;
      });
    const outcomes: string[] = [];
    for (let i = 0; i < 12; i += 1) outcomes.push(codeOf(await fill([`${i}a`, `${i}b`, `${i}c`])));
    assert.ok(outcomes.includes("quota-exceeded"), String(outcomes));
    const fitted = outcomes.indexOf("quota-exceeded");
    assert.equal(await world.stored(`${fitted}a`), undefined);
    assert.equal((await world.kept()).length, outcomes.filter((code) => code === "ok").length);
  },
};

/** What a turn asserts fails the test and not the turn alone. */
function strict(world: TestedTransactions): TestedTransactions {
  const turn: TestedTransactions["turn"] = async (work, handles) => {
    const failed: unknown[] = [];
    const outcome = await world.turn(async (within) => {
      try {
        return await work(within);
      } catch (thrown) {
        if (thrown instanceof assert.AssertionError) failed.push(thrown);
        throw thrown;
      }
    }, handles);
    if (failed.length > 0) throw failed[0];
    return outcome;
  };
  return { ...world, turn };
}

/** `open` opens a plugin that may store 16 MiB, with nothing stored and an empty log. */
export function transactionsContract(open: () => Promise<TestedTransactions>): readonly ContractTest[] {
  return Object.entries(SCENARIOS).map(([name, scenario]) => ({
    name,
    async run() {
      await using world = await open();
      await scenario(strict(world));
    },
  }));
}
