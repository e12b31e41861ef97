// Turns at a time of day, or again and again: when they come due, over clock changes and restarts, and how many there may be.

import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { scheduleFunctions } from "../../host/capabilities/schedules/functions.ts";
import { type ScheduleRequest, Scheduler } from "../../host/capabilities/schedules/scheduler.ts";
import { memorySchedules, openScheduleStore, type ScheduleStore } from "../../host/capabilities/schedules/store.ts";
import { checkTimes, nextAfter, type Times } from "../../host/capabilities/schedules/times.ts";
import type { CheckedCall } from "../../host/core/ports/capability.ts";
import type { TurnOutcome } from "../../host/core/types.ts";
import { NO_USAGE } from "../../host/core/types.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { parseManifest } from "../../host/manifest/manifest.ts";
import { type FakeClock, fakeClock, settle } from "../support/fake-clock.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const at = (text: string): number => Date.parse(text);
const iso = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());
const cron = (expression: string, timezone = "UTC"): Times => ({ cron: expression, timezone });

describe("the next time", () => {
  it.each([
    ["every five minutes", cron("*/5 * * * *"), "2026-01-01T00:02:00Z", "2026-01-01T00:05:00.000Z"],
    ["with seconds", cron("*/10 * * * * *"), "2026-01-01T00:00:05Z", "2026-01-01T00:00:10.000Z"],
    ["never at the very moment itself", cron("0 0 * * *"), "2026-01-01T00:00:00Z", "2026-01-02T00:00:00.000Z"],
    ["on weekdays", cron("30 7 * * MON-FRI"), "2026-01-02T08:00:00Z", "2026-01-05T07:30:00.000Z"],
    ["in a leap year", cron("0 0 29 2 *"), "2026-01-01T00:00:00Z", "2028-02-29T00:00:00.000Z"],
    ["in a zone, in winter", cron("0 12 * * *", "Europe/Berlin"), "2026-01-01T00:00:00Z", "2026-01-01T11:00:00.000Z"],
    ["in a zone, in summer", cron("0 12 * * *", "Europe/Berlin"), "2026-07-01T00:00:00Z", "2026-07-01T10:00:00.000Z"],
    // Clocks go from 02:00 to 03:00 on 2026-03-29, so there is no 02:30.
    [
      "in the hour that is left out, an hour later",
      cron("30 2 * * *", "Europe/Berlin"),
      "2026-03-28T12:00:00Z",
      "2026-03-29T01:00:00.000Z",
    ],
    ["the day after that, as ever", cron("30 2 * * *", "Europe/Berlin"), "2026-03-29T01:30:00Z", "2026-03-30T00:30:00.000Z"],
    // Clocks go from 03:00 to 02:00 on 2026-10-25, so 02:30 comes twice.
    ["in the hour that comes twice, the first", cron("30 2 * * *", "Europe/Berlin"), "2026-10-24T12:00:00Z", "2026-10-25T00:30:00.000Z"],
    ["and not a second time", cron("30 2 * * *", "Europe/Berlin"), "2026-10-25T00:30:00Z", "2026-10-26T01:30:00.000Z"],
    ["where the zone is half an hour off", cron("0 0 * * *", "Asia/Kolkata"), "2026-01-01T00:00:00Z", "2026-01-01T18:30:00.000Z"],
    ["again and again, from where it began", { everyMs: 7_000 }, "2026-01-01T00:00:15Z", "2026-01-01T00:00:21.000Z"],
    ["once", { atMs: at("2026-01-01T10:00:00Z") }, "2026-01-01T00:00:00Z", "2026-01-01T10:00:00.000Z"],
    ["and never again", { atMs: at("2026-01-01T10:00:00Z") }, "2026-01-01T10:00:00Z", undefined],
    ["never", cron("0 0 30 2 *"), "2026-01-01T00:00:00Z", undefined],
  ] as const)("comes %s", (_, times, after, next) => {
    expect(iso(nextAfter(times as Times, at(after), at("2026-01-01T00:00:00Z")))).toBe(next);
  });

  it.each([
    [cron("* * * *"), "is no cron expression"],
    [cron("a b c d e f g"), "is no cron expression"],
    [cron(`${"1,".repeat(50)}1 * * * *`), "is no cron expression"],
    [cron("* * * * *; rm"), "is no cron expression"],
    [cron("* * * * *", "Mars/Olympus"), "is no time zone"],
    [cron("* * * * *", "x".repeat(100_000)), "is no time zone"],
    [{ everyMs: 999 }, "write 1 s to 366 days"],
    [{ everyMs: Number.NaN }, "write 1 s"],
    [{ everyMs: 1e15 }, "write 1 s"],
    [{ atMs: -1 }, "is no moment"],
    [{ atMs: 1e18 }, "is no moment"],
  ])("is refused for %j", (times, words) => {
    expect(() => checkTimes(times as Times)).toThrow(
      expect.objectContaining({ code: "invalid-message", message: expect.stringContaining(words) }),
    );
  });

  it("is refused for fields out of range, in the words of who reads them", () => {
    expect(() => nextAfter(cron("61 * * * *"), 0, 0)).toThrow(/is no cron expression: /);
  });
});

interface World {
  readonly scheduler: Scheduler;
  readonly clock: FakeClock;
  readonly entered: string[];
  readonly log: ReturnType<typeof memoryLog>;
  state: string;
  outcome: () => Promise<TurnOutcome>;
}

const OK: TurnOutcome = { ok: true, output: new Uint8Array(0), usage: NO_USAGE };
const failed = (code: "queue-full" | "plugin-failed" | "plugin-not-running"): TurnOutcome => ({
  ok: false,
  error: { code, message: `a ${code}` },
  usage: NO_USAGE,
});
const tick: ScheduleRequest = { name: "tick", entryPoint: "on_tick", times: { everyMs: 10_000 }, missed: "skip" };

function world({
  store = memorySchedules(),
  clock = fakeClock(),
  perMinute = 60,
}: {
  readonly store?: ScheduleStore;
  readonly clock?: FakeClock;
  readonly perMinute?: number;
} = {}): World {
  const entered: string[] = [];
  const log = memoryLog();
  const made: World = {
    clock,
    entered,
    log,
    state: "running",
    outcome: async () => OK,
    scheduler: new Scheduler({
      clock,
      log,
      store,
      plugin: (name) =>
        name.startsWith("p")
          ? {
              name,
              state: made.state,
              definition: { limits: { ...DEFAULT_LIMITS, schedulesPerMinute: perMinute }, entryPoints: ["on_tick", "on_tock"] },
              enter(entryPoint, input, { caller }) {
                const { name: schedule, due, late } = JSON.parse(input);
                entered.push(`${name} ${entryPoint} ${schedule} ${due.slice(11, 19)} ${late} ${caller.name}`);
                return made.outcome();
              },
            }
          : undefined,
    }),
  };
  made.scheduler.heldBy(() => true);
  return made;
}

describe("a schedule", () => {
  it("enters its plugin when it comes due, with its time and how late that is", async () => {
    const { scheduler, clock, entered } = world();
    expect(iso(scheduler.set("p", tick))).toBe("2026-01-01T00:00:10.000Z");
    await clock.advance(25_000);
    expect(entered).toEqual(["p on_tick tick 00:00:10 0 schedules", "p on_tick tick 00:00:20 0 schedules"]);
    expect(scheduler.cancel("p", "tick")).toBe(true);
    expect(scheduler.cancel("p", "tick")).toBe(false);
    await clock.advance(60_000);
    expect(entered).toHaveLength(2);
  });

  it("is entered once at a time, and its next time is after that", async () => {
    const made = world();
    const turn = Promise.withResolvers<TurnOutcome>();
    made.outcome = () => turn.promise;
    made.scheduler.set("p", tick);
    await made.clock.advance(45_000);
    expect(made.entered).toHaveLength(1);
    turn.resolve(OK);
    made.outcome = async () => OK;
    await made.clock.advance(10_000);
    expect(made.entered.slice(1)).toEqual(["p on_tick tick 00:00:50 0 schedules"]);
  });

  it("that has had its one moment stays, and never comes again", async () => {
    const { scheduler, clock, entered } = world();
    scheduler.set("p", { ...tick, times: { atMs: clock.now() + 5_000 } });
    await clock.advance(600_000);
    expect(entered).toHaveLength(1);
    expect(scheduler.list("p")).toMatchObject([{ name: "tick", nextMs: undefined }]);
  });

  it.each([
    ["skip", []],
    ["once", ["p on_tick tick 00:00:10 3590000 schedules"]],
  ] as const)("that was missed is dealt with as it says: %s", async (missed, expected) => {
    const made = world();
    made.scheduler.set("p", { ...tick, missed });
    made.state = "stopped";
    await made.clock.advance(3_600_000);
    expect(made.entered).toEqual([]);
    made.state = "running";
    made.scheduler.look();
    await made.clock.advance(1_000);
    expect(made.entered).toEqual(expected);
    await made.clock.advance(10_000);
    expect(made.entered).toHaveLength(expected.length + 1);
  });

  it("notices a clock that jumps ahead, within a minute, and is not thrown by one that jumps back", async () => {
    const { scheduler, entered, clock } = world();
    scheduler.set("p", { ...tick, times: cron("0 12 * * *"), missed: "once" });
    clock.set(13 * 3_600_000);
    await clock.advance(60_000);
    expect(entered).toHaveLength(1);
    clock.set(-13 * 3_600_000);
    await clock.advance(3_600_000);
    // Its next time is noon of the day after, by the clock that was.
    expect(entered).toHaveLength(1);
    expect(iso(scheduler.list("p")[0]?.nextMs)).toBe("2026-01-02T12:00:00.000Z");
  });

  it("tries again while its plugin's queue is full, and says what else went wrong", async () => {
    const made = world();
    made.scheduler.set("p", tick);
    made.outcome = async () => failed("queue-full");
    await made.clock.advance(12_500);
    expect(made.entered).toHaveLength(3);
    made.outcome = async () => failed("plugin-failed");
    await made.clock.advance(2_000);
    expect(made.log.lines.map(({ message }) => message)).toEqual(["the schedule tick of p failed: a plugin-failed"]);
    made.outcome = async () => OK;
    await made.clock.advance(10_000);
    expect(made.entered.at(-1)).toContain("00:00:20");
  });

  it("comes no more often than its plugin may, nor all plugins together, and goes on when there is room", async () => {
    const few = world({ perMinute: 2 });
    few.scheduler.set("p", { ...tick, times: { everyMs: 1_000 } });
    await few.clock.advance(50_000);
    expect(few.entered.length).toBeGreaterThanOrEqual(2);
    expect(few.entered.length).toBeLessThanOrEqual(4);
    const many = world({ perMinute: 6_000 });
    for (let plugin = 0; plugin < 30; plugin += 1)
      for (let i = 0; i < 100; i += 1) many.scheduler.set(`p${plugin}`, { ...tick, name: `tick-${i}`, times: { everyMs: 30_000 } });
    await many.clock.advance(30_000);
    // Spread: not all in the moment in which they come due.
    expect(many.entered.length).toBeLessThanOrEqual(8);
    await many.clock.advance(29_000);
    expect(many.entered.length).toBeGreaterThan(1_000);
    expect(many.entered.length).toBeLessThanOrEqual(2_400);
  });

  it("is one of 100 of its plugin at most, has a name, an export and a time that comes", () => {
    const { scheduler } = world();
    for (let i = 0; i < 100; i += 1) scheduler.set("p", { ...tick, name: `tick-${i}` });
    scheduler.set("p", { ...tick, name: "tick-0", times: { everyMs: 5_000 } });
    const refuse = (request: Partial<ScheduleRequest>, error: object): void =>
      expect(() => scheduler.set("p", { ...tick, ...request })).toThrow(expect.objectContaining(error));
    refuse({ name: "one-more" }, { code: "quota-exceeded" });
    refuse({ name: "No" }, { code: "invalid-message" });
    refuse({ name: "tick-0", entryPoint: "nope" }, { code: "invalid-message", message: expect.stringContaining('no entry point "nope"') });
    refuse({ name: "tick-0", times: { atMs: 0 } }, { message: expect.stringContaining("never comes due") });
    refuse({ name: "tick-0", times: cron("0 0 30 2 *") }, { message: expect.stringContaining("never comes due") });
    expect(scheduler.list("p")).toHaveLength(100);
    expect(scheduler.list("q")).toEqual([]);
  });

  it("is planned on its plugin's own time, refused or not", async () => {
    const { scheduler, clock } = world();
    let now = 0;
    const { "schedules.set": set } = scheduleFunctions(scheduler, { ...clock, monotonicMs: () => (now += 7) });
    const spent: number[] = [];
    const call = { plugin: "p", spend: (ms: number) => spent.push(ms) } as unknown as CheckedCall;
    const asked = {
      name: "tick",
      entryPoint: "on_tick",
      everyMs: 5_000,
      cron: undefined,
      atMs: undefined,
      timezone: undefined,
      missed: "skip",
    } as const;
    expect(iso(await set?.answer(call, asked))).toBe("2026-01-01T00:00:05.000Z");
    await expect(set?.answer(call, { ...asked, everyMs: undefined, cron: "0 0 30 2 *" })).rejects.toMatchObject({
      code: "invalid-message",
    });
    for (const wrong of [{ everyMs: undefined }, { atMs: 1 }])
      await expect(set?.answer(call, { ...asked, ...wrong })).rejects.toMatchObject({
        message: expect.stringContaining("needs one of cron, every-ms and at-ms"),
      });
    expect(spent).toEqual([7, 7, 7, 7]);
  });

  it("of the manifest is the manifest's: it changes with it and nothing else does it", async () => {
    const { scheduler, clock, entered } = world();
    scheduler.set("p", { ...tick, name: "own" });
    scheduler.declare("p", [tick, { ...tick, name: "gone" }]);
    expect(() => scheduler.set("p", tick)).toThrow(expect.objectContaining({ code: "conflict" }));
    expect(() => scheduler.cancel("p", "tick")).toThrow(expect.objectContaining({ code: "conflict" }));
    await clock.advance(5_000);
    // The same again keeps its time, what changed begins anew, what is no more ends.
    scheduler.declare("p", [tick, { ...tick, name: "new", times: { everyMs: 60_000 } }]);
    await clock.advance(5_000);
    expect(entered.map((line) => line.split(" ")[2])).toEqual(["own", "tick"]);
    expect(scheduler.list("p").map(({ name, byManifest }) => [name, byManifest])).toEqual([
      ["new", true],
      ["own", false],
      ["tick", true],
    ]);
  });
});

describe("schedules that are kept", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());
  const open = () => openScheduleStore(join(folder.path, "schedules.sqlite"));

  it("go on after a restart, with what was missed meanwhile", async () => {
    const clock = fakeClock();
    const first = world({ clock, store: open() });
    first.scheduler.set("p", { ...tick, missed: "once" });
    first.scheduler.set("p", { ...tick, name: "noon", times: cron("0 12 * * *", "Europe/Berlin") });
    first.scheduler.declare("p", [{ ...tick, name: "declared" }]);
    first.scheduler.close();
    await clock.advance(3_600_000);
    expect(first.entered).toEqual([]);
    const second = world({ clock, store: open() });
    expect(second.scheduler.list().map(({ name, byManifest }) => [name, byManifest])).toEqual([
      ["declared", true],
      ["noon", false],
      ["tick", false],
    ]);
    second.scheduler.declare("p", [{ ...tick, name: "declared" }]);
    await clock.advance(5_000);
    expect(second.entered).toEqual(["p on_tick tick 00:00:10 3590000 schedules"]);
    second.scheduler.forget("p");
    second.scheduler.close();
    const third = world({ clock, store: open() });
    expect(third.scheduler.list()).toEqual([]);
    third.scheduler.close();
  });

  it("have not had their time when the host dies in it", async () => {
    const clock = fakeClock();
    const first = world({ clock, store: open() });
    first.outcome = () => new Promise(() => {});
    first.scheduler.set("p", { ...tick, missed: "once" });
    await clock.advance(10_000);
    expect(first.entered).toHaveLength(1);
    // Nothing is closed: the process is gone.
    const second = world({ clock, store: open() });
    second.scheduler.look();
    await clock.advance(0);
    await settle();
    expect(second.entered).toEqual(["p on_tick tick 00:00:10 0 schedules"]);
    first.scheduler.close();
    second.scheduler.close();
  });
});

describe("the schedules of a manifest", () => {
  const BASE = { name: "p", version: "1.0.0", api: "0.2", wasm: "p.wasm" };
  const parse = (...schedules: object[]) =>
    parseManifest(
      JSON.stringify({ ...BASE, schedules: schedules.map((one) => ({ name: "tick", entryPoint: "on_tick", ...one })) }),
      "plugin.json",
    ).schedules;

  it("are written with cron, every or at", () => {
    expect(
      parse({ cron: "0 7 * * *", timezone: "Europe/Berlin" }, { every: "15m", missed: "once" }, { at: "2026-12-24T18:00:00+01:00" }),
    ).toEqual([
      { name: "tick", entryPoint: "on_tick", missed: "skip", times: { cron: "0 7 * * *", timezone: "Europe/Berlin" } },
      { name: "tick", entryPoint: "on_tick", missed: "once", times: { everyMs: 900_000 } },
      { name: "tick", entryPoint: "on_tick", missed: "skip", times: { atMs: Date.UTC(2026, 11, 24, 17) } },
    ]);
  });

  it.each([
    [{}, "write one of cron, every and at"],
    [{ every: "15m", cron: "* * * * *" }, "write one of cron, every and at"],
    [{ every: "0s" }, "write 1 s to 366 days"],
    [{ every: "soon" }, "write a number and s, m, h or d, such as 15m"],
    [{ cron: "0 0 30 2 *" }, "it never comes due"],
    [{ cron: "61 * * * *" }, "is no cron expression"],
    [{ cron: "* * * * *", timezone: "nowhere" }, "is no time zone"],
    [{ at: "tomorrow" }, "write a moment such as 2026-12-24"],
    [{ every: "15m", entryPoint: "__x" }, "write the name of an export"],
  ])("are refused as %j, with the line", (schedule, words) => {
    expect(() => parse(schedule)).toThrow(
      expect.objectContaining({
        detail: expect.stringMatching(new RegExp(`^plugin\\.json:1: schedules\\.0.*${words.replaceAll(".", "\\.")}`, "m")),
      }),
    );
  });

  it("came with 0.2", () => {
    const text = JSON.stringify({ ...BASE, api: "0.1", schedules: [{ name: "tick", entryPoint: "on_tick", every: "1m" }] });
    expect(() => parseManifest(text, "plugin.json")).toThrow(expect.objectContaining({ code: "incompatible-api" }));
  });
});
