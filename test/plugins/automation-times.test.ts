// Rules of the automation plugin that fire at a time of day or again and again, in real Wasm on the test kit's clock.

import { describe, expect, it } from "vitest";
import { loadPlugin, type TestPlugin } from "../../host/testing/index.ts";
import { eventually } from "../support/eventually.ts";
import { ownPlugin } from "../support/plugin-folders.ts";

const load = (): Promise<TestPlugin> =>
  loadPlugin(ownPlugin("automation"), { now: new Date("2026-03-02T06:59:50Z"), services: { "target.run": () => null } });
const rule = (rest: object): object => ({ id: "wake", action: { service: "target.run", arguments: { at: "{{data.due}}" } }, ...rest });
const payloads = (kit: TestPlugin): unknown[] => kit.called.map(({ payload }) => payload.json());
const after = async (kit: TestPlugin, ms: number, count: number): Promise<void> => {
  await kit.clock.advance(ms);
  await eventually(`${count} calls`, () => kit.called.length === count || undefined);
};

describe("a rule with times", () => {
  it("fires by cron in its time zone", async () => {
    await using kit = await load();
    await kit.call("automation.add", rule({ schedule: { cron: "0 8 * * *", timezone: "Europe/Berlin" } }));
    await after(kit, 20_000, 1);
    expect(payloads(kit)).toEqual([{ at: "2026-03-02T07:00:00.000Z" }]);
  });

  it("fires every so often until it is switched off or removed, and again when it is switched on", async () => {
    await using kit = await load();
    await kit.call("automation.add", rule({ schedule: { every: "10s" } }));
    await after(kit, 10_500, 1);
    await kit.call("automation.enable", { id: "wake", enabled: false });
    await kit.clock.advance(30_000);
    expect(kit.called).toHaveLength(1);
    await kit.call("automation.enable", { id: "wake", enabled: true });
    await after(kit, 10_500, 2);
    await kit.call("automation.remove", { id: "wake" });
    await kit.clock.advance(30_000);
    expect(kit.called).toHaveLength(2);
  });

  it("fires after a restart, and only when its condition holds", async () => {
    await using kit = await load();
    await kit.call("automation.add", rule({ schedule: { every: "10s" } }));
    await kit.call("automation.add", {
      ...rule({ schedule: { every: "10s" }, condition: { field: "late", operator: "greater", value: 1e9 } }),
      id: "never",
    });
    await kit.restart();
    await after(kit, 10_500, 1);
  });

  it.each([
    [{ trigger: "a.b", schedule: { every: "1m" } }, "write trigger, a pattern of event types, or schedule, times; one of them"],
    [{}, "write trigger, a pattern of event types, or schedule, times; one of them"],
    [{ schedule: {} }, "schedule: write cron or every, one of them"],
    [{ schedule: { every: "1m", cron: "* * * * *" } }, "schedule: write cron or every, one of them"],
    [{ schedule: { every: "soon" } }, "at /schedule/every must match "],
    [{ schedule: { every: "1m", missed: "twice" } }, 'at /schedule/missed must be one of "skip", "once"'],
    [{ schedule: { cron: "0 0 30 2 *" } }, "never comes due"],
    [{ schedule: { cron: "0 8 * * *", timezone: "Mars/Base" } }, "Mars/Base"],
    [{ id: "Wake_up", schedule: { every: "1m" } }, '"Wake_up" is no id of a rule with a schedule'],
  ])("is refused as %j, and not there then", async (rest, why) => {
    await using kit = await load();
    await expect(kit.call("automation.add", rule(rest))).rejects.toMatchObject({
      code: "refused",
      reason: "invalid-input",
      message: expect.stringContaining(why),
    });
    expect((await kit.call("automation.list")).json()).toEqual({ rules: [] });
  });
});
