// docs/benchmarks.md: what the benchmarks reached, as a table that the next run is compared with. It measures nothing.

import type { Row } from "./measure.ts";

export const PAGE: URL = new URL("../../docs/benchmarks.md", import.meta.url);
const COLUMNS = ["work", "ratio", "goal", "reached", "measured"] as const;
/** What a noisy machine may add. */
const NOISE = 1.1;

export interface PageRow extends Pick<Row, "work" | "ratio" | "goal" | "reached"> {
  /** Day and commit. */
  readonly measured: string;
}

export function pageOf(rows: readonly PageRow[], machine: string): string {
  const lines = rows.map((row) => `| ${row.work} | ${row.ratio} | ${row.goal} | ${row.reached ? "yes" : "no"} | ${row.measured} |`);
  return `# Benchmarks

Ratios to what ran beside it in the same run, since times say more about the machine. \`npm run bench -- --write\` renews this page, or with words the rows of some benches, and says what is
worse by more than a tenth than what stands here; run it alone on the machine. Process cells have neither bubblewrap nor a user of their own unless it is said.

Last on ${machine}.

| ${COLUMNS.join(" | ")} |
|${"---|".repeat(COLUMNS.length)}
${lines.join("\n")}
`;
}

/** The rows of a page; none when there is no table. Throws for a line of the table that is none of ours. */
export function parsePage(markdown: string): PageRow[] {
  const [, ...lines] = markdown.split("\n").filter((line) => line.startsWith("| "));
  return lines.map((line) => {
    const [work, ratio, goal, reached, measured, ...rest] = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (work === undefined || ratio === undefined || goal === undefined || measured === undefined || rest.length > 0)
      throw new Error(`docs/benchmarks.md: no row of benchmarks: ${line}`);
    return { work, ratio, goal, reached: reached === "yes", measured };
  });
}

/** The rows of before, each as it was measured last. */
export function merged(before: readonly PageRow[], measured: readonly PageRow[]): PageRow[] {
  const kept = before.map((row) => measured.find(({ work }) => work === row.work) ?? row);
  return [...kept, ...measured.filter(({ work }) => !before.some((row) => row.work === work))];
}

/** What is worse by more than noise; rows without a goal only inform, and those with another name measure something else. */
export function regressions(before: readonly PageRow[], measured: readonly PageRow[]): string[] {
  return measured.flatMap((row) => {
    const old = before.find(({ work }) => work === row.work);
    if (old === undefined || row.goal === "none") return [];
    const [was, is] = [numberOf(old.ratio), numberOf(row.ratio)];
    const times = row.goal.startsWith("≥") ? was / is : is / was;
    return times > NOISE ? [`${row.work}: ${row.ratio}, was ${old.ratio} (${old.measured})`] : [];
  });
}

/** The number that a ratio begins with; not a number when it begins with none. */
export function numberOf(ratio: string): number {
  return Number.parseFloat(ratio.replaceAll(",", ""));
}
