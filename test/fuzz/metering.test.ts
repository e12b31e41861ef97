// Random programs do the same metered as unmetered, wherever they are interrupted: result, traps, exceptions, globals and every byte of memory. Those
// that would never end are ended when the fuel stays negative.

import { afterAll, describe, expect, it } from "vitest";
import { assemble } from "../engine/corpus/text.ts";
import { admitAll } from "../engine/meter/metered.ts";
import { GuestJobs } from "./guest-jobs.ts";
import { randomModule } from "./random-modules.ts";
import { check, TEST_TIMEOUT_MS } from "./runs.ts";

const jobs = new GuestJobs();
afterAll(() => jobs[Symbol.asyncDispose]());

describe("a random program", () => {
  it(
    "does metered what it does unmetered, wherever it is interrupted",
    async () => {
      const kinds = { "returned a number": 0, trapped: 0, "threw an exception": 0, "were interrupted": 0 };
      await check(randomModule, 300, async ({ counted, functions }) => {
        const source = assemble(counted);
        const { differences, results, interruptions } = await jobs.compare({ source, admitted: admitAll(source).bytes, functions });
        expect(differences).toEqual([]);
        for (const result of results) {
          if (result.startsWith("trap")) kinds.trapped += 1;
          else kinds[result === "exception" ? "threw an exception" : "returned a number"] += 1;
        }
        if (interruptions > 0) kinds["were interrupted"] += 1;
      });
      for (const [kind, times] of Object.entries(kinds)) expect(times, `programs that ${kind}`).toBeGreaterThan(20);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    "without its counter ends all the same when there is no more fuel",
    async () => {
      const slices = 20;
      let ended = 0;
      await check(randomModule, 300, async ({ endless, functions }) => {
        const module = admitAll(assemble(endless)).bytes;
        const entryPoints = Array.from({ length: functions }, (_, i) => `f${i}`);
        for (const ending of await jobs.endings({ module, entryPoints, as: "bare", unitsPerSlice: 1_000, slices })) {
          expect(ending.slices, ending.entryPoint).toBeLessThanOrEqual(slices + 1);
          if (ending.slices <= slices) continue;
          expect(ending.returned, `${ending.entryPoint} goes on without fuel`).toBe(false);
          ended += 1;
        }
      });
      expect(ended).toBeGreaterThan(20);
    },
    TEST_TIMEOUT_MS,
  );
});
