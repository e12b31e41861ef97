// Decides which guest of a cell runs next, for about a millisecond: short turns first, as far as the lane lets them, then the one that has used least. One
// guest runs at a time.

import type { Account } from "./account.ts";
import { AHEAD_MS, Lane, LaneTotal } from "./lane.ts";
import { type Ready, ReadyHeap } from "./ready-heap.ts";

/** What one slice should take. */
export const SLICE_MS = 1;
// After this much guest time the event loop gets its turn: timers, messages, heartbeats.
const LOOP_SHARE_MS = 1;
// How far behind the others a plugin that has slept may stand: one slice, so it goes next, but only once.
const WAKE_CREDIT_MS = SLICE_MS;
// How far before the others what ran ahead may put a plugin. Among 200 endless loops each millisecond is made up for in 200, and a plugin that runs ahead
// within its allowance would never get there.
const AHEAD_DEBT_MS = AHEAD_MS;

// A slice this long was stretched by somebody: by the guest, which pays for it, or by the machine, which ran something else meanwhile.
const LONG_SLICE_MS = 2 * SLICE_MS;

export interface SchedulerPorts {
  /** The monotonic clock. */
  now(): number;
  /** CPU time of the thread that the guests run in. */
  cpuMs(): number;
  /** Called whenever nothing is ready, before the event loop gets its turn, and between a short turn and one of another guest that may be longer. */
  onIdle(): void;
}

export class FairScheduler {
  readonly #ports: SchedulerPorts;
  /** Everybody who is ready. */
  readonly #fair = new ReadyHeap();
  /** Those of them that may run ahead. */
  readonly #lane = new Lane<Ready>();
  readonly #laneTotal = new LaneTotal();
  #running: Account | undefined;
  /** Whoever has run last, and whether ahead of the fair order. */
  #last: Account | undefined;
  #runsAhead = false;
  #planned = false;
  #forgetting = false;
  #sliceStart = 0;
  /** A host function took the slice's time, perhaps waiting for a disk. */
  #isBlamed = false;
  #loopStart = Number.NEGATIVE_INFINITY;
  /** CPU time at `loopStart`; undefined where nothing waited for the event loop, and nobody can be held up by what a slice takes. */
  #loopCpuMs: number | undefined;
  #floor = 0;
  #order = 0;

  constructor(ports: SchedulerPorts) {
    this.#ports = ports;
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
    return this.#running === account ? this.#ports.now() - this.#sliceStart : 0;
  }

  /** When the slice that runs began. */
  get sliceStart(): number {
    return this.#sliceStart;
  }

  /** The slice that runs has used up its time within the host: it pays for all of it, whether that was CPU or not. */
  blame(): void {
    this.#isBlamed = true;
  }

  /** Ends the slice of this account and returns its milliseconds, without those that the machine was away; 0 when it is not the one that runs. */
  release(account: Account): number {
    if (this.#running !== account) return 0;
    const now = this.#ports.now();
    const elapsed = this.#withoutAbsence(now, now - this.#sliceStart);
    if (this.#runsAhead) this.#billAhead(account, now, elapsed);
    else this.#billFair(account, elapsed);
    this.#running = undefined;
    this.#plan();
    return elapsed;
  }

  // 200 plugins would wait twice as long for the lane to open again as the machine was away in a slice that ran ahead.
  #withoutAbsence(now: number, elapsed: number): number {
    if (elapsed <= LONG_SLICE_MS || this.#isBlamed || this.#loopCpuMs === undefined) return elapsed;
    const absentMs = now - this.#loopStart - (this.#ports.cpuMs() - this.#loopCpuMs);
    return Math.max(LONG_SLICE_MS, elapsed - Math.max(0, absentMs));
  }

  #billAhead(account: Account, now: number, elapsed: number): void {
    this.#laneTotal.spend(now, elapsed);
    const most = Math.max(account.virtualMs, this.#floor + AHEAD_DEBT_MS);
    account.virtualMs = Math.min(account.virtualMs + account.allowance.spend(now, elapsed), most);
  }

  #billFair(account: Account, elapsed: number): void {
    account.virtualMs += elapsed;
    account.allowance.run(elapsed);
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
      this.#ports.onIdle();
      this.#forgetShareAfterLoop();
      return;
    }
    const now = this.#ports.now();
    if (this.#loopStart === Number.NEGATIVE_INFINITY) {
      this.#loopStart = now;
      this.#loopCpuMs = undefined;
    }
    if (now - this.#loopStart >= LOOP_SHARE_MS) {
      this.#yieldToEventLoop();
      return;
    }
    const ahead = this.#laneTotal.isOpen(now) ? this.#lane.first : undefined;
    // What a short turn answered does not wait for the slice of another one.
    if (this.#runsAhead && this.#mayTakeLong(ahead, fair)) this.#ports.onIdle();
    this.#runsAhead = ahead !== undefined;
    // What runs in its own order is not charged to the lane.
    if (ahead === undefined) this.#floor = Math.max(this.#floor, fair.key);
    this.#run(ahead ?? fair, now);
  };

  #mayTakeLong(ahead: Ready | undefined, fair: Ready): boolean {
    if (ahead === undefined) return fair.account !== this.#last;
    return ahead.account !== this.#last && !ahead.account.allowance.isBrief;
  }

  #run(item: Ready, now: number): void {
    item.taken = true;
    this.#lane.delete(item);
    this.#running = item.account;
    this.#last = item.account;
    this.#sliceStart = now;
    this.#isBlamed = false;
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
    this.#ports.onIdle();
    setImmediate(() => {
      this.#loopStart = this.#ports.now();
      this.#loopCpuMs = this.#ports.cpuMs();
      this.#pump();
    });
  }
}
