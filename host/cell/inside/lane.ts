// The lane of short turns: who may run ahead of the fair order, for how long and in which order. It only calculates; the scheduler runs and queues.

/** What of a turn's CPU may run ahead. */
export const AHEAD_MS = 5;
/** How much a plugin may have run ahead without a pause. */
const ALLOWANCE_MS = 10;
/** What a plugin may run ahead over time, of a core: a turn of 1 ms each 40 ms is half of it. */
export const AHEAD_SHARE = 0.05;
/** What all may together, so that whoever is not in the lane goes at half its speed at worst. */
export const LANE_SHARE = 0.5;
/** What all may together without a pause. */
const LANE_BURST_MS = 5;
/** What a turn that has to make an instance may take for it besides: modules are compiled when they are first used. */
export const WARM_MS = 10;
/** How often, so that nobody gains by breaking its instances. */
const WARM_AGAIN_MS = 5_000;
// A slice is meant to take half of it. What it takes beyond, the machine took as likely as the guest: it is made up for, but does not end the turn's running ahead.
const MOST_OF_A_SLICE_MS = 2;
const BRIEF_MS = 0.1;
// So that one long turn now and then is soon forgotten.
const MEMORY_TURNS = 4;

/** What one plugin may still run ahead. Times are those of the monotonic clock, in milliseconds. */
export class Allowance {
  /** Of this turn. */
  #turnLeftMs: number = AHEAD_MS;
  /** What its turns take of that, the latest ones most; all of it until one has shown, or two hundred that nobody knows would come before one that takes little. */
  #usualMs: number = AHEAD_MS;
  #knownTurns = 0;
  /** A turn that makes an instance shows nothing, and neither does none. */
  #showsUsual = false;
  #warmLeftMs = 0;
  #warmAgainAt = Number.NEGATIVE_INFINITY;
  /** When all that it ran ahead is made up for. */
  #fullAt = Number.NEGATIVE_INFINITY;

  /** Its turns take so little that an answer may wait for one of them. */
  get isBrief(): boolean {
    return this.#usualMs < BRIEF_MS;
  }

  /** At the beginning of a turn; `cold` when it has to make an instance first. */
  beginTurn(now: number, cold: boolean): void {
    if (this.#showsUsual) {
      this.#knownTurns = Math.min(this.#knownTurns + 1, MEMORY_TURNS);
      this.#usualMs += (AHEAD_MS - this.#turnLeftMs - this.#usualMs) / this.#knownTurns;
    }
    this.#turnLeftMs = AHEAD_MS;
    const isWarming = cold && now >= this.#warmAgainAt;
    this.#showsUsual = !isWarming;
    this.#warmLeftMs = isWarming ? WARM_MS : 0;
    if (isWarming) this.#warmAgainAt = now + WARM_AGAIN_MS;
  }

  /**
   * What it will have run ahead after a turn like those before, in milliseconds until that is made up for: two hundred that rest until nothing is held against
   * them and then take all they may come after one that takes little. Infinite when what comes next may not run ahead.
   */
  debt(now: number): number {
    // As if it were held against the turn, so that two hundred that start do not come before all others.
    if (this.#warmLeftMs > 0) return (WARM_MS - this.#warmLeftMs + this.#usualMs) / AHEAD_SHARE;
    const debt = Math.max(0, this.#fullAt - now);
    return this.#turnLeftMs > 0 && debt * AHEAD_SHARE < ALLOWANCE_MS ? debt + this.#usualMs / AHEAD_SHARE : Number.POSITIVE_INFINITY;
  }

  /** Takes what the turn ran, ahead or not: its first milliseconds are those, whatever order they ran in. */
  run(ms: number): void {
    this.#turnLeftMs = Math.max(0, this.#turnLeftMs - Math.min(ms, MOST_OF_A_SLICE_MS));
  }

  /** Takes what ran ahead, and answers how much of it counts as used: all but what it took to warm up. */
  spend(now: number, ms: number): number {
    const warmMs = Math.min(ms, this.#warmLeftMs);
    const usedMs = ms - warmMs;
    this.#warmLeftMs -= warmMs;
    this.run(usedMs);
    this.#fullAt = Math.max(now, this.#fullAt) + usedMs / AHEAD_SHARE;
    return usedMs;
  }
}

/** What all plugins of a cell may still run ahead. */
export class LaneTotal {
  #fullAt = Number.NEGATIVE_INFINITY;

  isOpen(now: number): boolean {
    return (this.#fullAt - now) * LANE_SHARE < LANE_BURST_MS;
  }

  spend(now: number, ms: number): void {
    this.#fullAt = Math.max(now, this.#fullAt) + ms / LANE_SHARE;
  }
}

/** What waits in the lane. */
interface Waiting {
  /** What it will have to make up for; see Allowance. */
  readonly debt: number;
  readonly order: number;
}

/**
 * Those that wait in the lane: the least debt first, equals in their order. Few wait there at a time, so they are looked through; a list, since a map that gets and
 * loses one entry a turn is made anew every few turns.
 */
export class Lane<Item extends Waiting> {
  readonly #items: Item[] = [];

  add(item: Item): void {
    this.#items.push(item);
  }

  delete(item: Item): void {
    const at = this.#items.indexOf(item);
    if (at < 0) return;
    const last = this.#items.pop();
    if (last !== undefined && at < this.#items.length) this.#items[at] = last;
  }

  get first(): Item | undefined {
    let first: Item | undefined;
    for (const item of this.#items) {
      if (first === undefined || item.debt < first.debt || (item.debt === first.debt && item.order < first.order)) first = item;
    }
    return first;
  }
}
