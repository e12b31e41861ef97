// The program of docs/embedding.md with the plugins of examples/shop, as a newcomer runs it: compiled by tsc, run by node, twice; and a plugin that does its worst
// beside them.

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writePlugin } from "../support/plugin-folders.ts";
import { read } from "./markdown.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const page = read("docs/embedding.md");
const [, program = ""] = /```ts shop\.ts\n([\s\S]*?)```/.exec(page) ?? [];
const [, prints = ""] = /It prints\n\n```text\n([\s\S]*?)```/.exec(page) ?? [];
const BUILD_MS = 180_000;

const discounting = (body: string): string => `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (memory 1) (data (i32.const 0) "{\\22percent\\22:1000,\\22because\\22:\\22I say so\\22}")
  (func (export "discount") (result i32) (local $block i64) (local $i i32) ${body}))`;
const LIES = `(local.set $block (call $alloc (i64.const 37)))
  (loop $next (call $store (i64.add (local.get $block) (i64.extend_i32_u (local.get $i))) (i32.load8_u (local.get $i)))
    (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 37))))
  (call $output (local.get $block) (i64.const 37)) (i32.const 0)`;

describe("docs/embedding.md", () => {
  let folder: string;
  const shop = (): Promise<{ stdout: string; stderr: string }> => run(process.execPath, ["shop.ts"], { cwd: folder, timeout: 120_000 });

  beforeAll(async () => {
    mkdirSync(join(root, ".cache"), { recursive: true });
    folder = mkdtempSync(join(root, ".cache", "shop-"));
    for (const plugin of ["black-friday", "loyalty"]) {
      cpSync(join(root, "examples", "shop", plugin), join(folder, plugin), { recursive: true });
      await run(process.execPath, [join(root, "bin", "bulkhead.mjs"), "build", join(folder, plugin)], { timeout: BUILD_MS });
    }
    writeFileSync(join(folder, "shop.ts"), program);
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: { strict: true, noEmit: true, target: "esnext", module: "nodenext", types: ["node"], skipLibCheck: true },
        include: ["shop.ts"],
      }),
    );
  }, BUILD_MS);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("has a program of some twenty lines that compiles", async () => {
    expect(program.trim().split("\n").length).toBeLessThanOrEqual(24);
    await run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", "."], { cwd: folder });
  });

  it("has a program that prints what the page says, and goes on from there when it is run again", async () => {
    expect((await shop()).stdout).toBe(prints);
    expect((await shop()).stdout).toBe(prints.replace("80 }", "160 }").replace("loyalty: 4 %, 80 points", "loyalty: 8 %, 160 points"));
  }, 240_000);

  it("has a program that grants nothing again which an operator has revoked", async () => {
    const bulkhead = [join(root, "bin", "bulkhead.mjs")];
    await run(process.execPath, [...bulkhead, "revoke", "loyalty", "extensions.answer", "shop.discount", "--data", "data"], {
      cwd: folder,
    });
    expect((await shop()).stdout.trim().split("\n").slice(1)).toEqual(["black-friday: 30 %, Black Friday"]);
    await run(process.execPath, [...bulkhead, "grant", "loyalty", "extensions.answer", "shop.discount", "--data", "data"], { cwd: folder });
  }, 240_000);

  it("has a program that a plugin which lies, and one which never ends, cost their own answers only", async () => {
    const extensions = { extends: { "shop.discount": { entryPoint: "discount", priority: 99 } } };
    const permissions = [{ permission: "extensions.answer", resource: "shop.discount", reason: "to do harm" }];
    await writePlugin(folder, "liar", discounting(LIES), { ...extensions, permissions, api: "0.2" });
    await writePlugin(folder, "endless", discounting("(loop (br 0)) (i32.const 0)"), { ...extensions, permissions, api: "0.2" });
    const all = '["black-friday", "loyalty", "liar", "endless"]';
    writeFileSync(join(folder, "shop.ts"), program.replace('["black-friday", "loyalty"]', all));
    const { stdout, stderr } = await shop();
    expect(stdout.trim().split("\n").slice(1)).toEqual(["black-friday: 30 %, Black Friday", "loyalty: 16 %, 320 points"]);
    expect(stderr).toMatch(/liar did not answer shop\.discount: liar answers shop\.discount wrongly: .*percent/);
    expect(stderr).toMatch(/endless did not answer shop\.discount: /);
  }, 240_000);
});
