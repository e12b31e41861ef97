// Whether a host is alive and ready: the loop of its events, what it lacks, and that it stops.

import { describe, expect, it } from "vitest";
import type { PluginState } from "../../host/core/types.ts";
import { HostHealth } from "../../host/lifecycle/health.ts";
import { fakeClock } from "../support/fake-clock.ts";

function setUp() {
  const clock = fakeClock();
  const states = new Map<string, PluginState>();
  const world = { faults: [] as string[], required: [] as string[], isStopping: false, asked: 0 };
  const health = new HostHealth({
    clock,
    stateOf: (name) => states.get(name),
    faults: () => world.faults,
    required: () => {
      world.asked += 1;
      return world.required;
    },
    isStopping: () => world.isStopping,
  });
  return { clock, states, world, health };
}

describe("the health of a host", () => {
  it("is alive while its loop of events turns, and not when it did not for two seconds", async () => {
    const { clock, health } = setUp();
    await clock.advance(60_000);
    expect(health.isAlive()).toBe(true);
    clock.pass(1_700);
    expect(health.isAlive()).toBe(true);
    clock.pass(300);
    expect(health.isAlive()).toBe(false);
    await clock.advance(250);
    expect(health.isAlive()).toBe(true);
    health[Symbol.dispose]();
  });

  it("is not ready while a plugin is down that is required, it cannot write, or it stops, and says why", async () => {
    const { clock, states, world, health } = setUp();
    expect(health.unready()).toEqual([]);
    world.required = ["devices", "ghost"];
    states.set("devices", "running");
    states.set("other", "failed");
    await clock.advance(1_000);
    expect(health.unready()).toEqual(["the plugin ghost, which is required, is not there"]);
    states.set("devices", "quarantined");
    states.set("ghost", "running");
    world.faults = ["the disk is full"];
    world.isStopping = true;
    expect(health.unready()).toEqual(["the host is stopping", "the disk is full", "the plugin devices, which is required, is quarantined"]);
    health[Symbol.dispose]();
  });

  it("looks up what is required once a second, however often strangers ask", async () => {
    const { clock, world, health } = setUp();
    for (let i = 0; i < 1_000; i += 1) health.unready();
    expect(world.asked).toBe(1);
    await clock.advance(1_000);
    for (let i = 0; i < 1_000; i += 1) health.unready();
    expect(world.asked).toBe(2);
    health[Symbol.dispose]();
  });
});
