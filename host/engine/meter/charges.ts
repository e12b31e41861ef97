// Keeps the account of one function body while it is copied: what each instruction owes, and which check pays for it
// where. It knows costs and the state of the flow, but not which instructions lead where (injection.ts).

import type { InstructionReader } from "../wasm/instruction-reader.ts";
import { BULK, bulkOf, COST_PER_UNIT, OP } from "../wasm/instructions.ts";
import type { WasmModule } from "../wasm/module.ts";
import type { Writer } from "../wasm/writer.ts";
import type { FunctionFacts, LoopFacts } from "./facts.ts";
import type { Flow } from "./flow.ts";
import type { FuelCode } from "./fuel-code.ts";
import { instructionCost } from "./instruction-cost.ts";
import {
  ARRAY_COPY_COST,
  ARRAY_ELEMENTS_COST,
  BULK_COST,
  BYTES_COST,
  DEBT_MAX,
  EXIT_DEBT_MAX,
  type LengthCost,
  MEMORY_GROW_COST,
  PREPAY_MAX,
  TABLE_ELEMENTS_COST,
} from "./tuning.ts";

/** In eighths of a unit, as all debts are. */
export const EXIT_DEBT: number = EXIT_DEBT_MAX * COST_PER_UNIT;
const DEBT = DEBT_MAX * COST_PER_UNIT;

const EMPTY_BLOCK = 0x40;
/** The blocks that a split loop opens around itself. */
const SPLIT_BLOCKS = 3;

const LENGTH_COSTS: ReadonlyMap<number, LengthCost> = new Map([
  [BULK.bytes, BYTES_COST],
  [BULK.tableElements, TABLE_ELEMENTS_COST],
  [BULK.arrayElements, ARRAY_ELEMENTS_COST],
  [BULK.arrayCopy, ARRAY_COPY_COST],
]);

export interface ChargesParts {
  readonly module: WasmModule;
  readonly facts: FunctionFacts;
  readonly reader: InstructionReader;
  readonly flow: Flow;
  readonly fuel: FuelCode;
  readonly out: Writer;
}

export class Charges {
  readonly #module: WasmModule;
  readonly #facts: FunctionFacts;
  readonly #reader: InstructionReader;
  readonly #flow: Flow;
  readonly #fuel: FuelCode;
  readonly #out: Writer;
  /** Source up to here has been copied. */
  #copied: number;

  constructor(parts: ChargesParts) {
    this.#module = parts.module;
    this.#facts = parts.facts;
    this.#reader = parts.reader;
    this.#flow = parts.flow;
    this.#fuel = parts.fuel;
    this.#out = parts.out;
    this.#copied = parts.facts.body.codeAt;
  }

  copyTo(offset: number): void {
    this.#out.copy(this.#module.bytes, this.#copied, offset);
    this.#copied = offset;
  }

  /** Leaves out the source up to `offset`, for which something else has been written. */
  skipTo(offset: number): void {
    this.#copied = offset;
  }

  /** Owes for the current instruction. */
  owe(): void {
    this.#flow.state.debt += instructionCost(this.#reader, this.#module.types);
  }

  /** The check that a function begins with, at its start or before the first call that may be long. */
  payInAdvance(): void {
    this.#pay(Math.min(PREPAY_MAX, Math.ceil(this.#facts.cost / COST_PER_UNIT)));
  }

  /** Puts a check behind the current instruction when the debt has grown large. */
  payIfLarge(): void {
    if (this.#flow.state.debt <= DEBT) return;
    this.copyTo(this.#reader.offset);
    this.#pay();
  }

  /** Puts a check before the current instruction, a call that may be long, when the debt has grown large. */
  payBeforeIfLarge(): void {
    if (this.#flow.state.debt <= DEBT) return;
    this.copyTo(this.#reader.start);
    this.#pay();
  }

  /** Puts a check before the current instruction, as a path that leaves must not owe more than the caller expects. */
  settle(): void {
    if (this.#flow.state.debt <= EXIT_DEBT) return;
    this.copyTo(this.#reader.start);
    this.#pay();
  }

  /** Writes the cached fuel back before the current instruction. */
  store(): void {
    const { state } = this.#flow;
    if (!state.dirty) return;
    this.copyTo(this.#reader.start);
    this.#fuel.store();
    state.dirty = false;
  }

  /** Lets the host decide before the current instruction, a cold call. */
  askHost(): void {
    this.copyTo(this.#reader.start);
    this.#fuel.askHost();
  }

  bulk(): void {
    this.owe();
    this.copyTo(this.#reader.start);
    const owed = Math.max(0, Math.ceil(this.#flow.state.debt / COST_PER_UNIT));
    const cost = LENGTH_COSTS.get(bulkOf(this.#reader.key));
    if (cost === undefined) this.#fuel.check(MEMORY_GROW_COST + owed);
    else this.#fuel.checkBulk(BULK_COST + owed, cost);
    this.#checked(Math.min(0, this.#flow.state.debt));
  }

  openLoop(loop: LoopFacts, hasParams: boolean): void {
    const units = Math.min(PREPAY_MAX, Math.max(1, Math.ceil(loop.cost / COST_PER_UNIT)));
    const isSplit = this.#fuel.isCached && loop.isInnermost && !hasParams;
    if (isSplit) this.#openSplit();
    this.#flow.open("loop", { isInnermost: loop.isInnermost, split: isSplit ? { extraBlocks: SPLIT_BLOCKS, units } : undefined });
    this.copyTo(this.#reader.offset);
    // What was paid in advance for the way here does not count inside, or an iteration could live on it.
    const debt = Math.max(0, this.#flow.state.debt) - units * COST_PER_UNIT;
    if (isSplit) this.#fuel.checkOrBranch(units, 1);
    else this.#fuel.check(units);
    this.#checked(debt);
  }

  /**
   * `block (results) loop block loop (results) check-or-leave … end br out end refuel br again end end`: V8 unrolls a
   * loop without a call in it, so the refuelling stands outside of the one that runs.
   */
  #openSplit(): void {
    this.copyTo(this.#reader.start);
    this.#out.byte(OP.block);
    this.#out.copy(this.#module.bytes, this.#reader.immediatesAt, this.#reader.blockTypeEnd);
    this.#out.bytes([OP.loop, EMPTY_BLOCK, OP.block, EMPTY_BLOCK]);
  }

  /** Behind the `end` of a split loop, which spent `units` an iteration. */
  closeSplit(units: number): void {
    this.copyTo(this.#reader.offset);
    this.#out.bytes([OP.br, 2, OP.end]);
    this.#fuel.refuelAndReturn(units);
    this.#out.bytes([OP.br, 0, OP.end, OP.unreachable, OP.end]);
  }

  /** Writes a check here for at least `minUnits`, or what is owed if that is more. */
  #pay(minUnits = 0): void {
    const { state } = this.#flow;
    const units = Math.max(1, minUnits, Math.ceil(state.debt / COST_PER_UNIT));
    this.#fuel.check(units);
    this.#checked(state.debt - units * COST_PER_UNIT);
  }

  #checked(debt: number): void {
    const { callFree } = this.#flow.state;
    this.#flow.state = { unchecked: false, callFree, dirty: this.#fuel.isCached, debt };
  }
}
