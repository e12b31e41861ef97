// Whether an instance that did nothing wrong is exchanged between two turns: linear memory never shrinks, so one that grows turn after turn, because its
// language's runtime leaks or fragments, would end in a turn that fails. One that is large and stays so goes on.

/** Of the limit; below it nothing is exchanged. */
const FULL = 0.75;
/** A cache that fills once or twice is no leak. */
const MIN_GROWTHS = 4;

export class Wear {
  #bytes: number | undefined;
  #growths = 0;

  /** To be asked at the end of each turn of one instance. */
  isWorn(memoryBytes: number, limitBytes: number): boolean {
    const grew = this.#bytes !== undefined && memoryBytes > this.#bytes;
    this.#bytes = memoryBytes;
    if (grew) this.#growths += 1;
    return grew && this.#growths >= MIN_GROWTHS && memoryBytes >= limitBytes * FULL;
  }
}
