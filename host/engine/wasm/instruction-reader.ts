// Decodes one instruction after another, just far enough to know where it ends and what it refers to. It neither
// validates (V8 does) nor interprets. One object is reused for all, since modules have millions of instructions.

import { IMMEDIATE, immediateOf, KEYS, OP, PREFIX_BASE, unservedProposal } from "./instructions.ts";
import { malformed, Reader } from "./reader.ts";
import { beginsValueType, readHeapType, readValueType } from "./value-type.ts";

const CATCH_KINDS = 4;
const FIRST_CATCH_ALL = 2;
const MEMORY_INDEX_FOLLOWS = 0x40;
const FIRST_PREFIX = 0xfb;
/** The block type of a block without parameters and results. */
const EMPTY_BLOCK = 0x40;

/** How a block's parameters and results are given: by a type index, or as at most one result. */
export const BLOCK_BY_VALUE = -1;

export class InstructionReader extends Reader {
  /** Offset of the opcode of the current instruction; `offset` is where the next one starts. */
  start = 0;
  key = 0;
  /** The first index or label, or the value of an i32.const. */
  index = 0;
  second = 0;
  /** What the i32.const directly before the current instruction pushed, its last operand; -1 if it was none. */
  constant = -1;
  /** Offset behind the opcode. */
  immediatesAt = 0;
  /** Where the label of a cast branch stands. */
  labelAt = 0;
  labelEnd = 0;
  /** For blocks: the type index, or BLOCK_BY_VALUE with `blockResults` 0 or 1; where the block type ends. */
  blockType = 0;
  blockResults = 0;
  blockTypeEnd = 0;
  /** The labels of br_table (the default last) or of the catch clauses of try_table. */
  readonly labels: number[] = [];

  next(): number {
    this.constant = this.key === OP.i32Const ? this.index : -1;
    this.start = this.offset;
    const opcode = this.byte();
    this.key = opcode < FIRST_PREFIX ? opcode : this.#prefixed(opcode);
    this.immediatesAt = this.offset;
    this.#immediates(immediateOf(this.key));
    return this.key;
  }

  #prefixed(prefix: number): number {
    const base = PREFIX_BASE.get(prefix);
    if (base === undefined) throw this.#unknown();
    const key = base + this.u32();
    const limit = prefix === 0xfd ? KEYS : base + 0x100;
    if (key >= limit) throw this.#unknown(key);
    return key;
  }

  #unknown(key: number = this.key): Error {
    const hex = Array.from(this.bytes.subarray(this.start, this.offset), (byte) => byte.toString(16).padStart(2, "0"));
    const proposal = unservedProposal(this.bytes[this.start] ?? 0, key);
    const of = proposal === undefined ? "" : ` of the proposal ${proposal}, which this host does not serve`;
    return malformed(`unknown instruction ${hex.join(" ")}${of}`, this.start);
  }

  #immediates(kind: number): void {
    switch (kind) {
      case IMMEDIATE.none:
        return;
      case IMMEDIATE.index:
      case IMMEDIATE.label:
        this.index = this.u32();
        return;
      case IMMEDIATE.twoIndices:
        this.index = this.u32();
        this.second = this.u32();
        return;
      case IMMEDIATE.memoryArgument:
        this.#memoryArgument();
        return;
      case IMMEDIATE.i32:
        this.index = this.s32();
        return;
      case IMMEDIATE.i64:
        this.skipLeb64();
        return;
      case IMMEDIATE.blockType:
        this.#blockType();
        return;
      default:
        this.#rareImmediates(kind);
    }
  }

  #rareImmediates(kind: number): void {
    switch (kind) {
      case IMMEDIATE.fourBytes:
        this.skip(4);
        return;
      case IMMEDIATE.eightBytes:
        this.skip(8);
        return;
      case IMMEDIATE.sixteenBytes:
        this.skip(16);
        return;
      case IMMEDIATE.lane:
        this.skip(1);
        return;
      case IMMEDIATE.memoryArgumentAndLane:
        this.#memoryArgument();
        this.skip(1);
        return;
      case IMMEDIATE.heapType:
        readHeapType(this);
        return;
      case IMMEDIATE.valueTypes:
        for (let left = this.count(); left > 0; left--) readValueType(this);
        return;
      case IMMEDIATE.labelTable:
        this.#labelTable();
        return;
      case IMMEDIATE.catches:
        this.#catches();
        return;
      case IMMEDIATE.castBranch:
        this.#castBranch();
        return;
      default:
        throw this.#unknown();
    }
  }

  #memoryArgument(): void {
    if ((this.u32() & MEMORY_INDEX_FOLLOWS) !== 0) this.u32();
    this.skipLeb64();
  }

  #blockType(): void {
    if (beginsValueType(this.peek())) {
      this.blockType = BLOCK_BY_VALUE;
      this.blockResults = this.peek() === EMPTY_BLOCK ? 0 : 1;
      if (this.blockResults === 0) this.offset++;
      else readValueType(this);
    } else {
      const start = this.offset;
      this.blockType = this.s33();
      if (this.blockType < 0) throw malformed("unknown block type", start);
    }
    this.blockTypeEnd = this.offset;
  }

  #labelTable(): void {
    this.labels.length = 0;
    for (let left = this.count(); left >= 0; left--) this.labels.push(this.u32());
  }

  #catches(): void {
    this.#blockType();
    this.labels.length = 0;
    for (let left = this.count(); left > 0; left--) {
      const start = this.offset;
      const kind = this.byte();
      if (kind >= CATCH_KINDS) throw malformed(`unknown catch clause ${kind}`, start);
      if (kind < FIRST_CATCH_ALL) this.u32();
      this.labels.push(this.u32());
    }
  }

  #castBranch(): void {
    this.byte();
    this.labelAt = this.offset;
    this.index = this.u32();
    this.labelEnd = this.offset;
    readHeapType(this);
    readHeapType(this);
  }
}

/** Passes a constant expression up to and including its `end`. `onInstruction` sees each instruction before that. */
export function readConstantExpression(reader: Reader, onInstruction: (reader: InstructionReader) => void): void {
  const instructions = new InstructionReader(reader.bytes, reader.offset, reader.end);
  while (instructions.next() !== OP.end) onInstruction(instructions);
  reader.offset = instructions.offset;
}
