// The funnel into the log: what a plugin brings about is cut, counted and told of when it is too much; what is about others goes on.

import { describe, expect, it } from "vitest";
import { boundedLog } from "../../host/bounds/log.ts";
import { LogLevels } from "../../host/bounds/log-levels.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { memoryLog } from "../support/memory-log.ts";

describe("the funnel into the log", () => {
  const setUp = () => {
    const clock = fakeClock();
    const sink = memoryLog();
    return { clock, sink, log: boundedLog([sink], clock) };
  };

  it("writes 60 lines about a plugin at once, and tells each second how many it did not write", async () => {
    const { clock, sink, log } = setUp();
    for (let i = 0; i < 77_000; i += 1) log.write({ level: "warning", plugin: i % 2 === 0 ? "p" : "host", about: "p", message: "failed" });
    log.write({ level: "warning", plugin: "q", message: "failed" });
    expect(sink.lines).toHaveLength(61);
    await clock.advance(1_000);
    expect(sink.lines.at(-1)).toMatchObject({
      plugin: "host",
      message: "76940 more lines about p were dropped; the host writes 60 a minute",
    });
    await clock.advance(10_000);
    expect(sink.lines).toHaveLength(62);
    log.write({ level: "warning", plugin: "p", message: "failed again" });
    expect(sink.lines.at(-1)?.message).toBe("failed again");
  });

  it("still writes that a plugin was quarantined, or that its cell died, when its failures were too many to be written", () => {
    const { sink, log } = setUp();
    for (let i = 0; i < 100; i += 1) log.write({ level: "warning", plugin: "p", message: "failed" });
    log.write({ level: "error", plugin: "p", message: "p is quarantined" });
    log.write({ level: "error", plugin: "host", about: "p", message: "the cell of p died" });
    expect(sink.lines.slice(60).map(({ message }) => message)).toEqual(["p is quarantined", "the cell of p died"]);
  });

  it("cuts messages and causes, and leaves what a plugin wrote itself to its cell", () => {
    const { sink, log } = setUp();
    log.write({ level: "error", plugin: "host", about: "p", message: "m".repeat(1e6), cause: new Error("c".repeat(1e6)) });
    expect(JSON.stringify(sink.lines).length).toBeLessThan(25_000);
    expect(sink.lines[0]?.message).toMatch(/^m{4096}… \(cut, it had 1000000 characters\)$/);
    for (let i = 0; i < 1_000; i += 1) log.write({ level: "info", plugin: "p", by: "guest", message: "mine" });
    expect(sink.lines).toHaveLength(1_001);
  });

  it("drops a plugin's lines below its level, and the host's lines about it below the host's", () => {
    const { clock, sink } = setUp();
    const levels = new LogLevels("info");
    const log = boundedLog([sink], clock, levels);
    const all = (): string[] => {
      sink.lines.length = 0;
      for (const level of ["debug", "info", "warning", "error"] as const) {
        log.write({ level, plugin: "p", by: "guest", message: `p ${level}` });
        log.write({ level, plugin: "p", message: `host ${level}` });
      }
      return sink.lines.map(({ message }) => message);
    };
    expect(all()).toEqual(["p info", "host info", "p warning", "host warning", "p error", "host error"]);
    levels.configure("p", "error");
    expect(all()).toEqual(["host info", "host warning", "p error", "host error"]);
    levels.set("p", "debug");
    levels.set("host", "error");
    expect(all()).toEqual(["p debug", "p info", "p warning", "p error", "host error"]);
    expect(levels.of("p")).toEqual({ level: "debug", from: "run time" });
    levels.set("p", undefined);
    levels.set("host", undefined);
    expect(levels.of("p")).toEqual({ level: "error", from: "plugins" });
    levels.forget("p");
    expect([levels.of("p"), levels.of("q")]).toEqual(Array(2).fill({ level: "info", from: "drivers.log" }));
  });

  it("counts nothing that is below the level", () => {
    const { clock, sink } = setUp();
    const log = boundedLog([sink], clock, new LogLevels("warning"));
    for (let i = 0; i < 1_000; i += 1) log.write({ level: "info", plugin: "p", message: "quiet" });
    log.write({ level: "warning", plugin: "p", message: "loud" });
    expect(sink.lines.map(({ message }) => message)).toEqual(["loud"]);
  });
});
