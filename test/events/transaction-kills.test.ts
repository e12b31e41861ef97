// A host that is killed again and again, whose plugin handles durable events in transactions: each is counted once, and told of once, whatever died when.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { asRemote } from "../../host/bounds/remote-storage.ts";
import type { RemoteStorage } from "../../host/core/ports/storage.ts";
import { openPluginStorage } from "../../host/drivers/storage-sqlite/storage-sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { linesOf, runWorker, seeded } from "../support/killed-host.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { textOf } from "../support/scripted-cell.ts";
import { describeWithServer } from "../support/servers.ts";
import { newName, TestStores } from "../support/stores.ts";
import { WORLD_LIMITS } from "../support/transaction-world.ts";

const WORKER = fileURLToPath(new URL("../support/transaction-worker.ts", import.meta.url));

interface Counted {
  readonly count: number;
  readonly seen: ReadonlyMap<string, number>;
}

/** Count by event, and the count of all, as the plugin has stored it. */
async function storedIn(storage: RemoteStorage): Promise<Counted> {
  const seen = new Map<string, number>();
  for (let after: string | undefined; ; ) {
    const { entries, next } = await storage.scan({ prefix: "seen/", after, limit: 1_000, reverse: false, maxBytes: 1_000_000 });
    for (const { key, value } of entries) seen.set(key.slice("seen/".length), Number(textOf(value)));
    if (next === undefined) break;
    after = next;
  }
  const [count] = await storage.read(["count"], 1_000);
  await storage.close();
  return { count: Number(textOf(count?.value ?? new Uint8Array(0))), seen };
}

function toldIn(folder: string): { readonly id: string; readonly text: string }[] {
  const database = new Database(join(folder, "events.sqlite"), { readonly: true });
  const rows = database
    .prepare<[], { id: string; data: Buffer }>("SELECT id, data FROM events WHERE type = 'p.happened' ORDER BY position")
    .all();
  database.close();
  return rows.map(({ id, data }) => ({ id, text: data.toString("utf8") }));
}

interface Run {
  readonly batch: string;
  readonly kills: number;
  readonly seed: number;
  /** Of PostgreSQL. */
  readonly part?: string;
}

async function killed({ batch, kills, seed, part = "" }: Run, open: (folder: string) => Promise<RemoteStorage>): Promise<void> {
  const folder = temporaryFolder();
  try {
    const random = seeded(seed);
    for (let round = 0; round < kills; round += 1) await runWorker(WORKER, [folder.path, String(round), batch, part], 1 + random() * 90);
    await runWorker(WORKER, [folder.path, "drain", batch, part], undefined);
    const accepted = linesOf(folder.path, "accepted");
    const { count, seen } = await storedIn(await open(folder.path));
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
}

const TITLE = "counts what it has accepted once each, and tells of each count once and in order";

describe.each([
  { batch: "", kills: 40, seed: 31 },
  { batch: "10", kills: 30, seed: 32 },
])("a host that is killed $kills times, batch of $batch, seed $seed", (run) => {
  it(TITLE, () => killed(run, async (folder) => asRemote(openPluginStorage(folder, { name: "tally", limits: WORLD_LIMITS }, systemClock))));
});

describeWithServer("postgres", "a host that is killed 30 times and keeps storage in PostgreSQL, seed 33", () => {
  it(TITLE, async () => {
    const part = newName();
    await using stores = new TestStores("postgres", part);
    await stores.openPlugin("tally");
    await killed({ batch: "", kills: 30, seed: 33, part }, () => stores.openPlugin("tally"));
  });
});
