// Counters by name that strangers cannot fill: what comes when it is full is counted together, under the name `other`.

export const OTHER = "other";

/** How many rows several tables may still have together. Each has one more, for what finds no room. */
export interface Budget {
  left: number;
}

export class BoundedTable<T> {
  readonly #max: number;
  readonly #make: (name: string) => T;
  readonly #budget: Budget;
  readonly #entries = new Map<string, T>();

  constructor(max: number, make: (name: string) => T, budget: Budget = { left: max }) {
    this.#max = max;
    this.#make = make;
    this.#budget = budget;
  }

  of(name: string): T {
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    const rows = this.#entries.size - (this.#entries.has(OTHER) ? 1 : 0);
    return this.#add(rows < this.#max && this.#budget.left > 0 ? name : OTHER);
  }

  find(name: string): T | undefined {
    return this.#entries.get(name);
  }

  delete(name: string): void {
    if (this.#entries.delete(name) && name !== OTHER) this.#budget.left += 1;
  }

  /** Gives back what its rows have of the budget. */
  clear(): void {
    for (const name of [...this.#entries.keys()]) this.delete(name);
  }

  [Symbol.iterator](): IterableIterator<[string, T]> {
    return this.#entries[Symbol.iterator]();
  }

  #add(name: string): T {
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    if (name !== OTHER) this.#budget.left -= 1;
    const made = this.#make(name);
    this.#entries.set(name, made);
    return made;
  }
}
