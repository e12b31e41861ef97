// Things by numbers that are used once. A Map from which much is deleted leaves tables behind that point to what they held and to each other: once one of them
// is old, all that comes after it grows old too, and the collector works a hundred times as much. An object with numbers for keys has no such memory.

export class ByNumber<T> {
  #of: Record<number, T> = Object.create(null);

  get(id: number): T | undefined {
    return this.#of[id];
  }

  set(id: number, one: T): void {
    this.#of[id] = one;
  }

  delete(id: number): void {
    delete this.#of[id];
  }

  values(): T[] {
    return Object.values(this.#of);
  }

  clear(): void {
    this.#of = Object.create(null);
  }
}
