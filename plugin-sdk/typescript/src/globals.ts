// What programs expect of a JavaScript runtime and QuickJS leaves out: console, timers and the classes for UTF-8; and what it seeds once only, when the component
// is built. Date asks the host by itself.

import { now, subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.0";
import { type Level, write } from "./log.ts";
import { bytes } from "./random.ts";
import { TextDecoder, TextEncoder } from "./utf8.ts";

function shown(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value.name}: ${value.message}\n${value.stack ?? ""}`;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

const logging =
  (level: Level) =>
  (...values: readonly unknown[]): void => {
    for (const line of values.map(shown).join(" ").split("\n")) write(level, line);
  };

const console = {
  ...{ debug: logging("debug"), trace: logging("debug"), log: logging("info"), info: logging("info") },
  ...{ warn: logging("warning"), error: logging("error") },
};

interface Timer {
  readonly id: number;
  readonly run: () => void;
  readonly everyMs: number | undefined;
  at: number;
}

const NS_PER_MS = 1_000_000;
const timers = new Map<number, Timer>();
let lastTimer = 0;

const nowMs = (): number => Number(now()) / NS_PER_MS;

function start(run: () => void, ms: number, everyMs: number | undefined): number {
  lastTimer += 1;
  timers.set(lastTimer, { id: lastTimer, run, everyMs, at: nowMs() + Math.max(0, ms) });
  return lastTimer;
}

const stop = (id: number | undefined): void => void timers.delete(id ?? 0);

/** A turn's timers end with it, whatever became of it. */
export const clearTimers = (): void => timers.clear();

/** Runs what timers wait for, in the order in which they are due, until there are none; the turn lasts as long. */
export function runTimers(): void {
  while (timers.size > 0) {
    const next = [...timers.values()].reduce((first, one) => (one.at < first.at ? one : first));
    const waitMs = next.at - nowMs();
    if (waitMs > 0) subscribeDuration(Math.ceil(waitMs * NS_PER_MS)).block();
    if (next.everyMs === undefined) timers.delete(next.id);
    else next.at += Math.max(1, next.everyMs);
    next.run();
  }
}

const POOL_NUMBERS = 256;
const BYTES_PER_NUMBER = 8;
// Of the 64 random bits a number has room for 53: 27 and 26.
const [HIGH_SHIFT, LOW_SHIFT, LOW_RANGE, RANGE] = [5, 6, 2 ** 26, 2 ** 53];

const builtMathRandom = Math.random;
let isInstance = false;
let startedMs = 0;
let pool: Uint32Array = new Uint32Array(0);
let taken = 0;

/**
 * Says that the host runs the plugin. Until then it is being built: the engine's generator is seeded there, and would give every instance the same numbers,
 * so from here on they come from the host.
 */
export function enterInstance(): void {
  if (isInstance) return;
  isInstance = true;
  startedMs = nowMs();
}

function random(): number {
  if (!isInstance) return builtMathRandom();
  if (taken === pool.length) {
    pool = new Uint32Array(bytes(POOL_NUMBERS * BYTES_PER_NUMBER).buffer);
    taken = 0;
  }
  const [high = 0, low = 0] = [pool[taken], pool[taken + 1]];
  taken += 2;
  return ((high >>> HIGH_SHIFT) * LOW_RANGE + (low >>> LOW_SHIFT)) / RANGE;
}

Object.defineProperty(Math, "random", { value: random, writable: true, configurable: true });
Object.assign(globalThis, {
  performance: { now: () => (isInstance ? nowMs() - startedMs : 0) },
  console,
  TextDecoder,
  TextEncoder,
  setTimeout: (run: () => void, ms = 0) => start(run, ms, undefined),
  setInterval: (run: () => void, ms = 0) => start(run, ms, ms),
  clearTimeout: stop,
  clearInterval: stop,
});
