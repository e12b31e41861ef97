// What programs expect of a JavaScript runtime and QuickJS leaves out: console, timers and the classes for UTF-8. Date and Math.random are there; the host
// supplies their clock and their seed.

import { now, subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.0";
import { type Level, write } from "./log.ts";
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

Object.assign(globalThis, {
  console,
  TextDecoder,
  TextEncoder,
  setTimeout: (run: () => void, ms = 0) => start(run, ms, undefined),
  setInterval: (run: () => void, ms = 0) => start(run, ms, ms),
  clearTimeout: stop,
  clearInterval: stop,
});
