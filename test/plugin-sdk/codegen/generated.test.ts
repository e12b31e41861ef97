// What is generated from wit/ is committed, and has to be what wit/ says today.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { generatedFiles, readContract, readReleases } from "../../../plugin-sdk/codegen/build.ts";

describe("generated files", async () => {
  const files = await generatedFiles(await readContract(), await readReleases());
  it.each([...files.keys()])("%s is what npm run build:bindings writes", (path) => {
    expect(files.get(path)).toContain("Generated from wit/");
    expect(readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8")).toBe(files.get(path));
  });
});
