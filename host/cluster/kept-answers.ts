// The last answers to calls that may come twice, so that one that does is answered as before. Bounded in number and in bytes: the oldest go.

import type { Bytes } from "../core/types.ts";

const MAX_ANSWERS = 1_024;
const MAX_BYTES = 16 * 1024 * 1024;

export interface Answered {
  readonly bytes: Bytes;
  /** Whether the same call is to be answered so again. */
  readonly isFinal: boolean;
}

export class KeptAnswers {
  readonly #kept = new Map<string, Bytes>();
  readonly #going = new Map<string, Promise<Answered>>();
  #bytes = 0;

  /** The answer that there was, or the one that is being made, or what `make` makes. */
  async once(key: string, make: () => Promise<Answered>): Promise<Bytes> {
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const going = this.#going.get(key);
    if (going !== undefined) return (await going).bytes;
    const made = make();
    this.#going.set(key, made);
    try {
      const { bytes, isFinal } = await made;
      if (isFinal) this.#keep(key, bytes);
      return bytes;
    } finally {
      this.#going.delete(key);
    }
  }

  #keep(key: string, bytes: Bytes): void {
    this.#kept.set(key, bytes);
    this.#bytes += bytes.length;
    for (const [oldest, { length }] of this.#kept) {
      if (this.#kept.size <= MAX_ANSWERS && this.#bytes <= MAX_BYTES) return;
      this.#kept.delete(oldest);
      this.#bytes -= length;
    }
  }
}
