// What every clock must do. `pass` lets so much time go by, by waiting or by moving it.

import assert from "node:assert/strict";
import type { Clock } from "../core/ports/clock.ts";
import type { ContractTest } from "./contract.ts";

export function clockContract(open: () => { readonly clock: Clock; pass(ms: number): Promise<void> }): readonly ContractTest[] {
  return [
    {
      name: "tells milliseconds since 1970, and a time that never goes back",
      async run() {
        const { clock, pass } = open();
        assert.ok(Math.abs(new Date(clock.now()).getUTCFullYear() - 2026) < 100);
        let before = clock.monotonicMs();
        for (let i = 0; i < 5; i += 1) {
          await pass(5);
          assert.ok(clock.monotonicMs() >= before);
          before = clock.monotonicMs();
        }
      },
    },
    {
      name: "calls once, and never before so much time has passed",
      async run() {
        const { clock, pass } = open();
        const start = clock.monotonicMs();
        const called: number[] = [];
        clock.after(20, () => called.push(clock.monotonicMs() - start));
        await pass(10);
        while (called.length === 0) await pass(10);
        await pass(30);
        assert.strictEqual(called.length, 1);
        assert.ok((called[0] ?? 0) >= 20);
      },
    },
    {
      name: "does not call what was cancelled, whenever that was",
      async run() {
        const { clock, pass } = open();
        let called = 0;
        const cancel = clock.after(10, () => {
          called += 1;
        });
        cancel();
        cancel();
        await pass(50);
        assert.strictEqual(called, 0);
      },
    },
    {
      name: "lets a callback plan the next one",
      async run() {
        const { clock, pass } = open();
        let called = 0;
        const again = (): void => {
          called += 1;
          if (called < 3) clock.after(1, again);
        };
        clock.after(1, again);
        for (let i = 0; i < 100 && called < 3; i += 1) await pass(5);
        assert.strictEqual(called, 3);
      },
    },
  ];
}
