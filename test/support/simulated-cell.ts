// The scheduler of a cell on a clock of its own, with guests that are numbers: so much CPU a turn, so long a rest. Nothing of it depends on the machine.

import { Account } from "../../host/cell/inside/account.ts";
import { FairScheduler, SLICE_MS } from "../../host/cell/inside/scheduler.ts";

export interface SimulatedGuest {
  /** CPU of each turn, the first one's being number 0. */
  readonly turnMs: (turn: number) => number;
  /** From the end of a turn to the beginning of the next. */
  readonly restMs?: number;
  readonly beginsAtMs?: number;
  /** The turns that have to make an instance. */
  readonly isCold?: (turn: number) => boolean;
  /** A slice that cannot be cut at its millisecond. */
  readonly sliceMs?: number;
  /** For how long the machine runs something else in each slice of a turn. */
  readonly stallMs?: (turn: number) => number;
}

export interface SimulatedUse {
  cpuMs: number;
  /** From the moment when each turn came until it ended. */
  readonly latenciesMs: number[];
}

export const ENDLESS: SimulatedGuest = { turnMs: () => Number.POSITIVE_INFINITY, isCold: () => true };

/** Runs all guests in one cell for so long, and answers what each had. */
export async function simulateCell(guests: readonly SimulatedGuest[], forMs: number): Promise<readonly SimulatedUse[]> {
  let nowMs = 0;
  let absentMs = 0;
  let queued = 0;
  const arrivals: { atMs: number; arrive: () => void }[] = [];
  const arriveDue = (): void => {
    const next = Math.min(...arrivals.map(({ atMs }) => atMs));
    if (queued === 0 && next !== Number.POSITIVE_INFINITY) nowMs = Math.max(nowMs, next);
    for (const one of arrivals.filter(({ atMs }) => atMs <= nowMs)) {
      arrivals.splice(arrivals.indexOf(one), 1);
      one.arrive();
    }
  };
  const scheduler = new FairScheduler({ now: () => nowMs, cpuMs: () => nowMs - absentMs, onIdle: arriveDue });
  const uses = guests.map(({ turnMs, restMs = 0, beginsAtMs = 0, isCold = () => false, sliceMs = SLICE_MS, stallMs = () => 0 }) => {
    const use: SimulatedUse = { cpuMs: 0, latenciesMs: [] };
    const account = new Account();
    const begin = (turn: number, atMs: number): void => {
      let leftMs = turnMs(turn);
      account.allowance.beginTurn(nowMs, isCold(turn));
      const ready = (): void => {
        queued += 1;
        scheduler.ready(account, nowMs, run);
      };
      const run = (): void => {
        queued -= 1;
        // No further: what waits for ever would keep the process.
        if (nowMs >= forMs) return;
        const ranMs = Math.min(leftMs, sliceMs);
        nowMs += ranMs + stallMs(turn);
        absentMs += stallMs(turn);
        leftMs -= ranMs;
        use.cpuMs += ranMs;
        scheduler.release(account);
        if (leftMs > 0) ready();
        else {
          use.latenciesMs.push(nowMs - atMs);
          comeAgain(turn + 1, nowMs + restMs);
        }
      };
      ready();
    };
    const comeAgain = (turn: number, atMs: number): void => void arrivals.push({ atMs, arrive: () => begin(turn, atMs) });
    comeAgain(0, beginsAtMs);
    return use;
  });
  arriveDue();
  while (nowMs < forMs) await new Promise((resolve) => setImmediate(resolve));
  return uses;
}
