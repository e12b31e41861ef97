// How often services may be called, and what tries to call more often.

import { describe, expect, it } from "vitest";
import { HostError } from "../../host/core/errors.ts";
import type { ServiceCall, TurnContext } from "../../host/core/turn.ts";
import type { Caller, Rate, ServiceDefinition } from "../../host/core/types.ts";
import { callRates, MAX_CALLERS } from "../../host/guards/call-rates.ts";
import { fakeClock } from "../support/fake-clock.ts";

const plugin = (name: string): Caller => ({ kind: "plugin", name });

interface Asking {
  readonly waiting?: readonly string[];
  /** How many of those who wait lend their authority. */
  readonly lending?: number;
}

function guarded(rates: { readonly perCaller?: Rate; readonly total?: Rate }) {
  const clock = fakeClock();
  const guard = callRates(clock);
  const service: ServiceDefinition = { name: "shop.buy", entryPoint: "buy", rates };
  const call = (caller: Caller, { waiting = [], lending = 0 }: Asking = {}): void => {
    const context = {
      waiting,
      authorities: waiting.slice(waiting.length - lending).map((plugin) => ({ plugin })),
    } as unknown as TurnContext;
    const within = { plugin: { name: caller.name }, context } as unknown as ServiceCall["within"];
    void guard.call?.({ service: "shop.buy", payload: new Uint8Array(0), caller, traceparent: "", within }, service);
  };
  /** How many of so many calls pass. */
  const passing = (count: number, caller: Caller, asking?: Asking): number => {
    let passed = 0;
    for (let i = 0; i < count; i += 1) {
      try {
        call(caller, asking);
        passed += 1;
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: "rate-limited" });
      }
    }
    return passed;
  };
  return { clock, call, passing };
}

const refusalOf = (run: () => void): HostError => {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof HostError) return thrown;
  }
  throw new Error("it was not refused");
};

describe("the rate of a service", () => {
  it("lets each caller come so often, and tells the one that comes more often how long to wait", () => {
    const { clock, call, passing } = guarded({ perCaller: { perSecond: 10, burst: 3 } });
    expect([passing(5, plugin("a")), passing(5, plugin("b"))]).toEqual([3, 3]);
    const refused = refusalOf(() => call(plugin("a")));
    expect(refused).toMatchObject({ retryAfterMs: 100, message: expect.stringContaining("services.shop.buy.perCaller") });
    clock.pass(99);
    expect(passing(1, plugin("a"))).toBe(0);
    clock.pass(1);
    expect(passing(2, plugin("a"))).toBe(1);
  });

  it("tells a wait after which it passes, whatever the rate", () => {
    for (const perSecond of [0.001, 0.3, 7, 999_983]) {
      const { clock, call } = guarded({ total: { perSecond, burst: 1 } });
      call(plugin("a"));
      clock.pass(refusalOf(() => call(plugin("a"))).retryAfterMs ?? 0);
      call(plugin("a"));
    }
  });

  it("counts all together, and charges nobody for what is refused", () => {
    const { clock, passing } = guarded({ perCaller: { perSecond: 5, burst: 5 }, total: { perSecond: 8, burst: 8 } });
    expect([passing(9, plugin("a")), passing(9, plugin("b"))]).toEqual([5, 3]);
    // What b was refused for the sake of all has cost it nothing: two of its five are left.
    clock.pass(250);
    expect(passing(9, plugin("b"))).toBe(2);
  });

  it("is nothing for services without one", () => {
    const { passing } = guarded({});
    expect(passing(10_000, plugin("a"))).toBe(10_000);
  });

  it("tells callers of the same name and another kind apart", () => {
    const { passing } = guarded({ perCaller: { perSecond: 1, burst: 1 } });
    expect([passing(2, plugin("http")), passing(2, { kind: "adapter", name: "http" })]).toEqual([1, 1]);
  });
});

describe("whoever tries to come more often", () => {
  it("is not forgotten by bringing many callers, who together are counted as one beyond those that are kept", () => {
    const { passing } = guarded({ perCaller: { perSecond: 0.001, burst: 1 } });
    expect(passing(2, plugin("attacker"))).toBe(1);
    let passed = 0;
    for (let i = 0; i < 20 * MAX_CALLERS; i += 1) passed += passing(1, plugin(`many-${i}`));
    // The attacker has one place, and all for whom there is none share one account.
    expect(passed).toBe(MAX_CALLERS);
    expect(passing(1, plugin("attacker"))).toBe(0);
  });

  it("gets a place once others have been quiet, and only theirs", () => {
    const { clock, passing } = guarded({ perCaller: { perSecond: 1, burst: 1 } });
    for (let i = 0; i < MAX_CALLERS; i += 1) passing(1, plugin(`one-${i}`));
    expect([passing(2, plugin("late")), passing(1, plugin("later"))]).toEqual([1, 0]);
    clock.pass(1_000);
    expect([passing(1, plugin("one-0")), passing(2, plugin("late")), passing(2, plugin("later"))]).toEqual([1, 1, 1]);
  });

  it("gains nothing by way of services that act for it", () => {
    const { passing } = guarded({ perCaller: { perSecond: 1, burst: 2 } });
    expect(passing(2, plugin("a"))).toBe(2);
    expect(passing(5, plugin("deputy"), { waiting: ["outer", "a"], lending: 1 })).toBe(0);
    expect(passing(5, plugin("deputy"), { waiting: ["a", "other"], lending: 2 })).toBe(0);
    // One that acts for itself is counted for itself, whoever waits for it.
    expect(passing(5, plugin("deputy"), { waiting: ["a"], lending: 0 })).toBe(2);
    expect(passing(5, plugin("other"))).toBe(2);
  });

  it("gains nothing when the time of day jumps, and a burst at most when the host slept", () => {
    const { clock, passing } = guarded({ perCaller: { perSecond: 1, burst: 2 } });
    expect(passing(3, plugin("a"))).toBe(2);
    clock.set(86_400_000);
    expect(passing(3, plugin("a"))).toBe(0);
    clock.set(-2 * 86_400_000);
    expect(passing(3, plugin("a"))).toBe(0);
    clock.pass(86_400_000);
    expect(passing(9, plugin("a"))).toBe(2);
  });
});
