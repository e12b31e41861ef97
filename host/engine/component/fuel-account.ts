// The fuel of a component: its core modules each have a global of it, and share one account. What one has left goes where it is needed.

interface FuelGlobal {
  value: number;
}

// Any negative fuel makes the next check trap.
const DOOMED = -1;

export class FuelAccount {
  readonly #globals: FuelGlobal[] = [];
  /** What no module holds. */
  #pool = 0;
  #forfeited = 0;
  #doomed = false;

  /** The fuel of one more module. */
  add(global: FuelGlobal): void {
    global.value = this.#doomed ? DOOMED : 0;
    this.#globals.push(global);
  }

  /** Below 0 when it is overdrawn. */
  get left(): number {
    return this.#doomed ? DOOMED : this.#globals.reduce((sum, { value }) => sum + value, this.#pool);
  }

  /** What was forfeited since the start. */
  get forfeited(): number {
    return this.#forfeited;
  }

  /** Replaces whatever is left, debts included. */
  grant(fuel: number, to?: FuelGlobal): void {
    if (this.#doomed) return;
    for (const global of this.#globals) global.value = 0;
    this.#pool = to === undefined ? fuel : 0;
    if (to !== undefined) to.value = fuel;
  }

  /**
   * Gives a module that has run dry the half of what the others hold, since they will be back soon; true when it is out of debt
   * by that.
   */
  share(to: FuelGlobal): boolean {
    if (this.#doomed) return false;
    for (const part of [2, 1]) {
      for (const global of this.#globals) {
        if (global === to || global.value <= 0) continue;
        const moved = Math.ceil(global.value / part);
        global.value -= moved;
        to.value += moved;
      }
      to.value += this.#pool;
      this.#pool = 0;
      if (to.value > 0) return true;
    }
    return false;
  }

  /** Lets the slice end at the next check, without charging for what is left. */
  forfeit(): void {
    const { left } = this;
    if (left <= 0) return;
    this.#forfeited += left;
    this.grant(0);
  }

  /** Lets whatever runs trap at its next check, for ever. */
  doom(): void {
    this.forfeit();
    this.#doomed = true;
    for (const global of this.#globals) global.value = DOOMED;
  }
}
