// Reads what the tests of the docs need out of Markdown: fenced blocks, links, tables. Not a Markdown parser.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

export const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** README.md, CHANGELOG.md, CONTRIBUTING.md and everything in docs/, as paths from the root. */
export const PAGES: readonly string[] = [
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file}`),
];

export interface Block {
  /** What stands behind the opening fence, such as `sh tested` or `ts file=a/b.ts`. */
  readonly info: string;
  readonly text: string;
}

export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(([, info = "", text = ""]) => ({ info, text }));
}

export interface Command {
  readonly line: string;
  readonly output: string;
}

/** The commands of a block, each behind `$ `, with the output that stands below them. */
export function commandsOf({ text }: Block): Command[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [line = "", ...output] = part.trimEnd().split("\n");
      return { line, output: output.join("\n") };
    });
}

/** A pattern in which … stands for anything of a line, and a line of its own for any lines. */
export function patternOf(output: string): RegExp {
  const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const lines = output.split("\n").map((line) => (line === "…" ? "[^]*" : line.split("…").map(escaped).join(".*")));
  return new RegExp(`^${lines.join("\n")}$`);
}

/** Targets of links that are no web address, without code blocks. */
export function linksOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```$/gm, "").replaceAll(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target).filter((target) => !/^[a-z]+:/.test(target));
}

/** The anchors that GitHub gives the headings of a page. */
export function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Files of this repository that the prose names in code quotes, such as `host/core/host.ts`; a `*` or `<` makes it a pattern. */
export function filesNamedIn(markdown: string): string[] {
  const rooms = "bin|docs|host|plugin-sdk|plugins|scripts|test|wit";
  return [...markdown.matchAll(new RegExp(`\`((?:${rooms})/[^\`\\s*<]*)\``, "g"))].map(([, path = ""]) => path);
}

/** The rows of the tables below a heading, cells trimmed, code quotes taken off the first. */
export function rowsBelow(markdown: string, heading: string): string[][] {
  const section = markdown.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`there is no heading "${heading}"`);
  return [...section.matchAll(/^\| `([^`]+)` \|(.*)\|$/gm)].map(([, key = "", rest = ""]) => [
    key,
    ...rest.split("|").map((cell) => cell.trim()),
  ]);
}

export const exists = (path: string): boolean => existsSync(join(ROOT, path));
