// The first example in the README of each native SDK compiles against that SDK. A language whose compiler is not there is skipped:
// the compilers are looked for on PATH, Zig also where BULKHEAD_ZIG says.

import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blocksOf, read } from "../docs/markdown.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const run = promisify(execFile);
const TIMEOUT_MS = 240_000;
const sdk = (language: string): string => fileURLToPath(new URL(`../../plugin-sdk/${language}`, import.meta.url));
const zig = process.env.BULKHEAD_ZIG ?? "zig";

function has(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore", timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}

function example(language: string): string {
  const block = blocksOf(read(`plugin-sdk/${language}/README.md`))[0];
  if (block === undefined) throw new Error(`the README of ${language} has no example`);
  return block.text;
}

describe("the README's example compiles", () => {
  let folder: TemporaryFolder;
  const write = (path: string, text: string): string => {
    const file = join(folder.path, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  const compile = async (command: string, args: string[], env: NodeJS.ProcessEnv = {}, cwd = folder.path): Promise<void> => {
    const { stderr } = await run(command, args, { cwd, env: { ...process.env, ...env }, timeout: TIMEOUT_MS }).catch((failure) => failure);
    expect(stderr).not.toMatch(/warning|error/i);
  };

  beforeAll(() => {
    folder = temporaryFolder();
  });
  afterAll(() => folder.remove());

  it.skipIf(!has("clang", "--target=wasm32-wasi", "-E", "-include", "stdio.h", "-x", "c", "/dev/null"))(
    "in C11 and in C++17",
    async () => {
      const flags = ["--target=wasm32-wasi", "-Wall", "-Wextra", "-fsyntax-only", `-I${join(sdk("c"), "include")}`];
      await compile("clang", [...flags, "-std=c11", "-pedantic", write("c/plugin.c", example("c"))]);
      await compile("clang++", [...flags, "-std=c++17", write("c/plugin.cc", example("c"))]);
    },
    TIMEOUT_MS,
  );

  it.skipIf(!has("cargo", "--version"))(
    "in Rust",
    async () => {
      write("rust/src/lib.rs", example("rust"));
      write(
        "rust/Cargo.toml",
        `[package]\nname = "example"\nversion = "0.1.0"\nedition = "2024"\n[lib]\ncrate-type = ["rlib"]\n[dependencies]\nbulkhead = { path = ${JSON.stringify(sdk("rust"))} }\nserde = { version = "1", features = ["derive"] }\n`,
      );
      const ended = await run("cargo", ["check", "--quiet"], { cwd: join(folder.path, "rust"), timeout: TIMEOUT_MS });
      expect(ended.stderr).toBe("");
    },
    TIMEOUT_MS,
  );

  it.skipIf(!has("go", "version"))(
    "in Go",
    async () => {
      write("go/plugin.go", example("go"));
      write("go/go.mod", `module example\n\ngo 1.24\n\nrequire bulkhead.local/sdk v0.1.0\n\nreplace bulkhead.local/sdk => ${sdk("go")}\n`);
      await compile("go", ["vet", "./..."], { GOOS: "wasip1", GOARCH: "wasm" }, join(folder.path, "go"));
    },
    TIMEOUT_MS,
  );

  it.skipIf(!has(zig, "version"))(
    "in Zig",
    async () => {
      const main = write("zig/plugin.zig", example("zig"));
      const modules = ["--dep", "bulkhead", `-Mroot=${main}`, `-Mbulkhead=${join(sdk("zig"), "src", "bulkhead.zig")}`];
      await compile(zig, ["build-exe", "-fno-entry", "-rdynamic", "-fno-emit-bin", "-target", "wasm32-freestanding", ...modules]);
    },
    TIMEOUT_MS,
  );
});
