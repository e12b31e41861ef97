// The shared state over NATS: the contract of state drivers on one server, two hosts that write at once, and what others may have written there.

import { expect, it } from "vitest";
import { type OpenedState, type StateToOpen, stateDriverContract } from "../../host/contracts/state-driver.ts";
import type { StateDriver, StateWrite } from "../../host/core/ports/state.ts";
import { BucketCopy } from "../../host/drivers/nats/bucket.ts";
import { openNats } from "../../host/drivers/nats/connection.ts";
import type { NatsOptions } from "../../host/drivers/nats/options.ts";
import { nats } from "../../host/drivers/state/nats.ts";
import { MIB } from "../../host/drivers/state/options.ts";
import { eventually } from "../support/eventually.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { memoryLog } from "../support/memory-log.ts";
import { initialized, natsOptionsOfTest } from "../support/nats.ts";
import { textOf, utf8 } from "../support/scripted-cell.ts";
import { describeWithServer } from "../support/servers.ts";

const by = (owner: string, rest: Partial<StateWrite> = {}): StateWrite => ({
  ...{ owner, expected: undefined, ttlMs: undefined, maxBytes: 1_000_000, maxKeys: 1_000 },
  ...rest,
});

describeWithServer("nats", "the shared state over NATS", () => {
  const openOn = (options: NatsOptions, clock = fakeClock(), { maxBytes = MIB, maxKeys = 1_000 }: StateToOpen = {}) =>
    nats.open({ clock, log: memoryLog(), dataDir: "/" }, { ...options, maxMiB: maxBytes / MIB, maxKeys });
  const fresh = async (): Promise<NatsOptions> => {
    const options = await natsOptionsOfTest();
    await initialized(options);
    return options;
  };

  const open = async (state: StateToOpen = {}): Promise<OpenedState> => {
    const options = await fresh();
    const clock = fakeClock();
    const opened = new AsyncDisposableStack();
    const openOnce = async (): Promise<StateDriver> => opened.use(await openOn(options, clock, state));
    const driver = await openOnce();
    return {
      driver,
      async pass(ms) {
        await clock.advance(ms);
        // Whoever finds no room waits until what has ended is gone.
        await expect(driver.set("none", utf8(""), by("nobody", { maxKeys: 0 }))).rejects.toMatchObject({ code: "quota-exceeded" });
      },
      reopen: async () => openOnce(),
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  };
  for (const { name, run } of stateDriverContract(open)) it(name, run, 60_000);

  it("lets one of two hosts win that count on the same revision, and has the last value on both", async () => {
    const options = await fresh();
    await using one = await openOn(options);
    await using other = await openOn(options);
    const start = await one.set("n", utf8("0"), by("p"));
    await eventually("the other has it", () => other.get("n"));
    let revision = start;
    for (let round = 0; round < 20; round += 1) {
      const made = await Promise.all([one, other].map(async (host) => host.set("n", utf8(String(round)), by("p", { expected: revision }))));
      const won = made.filter((found) => found !== undefined);
      expect(won, String(round)).toHaveLength(1);
      revision = won[0];
      await eventually(
        "both have it",
        async () => ((await one.get("n"))?.revision === revision && (await other.get("n"))?.revision === revision) || undefined,
      );
    }
    const created = await Promise.all(
      Array.from({ length: 10 }, async (_, i) => (i % 2 === 0 ? one : other).set("new", utf8(String(i)), by(`p${i}`, { expected: 0 }))),
    );
    expect(created.filter((found) => found !== undefined)).toHaveLength(1);
    // Over the mark of what is gone.
    await one.delete("new", undefined);
    expect(await other.set("new", utf8("again"), by("p", { expected: 0 }))).toBeGreaterThan(0);
  });

  it("takes nothing for a value that no host has written, and writes over it", async () => {
    const options = await fresh();
    await using connection = await openNats(options, memoryLog());
    await using bucket = await BucketCopy.open(connection, "state", { onEntry() {} });
    const good = { "Bulkhead-Version": "1", "Bulkhead-Owner": "p" };
    const wrong: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
      ["a", {}],
      ["a", { ...good, "Bulkhead-Version": "2" }],
      ["a", { ...good, "Bulkhead-Owner": "No Name" }],
      ["a", { ...good, "Bulkhead-Ttl-Ms": "-1" }],
      ["a", { ...good, "Bulkhead-Ttl-Ms": "1e9" }],
      ["no key", good],
    ];
    await using before = await openOn(options);
    for (const [key, said] of wrong) {
      await bucket.put(key, utf8("x"), said);
      await using after = await openOn(options);
      for (const state of [before, after]) {
        expect(await state.keys({ prefix: "", after: undefined, limit: 10 }, () => true), key).toEqual([]);
      }
    }
    await before.set("a", utf8("mine"), by("p"));
    expect(textOf((await before.get("a"))?.value ?? utf8(""))).toBe("mine");
    await expect(connection.js.publish(`$KV.${options.prefix}-state.b`, new Uint8Array(70 * 1_024))).rejects.toThrow(/size/);
  });
});
