// What a cell does about its memory when it has nothing to do.

import { describe, expect, it } from "vitest";
import { Resting } from "../../host/cell/inside/resting.ts";
import { fakeClock } from "../support/fake-clock.ts";

const MIB = 1_048_576;

describe("a cell at rest", () => {
  const world = () => {
    const clock = fakeClock();
    const held = { bytes: 12 * MIB };
    let collected = 0;
    const resting = new Resting({
      clock,
      heldBytes: () => held.bytes,
      collect() {
        collected += 1;
        held.bytes = 9 * MIB;
      },
    });
    return { clock, held, resting, collected: () => collected };
  };

  it("gives back its memory once it has done nothing for a while, and not while it works", async () => {
    const { clock, resting, collected } = world();
    for (let i = 0; i < 10; i += 1) {
      resting.worked();
      await clock.advance(1_500);
    }
    expect(collected()).toBe(0);
    await clock.advance(4_000);
    expect(collected()).toBe(1);
  });

  it("does not look again for what a turn now and then leaves", async () => {
    const { clock, held, resting, collected } = world();
    resting.worked();
    await clock.advance(10_000);
    for (let i = 0; i < 5; i += 1) {
      held.bytes += 0.15 * MIB;
      resting.worked();
      await clock.advance(10_000);
    }
    expect(collected()).toBe(1);
    held.bytes += MIB;
    resting.worked();
    await clock.advance(10_000);
    expect(collected()).toBe(2);
  });

  it("makes V8's heap smaller, and gives nobody else what does that", async () => {
    const clock = fakeClock();
    const resting = new Resting({ clock });
    const garbage = Array.from({ length: 200_000 }, (_, i) => ({ i }));
    const before = process.memoryUsage().heapUsed;
    garbage.length = 0;
    resting.worked();
    await clock.advance(5_000);
    expect(process.memoryUsage().heapUsed).toBeLessThan(before);
    expect(new Function("return typeof gc")()).toBe("undefined");
  });
});
