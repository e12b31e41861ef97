// `bulkhead test`: builds a plugin and runs its tests with Node's own runner, in which `bulkhead/testing` is this package.

import { spawn } from "node:child_process";
import { resolve } from "node:path";
import type { Command } from "commander";
import { HostError } from "../core/errors.ts";
import { buildPlugin } from "./build.ts";
import { EXIT } from "./exit-codes.ts";
import { say } from "./terminal.ts";

const HOOK = new URL(import.meta.url.endsWith(".ts") ? "./testing-hook.ts" : "./testing-hook.js", import.meta.url).href;

export function addTest(program: Command): void {
  program
    .command("test")
    .description("build a plugin and run its tests, test/*.test.mjs, with Node's test runner")
    .argument("[folder]", "the plugin's folder", ".")
    .argument("[args...]", "arguments for node --test, after -- (`bulkhead test -- --test-name-pattern greets`)")
    .option("--no-build", "test the module that is there")
    .action(async (first: string, others: readonly string[], { build }: { readonly build: boolean }) => {
      // Commander takes the first after -- for the folder where none is named.
      const [folder, args] = first.startsWith("-") ? [".", [first, ...others]] : [first, others];
      if (build) {
        const { file, ms } = await buildPlugin(folder);
        say(`${file} built in ${ms.toFixed(0)} ms`);
      }
      process.exitCode = (await runTests(resolve(folder), args)) ? EXIT.ok : EXIT.failed;
    });
}

function runTests(folder: string, args: readonly string[]): Promise<boolean> {
  // What runs us may be a test run itself, whose children would report to it instead of to the terminal.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, ["--import", HOOK, "--test", ...args], { cwd: folder, stdio: "inherit", env });
    child.once("error", (cause) => reject(new HostError("internal", `the tests of ${folder} cannot be started`, { cause })));
    child.once("exit", (code) => done(code === 0));
  });
}
