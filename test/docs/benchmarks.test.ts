import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { merged, numberOf, PAGE, type PageRow, pageOf, parsePage, regressions } from "../bench/page.ts";

const row = (work: string, ratio: string, goal: string): PageRow => ({ work, ratio, goal, reached: true, measured: "2026-01-02 abc" });

describe("docs/benchmarks.md", () => {
  const rows = parsePage(readFileSync(PAGE, "utf8"));

  it("has a ratio, a goal, a day and a commit in every row, and each work once", () => {
    expect(rows.length).toBeGreaterThan(20);
    expect(new Set(rows.map(({ work }) => work)).size).toBe(rows.length);
    for (const { ratio, goal, measured } of rows) {
      expect(numberOf(ratio), ratio).toSatisfy(Number.isFinite);
      expect(goal).toMatch(/^(none|[≤≥] [\d.]+( ×| KiB| ms| µs| MB| MiB)?)$/);
      expect(measured).toMatch(/^\d{4}-\d\d-\d\d [0-9a-f]{9}$/);
    }
  });

  it("says of each row whether its goal was reached", () => {
    for (const { ratio, goal, reached } of rows.filter((one) => one.goal !== "none")) {
      const most = Number.parseFloat(goal.slice(2));
      // The ratio is rounded where it stands.
      if (Math.abs(numberOf(ratio) - most) > 0.1) expect(goal.startsWith("≥") === numberOf(ratio) > most).toBe(reached);
    }
  });
});

describe("the page of benchmarks", () => {
  it("is read as it was written", () => {
    const rows = [row("calls", "24.1 × faster", "≥ 24 ×"), { ...row("memory", "1,200 KiB", "≤ 200 KiB"), reached: false }];
    expect(parsePage(pageOf(rows, "a machine"))).toEqual(rows);
  });

  it("refuses a row with a column too few", () => {
    expect(() => parsePage("| work | ratio |\n| calls | 24 |\n")).toThrow("no row of benchmarks");
  });

  it("takes the rows that were measured and keeps the others", () => {
    const [old, kept, fresh] = [row("a", "1 ×", "≤ 2 ×"), row("b", "1 ×", "≤ 2 ×"), row("a", "1.5 ×", "≤ 2 ×")];
    expect(merged([old, kept], [fresh, row("c", "3 ×", "none")])).toEqual([fresh, kept, row("c", "3 ×", "none")]);
  });
});

describe("a comparison with the page", () => {
  it.each([
    ["less where more is better", "50.0 × faster", "44.0 × faster", "≥ 24 ×"],
    ["more where less is better", "1.05 × its time", "1.20 × its time", "≤ 1.08 ×"],
    ["more of a size above a thousand", "1,000 KiB", "1,200 KiB", "≤ 200 KiB"],
  ])("notices %s", (_, was, is, goal) => {
    expect(regressions([row("calls", was, goal)], [row("calls", is, goal)])).toEqual([`calls: ${is}, was ${was} (2026-01-02 abc)`]);
  });

  it.each([
    ["noise", "50.0 × faster", "46.0 × faster", "≥ 24 ×"],
    ["what became better", "1.20 × its time", "1.01 × its time", "≤ 1.08 ×"],
    ["what only informs", "1.0 × inline", "3.0 × inline", "none"],
  ])("says nothing of %s", (_, was, is, goal) => {
    expect(regressions([row("calls", was, goal)], [row("calls", is, goal)])).toEqual([]);
  });

  it("says nothing of work that did not stand there", () => {
    expect(regressions([], [row("calls", "1 × faster", "≥ 24 ×")])).toEqual([]);
  });
});
