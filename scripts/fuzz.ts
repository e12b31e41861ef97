// `npm run fuzz -- [--seed N] [--factor N] [file…]`: the random tests of test/fuzz from another seed and many times as long. A failure prints
// the smallest input found, with its seed and path; the same seed and factor find it again.

import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const FACTOR = 50;
const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));
const VITEST = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));

const { values, positionals } = parseArgs({
  options: { seed: { type: "string" }, factor: { type: "string", default: String(FACTOR) } },
  allowPositionals: true,
});
const seed = values.seed ?? String(randomInt(2 ** 31));
process.stdout.write(`fuzzing with --seed ${seed} --factor ${values.factor}\n`);

const files = positionals.length > 0 ? positionals : ["test/fuzz"];
// A long run has no time limit; guests that hang are found by the watch in test/fuzz/guest-jobs.ts.
const vitest = spawn(process.execPath, [VITEST, "run", "--testTimeout=0", ...files], {
  cwd: REPOSITORY,
  env: { ...process.env, BULKHEAD_FUZZ_SEED: seed, BULKHEAD_FUZZ_FACTOR: values.factor },
  stdio: "inherit",
});
vitest.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
