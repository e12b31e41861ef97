// For how long somebody is believed for whom somebody else stands, while somebody sets the clock.

import { beforeEach, describe, expect, it } from "vitest";
import { HeldPrincipals } from "../../host/gate/held.ts";
import { KnownPrincipal } from "../../host/gate/known.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";

const DAY_MS = 86_400_000;

describe("somebody for whom somebody else stands", () => {
  let clock: FakeClock;
  let held: HeldPrincipals;
  beforeEach(() => {
    clock = fakeClock();
    held = new HeldPrincipals(clock, ({ name, expiresAt }) => new KnownPrincipal({ name, expiresAt, bounds: [] }, () => {}));
  });
  const hold = (lastsMs?: number): KnownPrincipal =>
    held.hold("key", { name: "ada", groups: [], expiresAt: lastsMs === undefined ? undefined : clock.now() + lastsMs }, []);

  it("is asked for again after a minute, also when the clock is set back", () => {
    const ada = hold();
    clock.set(-10 * DAY_MS);
    clock.pass(59_999);
    expect(held.find("key")).toBe(ada);
    clock.pass(1);
    expect(held.find("key")).toBeUndefined();
    // Who says the same of her means the same one.
    expect(hold()).toBe(ada);
    clock.set(10 * DAY_MS);
    expect(held.find("key")).toBe(ada);
  });

  it("is nobody any more once the time is over that he was given, also by a clock that jumps ahead", () => {
    const ada = hold(DAY_MS);
    expect(held.find("key")).toBe(ada);
    clock.set(2 * DAY_MS);
    expect(held.find("key")).toBeUndefined();
    clock.set(-2 * DAY_MS);
    expect(held.find("key")).toBe(ada);
  });
});
