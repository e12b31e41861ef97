// docs/from-isolated-vm.md, done as it says: the program compiled by tsc, run on isolated-vm before and on bulkhead after.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT, read } from "./markdown.ts";

const run = promisify(execFile);
const page = read("docs/from-isolated-vm.md");
const files = [...page.matchAll(/```ts (\S+)\n([\s\S]*?)```/g)].map(([, name = "", content = ""]) => [name, content] as const);
const [, prints = ""] = /```text\n([\s\S]*?)```/.exec(page) ?? [];
const TIMEOUT = 120_000;

describe("docs/from-isolated-vm.md", () => {
  let folder: string;
  const node = (...args: string[]): Promise<{ stdout: string }> => run(process.execPath, args, { cwd: folder, timeout: TIMEOUT });
  beforeAll(() => {
    mkdirSync(join(ROOT, ".cache"), { recursive: true });
    folder = mkdtempSync(join(ROOT, ".cache", "from-isolated-vm-"));
    for (const [name, content] of files) writeFileSync(join(folder, name), content);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("has programs that compile", async () => {
    const compilerOptions = { strict: true, noEmit: true, target: "esnext", module: "nodenext", types: ["node"], skipLibCheck: true };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["before.ts", "after.ts"] }));
    await node(join(ROOT, "node_modules", "typescript", "bin", "tsc"), "-p", ".");
  });

  it("has a program that prints on isolated-vm what the page says", async () => {
    expect((await node("--no-node-snapshot", "before.ts")).stdout).toBe(prints);
  });

  it("has a program that prints the same here", async () => {
    expect((await node("after.ts")).stdout).toBe(prints);
  });
});
