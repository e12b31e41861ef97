// The writers that a plugin's guest has open, by the numbers that it knows them by. They belong to one turn and end with it, however it ends: a guest that
// traps, or forgets, leaves nothing behind.

import { HostError } from "../../core/errors.ts";
import type { BlobSink } from "../../seams.ts";

const MAX_WRITERS = 8;

interface TurnsOwn {
  readonly turn: string;
  /** Undefined while it is being opened. */
  readonly writers: Map<number, BlobSink | undefined>;
}

export class TurnWriters {
  #own: TurnsOwn | undefined;
  #last = 0;

  /** `turn` is its traceparent, which no other turn has. Rejects with HostError `quota-exceeded`, or with what `open` does. */
  async open(turn: string, open: () => Promise<BlobSink>): Promise<number> {
    const own = this.#of(turn);
    if (own.writers.size >= MAX_WRITERS)
      throw new HostError("quota-exceeded", `${own.writers.size} blobs are being written in this turn; the limit is ${MAX_WRITERS}`);
    // Not used again soon, so that a number from an earlier turn finds nothing.
    this.#last = (this.#last + 1) >>> 0;
    const number = this.#last;
    own.writers.set(number, undefined);
    try {
      const writer = await open();
      if (this.#own !== own) {
        await writer.discard();
        throw new HostError("deadline-exceeded", "the turn that began the blob has ended");
      }
      own.writers.set(number, writer);
      return number;
    } catch (thrown) {
      own.writers.delete(number);
      throw thrown;
    }
  }

  /** Throws HostError `invalid-message` for a number that is none of this turn's. */
  get(turn: string, number: number): BlobSink {
    const writer = this.#own?.turn === turn ? this.#own.writers.get(number) : undefined;
    if (writer === undefined) throw new HostError("invalid-message", `there is no writer ${number} in this turn; create begins a blob`);
    return writer;
  }

  /** From now on the number is nobody's. Throws like `get`. */
  take(turn: string, number: number): BlobSink {
    const writer = this.get(turn, number);
    this.#own?.writers.delete(number);
    return writer;
  }

  has(turn: string, number: number): boolean {
    return this.#own?.turn === turn && this.#own.writers.get(number) !== undefined;
  }

  /** Drops what the turn did not finish. Never rejects. */
  async end(turn: string): Promise<void> {
    if (this.#own?.turn === turn) await this.#drop();
  }

  #of(turn: string): TurnsOwn {
    if (this.#own?.turn !== turn) {
      void this.#drop();
      this.#own = { turn, writers: new Map() };
    }
    return this.#own as TurnsOwn;
  }

  async #drop(): Promise<void> {
    const writers = [...(this.#own?.writers.values() ?? [])];
    this.#own = undefined;
    await Promise.all(writers.map((writer) => writer?.discard()));
  }
}
