// A host that is killed again and again, whose plugin handles durable events in transactions: each is counted once, and told of once, whatever died when.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { openPluginStorage } from "../../host/drivers/storage-sqlite/storage-sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { linesOf, runWorker, seeded } from "../support/killed-host.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { textOf } from "../support/scripted-cell.ts";
import { WORLD_LIMITS } from "../support/transaction-world.ts";

const WORKER = fileURLToPath(new URL("../support/transaction-worker.ts", import.meta.url));

/** Count by event, and the count of all, as the plugin has stored it. */
function storedIn(folder: string): { readonly count: number; readonly seen: ReadonlyMap<string, number> } {
  const storage = openPluginStorage(folder, { name: "tally", limits: WORLD_LIMITS }, systemClock);
  const seen = new Map<string, number>();
  for (let after: string | undefined; ; ) {
    const { entries, next } = storage.scan({ prefix: "seen/", after, limit: 1_000, reverse: false, maxBytes: 1_000_000 });
    for (const { key, value } of entries) seen.set(key.slice("seen/".length), Number(textOf(value)));
    if (next === undefined) break;
    after = next;
  }
  const count = Number(textOf(storage.get("count") ?? new Uint8Array(0)));
  storage.close();
  return { count, seen };
}

function toldIn(folder: string): { readonly id: string; readonly text: string }[] {
  const database = new Database(join(folder, "events.sqlite"), { readonly: true });
  const rows = database
    .prepare<[], { id: string; data: Buffer }>("SELECT id, data FROM events WHERE type = 'tally.counted' ORDER BY position")
    .all();
  database.close();
  return rows.map(({ id, data }) => ({ id, text: data.toString("utf8") }));
}

describe.each([
  { batch: "", kills: 60, seed: 31 },
  { batch: "10", kills: 40, seed: 32 },
])("a host that is killed $kills times, batch of $batch, seed $seed", ({ batch, kills, seed }) => {
  it("counts what it has accepted once each, and tells of each count once and in order", async () => {
    const folder = temporaryFolder();
    try {
      const random = seeded(seed);
      for (let round = 0; round < kills; round += 1) await runWorker(WORKER, [folder.path, String(round), batch], 1 + random() * 90);
      await runWorker(WORKER, [folder.path, "drain", batch], undefined);
      const accepted = linesOf(folder.path, "accepted");
      const { count, seen } = storedIn(folder.path);
      expect(accepted.length).toBeGreaterThan(kills);
      expect(accepted.filter((key) => !seen.has(key))).toEqual([]);
      // Handled twice, an event would have been counted twice.
      expect(seen.size).toBe(count);
      expect(new Set(seen.values()).size).toBe(count);
      const told = toldIn(folder.path);
      expect(new Set(told.map(({ id }) => id)).size).toBe(told.length);
      expect(told.map(({ text }) => text)).toEqual([...seen].toSorted(([, a], [, b]) => a - b).map(([key, number]) => `${number} ${key}`));
    } finally {
      folder.remove();
    }
  });
});
