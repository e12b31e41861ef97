// The last lines in memory: few enough, in order, and whoever comes late is told what is gone.

import { describe, expect, it } from "vitest";
import { RecentLines } from "../../host/bounds/recent-lines.ts";
import { fakeClock } from "../support/fake-clock.ts";

const some = (message: string, plugin = "p") => ({ level: "info", plugin, message, by: "guest" }) as const;

describe("the last lines of the log", () => {
  it("are the last ones of whom they are asked for, or those behind one that was seen", () => {
    const lines = new RecentLines(fakeClock(5));
    for (let i = 1; i <= 5; i += 1) lines.write(some(`p${i}`));
    lines.write({ level: "error", plugin: "host", about: "p", message: "about p", cause: new Error("why") });
    lines.write(some("q", "q"));
    const texts = (wanted: Parameters<RecentLines["read"]>[0]): string[] => lines.read(wanted).lines.map(({ message }) => message);
    expect(texts({ limit: 3 })).toEqual(["p5", "about p", "q"]);
    expect(texts({ plugin: "p", limit: 2 })).toEqual(["p5", "about p"]);
    expect(texts({ level: "warning", limit: 9 })).toEqual(["about p"]);
    expect(lines.read({ after: 2, limit: 2 })).toMatchObject({ lines: [{ seq: 3, at: 5 }, { seq: 4 }], missed: 0, next: 4 });
    expect(lines.read({ after: 4, limit: 9 })).toMatchObject({ missed: 0, next: 7 });
    expect(lines.read({ after: 7, limit: 9 })).toEqual({ lines: [], missed: 0, next: 7 });
    expect(lines.recent()[5]?.cause).toContain("Error: why");
  });

  it("are at most 2,000 and 2 MiB, whatever a flood brings, and tell how many are gone", () => {
    const lines = new RecentLines(fakeClock());
    for (let i = 0; i < 5_000; i += 1) lines.write(some("short"));
    expect(lines.recent()).toHaveLength(2_000);
    expect(lines.read({ after: 1_000, limit: 1 })).toMatchObject({ missed: 2_000, lines: [{ seq: 3_001 }] });
    for (let i = 0; i < 1_000; i += 1) lines.write(some("long".repeat(2_048)));
    const kept = lines.recent();
    expect(kept.length * 2 * 8_192).toBeLessThan(2 * 1_024 * 1_024);
    expect(kept.length).toBeGreaterThan(100);
    expect(kept.at(-1)?.seq).toBe(6_000);
  });

  it("stay those of the others when one plugin floods the log, and of the host", () => {
    const lines = new RecentLines(fakeClock());
    lines.write(some("quiet", "q"));
    lines.write({ level: "error", plugin: "loud", message: "loud is paused" });
    for (let i = 0; i < 10_000; i += 1) lines.write(some("x".repeat(1_000), "loud"));
    expect(
      lines
        .recent()
        .slice(0, 2)
        .map(({ message }) => message),
    ).toEqual(["quiet", "loud is paused"]);
    const page = lines.read({ after: 2, limit: 1, plugin: "loud" });
    expect(page.missed).toBe(10_002 - lines.recent().length);
    expect(page.lines[0]?.seq).toBe(2 + page.missed + 1);
    expect(page.next).toBe(page.lines[0]?.seq);
  });

  it("are told to who follows, until he does no more; one who throws is told of none, and nobody else is disturbed", () => {
    const lines = new RecentLines(fakeClock());
    const heard: string[] = [];
    const undo = lines.follow(({ message }) => void heard.push(message));
    lines.follow(() => {
      throw new Error("broken");
    });
    lines.write(some("one"));
    undo();
    lines.write(some("two"));
    expect(heard).toEqual(["one", "whoever followed the log failed, and follows it no more"]);
    expect(lines.recent().map(({ message }) => message)).toEqual(["one", heard[1], "two"]);
  });
});
