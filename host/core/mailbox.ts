// A bounded first-in first-out queue. It refuses instead of growing and knows nothing of what it holds.

/** Holds at most `capacity` items. */
export class Mailbox<T> {
  readonly capacity: number;
  #items: T[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get length(): number {
    return this.#items.length;
  }

  /** Appends, or returns false when full. */
  offer(item: T): boolean {
    if (this.#items.length >= this.capacity) return false;
    this.#items.push(item);
    return true;
  }

  take(): T | undefined {
    return this.#items.shift();
  }

  /** Removes and returns what `matches`, keeping the order of the rest. */
  removeWhere(matches: (item: T) => boolean): T[] {
    const { removed = [], kept = [] } = Object.groupBy(this.#items, (item) => (matches(item) ? "removed" : "kept"));
    this.#items = kept;
    return removed;
  }
}
