// A worker that is killed again and again, and what it and the disk say of what was accepted, handled and settled.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import Database from "better-sqlite3";
import { expect } from "vitest";

/** A number from 0 to 1 that follows from the seed. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Runs a worker to its end, or kills it so long after it says that it works. */
export async function runWorker(file: string, args: readonly string[], killAfterMs: number | undefined): Promise<void> {
  const worker = spawn(process.execPath, [file, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
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

export const linesOf = (folder: string, name: string): string[] => {
  const file = join(folder, name);
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
};

export interface Handled {
  readonly run: number;
  readonly key: string;
  readonly source: string;
}

/** "<run> <source> <what>", one a line. */
export const handledIn = (folder: string, kills: number): Handled[] =>
  linesOf(folder, "handled").map((line): Handled => {
    const [by = "", source = "", ...rest] = line.split(" ");
    return { run: by === "drain" ? kills : Number(by), key: [source, ...rest].join(" "), source };
  });

/** What is on the disk as handled, by what was published. */
export function settledIn(folder: string): string[] {
  const database = new Database(join(folder, "events.sqlite"));
  const data = database
    .prepare<[], Buffer>(
      `SELECT data FROM events JOIN cursors ON cursors.source = events.source WHERE events.position <= cursors.position
       UNION ALL SELECT data FROM events JOIN settled ON settled.position = events.position`,
    )
    .pluck()
    .all();
  database.close();
  return data.map((text) => text.toString("utf8"));
}

/** As they were published, those that come again aside. */
export function checkOrder(handled: readonly Handled[]): void {
  const firsts = [...new Set(handled.map(({ key }) => key))];
  const rank = (key: string): number => {
    const [, round = "", i = ""] = key.split(" ");
    return Number(round) * 1_000_000 + Number(i);
  };
  expect(firsts).toEqual(firsts.toSorted((a, b) => rank(a) - rank(b)));
}
