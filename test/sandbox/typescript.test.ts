// TypeScript: types are taken away in a process that is not the program's, and places stay where they were.

import { afterAll, beforeAll, expect, it } from "vitest";
import { createSandbox, type Sandbox } from "../../host/sandbox/index.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await createSandbox({ isolation: "inline" });
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const typescript = { language: "typescript" } as const;

it("runs what is left without types", async () => {
  const source =
    "interface Line { price: number }\nconst total = (lines: readonly Line[]): number => lines.reduce((s, l) => s + l.price, 0);\ntotal(lines as Line[])";
  expect(await sandbox.evaluate(source, { lines: [{ price: 2 }, { price: 3 }] }, typescript)).toBe(5);
});

it("keeps places", async () => {
  const source = "type A = { readonly a: string };\nconst a: A | undefined = undefined;\n(a as unknown as A).a.length";
  await expect(sandbox.evaluate(source, {}, typescript)).rejects.toMatchObject({
    code: "plugin-failed",
    line: 3,
    message: /sandbox.ts:3:/,
  });
});

it("tells where it is no TypeScript, or more than types", async () => {
  await expect(sandbox.evaluate("const a: number = 1;\nlet b: = 2;", {}, typescript)).rejects.toMatchObject({
    code: "invalid-message",
    line: 2,
    column: 8,
  });
  await expect(sandbox.evaluate("\n enum Size { small }", {}, typescript)).rejects.toMatchObject({
    code: "invalid-message",
    line: 2,
    column: 2,
  });
});

it("refuses what its parser does not get done with, and stays", async () => {
  await expect(sandbox.evaluate(`let a: ${"[".repeat(200_000)}`, {}, typescript)).rejects.toMatchObject({
    code: /quota-exceeded|invalid-message/,
  });
  await expect(sandbox.evaluate(`/*${"x".repeat(1_100_000)}*/ 1`, {}, typescript)).rejects.toMatchObject({
    code: "quota-exceeded",
    message: /1048576/,
  });
  expect(await sandbox.evaluate("1 as number", {}, typescript)).toBe(1);
});
