// How much of a document each plugin may fill: what one leaves is there for those after it, and none leaves the others without.

/** Of a whole document, as JSON. */
export const MAX_DOCUMENT_BYTES: number = 4 * 1_024 * 1_024;
/** What a document tells of what it leaves out, and the room for it. */
const MAX_NAMED = 100;
const TOLD_BYTES = 64 * 1_024;

export interface Truncated {
  readonly message: string;
  readonly count: number;
  /** The first of them. */
  readonly names: readonly string[];
}

export class DocumentBudget {
  readonly #maxBytes: number;
  #left: number;
  #ownersLeft: number;
  #share = 0;
  readonly #leftOut: string[] = [];
  #count = 0;

  /** `frame` is what the document has in any case. */
  constructor(maxBytes: number, owners: number, frame: unknown) {
    this.#maxBytes = maxBytes;
    this.#left = maxBytes - TOLD_BYTES - bytesOf(frame);
    this.#ownersLeft = owners;
  }

  /** Begins with what the next owner brings. */
  next(): void {
    this.#share = this.#left / Math.max(1, this.#ownersLeft);
    this.#ownersLeft -= 1;
  }

  /** Whether there is room for it; what there is none for is told of by its name. */
  takes(name: string, pieces: unknown): boolean {
    const isTaken = this.takesIfThereIsRoom(pieces);
    if (!isTaken) this.leaveOut(name);
    return isTaken;
  }

  /** The same for what may be left out without a word. */
  takesIfThereIsRoom(pieces: unknown): boolean {
    const bytes = bytesOf(pieces);
    if (bytes > this.#share) return false;
    this.#share -= bytes;
    this.#left -= bytes;
    return true;
  }

  /** Whether there is, of what is not taken yet. */
  hasRoomFor(pieces: unknown): boolean {
    return bytesOf(pieces) <= this.#share;
  }

  leaveOut(name: string): void {
    this.#count += 1;
    if (this.#leftOut.length < MAX_NAMED) this.#leftOut.push(name);
  }

  /** Undefined when all is in. */
  get truncated(): Truncated | undefined {
    if (this.#count === 0) return undefined;
    const message = `left out: the document has at most ${this.#maxBytes} bytes, which plugins share, and no schema that is larger than what a manifest of api 0.2 may have`;
    return { message, count: this.#count, names: this.#leftOut };
  }
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
