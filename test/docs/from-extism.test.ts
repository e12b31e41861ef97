// docs/from-extism.md, done as it says: the plugin compiled by asc, the program run on @extism/extism before and on bulkhead after, compiled by tsc.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { read } from "./markdown.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const page = read("docs/from-extism.md");
const files = [...page.matchAll(/```(?:ts|json) (\S+)\n([\s\S]*?)```/g)].map(([, name = "", content = ""]) => [name, content] as const);
const [, compile = ""] = /```sh\nnpx --no-install (asc .*)\n```/.exec(page) ?? [];
const [, prints = ""] = /```text\n([\s\S]*?)```/.exec(page) ?? [];
const TIMEOUT = 120_000;

describe("docs/from-extism.md", () => {
  let folder: string;
  const node = (...args: string[]): Promise<{ stdout: string }> => run(process.execPath, args, { cwd: folder, timeout: TIMEOUT });

  beforeAll(async () => {
    mkdirSync(join(root, ".cache"), { recursive: true });
    folder = mkdtempSync(join(root, ".cache", "from-extism-"));
    for (const [name, content] of files) writeFileSync(join(folder, name), content);
    const [, ...args] = compile.split(" ");
    await node(join(root, "node_modules", "assemblyscript", "bin", "asc.js"), ...args);
  }, TIMEOUT);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("has programs that compile", async () => {
    const compilerOptions = { strict: true, noEmit: true, target: "esnext", module: "nodenext", types: ["node"], skipLibCheck: true };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["before.ts", "after.ts"] }));
    await node(join(root, "node_modules", "typescript", "bin", "tsc"), "-p", ".");
  }, 120_000);

  it("has a program that prints on Extism what the page says", async () => {
    expect((await node("before.ts")).stdout).toBe(prints);
  }, 120_000);

  it("has a program that prints the same here", async () => {
    expect((await node("after.ts")).stdout).toBe(prints);
  }, 120_000);

  it("has a plugin that is refused the store without a grant", async () => {
    const [, after = ""] = files.find(([name]) => name === "after.ts") ?? [];
    writeFileSync(join(folder, "denied.ts"), after.replace('grant: "all"', 'grant: "none"').replace('dataDir: "data"', 'dataDir: "other"'));
    await expect(node("denied.ts")).rejects.toMatchObject({ stderr: expect.stringContaining("permission-denied") });
  }, 120_000);
});
