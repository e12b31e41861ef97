// Who hashes next, with work that ends when the test says so.

import { beforeEach, describe, expect, it } from "vitest";
import { HashingLine } from "../../host/capabilities/crypto/hashing-line.ts";
import type { HostError } from "../../host/core/errors.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";

describe("the line of passwords that wait to be hashed", () => {
  let clock: FakeClock;
  let line: HashingLine;
  /** The plugins whose work has begun and not ended, in order, with what ends it. */
  let running: { readonly plugin: string; end(): void }[];
  let begun: string[];
  let spent: Record<string, number>;
  beforeEach(() => {
    clock = fakeClock();
    line = new HashingLine(clock);
    [running, begun, spent] = [[], [], {}];
  });
  const hash = (plugin: string, deadline = Number.POSITIVE_INFINITY): Promise<string> => {
    const spend = (ms: number): void => {
      spent[plugin] = (spent[plugin] ?? 0) + ms;
    };
    const hashed = line.run(plugin, { deadline, spend }, () => {
      const { promise, resolve } = Promise.withResolvers<string>();
      begun.push(plugin);
      running.push({ plugin, end: () => resolve(`of ${plugin}`) });
      return promise;
    });
    hashed.catch(() => {});
    return hashed;
  };
  const endOne = async (tookMs = 50): Promise<void> => {
    clock.pass(tookMs);
    running.shift()?.end();
    await new Promise((resolve) => setImmediate(resolve));
  };

  it("has two at once, whoever they are of", async () => {
    const all = [hash("a"), hash("a"), hash("b"), hash("c")];
    expect(begun).toEqual(["a", "a"]);
    await endOne();
    expect(begun).toEqual(["a", "a", "b"]);
    await endOne();
    expect(begun).toEqual(["a", "a", "b", "c"]);
    await endOne();
    await endOne();
    expect(await Promise.all(all)).toEqual(["of a", "of a", "of b", "of c"]);
    expect(running).toEqual([]);
  });

  it("serves who has had least, however many one has put into it", async () => {
    for (let i = 0; i < 10; i += 1) hash("flood");
    for (let i = 0; i < 3; i += 1) hash("polite");
    hash("late");
    for (let i = 0; i < 8; i += 1) await endOne();
    expect(begun.slice(0, 2)).toEqual(["flood", "flood"]);
    expect(begun.slice(2, 4).toSorted()).toEqual(["late", "polite"]);
    expect(begun.slice(0, 9).filter((plugin) => plugin === "polite")).toHaveLength(3);
    expect(begun).toHaveLength(10);
  });

  it("counts what a hash took, so that one that asks for dear ones waits until the others have had as much", async () => {
    for (const plugin of ["dear", "a", "b"]) for (let i = 0; i < 7; i += 1) hash(plugin);
    const endNext = (isDear: boolean, tookMs: number): Promise<void> => {
      running.sort((one, other) => Number((other.plugin === "dear") === isDear) - Number((one.plugin === "dear") === isDear));
      return endOne(tookMs);
    };
    // The first two are both of the one that came first, and one of them ends at once.
    await endNext(true, 0);
    for (let i = 0; i < 8; i += 1) await endNext(false, 50);
    await endNext(true, 0);
    expect(spent).toEqual({ dear: 400, a: 200, b: 200 });
    expect(begun.filter((plugin) => plugin === "dear")).toHaveLength(2);
    expect(running.map(({ plugin }) => plugin).toSorted()).toEqual(["a", "b"]);
  });

  it("refuses the ninth that waits, and says when to come again", async () => {
    const waiting = Array.from({ length: 10 }, () => hash("flood"));
    const refused = (await hash("flood").catch((thrown) => thrown)) as HostError;
    expect(refused).toMatchObject({
      code: "rate-limited",
      message: "8 passwords of flood wait to be hashed, and no more may; try again later",
      retryAfterMs: 200,
    });
    const polite = hash("polite");
    await endOne(80);
    hash("flood");
    expect(await hash("flood").catch(({ retryAfterMs }: HostError) => retryAfterMs)).toBe(320);
    while (running.length > 0) await endOne(80);
    expect(await polite).toBe("of polite");
    expect(await Promise.all(waiting)).toHaveLength(10);
  });

  it("begins nothing for a turn that is over, and bills what was begun", async () => {
    hash("a");
    hash("a");
    const late = hash("b", clock.monotonicMs() + 40);
    const other = hash("c", clock.monotonicMs() + 60);
    await endOne(50);
    expect(begun).toEqual(["a", "a", "c"]);
    await expect(late).rejects.toMatchObject({ code: "deadline-exceeded" });
    await endOne(0);
    await endOne(25);
    expect(await other).toBe("of c");
    expect(spent).toEqual({ a: 100, c: 25 });
  });

  it("goes on when work fails", async () => {
    const failed = line.run("a", { deadline: 1e9, spend: () => {} }, () => Promise.reject(new Error("no memory")));
    await expect(failed).rejects.toThrow("no memory");
    const next = hash("a");
    await endOne();
    expect(await next).toBe("of a");
  });

  it("refuses what waits when the host stops", async () => {
    const all = [hash("a"), hash("a"), hash("a")];
    line[Symbol.dispose]();
    await expect(all[2]).rejects.toMatchObject({ code: "plugin-not-running" });
    await endOne();
    await endOne();
    expect(await Promise.all(all.slice(0, 2))).toHaveLength(2);
  });
});
