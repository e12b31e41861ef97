// The host's time, shared: nobody gets more of a second than he may, all together no more than there is, and who asks least goes first.

import { describe, expect, it } from "vitest";
import { Host } from "../../host/core/host.ts";
import { HostTime, type HostTimeAccount } from "../../host/core/host-time.ts";
import type { CheckedCall } from "../../host/core/ports/capability.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { fakeClock, settle } from "../support/fake-clock.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { definition, type Script, scriptedCell, utf8 } from "../support/scripted-cell.ts";

describe("the host's time", () => {
  const setUp = (msPerSecond: number) => {
    const clock = fakeClock();
    const time = new HostTime(clock, msPerSecond);
    const done = new Map<string, number>();
    const work = (account: HostTimeAccount, name: string, ms: number): Promise<void> =>
      account.run(async () => {
        clock.pass(ms);
        done.set(name, (done.get(name) ?? 0) + 1);
      });
    return { clock, time, done, work };
  };

  it("does what there is time for at once", async () => {
    const { time, done, work, clock } = setUp(600);
    const account = time.account(200);
    void work(account, "p", 50);
    void work(account, "p", 50);
    expect(done.get("p")).toBe(2);
    expect(await account.run(async () => 7)).toBe(7);
    await expect(account.run(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(clock.monotonicMs()).toBe(100);
  });

  it("lets one wait who had its share, and others not", async () => {
    const { clock, time, done, work } = setUp(600);
    const [greedy, polite] = [time.account(200), time.account(200)];
    for (let i = 0; i < 6; i += 1) void work(greedy, "greedy", 100);
    expect(done.get("greedy")).toBeLessThan(6);
    void work(polite, "polite", 1);
    await settle();
    expect(done.get("polite")).toBe(1);
    await clock.advance(10_000);
    expect(done.get("greedy")).toBe(6);
  });

  it("holds all together to what there is, whatever each may have, and lets who asks least go first", async () => {
    const { clock, time, done, work } = setUp(500);
    const greedy = Array.from({ length: 8 }, () => time.account(1_000));
    const again = (account: HostTimeAccount): void => void work(account, "greedy", 20).then(() => again(account));
    const polite = time.account(1_000);
    for (const account of greedy) again(account);
    await clock.advance(5_000);
    const start = clock.monotonicMs();
    const before = done.get("greedy") ?? 0;
    const waits: number[] = [];
    for (let i = 0; i < 20; i += 1) {
      await clock.advance(100);
      const asked = clock.monotonicMs();
      void work(polite, "polite", 1).then(() => waits.push(clock.monotonicMs() - asked));
      await clock.advance(100);
    }
    const seconds = (clock.monotonicMs() - start) / 1_000;
    expect((((done.get("greedy") ?? 0) - before) * 20) / seconds).toBeLessThan(520);
    await clock.advance(100);
    expect(waits).toHaveLength(20);
    // One piece of work of somebody else, and what it owes, by a clock that moves in steps.
    expect(Math.max(...waits)).toBeLessThanOrEqual(81);
  });

  it("bills what was worked beside, such as reading what a server sends, to whoever asked for it", async () => {
    const clock = fakeClock();
    const asked: number[] = [];
    const answer = async ({ spend }: CheckedCall) => {
      asked.push(clock.monotonicMs());
      spend(450);
      return { status: 200, headers: [], body: new Uint8Array(0) };
    };
    const capabilities = { "http.fetch": { needs: "http.fetch", answer } };
    const host = new Host(hostPorts({ clock, log: memoryLog(), capabilities }));
    const request = utf8('{"method":"GET","url":"http://a.test/","headers":[]}');
    const script: Script = { ask: async (_input, turn) => turn.answer("http.fetch", [request, new Uint8Array(0)]) };
    const grants = [{ permission: "http.fetch", resource: "http://a.test", reason: "to test" }] as const;
    const limits = { ...DEFAULT_LIMITS, hostMsPerSecond: 200 };
    host.add(
      definition("p", script, { services: [{ name: "p.ask", entryPoint: "ask" }], permissions: grants, grants, limits }),
      scriptedCell({ p: script }),
    );
    await host.start("p");
    const call = { service: "p.ask", payload: new Uint8Array(0), caller: { kind: "host", name: "test" }, traceparent: "t" } as const;
    const both = Promise.all([host.services.call(call), host.services.call(call)]);
    await clock.advance(1_000);
    expect(asked).toEqual([0]);
    // 450 ms of 200 in a second leave 250 to be made up for, before the answer is written and before the next is asked.
    await clock.advance(500);
    expect(asked).toEqual([0, 1_250]);
    await clock.advance(3_000);
    await both;
  });
});
