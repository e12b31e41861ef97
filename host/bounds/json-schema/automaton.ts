// Runs what re2js compiles a regular expression to, as Pike's machine does: all threads at once, so that a text takes at most its length times the program, and
// each instruction that is looked at is counted. re2js has a faster machine of its own, whose time nobody can tell beforehand: of one and the same program a
// character took 0.01 to 208 ns an instruction.

/** The instructions of re2js 2.10.0 that a pattern without groups to capture and without looking behind needs. */
export const OP = {
  ALT: 1,
  ALT_MATCH: 2,
  CAPTURE: 3,
  EMPTY_WIDTH: 4,
  FAIL: 5,
  MATCH: 6,
  NOP: 7,
  RUNE: 8,
  RUNE1: 9,
  ANY: 10,
  ANY_BUT_NEWLINE: 11,
} as const;

export interface Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  /** Code points, from and to in turn; one alone is itself. */
  readonly runes: Int32Array;
}

const EMPTY = { beginLine: 1, endLine: 2, beginText: 4, endText: 8, boundary: 16, noBoundary: 32 } as const;
const NOTHING = -1;
const FOUND = -1;
const NEWLINE = 10;

export class Automaton {
  readonly #program: readonly Instruction[];
  readonly #start: number;
  /** The threads of this character and of the next, each program counter once. */
  readonly #now: number[] = [];
  readonly #next: number[] = [];
  readonly #stack: number[] = [];
  /** By program counter, when it was last added. */
  readonly #added: Uint32Array;
  #generation = 0;

  constructor(program: readonly Instruction[], start: number) {
    this.#program = program;
    this.#start = start;
    this.#added = new Uint32Array(program.length);
  }

  /** Whether the pattern is found anywhere in the text. Tells `spend` after each character how many instructions it took. */
  finds(text: string, spend: (steps: number) => void): boolean {
    this.#now.length = 0;
    let before = NOTHING;
    for (let at = 0; at <= text.length; ) {
      const rune = text.codePointAt(at) ?? NOTHING;
      if (this.#follow(emptyBetween(before, rune), spend)) return true;
      this.#read(rune);
      spend(this.#now.length);
      before = rune;
      at += rune > 0xffff ? 2 : 1;
    }
    return false;
  }

  /** Makes of the threads, and of a new one, those that wait for a character; true when one of them has come to the end. */
  #follow(empty: number, spend: (steps: number) => void): boolean {
    this.#generation = (this.#generation + 1) >>> 0;
    // It has been round: what was added long ago must not look like what was added just now.
    if (this.#generation === 0) this.#added.fill(0);
    this.#generation ||= 1;
    this.#next.length = 0;
    let steps = this.#reach(this.#start, empty);
    for (let i = 0; i < this.#now.length && steps >= 0; i += 1) {
      const more = this.#reach(this.#now[i] ?? 0, empty);
      steps = more < 0 ? more : steps + more;
    }
    if (steps < 0) return true;
    spend(steps);
    return false;
  }

  /** Follows one thread to where it waits; how many instructions that took, or less than 0 when it has come to the end. */
  #reach(from: number, empty: number): number {
    const stack = this.#stack;
    stack.length = 0;
    let steps = 0;
    for (let pc: number | undefined = from; pc !== undefined; pc = stack.pop()) {
      steps += 1;
      const instruction = this.#program[pc];
      if (instruction === undefined || this.#added[pc] === this.#generation) continue;
      this.#added[pc] = this.#generation;
      if (instruction.op === OP.MATCH) return FOUND;
      if (instruction.op >= OP.RUNE) this.#next.push(pc);
      else pushNext(stack, instruction, empty);
    }
    return steps;
  }

  #read(rune: number): void {
    this.#now.length = 0;
    for (let i = 0; i < this.#next.length; i += 1) {
      const instruction = this.#program[this.#next[i] ?? 0];
      if (instruction !== undefined && accepts(instruction, rune)) this.#now.push(instruction.out);
    }
  }
}

function pushNext(stack: number[], { op, out, arg }: Instruction, empty: number): void {
  if (op === OP.FAIL || (op === OP.EMPTY_WIDTH && (arg & ~empty) !== 0)) return;
  if (op === OP.ALT || op === OP.ALT_MATCH) stack.push(arg);
  stack.push(out);
}

function accepts({ op, runes }: Instruction, rune: number): boolean {
  if (rune === NOTHING) return false;
  if (op === OP.ANY) return true;
  if (op === OP.ANY_BUT_NEWLINE) return rune !== NEWLINE;
  if (runes.length === 1) return runes[0] === rune;
  let [low, high] = [0, runes.length >> 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rune < (runes[2 * middle] ?? 0)) high = middle;
    else if (rune > (runes[2 * middle + 1] ?? 0)) low = middle + 1;
    else return true;
  }
  return false;
}

/** What holds between two characters, as re2js numbers it. */
function emptyBetween(before: number, after: number): number {
  const begins = before === NOTHING ? EMPTY.beginText | EMPTY.beginLine : before === NEWLINE ? EMPTY.beginLine : 0;
  const ends = after === NOTHING ? EMPTY.endText | EMPTY.endLine : after === NEWLINE ? EMPTY.endLine : 0;
  return begins | ends | (isWord(before) === isWord(after) ? EMPTY.noBoundary : EMPTY.boundary);
}

const isWord = (rune: number): boolean =>
  (rune >= 0x30 && rune <= 0x39) || (rune >= 0x41 && rune <= 0x5a) || rune === 0x5f || (rune >= 0x61 && rune <= 0x7a);
