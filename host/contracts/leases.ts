// What every driver of leases must do: one holder at a time, who has stopped before the next begins.

import assert from "node:assert/strict";
import type { Held, Leases } from "../seams.ts";
import type { ContractTest } from "./contract.ts";

export interface LeasesToOpen {
  readonly ttlMs: number;
}

/** Two hosts that share leases. */
export interface OpenedLeases extends AsyncDisposable {
  readonly one: Leases;
  readonly other: Leases;
  /** Lets time pass for both, and settles what is due. */
  pass(ms: number): Promise<void>;
  /** From now on, or no longer, the first host reaches nothing of what they share. */
  cutOff(isCut: boolean): void;
  /** The first host stands still: time passes for the other, until this is called again. */
  freeze(isFrozen: boolean): void;
  /** The clock on the wall of both is set, by hours and days. */
  setWallClock(byMs: number): void;
}

const TTL_MS = 10_000;
const NAME = "schedules";

interface Contender extends AsyncDisposable {
  /** Those of its times that are not over. */
  readonly current: Held | undefined;
  readonly epochs: readonly number[];
  /** Gives up what it holds. */
  finish(): void;
}

/** Contends, and works until the name is lost; `lingers` says for what more. */
function contender(leases: Leases, name: string = NAME, lingers: () => Promise<void> = async () => {}): Contender {
  const epochs: number[] = [];
  let current: Held | undefined;
  let finish = (): void => {};
  const contention = leases.contend(name, async (held) => {
    epochs.push(held.epoch);
    current = held;
    await new Promise<void>((resolve) => {
      finish = resolve;
      if (held.lost.aborted) resolve();
      else held.lost.addEventListener("abort", () => resolve(), { once: true });
    });
    current = undefined;
    await lingers();
  });
  return {
    epochs,
    get current() {
      return current;
    },
    finish: () => finish(),
    [Symbol.asyncDispose]: () => contention[Symbol.asyncDispose](),
  };
}

export function leasesContract(open: (options: LeasesToOpen) => Promise<OpenedLeases>): readonly ContractTest[] {
  const test = (name: string, run: (opened: OpenedLeases) => Promise<void>): ContractTest => ({
    name,
    async run() {
      await using opened = await open({ ttlMs: TTL_MS });
      await run(opened);
    },
  });
  const holds = ({ current }: Contender): boolean => current?.holds() === true && !current.lost.aborted;

  return [
    test("gives a free name to who asks first, and keeps it there", async ({ one, other, pass }) => {
      await using first = contender(one);
      await pass(0);
      await using second = contender(other);
      for (let i = 0; i < 12; i += 1) {
        await pass(TTL_MS / 4);
        assert.deepEqual([holds(first), holds(second)], [true, false]);
      }
      assert.equal(first.epochs.length, 1);
    }),

    test("holds every name by itself", async ({ one, other, pass }) => {
      await using first = contender(one, "plugin.a/0");
      await using second = contender(other, "plugin.a/1");
      await pass(TTL_MS);
      assert.deepEqual([holds(first), holds(second)], [true, true]);
    }),

    test("lets contenders of one host take turns as those of two", async ({ one, pass }) => {
      await using first = contender(one);
      await using second = contender(one);
      await pass(TTL_MS);
      assert.deepEqual([holds(first), holds(second)], [true, false]);
    }),

    test("hands over when the holder leaves, with a greater epoch, and to nobody before its work has settled", async ({
      one,
      other,
      pass,
    }) => {
      const working = Promise.withResolvers<void>();
      const first = contender(one, NAME, () => working.promise);
      await pass(0);
      await using second = contender(other);
      const [held] = [first.current];
      const left = first[Symbol.asyncDispose]();
      await pass(TTL_MS / 2);
      assert.equal(held?.lost.aborted, true);
      assert.equal(held.holds(), false);
      assert.equal(holds(second), false);
      working.resolve();
      await left;
      await pass(TTL_MS / 2);
      assert.equal(holds(second), true);
      assert.ok(Number(second.epochs[0]) > Number(first.epochs[0]));
    }),

    test("gives up what its holder is done with, and contends for it anew", async ({ one, other, pass }) => {
      await using first = contender(one);
      await pass(0);
      const second = contender(other);
      first.finish();
      await pass(TTL_MS);
      assert.equal(Number(holds(first)) + Number(holds(second)), 1);
      await second[Symbol.asyncDispose]();
      first.finish();
      await pass(TTL_MS);
      assert.equal(holds(first), true);
      assert.deepEqual(
        first.epochs,
        first.epochs.toSorted((a, b) => a - b),
      );
      assert.equal(new Set([...first.epochs, ...second.epochs]).size, first.epochs.length + second.epochs.length);
    }),

    test("takes work that fails for work that is done", async ({ one, other, pass }) => {
      let begun = 0;
      await using _failing = one.contend(NAME, async () => {
        begun += 1;
        throw new Error("no");
      });
      await using _throwing = other.contend("another", () => {
        begun += 1;
        throw new Error("no");
      });
      await pass(2 * TTL_MS);
      assert.ok(begun >= 4, String(begun));
    }),

    test("tells a holder who reaches nothing that it has lost before another can hold", async ({ one, other, pass, cutOff }) => {
      await using first = contender(one);
      await pass(0);
      await using second = contender(other);
      cutOff(true);
      const before = first.current;
      for (let i = 0; i < 40; i += 1) {
        await pass(TTL_MS / 20);
        assert.ok(!(holds(first) && holds(second)));
        if (second.epochs.length > 0) assert.equal(before?.lost.aborted, true);
      }
      assert.equal(holds(second), true);
      assert.ok(Number(second.epochs[0]) > Number(first.epochs[0]));
      cutOff(false);
      await pass(TTL_MS);
      assert.deepEqual([holds(first), holds(second)], [false, true]);
    }),

    test("keeps what is held over an outage that is shorter than its time", async ({ one, other, pass, cutOff }) => {
      await using first = contender(one);
      await pass(0);
      await using second = contender(other);
      cutOff(true);
      await pass(TTL_MS / 2);
      cutOff(false);
      await pass(2 * TTL_MS);
      assert.deepEqual([first.epochs.length, holds(first), holds(second)], [1, true, false]);
    }),

    test("does not take again what it lost while its work goes on", async ({ one, pass, cutOff }) => {
      const working = Promise.withResolvers<void>();
      await using first = contender(one, NAME, () => working.promise);
      await pass(0);
      cutOff(true);
      await pass(2 * TTL_MS);
      cutOff(false);
      await pass(2 * TTL_MS);
      assert.equal(first.epochs.length, 1);
      working.resolve();
      await pass(TTL_MS);
      assert.equal(holds(first), true);
      assert.ok(Number(first.epochs[1]) > Number(first.epochs[0]));
    }),

    test("says to one who stood still that its time is over, before any timer of it ran", async ({ one, other, pass, freeze }) => {
      await using first = contender(one);
      await pass(0);
      await using second = contender(other);
      const before = first.current;
      freeze(true);
      await pass(2 * TTL_MS);
      assert.equal(holds(second), true);
      freeze(false);
      assert.equal(before?.holds(), false);
      await pass(TTL_MS);
      assert.equal(before.lost.aborted, true);
      assert.deepEqual([holds(first), holds(second)], [false, true]);
      assert.ok(Number(second.epochs[0]) > before.epoch);
    }),

    test("does not care what the clock on the wall says", async ({ one, other, pass, setWallClock }) => {
      await using first = contender(one);
      await pass(0);
      await using second = contender(other);
      for (const byMs of [86_400_000, -3 * 86_400_000]) {
        setWallClock(byMs);
        await pass(TTL_MS);
        assert.deepEqual([first.epochs.length, holds(first), holds(second)], [1, true, false]);
      }
    }),

    test("refuses a malformed name", async ({ one }) => {
      for (const name of ["", "A", "-a", "a b", "a\n", "x".repeat(129)])
        assert.throws(() => one.contend(name, async () => {}), { code: "invalid-message" });
    }),
  ];
}
