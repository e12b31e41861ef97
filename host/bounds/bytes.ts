// Bytes that come in pieces from a stranger, kept in one buffer that grows: a piece of one byte costs one byte, whoever cuts them.

import { HostError } from "../core/errors.ts";

const FIRST_CAPACITY = 16 * 1_024;
// Whoever means well sends more than this in a piece, on average; each piece costs its reader about a microsecond.
const LEAST_PIECE_BYTES = 64;
const FREE_PIECES = 10_000;

/** Whether reading costs more than what is sent. */
export const isCutTooFine = (pieces: number, bytes: number): boolean => pieces > FREE_PIECES + bytes / LEAST_PIECE_BYTES;

export const tooFine = (sender: string, pieces: number, bytes: number): HostError =>
  new HostError(
    "http-failed",
    `${sender} sends ${bytes} bytes in ${pieces} pieces; fewer than ${LEAST_PIECE_BYTES} bytes a piece are not read on`,
  );

export interface BytesLimit {
  readonly maxBytes: number;
  /** What is thrown for one byte too many. */
  readonly tooLarge: () => HostError;
  /** Who sends, for what is said of pieces too small. */
  readonly sender: string;
}

export class BoundedBytes {
  readonly #limit: BytesLimit;
  #buffer: Buffer = Buffer.allocUnsafeSlow(0);
  #length = 0;
  #pieces = 0;

  constructor(limit: BytesLimit) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#length;
  }

  /** Copies a piece. Throws the limit's error, or HostError `http-failed` for a sender that cuts so fine that reading costs more than what is sent. */
  add(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.#limit.maxBytes) throw this.#limit.tooLarge();
    this.#pieces += 1;
    if (isCutTooFine(this.#pieces, length)) throw tooFine(this.#limit.sender, this.#pieces, length);
    if (length > this.#buffer.length) this.#grow(length);
    this.#buffer.set(piece, this.#length);
    this.#length = length;
  }

  /** All of it; nothing may be added afterwards. */
  take(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #grow(length: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(length, this.#buffer.length * 2, FIRST_CAPACITY), this.#limit.maxBytes));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
