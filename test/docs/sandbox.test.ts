// docs/sandbox.md, done as it says: its program compiled by tsc and run by node.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT, read } from "./markdown.ts";

const run = promisify(execFile);
const page = read("docs/sandbox.md");
const [, program = ""] = /```ts cart\.ts\n([\s\S]*?)```/.exec(page) ?? [];
const [, prints = ""] = /It prints\n\n```text\n([\s\S]*?)```/.exec(page) ?? [];

describe("docs/sandbox.md", () => {
  let folder: string;
  beforeAll(() => {
    mkdirSync(join(ROOT, ".cache"), { recursive: true });
    folder = mkdtempSync(join(ROOT, ".cache", "sandbox-"));
    writeFileSync(join(folder, "cart.ts"), program);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("has a program that compiles", async () => {
    const compilerOptions = { strict: true, noEmit: true, target: "esnext", module: "nodenext", types: ["node"], skipLibCheck: true };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["cart.ts"] }));
    await run(process.execPath, [join(ROOT, "node_modules", "typescript", "bin", "tsc"), "-p", "."], { cwd: folder });
  });

  it("has a program that prints what the page says, and ends", async () => {
    expect((await run(process.execPath, ["cart.ts"], { cwd: folder, timeout: 120_000 })).stdout).toBe(prints);
  });

  it("names the version of QuickJS that there is to install", () => {
    const { peerDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(page).toContain(`npm install --save-exact quickjs-wasi@${peerDependencies["quickjs-wasi"]}`);
  });
});
