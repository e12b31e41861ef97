// Leases over NATS: the contract of leases on one server, and what peers and servers do to them.

import { describe, expect, it } from "vitest";
import { leasesContract, type OpenedLeases } from "../../host/contracts/leases.ts";
import { HostError } from "../../host/core/errors.ts";
import type { LeaseTable } from "../../host/drivers/leases/contention.ts";
import { leasesOn } from "../../host/drivers/leases/leases.ts";
import { LeaseRows, nats, natsTable } from "../../host/drivers/leases/nats.ts";
import { BucketCopy, type BucketEntry } from "../../host/drivers/nats/bucket.ts";
import { openNats } from "../../host/drivers/nats/connection.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { memoryLog } from "../support/memory-log.ts";
import { headOf, initialized, natsOptionsOfTest } from "../support/nats.ts";
import { describeWithServer } from "../support/servers.ts";

interface Contending {
  readonly table: LeaseTable;
  /** All that was asked has been answered, and what the servers have is known. */
  settled(): Promise<void>;
}

describeWithServer("nats", "leases over NATS", () => {
  describe("hold the contract", () => {
    const open = async ({ ttlMs }: { readonly ttlMs: number }): Promise<OpenedLeases> => {
      const options = await natsOptionsOfTest();
      await initialized(options);
      await using opening = new AsyncDisposableStack();
      const connection = opening.use(await openNats(options, memoryLog()));
      let [wallMs, isFrozen, isCut, behindMs] = [0, false, false, 0];
      const one = fakeClock();
      const other = fakeClock();
      // One that stands still reads nothing either.
      const unread: (() => void)[] = [];
      const contending = async (clock: FakeClock, cut: () => boolean): Promise<Contending> => {
        const rows = new LeaseRows(clock);
        const onEntry = (entry: BucketEntry): void => {
          if (isFrozen && clock === one) unread.push(() => rows.onEntry(entry));
          else rows.onEntry(entry);
        };
        const bucket = opening.use(await BucketCopy.open(connection, "leases", { onEntry }));
        const table = natsTable(bucket, rows);
        let asked = Promise.resolve();
        const reached = <T>(work: () => Promise<T>): Promise<T> => {
          const done = cut() ? Promise.reject(new HostError("storage-failed", "cut off")) : work();
          asked = Promise.all([asked, done.catch(() => {})]).then(() => {});
          return done;
        };
        return {
          table: {
            take: (...what) => reached(async () => table.take(...what)),
            release: (...what) => reached(async () => table.release(...what)),
            onReleased: (...what) => table.onReleased?.(...what) ?? (() => {}),
          },
          async settled() {
            let before: Promise<void>;
            do {
              before = asked;
              await asked;
              const head = await headOf(connection, "leases");
              while (bucket.seen < head) await new Promise((resolve) => setTimeout(resolve, 1));
            } while (before !== asked);
          },
        };
      };
      const [first, second] = [await contending(one, () => isCut), await contending(other, () => false)];
      const leases = ({ table }: Contending, clock: FakeClock) =>
        leasesOn(table, { clock: { ...clock, now: () => clock.now() + wallMs }, log: memoryLog() }, { ttlMs });
      const all = opening.move();
      return {
        one: leases(first, one),
        other: leases(second, other),
        async pass(ms) {
          for (let left = ms; left >= 0; left -= 500) {
            const step = Math.min(500, left);
            if (isFrozen) behindMs += step;
            else await one.advance(step);
            await other.advance(step);
            for (const { settled } of [first, second, first, second]) await settled();
          }
        },
        cutOff: (cut) => {
          isCut = cut;
        },
        freeze(frozen) {
          isFrozen = frozen;
          if (frozen) return;
          one.pass(behindMs);
          behindMs = 0;
          for (const read of unread.splice(0)) read();
        },
        setWallClock: (byMs) => {
          wallMs += byMs;
        },
        [Symbol.asyncDispose]: () => all.disposeAsync(),
      };
    };
    for (const { name, run } of leasesContract(open)) it(name, run, 60_000);
  });

  it("need what cluster init makes, and say so", async () => {
    const options = await natsOptionsOfTest();
    const opening = { clock: fakeClock(), log: memoryLog(), dataDir: "/" };
    await expect(nats.open(opening, { ...options, ttlMs: 10_000 })).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringMatching(/no stream KV_t\w+-leases; "bulkhead cluster init"/),
    });
  });

  it("take what nobody can read for somebody's, and for nobody's in time", async () => {
    const options = await natsOptionsOfTest();
    await initialized(options);
    await using connection = await openNats(options, memoryLog());
    const clock = fakeClock();
    const rows = new LeaseRows(clock);
    await using bucket = await BucketCopy.open(connection, "leases", rows);
    const table = natsTable(bucket, rows);
    for (const text of [
      "",
      "{",
      "[]",
      '{"version":2}',
      '{"version":1,"holder":"x","ttlMs":1}',
      `{"version":1,"ttlMs":10000,"holder":"${"x".repeat(2_000)}"}`,
    ]) {
      await bucket.put("a", new TextEncoder().encode(text), {});
      expect(await table.take("a", "me", undefined, 10_000), text).toBeUndefined();
    }
    clock.pass(600_001);
    const epoch = await table.take("a", "me", undefined, 10_000);
    expect(epoch).toBe(bucket.seen);
  });
});
