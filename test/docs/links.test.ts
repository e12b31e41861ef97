// Every link and every file named in the docs leads somewhere.

import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { PERMISSIONS } from "../../host/manifest/resources.ts";
import { anchorsOf, exists, filesNamedIn, linksOf, PAGES, ROOT, read } from "./markdown.ts";

describe.each(PAGES)("%s", (page) => {
  it("links to what is there", () => {
    const dead = linksOf(read(page)).filter((link) => {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : join(dirname(page), path);
      return !exists(target) || (anchor !== undefined && !anchorsOf(read(target)).includes(anchor));
    });
    expect(dead).toEqual([]);
  });

  it("names only files that are there", () => {
    expect(filesNamedIn(read(page)).filter((path) => !exists(path))).toEqual([]);
  });
});

describe("the docs", () => {
  it("can all be reached from the README", () => {
    const reached = new Set(["README.md"]);
    for (const page of reached) {
      for (const link of linksOf(read(page))) {
        const target = join(dirname(page), link.split("#")[0] ?? "");
        if (target.endsWith(".md") && exists(target)) reached.add(target);
      }
    }
    expect(PAGES.filter((page) => !reached.has(page))).toEqual([]);
    expect([...reached]).toContain("docs/errors.md");
  });

  it("never let npx ask a registry for what it does not find here", () => {
    const guides = readdirSync(join(ROOT, "plugin-sdk"), { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".md"));
    const pages = [...PAGES, ...guides.map((file) => `plugin-sdk/${file}`), "examples/README.md"];
    const asking = pages.flatMap((page) => [...read(page).matchAll(/npx (?!--no-install[ `])\S+/g)].map(([line]) => `${page}: ${line}`));
    // Words about it, and vitest, which is a dependency.
    expect(asking.filter((line) => !/npx (?:would|runs|in|is|vitest|asc)\b/.test(line))).toEqual([]);
  });

  it("name every permission", () => {
    const documented = [...read("docs/permissions.md").matchAll(/^\| `([a-z.]+)` \|/gm)].map((match) => match[1]);
    expect(documented).toEqual([...PERMISSIONS]);
  });
});
