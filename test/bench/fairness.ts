// How long a short turn waits in a thread cell in which endless loops run: turns of two lengths, the first ones after a cold one, beside loops only and
// beside plugins that sleep and burst as well; and what is left to the loops.

import { WARM_MS } from "../../host/cell/inside/lane.ts";
import { SLICE_MS } from "../../host/cell/inside/scheduler.ts";
import type { Cell } from "../../host/core/ports/cell.ts";
import { createCell, image, runTurn } from "../support/cells.ts";
import { enter, QUIET, type Wasm } from "./cells.ts";
import { figure, median, percentile, type Row } from "./measure.ts";

const LOOPS = 200;
const GAMERS = 200;
const TURNS = 200;
// Of so many rounds the median counts: the machine is away in one of them, a fault of the scheduler is in each.
const ROUNDS = 3;
const REST_MS = 40;
const BURST_MS = 8;
// Until nothing is held against them.
const GAMERS_REST_MS = 100;
const COLD_TURNS = 20;
const MOST_SLICES = 5;
const MOST_SLICES_AFTER_COLD = 10;

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function benchFairness(wasm: Wasm): Promise<Row[]> {
  const cell = createCell("thread", QUIET);
  const template = image("bench", wasm, { cpuMs: 600_000, deadlineMs: 600_000 });
  const add = (name: string): Promise<unknown> => cell.load({ ...template, name });
  await add("polite");
  for (let i = 0; i < COLD_TURNS; i += 1) await add(`cold-${i}`);
  for (let i = 0; i < GAMERS; i += 1) await add(`gamer-${i}`);
  for (let i = 0; i < LOOPS; i += 1) await add(`loop-${i}`);
  const roundsPerMs = await calibrate(cell);
  for (let i = 0; i < LOOPS; i += 1) void runTurn(cell, `loop-${i}`, "spin", { timeoutMs: 600_000 });
  // Every loop has warmed up, at the lane's half of the time.
  await rest(LOOPS * WARM_MS * 3);
  const rows = [
    slices("turns of 0.1 ms", await politeTurns(cell, 0.1 * roundsPerMs), MOST_SLICES),
    slices("turns of 1 ms", await politeTurns(cell, roundsPerMs), MOST_SLICES),
    slices("the first turn after a cold one", [await turnsAfterCold(cell, 0.1 * roundsPerMs)], MOST_SLICES_AFTER_COLD),
  ];
  const games = new AbortController();
  const gamers = Array.from({ length: GAMERS }, (_, i) => game(cell, `gamer-${i}`, roundsPerMs * BURST_MS, games.signal));
  await rest(2_000);
  rows.push(slices("turns of 0.1 ms, and 200 that sleep and burst", await politeTurns(cell, 0.1 * roundsPerMs), MOST_SLICES));
  rows.push(slices("turns of 1 ms, and 200 that sleep and burst", await politeTurns(cell, roundsPerMs), MOST_SLICES));
  games.abort();
  await cell[Symbol.asyncDispose]();
  await Promise.all(gamers);
  return rows;
}

/** Rounds of the plugin's loop in a millisecond, once it is compiled. */
async function calibrate(cell: Cell): Promise<number> {
  const rounds = 2_000_000;
  let leastUs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 20; i += 1) {
    const { usage } = await runTurn(cell, "polite", "burn", { input: String(rounds) });
    leastUs = Math.min(leastUs, usage.cpuUs);
  }
  return rounds / (leastUs / 1_000);
}

/** The latencies of each round. */
async function politeTurns(cell: Cell, work: number): Promise<number[][]> {
  const rounds: number[][] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await politeRound(cell, work));
  return rounds;
}

async function politeRound(cell: Cell, rounds: number): Promise<number[]> {
  const latencies: number[] = [];
  for (let i = 0; i < TURNS; i += 1) {
    latencies.push(await timed(cell, rounds, "polite"));
    await rest(REST_MS + (i % 7));
  }
  return latencies;
}

async function turnsAfterCold(cell: Cell, rounds: number): Promise<number[]> {
  const latencies: number[] = [];
  for (let i = 0; i < COLD_TURNS; i += 1) {
    await timed(cell, rounds, `cold-${i}`);
    latencies.push(await timed(cell, rounds, `cold-${i}`));
  }
  return latencies;
}

async function timed(cell: Cell, rounds: number, plugin: string): Promise<number> {
  const start = performance.now();
  await enter(cell, "burn", String(Math.round(rounds)), plugin);
  return performance.now() - start;
}

async function game(cell: Cell, plugin: string, rounds: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await runTurn(cell, plugin, "burn", { input: String(Math.round(rounds)), timeoutMs: 600_000 });
    await rest(GAMERS_REST_MS);
  }
}

function slices(work: string, rounds: readonly (readonly number[])[], goal: number): Row {
  const p99 = median(rounds.map((latencies) => percentile(latencies, 0.99)));
  const ratio = p99 / SLICE_MS;
  return {
    work: `polite plugin among ${LOOPS} endless loops in one thread cell, ${work}; p99 of ${rounds[0]?.length}`,
    ours: figure(p99, "ms"),
    theirs: `slice ${SLICE_MS} ms, p50 ${figure(percentile(rounds.flat(), 0.5), "ms")}`,
    ratio: `${ratio.toFixed(1)} slices`,
    goal: `≤ ${goal}`,
    reached: ratio <= goal,
  };
}
