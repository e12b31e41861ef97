// Decides which guest of a cell runs next: the one that has used least, for about a millisecond. One guest runs at a time.

/** What one plugin has used, and its place among the others. */
export interface Account {
  /** CPU time used, raised to the others' level after idling, so that sleeping earns no credit. */
  virtualMs: number;
}

interface Ready {
  readonly account: Account;
  readonly key: number;
  readonly order: number;
  /** Lets the guest run; control comes back at once, the guest ends its slice with `release`. */
  readonly go: () => void;
}

/** What one slice should take. */
export const SLICE_MS = 1;
// After this much guest time the event loop gets its turn: timers, messages, heartbeats.
const LOOP_SHARE_MS = 1;
// How far behind the others a plugin that has slept may stand: one slice, so it goes next, but only once.
const WAKE_CREDIT_MS = SLICE_MS;

export class FairScheduler {
  readonly #now: () => number;
  readonly #onIdle: () => void;
  readonly #heap: Ready[] = [];
  #running: Account | undefined;
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

  /** Queues a guest; `go` is called when its slice begins. */
  ready(account: Account, go: () => void): void {
    account.virtualMs = Math.max(account.virtualMs, this.#floor - WAKE_CREDIT_MS);
    this.#order += 1;
    push(this.#heap, { account, key: account.virtualMs, order: this.#order, go });
    this.#plan();
  }

  /** Milliseconds that the slice of this account has run; 0 when it is not the one that runs. */
  elapsed(account: Account): number {
    return this.#running === account ? this.#now() - this.#sliceStart : 0;
  }

  /** Ends the slice of this account and returns its milliseconds; 0 when it is not the one that runs. */
  release(account: Account): number {
    if (this.#running !== account) return 0;
    const elapsed = this.#now() - this.#sliceStart;
    account.virtualMs += elapsed;
    this.#running = undefined;
    this.#plan();
    return elapsed;
  }

  // Never at once: release is also called from the guest's own stack, where no other guest may start.
  #plan(): void {
    if (this.#planned || this.#running !== undefined) return;
    this.#planned = true;
    queueMicrotask(() => this.#pump());
  }

  #pump(): void {
    this.#planned = false;
    const next = this.#heap[0];
    if (next === undefined) {
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
    pop(this.#heap);
    this.#floor = Math.max(this.#floor, next.key);
    this.#running = next.account;
    this.#sliceStart = now;
    next.go();
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
    this.#onIdle();
    this.#planned = true;
    setImmediate(() => {
      this.#loopStart = this.#now();
      this.#pump();
    });
  }
}

const before = (a: Ready, b: Ready): boolean => a.key < b.key || (a.key === b.key && a.order < b.order);

// A binary heap. An account's use changes only while it runs, so the key of what is queued stays true.
function push(heap: Ready[], item: Ready): void {
  let i = heap.length;
  while (i > 0) {
    const parent = heap[(i - 1) >> 1];
    if (parent === undefined || before(parent, item)) break;
    heap[i] = parent;
    i = (i - 1) >> 1;
  }
  heap[i] = item;
}

function pop(heap: Ready[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let i = 0;
  for (;;) {
    let child = heap[2 * i + 1];
    if (child === undefined) break;
    let at = 2 * i + 1;
    const right = heap[at + 1];
    if (right !== undefined && before(right, child)) {
      child = right;
      at += 1;
    }
    if (before(last, child)) break;
    heap[i] = child;
    i = at;
  }
  heap[i] = last;
}
