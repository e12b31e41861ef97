// Counts the fields of a message before it is parsed: an empty element of a list has two bytes on the wire and a hundred in memory.

const LENGTH_DELIMITED = 2;
const FIXED = new Map([
  [1, 8],
  [5, 4],
]);
const MAX_VARINT_BYTES = 10;

/** Of the message and of those directly in it; Infinity for what is no message, and for what has more than `max`. */
export function fieldsIn(message: Uint8Array, max: number): number {
  const counter = new Counter(message, max);
  counter.walk(0, message.length, 1);
  return counter.count;
}

class Counter {
  readonly #bytes: Uint8Array;
  readonly #max: number;
  #at = 0;
  count = 0;

  constructor(bytes: Uint8Array, max: number) {
    this.#bytes = bytes;
    this.#max = max;
  }

  walk(from: number, to: number, deeper: number): void {
    this.#at = from;
    while (this.#at < to) {
      this.count += 1;
      const tag = this.#varint(to);
      const wire = tag & 7;
      const length = this.#lengthOf(wire, to);
      const end = this.#at + length;
      if (this.count > this.#max || end > to || !Number.isFinite(end)) {
        this.count = Number.POSITIVE_INFINITY;
        return;
      }
      if (wire === LENGTH_DELIMITED && deeper > 0) {
        this.walk(this.#at, end, deeper - 1);
        if (this.count > this.#max) return;
      }
      this.#at = end;
    }
  }

  /** What follows the tag and, where there is one, the length. */
  #lengthOf(wire: number, to: number): number {
    if (wire === 0) {
      this.#varint(to);
      return 0;
    }
    return wire === LENGTH_DELIMITED ? this.#varint(to) : (FIXED.get(wire) ?? Number.POSITIVE_INFINITY);
  }

  #varint(to: number): number {
    let value = 0;
    for (let i = 0; i < MAX_VARINT_BYTES && this.#at < to; i += 1) {
      const byte = this.#bytes[this.#at] ?? 0;
      this.#at += 1;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    return Number.POSITIVE_INFINITY;
  }
}
