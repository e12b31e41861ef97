// Every file and every test that host/engine/ENGINE.md names is there, and its lines are numbered.

import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { exists, linksOf, read } from "./markdown.ts";

const PAGE = "host/engine/ENGINE.md";
const text = read(PAGE);
const at = (link: string): string => join(dirname(PAGE), link);
const rows = text.split("\n").filter((line) => /^\| \d+ \|/.test(line));

describe("ENGINE.md", () => {
  it("names only files that are there", () => {
    expect(linksOf(text).filter((link) => !exists(at(link)))).toEqual([]);
  });

  it("numbers what holds, and gives each line a file and a test", () => {
    expect(rows.map((row) => Number(row.split("|")[1]))).toEqual(rows.map((_, i) => i + 1));
    for (const row of rows) expect(row, row).toMatch(/\]\([^)]+\.ts\) \| \[[^\]]+\]\(\.\.\/\.\.\/test\/[^)]+\) "/);
    expect(rows.length).toBeGreaterThan(15);
  });

  it.each(rows.flatMap((row) => [...row.matchAll(/\]\(([^)]+)\) "([^"]+)"/g)].map(([, link = "", title = ""]) => ({ link, title }))))(
    'finds "$title"',
    ({ link, title }) => {
      const quoted = ['"', "'", "`"].map((quote) => `${quote}${title}${quote}`);
      expect(quoted.some((one) => read(at(link)).includes(one))).toBe(true);
    },
  );
});
