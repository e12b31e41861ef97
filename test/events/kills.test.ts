// A host that is killed again and again, at any moment: whatever it had accepted is handled in the end, in order, and twice only where the host could not know.

import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkOrder, handledIn, linesOf, runWorker, seeded, settledIn } from "../support/killed-host.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";

const WORKER = fileURLToPath(new URL("../support/event-worker.ts", import.meta.url));

const RUNS = [
  { order: "publisher", batch: "", kills: 100, seed: 17 },
  { order: "none", batch: "", kills: 60, seed: 18 },
  { order: "publisher", batch: "10", kills: 60, seed: 19 },
];

describe.each(RUNS)("a host that is killed $kills times, order $order, batch of $batch, seed $seed", ({ order, batch, kills, seed }) => {
  it("loses nothing that it has accepted, keeps the order, and repeats only what it could not know", async () => {
    const folder = temporaryFolder();
    try {
      const random = seeded(seed);
      const settledBy = new Map<string, number>();
      for (let round = 0; round < kills; round += 1) {
        await runWorker(WORKER, [folder.path, String(round), order, batch], 1 + random() * 90);
        for (const key of settledIn(folder.path).map((text) => JSON.parse(text) as string))
          if (!settledBy.has(key)) settledBy.set(key, round);
      }
      await runWorker(WORKER, [folder.path, "drain", order, batch], undefined);
      const accepted = linesOf(folder.path, "accepted");
      const handled = handledIn(folder.path, kills);
      expect(accepted.length).toBeGreaterThan(kills);
      const keys = new Set(handled.map(({ key }) => key));
      expect(accepted.filter((key) => !keys.has(key))).toEqual([]);
      // Never twice by one and the same host.
      const perRun = new Set(handled.map(({ run: by, key }) => `${by} ${key}`));
      if (batch === "") expect(perRun.size).toBe(handled.length);
      // Nor by a later one, when the disk knew of it.
      expect(handled.filter(({ run: by, key }) => by > (settledBy.get(key) ?? kills)).map(({ key }) => key)).toEqual([]);
      if (order === "publisher") for (const source of ["a", "b", "c"]) checkOrder(handled.filter((one) => one.source === source));
    } finally {
      folder.remove();
    }
  });
});
