// The examples of plugin-sdk/testing/README.md, as an author has them: in a folder of their own, run by vitest and by node:test.

import { execFile } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blocksOf, exists, linksOf, ROOT, read } from "../docs/markdown.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { counterFolder } from "./folders.ts";

const README = "plugin-sdk/testing/README.md";
const KIT = join(ROOT, "host", "testing", "index.ts");
const bin = (name: string): string => join(ROOT, "node_modules", ".bin", name);

describe("the test kit's README", () => {
  let folder: TemporaryFolder;

  /** What the command prints on both streams, with how it ended. */
  const run = (command: string, args: readonly string[]): Promise<{ code: unknown; output: string }> =>
    new Promise((resolve) => {
      // As from a shell: a runner that finds another's variables behaves as its part.
      const env = { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, NO_COLOR: "1" };
      execFile(command, args, { cwd: folder.path, env, timeout: 60_000 }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, output: stdout + stderr }),
      );
    });

  beforeAll(async () => {
    folder = temporaryFolder();
    await counterFolder(folder.path);
    const modules = join(folder.path, "node_modules");
    mkdirSync(join(folder.path, "bulkhead"));
    mkdirSync(modules);
    // The package as it will be published, but for its code, which is this checkout's.
    const exports = { "./testing": "./testing.mjs" };
    writeFileSync(join(folder.path, "bulkhead", "package.json"), JSON.stringify({ name: "bulkhead", type: "module", exports }));
    writeFileSync(join(folder.path, "bulkhead", "testing.mjs"), `export * from ${JSON.stringify(pathToFileURL(KIT).href)};\n`);
    symlinkSync("../bulkhead", join(modules, "bulkhead"));
    for (const name of ["vitest", "@types"]) symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
    const compilerOptions = { paths: { "bulkhead/testing": [KIT] } };
    const typescript = {
      extends: join(ROOT, "tsconfig.json"),
      compilerOptions,
      include: ["*.ts", join(ROOT, "host", "engine", "webassembly.ts")],
      exclude: [],
    };
    writeFileSync(join(folder.path, "tsconfig.json"), JSON.stringify(typescript));
    writeFileSync(join(folder.path, "package.json"), JSON.stringify({ type: "module" }));
    for (const { info, text } of blocksOf(read(README))) {
      const path = / file=(\S+)$/.exec(info)?.[1];
      if (path !== undefined) writeFileSync(join(folder.path, path), text);
    }
  });
  afterAll(() => folder.remove());

  it("has an example for vitest, which passes and has the right types", async () => {
    const [tests, types] = [
      await run(process.execPath, [bin("vitest"), "run", "--reporter=verbose", "counter.test.ts"]),
      await run(process.execPath, [bin("tsc"), "-p", folder.path]),
    ];
    expect(tests.output).toMatch(/Tests\s+2 passed \(2\)/);
    expect(types).toEqual({ code: 0, output: "" });
  });

  it("has an example for node:test, which passes and lets the process end", async () => {
    const started = performance.now();
    const { code, output } = await run(process.execPath, ["--test", "counter.test.mjs"]);
    expect(output).toContain("pass 2");
    expect(output).toContain("fail 0");
    expect(code).toBe(0);
    expect(performance.now() - started).toBeLessThan(30_000);
  });

  it("links to what is there", () => {
    expect(linksOf(read(README)).filter((link) => !exists(join(dirname(README), link)))).toEqual([]);
  });
});
