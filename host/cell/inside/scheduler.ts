// Decides which guest of a cell runs next, for about a millisecond: short turns first, as far as the lane lets them, then the one that has used least. One
// guest runs at a time.

import { AHEAD_MS, Allowance, Lane, LaneTotal } from "./lane.ts";
import { type Ready, ReadyHeap } from "./ready-heap.ts";

/** What one plugin has used, and its place among the others. */
export class Account {
  /** CPU time used, raised to the others' level after idling, so that sleeping earns no credit. */
  virtualMs = 0;
  readonly allowance: Allowance = new Allowance();
}

/** What one slice should take. */
export const SLICE_MS = 1;
// After this much guest time the event loop gets its turn: timers, messages, heartbeats.
const LOOP_SHARE_MS = 1;
// How far behind the others a plugin that has slept may stand: one slice, so it goes next, but only once.
const WAKE_CREDIT_MS = SLICE_MS;
// How far before the others what ran ahead may put a plugin. Among 200 endless loops each millisecond is made up for in 200, and a plugin that runs ahead
// within its allowance would never get there.
const AHEAD_DEBT_MS = AHEAD_MS;

export class FairScheduler {
  readonly #now: () => number;
  readonly #onIdle: () => void;
  /** Everybody who is ready. */
  readonly #fair = new ReadyHeap();
  /** Those of them that may run ahead. */
  readonly #lane = new Lane<Ready>();
  readonly #laneTotal = new LaneTotal();
  #running: Account | undefined;
  #runsAhead = false;
  #planned = false;
  #forgetting = false;
  #sliceStart = 0;
  #loopStart = Number.NEGATIVE_INFINITY;
  #floor = 0;
  #order = 0;

  /** `onIdle` is called whenever nothing is ready, and before the event loop gets its turn. */
  constructor(now: () => number, onIdle: () => void) {
    this.#now = now;
    this.#onIdle = onIdle;
  }

  /** Queues a guest, at this moment of the clock; `go` is called when its slice begins. */
  ready(account: Account, now: number, go: () => void): void {
    account.virtualMs = Math.max(account.virtualMs, this.#floor - WAKE_CREDIT_MS);
    this.#order += 1;
    const debt = account.allowance.debt(now);
    const item = { account, key: account.virtualMs, order: this.#order, debt, go, taken: false };
    this.#fair.push(item);
    if (debt !== Number.POSITIVE_INFINITY) this.#lane.add(item);
    this.#plan();
  }

  /** Milliseconds that the slice of this account has run; 0 when it is not the one that runs. */
  elapsed(account: Account): number {
    return this.#running === account ? this.#now() - this.#sliceStart : 0;
  }

  /** Ends the slice of this account and returns its milliseconds; 0 when it is not the one that runs. */
  release(account: Account): number {
    if (this.#running !== account) return 0;
    const now = this.#now();
    const elapsed = now - this.#sliceStart;
    if (this.#runsAhead) this.#billAhead(account, now, elapsed);
    else account.virtualMs += elapsed;
    this.#running = undefined;
    this.#plan();
    return elapsed;
  }

  #billAhead(account: Account, now: number, elapsed: number): void {
    this.#laneTotal.spend(now, elapsed);
    const most = Math.max(account.virtualMs, this.#floor + AHEAD_DEBT_MS);
    account.virtualMs = Math.min(account.virtualMs + account.allowance.spend(now, elapsed), most);
  }

  // Never at once: release is also called from the guest's own stack, where no other guest may start.
  #plan(): void {
    if (this.#planned || this.#running !== undefined) return;
    this.#planned = true;
    queueMicrotask(this.#pump);
  }

  readonly #pump = (): void => {
    this.#planned = false;
    const fair = this.#fair.first;
    if (fair === undefined) {
      this.#onIdle();
      this.#forgetShareAfterLoop();
      return;
    }
    const now = this.#now();
    if (this.#loopStart === Number.NEGATIVE_INFINITY) this.#loopStart = now;
    if (now - this.#loopStart >= LOOP_SHARE_MS) {
      this.#yieldToEventLoop();
      return;
    }
    const ahead = this.#laneTotal.isOpen(now) ? this.#lane.first : undefined;
    this.#runsAhead = ahead !== undefined;
    // What runs in its own order is not charged to the lane.
    if (ahead === undefined) this.#floor = Math.max(this.#floor, fair.key);
    this.#run(ahead ?? fair, now);
  };

  #run(item: Ready, now: number): void {
    item.taken = true;
    this.#lane.delete(item);
    this.#running = item.account;
    this.#sliceStart = now;
    item.go();
  }

  // Nothing to run between two microtasks gives the event loop nothing; only a pass of the loop does.
  #forgetShareAfterLoop(): void {
    if (this.#forgetting || this.#loopStart === Number.NEGATIVE_INFINITY) return;
    this.#forgetting = true;
    setImmediate(() => {
      this.#forgetting = false;
      this.#loopStart = Number.NEGATIVE_INFINITY;
    });
  }

  #yieldToEventLoop(): void {
    // First, so that whoever becomes ready meanwhile does not begin a second round.
    this.#planned = true;
    this.#onIdle();
    setImmediate(() => {
      this.#loopStart = this.#now();
      this.#pump();
    });
  }
}
