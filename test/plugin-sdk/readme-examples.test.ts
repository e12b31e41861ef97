// The first example in each SDK's README is a plugin that builds without a warning.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { findToolchain, LANGUAGES, type Language } from "../../host/cli/toolchains/languages.ts";
import { run } from "../../host/cli/toolchains/tools.ts";
import { describeWith } from "../support/toolchains.ts";
import { sdkFolder, writeExample } from "./examples.ts";

const TIMEOUT_MS = 600_000;
/** Kept, so that a compiler's own cache makes the next build short. */
const CACHE = fileURLToPath(new URL("../../.cache/readme-examples", import.meta.url));

function folderOf(language: Language): string {
  const folder = join(CACHE, language);
  mkdirSync(folder, { recursive: true });
  // Zig takes only a path that is relative.
  writeExample(language, folder, language === "zig" ? relative(folder, sdkFolder(language)) : undefined);
  return folder;
}

for (const language of LANGUAGES) {
  await describeWith(language, `the README's example in ${language}`, () => {
    it(
      "builds",
      async () => {
        const folder = folderOf(language);
        const build = await findToolchain(language, folder);
        const { ok, output } = await build(folder, join(folder, "visits.wasm"));
        expect(output).not.toMatch(/^.*(?:warning|error).*$/im);
        expect(ok).toBe(true);
        expect(existsSync(join(folder, "visits.wasm"))).toBe(true);
        expect(readFileSync(join(folder, "visits.wasm")).subarray(0, 4).toString()).toBe("\0asm");
      },
      TIMEOUT_MS,
    );
  });
}

await describeWith("c", "the README's example in c", () => {
  it("is C++17 too", async () => {
    const flags = ["--target=wasm32-wasi", "-std=c++17", "-Wall", "-Wextra", "-fsyntax-only", `-I${join(sdkFolder("c"), "include")}`];
    expect(await run({ command: "clang++" }, [...flags, "-x", "c++", "plugin.c"], folderOf("c"))).toEqual({ ok: true, output: "" });
  });
});
