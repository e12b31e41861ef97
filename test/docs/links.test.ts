// Every link and every file named in the docs leads somewhere.

import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { PERMISSIONS } from "../../host/manifest/resources.ts";
import { anchorsOf, exists, filesNamedIn, linksOf, PAGES, read } from "./markdown.ts";

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

  it("name every permission", () => {
    const documented = [...read("docs/permissions.md").matchAll(/^\| `([a-z.]+)` \|/gm)].map((match) => match[1]);
    expect(documented).toEqual([...PERMISSIONS]);
  });
});
