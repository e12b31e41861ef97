// A host that is killed again and again, at any moment: whatever it had accepted is handled in the end, in order, and twice only where the host could not know.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/plugin-folders.ts";

const WORKER = fileURLToPath(new URL("../support/event-worker.ts", import.meta.url));

/** A number from 0 to 1 that follows from the seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function run(args: readonly string[], killAfterMs: number | undefined): Promise<void> {
  const worker = spawn(process.execPath, [WORKER, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(worker, "exit");
  // Counted from when it works, or it would be killed while it starts every time on a busy machine.
  await Promise.race([once(worker.stdout, "data"), exited]);
  if (killAfterMs !== undefined) {
    await delay(killAfterMs);
    worker.kill("SIGKILL");
  }
  const [code, signal] = await exited;
  expect([code, signal]).toEqual(killAfterMs === undefined ? [0, null] : [null, "SIGKILL"]);
}

const linesOf = (folder: string, name: string): string[] => {
  const file = join(folder, name);
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
};

interface Handled {
  readonly run: number;
  readonly key: string;
  readonly source: string;
}

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
        await run([folder.path, String(round), order, batch], 1 + random() * 90);
        for (const key of settledIn(folder.path)) if (!settledBy.has(key)) settledBy.set(key, round);
      }
      await run([folder.path, "drain", order, batch], undefined);
      const accepted = linesOf(folder.path, "accepted");
      const handled = linesOf(folder.path, "handled").map((line): Handled => {
        const [by = "", source = "", ...rest] = line.split(" ");
        return { run: by === "drain" ? kills : Number(by), key: [source, ...rest].join(" "), source };
      });
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

/** What is on the disk as handled, by what was published. */
function settledIn(folder: string): string[] {
  const database = new Database(join(folder, "events.sqlite"));
  const data = database
    .prepare<[], Buffer>(
      `SELECT data FROM events JOIN cursors ON cursors.source = events.source WHERE events.position <= cursors.position
       UNION ALL SELECT data FROM events JOIN settled ON settled.position = events.position`,
    )
    .pluck()
    .all();
  database.close();
  return data.map((text) => JSON.parse(text.toString("utf8")) as string);
}

/** As they were published, those that come again aside. */
function checkOrder(handled: readonly Handled[]): void {
  const firsts = [...new Set(handled.map(({ key }) => key))];
  const rank = (key: string): number => {
    const [, round = "", i = ""] = key.split(" ");
    return Number(round) * 1_000_000 + Number(i);
  };
  expect(firsts).toEqual(firsts.toSorted((a, b) => rank(a) - rank(b)));
}
