// What is too old, while somebody sets the clock.

import { beforeEach, describe, expect, it } from "vitest";
import { AgeClock } from "../../host/bounds/age-clock.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";

const HOUR_MS = 3_600_000;
const YEAR_MS = 8_760 * HOUR_MS;

describe("the clock by which something is too old", () => {
  let clock: FakeClock;
  let age: AgeClock;
  beforeEach(() => {
    clock = fakeClock();
    age = new AgeClock(clock);
  });

  it("goes with the other one, also where that drifts", () => {
    for (let i = 0; i < 100; i += 1) {
      clock.pass(HOUR_MS);
      clock.set(i % 2 === 0 ? 30_000 : -20_000);
      expect(age.now()).toBe(clock.now());
    }
  });

  it("believes one that jumps ahead once it has stayed there for an hour", () => {
    const before = clock.now();
    clock.set(YEAR_MS);
    expect(age.now()).toBe(before);
    clock.pass(HOUR_MS - 1);
    expect(age.now()).toBe(before + HOUR_MS - 1);
    clock.pass(1);
    expect(age.now()).toBe(clock.now());
  });

  it("has never believed one that was put right meanwhile, and counts the next jump anew", () => {
    clock.set(YEAR_MS);
    age.now();
    clock.pass(HOUR_MS / 2);
    clock.set(-YEAR_MS);
    expect(age.now()).toBe(clock.now());
    const before = clock.now();
    clock.set(YEAR_MS);
    clock.pass(HOUR_MS / 2);
    expect(age.now()).toBe(before + HOUR_MS / 2);
    clock.pass(HOUR_MS / 2);
    expect(age.now()).toBe(before + HOUR_MS);
    clock.pass(HOUR_MS / 2);
    expect(age.now()).toBe(clock.now());
  });

  it("believes one that is set back at once", () => {
    clock.set(-YEAR_MS);
    expect(age.now()).toBe(clock.now());
    clock.pass(HOUR_MS);
    expect(age.now()).toBe(clock.now());
  });
});
