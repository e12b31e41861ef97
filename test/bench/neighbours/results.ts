// What was measured, kept in results.json after each measurement: an interrupted run loses nothing, and one of some runtimes leaves the others as they were. docs/neighbours.md is
// made of it.

import { readFileSync, writeFileSync } from "node:fs";
import type { Attack } from "./subject.ts";

const FILE = new URL("./results.json", import.meta.url);

export interface Subject {
  readonly runtime: string;
  readonly attack: Attack;
  readonly hostile: number;
}

export interface Figures {
  /** `wedged`: no turn of the polite guest ended any more, and the process was killed. `died`: the process ended by itself. */
  readonly end: "measured" | "wedged" | "died" | "did not start";
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly perSecond?: number;
}

export interface Result extends Subject, Figures {
  /** Day. */
  readonly measured: string;
}

export const isOf = (result: Result, { runtime, attack, hostile }: Subject): boolean =>
  result.runtime === runtime && result.attack === attack && result.hostile === hostile;

/** None before the first run. */
export function readResults(): Result[] {
  try {
    return JSON.parse(readFileSync(FILE, "utf8"));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw cause;
  }
}

/** In the place of what was measured of the same before; answers all there is. */
export function keepResult(result: Result): Result[] {
  const results = [...readResults().filter((one) => !isOf(one, result)), result];
  writeFileSync(FILE, `${JSON.stringify(results, undefined, 2)}\n`);
  return results;
}
