// The official WebAssembly test suite, every module of it metered: once with fuel that never ends, once with one unit a slice, where every check
// suspends, and once with an instance for each command, which goes on from the state of the one before. What is not run is counted by its reason, so that a module which is refused one day is seen.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Admitted } from "../../host/engine/admission.ts";
import { describeWith } from "../support/toolchains.ts";
import expected from "./testsuite/expected.json" with { type: "json" };
import { type Refused, type SuiteFile, SuiteRun } from "./testsuite/runner.ts";

const CONVERTER = fileURLToPath(new URL("./testsuite/converter/Cargo.toml", import.meta.url));
const ENDLESS = 2 ** 31 - 1;
// Cargo may have to build the converter first.
const BUILD_TIMEOUT_MS = 600_000;
const RUN_TIMEOUT_MS = 180_000;

/** Files whose later commands see what a module did that is refused here, as it has two memories. */
const SEE_THE_REFUSED = ["multi-memory.linking0", "multi-memory.load1"];

/** How often an instance was dropped before a command and another one went on from its state, or why not. */
const SLEPT = {
  slept: 55_767,
  "holds what is not its own": 125,
  "imports a global that changes": 8,
  "imports a memory": 28,
  "imports a table": 18,
  "makes garbage-collected objects": 639,
  "others import from it": 53,
};

const run = promisify(execFile);

await describeWith("rust", "the official test suite", () => {
  let folder = "";
  const files: SuiteFile[] = [];
  const admitted = new Map<string, Map<string, Admitted | Refused>>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "bulkhead-testsuite-"));
    await run("cargo", ["run", "--quiet", "--release", "--locked", "--manifest-path", CONVERTER, "--", folder]);
    const names = (await readdir(folder)).filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length));
    for (const name of names.sort()) {
      // What became part of the standard is in its own set too, as it is today.
      const isOlder = !name.startsWith("wasm-latest.") && names.includes(name.replace(/^[^.]+/, "wasm-latest"));
      if (isOlder || SEE_THE_REFUSED.includes(name)) continue;
      const { commands } = JSON.parse(await readFile(join(folder, `${name}.json`), "utf8"));
      files.push({ name, commands, read: (file) => new Uint8Array(readFileSync(join(folder, file))) });
      admitted.set(name, new Map());
    }
  }, BUILD_TIMEOUT_MS);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([
    { fuel: "fuel that never ends", units: ENDLESS, leastYields: 0 },
    { fuel: "one unit a slice", units: 1, leastYields: 20_000 },
    { fuel: "fuel that never ends, asleep before each command", units: ENDLESS, leastYields: 0, sleeps: true },
  ])(
    "holds metered with $fuel",
    async ({ units, leastYields, sleeps = false }) => {
      const outcomes: Record<string, number> = {};
      const failures: string[] = [];
      const slept: Record<string, number> = {};
      let yields = 0;
      for (const file of files) {
        const suite = new SuiteRun(file, { units, sleeps }, sleeps ? new Map() : (admitted.get(file.name) ?? new Map()));
        await suite.run();
        for (const [outcome, times] of suite.outcomes) outcomes[outcome] = (outcomes[outcome] ?? 0) + times;
        failures.push(...suite.failures);
        yields += suite.yields;
        for (const [outcome, times] of suite.sleeps) slept[outcome] = (slept[outcome] ?? 0) + times;
      }
      expect(failures).toEqual([]);
      expect(outcomes).toEqual(expected);
      expect(slept).toEqual(sleeps ? SLEPT : {});
      expect(yields).toBeGreaterThanOrEqual(leastYields);
    },
    RUN_TIMEOUT_MS,
  );
});
