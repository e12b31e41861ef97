// Modules that another program generates do the same metered as unmetered: results, traps, what they print and every byte of memory. The checker takes
// each of them, as it does at every admission.

import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { admitAll } from "../engine/meter/metered.ts";
import { generate } from "./generated-modules.ts";
import { GuestJobs } from "./guest-jobs.ts";
import { check, TEST_TIMEOUT_MS } from "./runs.ts";

const RUNS = 24;
// A smaller seed makes another module, not a smaller one.
const SEEDS = fc.noShrink(fc.uint8Array({ minLength: 500, maxLength: 4_000, size: "max" }));
const jobs = new GuestJobs();
afterAll(() => jobs[Symbol.asyncDispose]());

describe("a generated module", () => {
  it(
    "does metered what it does unmetered",
    async () => {
      const kinds = { "returned something": 0, trapped: 0, "were interrupted": 0 };
      await check(SEEDS, RUNS, async (seed) => {
        const source = await generate(seed);
        const { bytes: admitted, report } = admitAll(source);
        const functions = report.exports.flatMap(({ name, kind, params = [], results = [] }) =>
          kind === "function" && ![...params, ...results].includes("v128") ? [{ name, params }] : [],
        );
        const { differences, results, interruptions } = await jobs.compareGenerated({ source, admitted, functions });
        expect(differences).toEqual([]);
        for (const result of results.slice(1)) {
          if (result.startsWith("trap")) kinds.trapped += 1;
          else kinds["returned something"] += 1;
        }
        if (interruptions > 0) kinds["were interrupted"] += 1;
      });
      for (const [kind, times] of Object.entries(kinds)) expect(times, `calls that ${kind}`).toBeGreaterThan(RUNS / 4);
    },
    TEST_TIMEOUT_MS,
  );
});
