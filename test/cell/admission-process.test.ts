// Admission in its disposable process, and the cache of what was admitted.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toModuleBounds } from "../../host/bounds/module-bounds.ts";
import { ADMISSION_BOUNDS, AdmissionCache, admitInProcess } from "../../host/cell/admission/admission-process.ts";
import { admitPlugin } from "../../host/engine/admit-plugin.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { wat } from "../support/wat.ts";

const MODULE = `(module (memory 1) (func (export "run") (result i32) (i32.const 0)))`;

describe("admitInProcess", () => {
  it("admits as admission in this process does", async () => {
    const wasm = await wat(MODULE);
    expect(await admitInProcess(wasm, DEFAULT_LIMITS)).toEqual(admitPlugin(wasm, DEFAULT_LIMITS));
  });

  it("refuses with every reason", async () => {
    const wasm = await wat(`(module (import "env" "a" (func)) (import "env" "b" (func)))`);
    const refusal = expect(admitInProcess(wasm, DEFAULT_LIMITS)).rejects;
    await refusal.toMatchObject({ code: "admission-refused", detail: expect.stringMatching(/env a.*\n.*env b/) });
  });

  it("refuses a module whose check takes more memory or time than it may, or kills the process", async () => {
    const wasm = await wat(MODULE);
    await expect(admitInProcess(wasm, DEFAULT_LIMITS, { bounds: { ...ADMISSION_BOUNDS, memoryBytes: 1 } })).rejects.toMatchObject({
      code: "admission-refused",
      message: expect.stringContaining("of memory"),
    });
    await expect(admitInProcess(wasm, DEFAULT_LIMITS, { bounds: { ...ADMISSION_BOUNDS, timeoutMs: 1 } })).rejects.toMatchObject({
      code: "admission-refused",
      message: expect.stringContaining("took more than 1 ms"),
    });
    await expect(admitInProcess(wasm, DEFAULT_LIMITS, { bounds: { ...ADMISSION_BOUNDS, cpuMs: 1 } })).rejects.toMatchObject({
      code: "admission-refused",
      message: expect.stringContaining("took more than 1 ms of CPU time"),
    });
  });
});

describe("the cache", () => {
  let folder: TemporaryFolder;

  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it("answers the same from its file, and makes an entry anew that was changed or cut off", async () => {
    const wasm = await wat(MODULE);
    const cache = new AdmissionCache(join(folder.path, "admitted"));
    const first = await cache.admit(wasm, DEFAULT_LIMITS);
    const [name = ""] = readdirSync(join(folder.path, "admitted"));
    const file = join(folder.path, "admitted", name);
    const entry = readFileSync(file);
    expect(await cache.admit(wasm, DEFAULT_LIMITS)).toEqual(first);
    const flipped = Buffer.from(entry);
    flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
    for (const bad of [flipped, entry.subarray(0, entry.length - 1), Buffer.alloc(0)]) {
      writeFileSync(file, bad);
      expect(await cache.admit(wasm, DEFAULT_LIMITS)).toEqual(first);
      expect(readFileSync(file).equals(entry)).toBe(true);
    }
  });

  it("keeps one entry for each source and setting, and none for what is refused", async () => {
    const cache = new AdmissionCache(folder.path);
    await cache.admit(await wat(MODULE), DEFAULT_LIMITS);
    await cache.admit(await wat(MODULE), { ...DEFAULT_LIMITS, memoryBytes: 65_536 });
    await cache.admit(await wat(MODULE), { ...DEFAULT_LIMITS, tableElements: 1 });
    await cache.admit(await wat(MODULE), { ...DEFAULT_LIMITS, moduleBytes: 1_000 });
    expect(readdirSync(folder.path)).toHaveLength(4);
    const stricter = { bounds: toModuleBounds({ functions: 10 }), functions: {} };
    await new AdmissionCache(folder.path, { rules: stricter }).admit(await wat(MODULE), DEFAULT_LIMITS);
    const declaring = { ...stricter, functions: { env: { a: ":" } } };
    await new AdmissionCache(folder.path, { rules: declaring }).admit(await wat(MODULE), DEFAULT_LIMITS);
    expect(readdirSync(folder.path)).toHaveLength(6);
    await expect(cache.admit(await wat(`(module (import "env" "a" (func)))`), DEFAULT_LIMITS)).rejects.toMatchObject({
      code: "admission-refused",
    });
    expect(readdirSync(folder.path)).toHaveLength(6);
    expect(existsSync(join(folder.path, "a"))).toBe(false);
  });
});
