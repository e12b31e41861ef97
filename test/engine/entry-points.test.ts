// What is said of a module that has no such entry point.

import { describe, expect, it } from "vitest";
import { admitPlugin } from "../../host/engine/admit-plugin.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { wat } from "../support/wat.ts";

const exportedBy = async (source: string): Promise<string> => admitPlugin(await wat(`(module ${source})`), DEFAULT_LIMITS).exported;

describe("the exports of a module, in words,", () => {
  it("are its entry points", async () => {
    expect(await exportedBy('(func (export "a")) (func (export "b") (result i32) (i32.const 0)) (memory (export "memory") 1)')).toBe(
      "its module exports a, b",
    );
  });

  it("are told with their signature and why where they cannot be called", async () => {
    const said = await exportedBy(
      '(func (export "a")) (func (export "add") (param i32 i64) (result i64) (i64.const 0)) (func (export "_x"))',
    );
    expect(said).toMatch(/^its module exports a; add \(i32, i64\) -> \(i64\) cannot be called, since an entry point has no parameters/);
  });

  it("are told to be a command's, with how to build a library, where there is nothing but _start", async () => {
    const said = await exportedBy('(func (export "_start"))');
    expect(said).toMatch(/^its module exports no entry point: it has _start, so it is a command/);
    for (const remedy of ["cdylib", "-buildmode=c-shared", "-fno-entry -rdynamic", "-mexec-model=reactor"]) expect(said).toContain(remedy);
  });

  it("are not told without end", async () => {
    const many = Array.from({ length: 30 }, (_, i) => `(func (export "f${i}"))`).join(" ");
    expect(await exportedBy(many)).toMatch(/f19 and 10 more$/);
    expect(await exportedBy("")).toBe("its module exports no entry point");
  });
});
