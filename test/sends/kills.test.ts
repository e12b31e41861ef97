// A host that is killed again and again, at any moment: what `services.send` had answered for is handled in the end, in order of each sender.

import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkOrder, handledIn, linesOf, runWorker, seeded, settledIn } from "../support/killed-host.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";

const WORKER = fileURLToPath(new URL("../support/send-worker.ts", import.meta.url));
const KILLS = 40;

describe(`a host whose plugins send durably and that is killed ${KILLS} times, seed 23`, () => {
  it("loses nothing that it has taken, keeps the order of each sender, and repeats only what it could not know", async () => {
    const folder = temporaryFolder();
    try {
      const random = seeded(23);
      const settledBy = new Map<string, number>();
      for (let round = 0; round < KILLS; round += 1) {
        await runWorker(WORKER, [folder.path, String(round)], 1 + random() * 90);
        for (const key of settledIn(folder.path)) if (!settledBy.has(key)) settledBy.set(key, round);
      }
      await runWorker(WORKER, [folder.path, "drain"], undefined);
      const accepted = linesOf(folder.path, "accepted");
      const handled = handledIn(folder.path, KILLS);
      expect(accepted.length).toBeGreaterThan(KILLS);
      const keys = new Set(handled.map(({ key }) => key));
      expect(accepted.filter((key) => !keys.has(key))).toEqual([]);
      expect(new Set(handled.map(({ run, key }) => `${run} ${key}`)).size).toBe(handled.length);
      expect(handled.filter(({ run, key }) => run > (settledBy.get(key) ?? KILLS)).map(({ key }) => key)).toEqual([]);
      for (const source of ["a", "b", "c"]) checkOrder(handled.filter((one) => one.source === source));
    } finally {
      folder.remove();
    }
  });
});
