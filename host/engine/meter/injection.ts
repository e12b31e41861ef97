// The meter's second pass: copies one function body and puts the spending of fuel into it, where analysis and flow say.
// Everything is copied but labels that shift and returns that must write the cached fuel back.

import { InstructionReader } from "../wasm/instruction-reader.ts";
import { BULK, bulkOf, COST_PER_UNIT, OP } from "../wasm/instructions.ts";
import { functionTypeAt, type WasmModule } from "../wasm/module.ts";
import type { Writer } from "../wasm/writer.ts";
import type { FunctionFacts, LoopFacts, ModuleFacts } from "./analysis.ts";
import { Flow } from "./flow.ts";
import { type AddedIndices, FuelCode } from "./fuel-code.ts";
import { instructionCost } from "./instruction-cost.ts";
import { costOfCall, type Reach } from "./reach.ts";
import {
  ARRAY_COPY_COST,
  ARRAY_ELEMENTS_COST,
  BULK_COST,
  BYTES_COST,
  DEBT_MAX,
  EXIT_DEBT_MAX,
  LAZY_CALLS_MAX,
  type LengthCost,
  MEMORY_GROW_COST,
  PREPAY_MAX,
  TABLE_ELEMENTS_COST,
} from "./tuning.ts";

const I32 = 0x7f;
const EMPTY_BLOCK = 0x40;
const EXIT_DEBT = EXIT_DEBT_MAX * COST_PER_UNIT;
// An exception may pass a callee that owes EXIT_DEBT, out of a point where this function owes as much.
const CATCH_DEBT = 2 * EXIT_DEBT;
const DEBT = DEBT_MAX * COST_PER_UNIT;
const LENGTH_COSTS: ReadonlyMap<number, LengthCost> = new Map([
  [BULK.bytes, BYTES_COST],
  [BULK.tableElements, TABLE_ELEMENTS_COST],
  [BULK.arrayElements, ARRAY_ELEMENTS_COST],
  [BULK.arrayCopy, ARRAY_COPY_COST],
]);
/** The blocks that a split loop opens around itself. */
const SPLIT_BLOCKS = 3;

export interface InjectionContext {
  readonly module: WasmModule;
  readonly facts: ModuleFacts;
  readonly added: AddedIndices;
  /** The block type of a block with these results, as bytes; made on demand. */
  blockType(results: Uint8Array): Uint8Array;
}

/** Writes the metered body of an unbounded function and answers the offsets of its unlikely branches. */
export function injectFuel(context: InjectionContext, facts: FunctionFacts, out: Writer): readonly number[] {
  return new Injection(context, facts, out).run();
}

class Injection {
  readonly #context: InjectionContext;
  readonly #facts: FunctionFacts;
  readonly #out: Writer;
  readonly #reader: InstructionReader;
  readonly #fuel: FuelCode;
  readonly #flow = new Flow();
  readonly #resultBytes: Uint8Array;
  #nextLoop = 0;
  /** Source up to here has been copied. */
  #copied: number;

  constructor(context: InjectionContext, facts: FunctionFacts, out: Writer) {
    const { body } = facts;
    const type = functionTypeAt(context.module, body.typeIndex);
    if (type === undefined) throw new RangeError("a function without a type");
    this.#context = context;
    this.#facts = facts;
    this.#out = out;
    this.#reader = new InstructionReader(context.module.bytes, body.codeAt, body.end);
    this.#resultBytes = type.resultBytes;
    this.#copied = body.codeAt;
    const fuelLocal = type.params.length + body.declaredLocals;
    // A try block would need the global written before whatever may throw in it, so functions with handlers do without.
    const isCached = !facts.hasHandlers && facts.loops.some((loop) => loop.isPure);
    this.#fuel = new FuelCode(out, context.added, { fuelLocal, lengthLocal: fuelLocal + 1, isCached });
  }

  run(): readonly number[] {
    this.#prologue();
    if (this.#facts.unboundedCalls > LAZY_CALLS_MAX) this.#payInAdvance();
    this.#flow.open("block");
    while (this.#reader.offset < this.#reader.end) {
      this.#instruction(this.#reader.next());
    }
    return this.#fuel.unlikely;
  }

  #prologue(): void {
    const { body, hasBulk } = this.#facts;
    const { bytes } = this.#context.module;
    this.#out.u32(body.localRuns + 1);
    this.#out.copy(bytes, body.runsAt, body.codeAt);
    this.#out.byte(hasBulk ? 2 : 1);
    this.#out.byte(I32);
    if (!this.#fuel.isCached) return;
    this.#fuel.load();
    // Returns become branches to the end of this block, behind which the fuel is written back.
    this.#out.byte(OP.block);
    this.#out.bytes(this.#context.blockType(this.#resultBytes));
  }

  #instruction(key: number): void {
    const flow = this.#flow;
    if (key <= OP.tryTable) this.#control(key);
    else if (bulkOf(key) !== BULK.none) this.#bulk(key);
    else if (key === OP.brOnNull || key === OP.brOnNonNull || key === OP.brOnCast || key === OP.brOnCastFail) {
      this.#spend();
      this.#conditionalBranch(key);
    } else this.#spend();
    if (flow.state.debt > DEBT) {
      this.#copyTo(this.#reader.offset);
      this.#pay();
    }
  }

  #control(key: number): void {
    const flow = this.#flow;
    if (key !== OP.loop) this.#spend();
    switch (key) {
      case OP.block:
      case OP.try:
        flow.open("block");
        return;
      case OP.if:
        flow.open("if");
        return;
      case OP.tryTable:
        this.#tryTable();
        return;
      case OP.loop:
        this.#loop();
        return;
      case OP.else:
        flow.nextArm(Number.NEGATIVE_INFINITY);
        return;
      case OP.catch:
      case OP.catchAll:
        flow.nextArm(CATCH_DEBT);
        return;
      case OP.end:
        this.#end();
        return;
      case OP.delegate:
        flow.close();
        return;
      case OP.unreachable:
        flow.leave();
        return;
      case OP.brIf:
        this.#conditionalBranch(key);
        return;
      case OP.br:
        this.#conditionalBranch(key);
        flow.leave();
        return;
      case OP.brTable:
        this.#branchTable();
        return;
      case OP.return:
        this.#return();
        return;
      case OP.throw:
      case OP.rethrow:
      case OP.throwRef:
        this.#settleBefore();
        this.#storeBefore();
        flow.leave();
        return;
      case OP.call:
        this.#call(this.#callee());
        return;
      case OP.callIndirect:
      case OP.callRef:
        this.#call("unbounded");
        return;
      case OP.returnCall:
      case OP.returnCallIndirect:
      case OP.returnCallRef:
        this.#tailCall();
        return;
    }
  }

  #spend(): void {
    this.#flow.state.debt += instructionCost(this.#reader, this.#context.module.types);
  }

  #copyTo(offset: number): void {
    this.#out.copy(this.#context.module.bytes, this.#copied, offset);
    this.#copied = offset;
  }

  /** Writes a check here for at least `minUnits`, or what is owed if that is more. */
  #pay(minUnits = 0): void {
    const { state } = this.#flow;
    const units = Math.max(1, minUnits, Math.ceil(state.debt / COST_PER_UNIT));
    this.#fuel.check(units);
    this.#checked(state.debt - units * COST_PER_UNIT);
  }

  /** The check that a function begins with, at its start or before the first call that may be long. */
  #payInAdvance(): void {
    this.#pay(Math.min(PREPAY_MAX, Math.ceil(this.#facts.cost / COST_PER_UNIT)));
  }

  #checked(debt: number): void {
    this.#flow.state = { unchecked: false, dirty: this.#fuel.isCached, debt };
  }

  /** A path that leaves the function must not owe more than its caller expects. */
  #settleBefore(): void {
    if (this.#flow.state.debt <= EXIT_DEBT) return;
    this.#copyTo(this.#reader.start);
    this.#pay();
  }

  #storeBefore(): void {
    const { state } = this.#flow;
    if (!state.dirty) return;
    this.#copyTo(this.#reader.start);
    this.#fuel.store();
    state.dirty = false;
  }

  #loop(): void {
    const loop = this.#facts.loops[this.#nextLoop++];
    if (loop === undefined) throw new RangeError("a loop that the analysis did not see");
    const units = Math.min(PREPAY_MAX, Math.max(1, Math.ceil(loop.cost / COST_PER_UNIT)));
    const isSplit = this.#canSplit(loop);
    if (isSplit) this.#openSplit();
    this.#flow.open("loop", isSplit ? { extraBlocks: SPLIT_BLOCKS, units } : undefined);
    this.#copyTo(this.#reader.offset);
    // What was paid in advance for the way here does not count inside, or an iteration could live on it.
    const debt = Math.max(0, this.#flow.state.debt) - units * COST_PER_UNIT;
    if (isSplit) this.#fuel.checkOrBranch(units, 1);
    else this.#fuel.check(units);
    this.#checked(debt);
  }

  #canSplit(loop: LoopFacts): boolean {
    if (!this.#fuel.isCached || !loop.isPure || !loop.isInnermost) return false;
    const type = functionTypeAt(this.#context.module, this.#reader.blockType);
    return type === undefined || type.params.length === 0;
  }

  /**
   * `block (results) loop block loop (results) check-or-leave … end br out end refuel br again end end`: V8 unrolls a
   * loop without a call in it, so the refuelling stands outside of the one that runs.
   */
  #openSplit(): void {
    this.#copyTo(this.#reader.start);
    this.#out.byte(OP.block);
    this.#out.copy(this.#context.module.bytes, this.#reader.immediatesAt, this.#reader.blockTypeEnd);
    this.#out.bytes([OP.loop, EMPTY_BLOCK, OP.block, EMPTY_BLOCK]);
  }

  #closeSplit(units: number): void {
    this.#copyTo(this.#reader.offset);
    this.#out.bytes([OP.br, 2, OP.end]);
    this.#fuel.refuelAndReturn(units);
    this.#out.bytes([OP.br, 0, OP.end, OP.unreachable, OP.end]);
  }

  #tryTable(): void {
    const flow = this.#flow;
    for (const label of this.#reader.labels) {
      flow.branch(label, { ...flow.state, debt: Math.max(flow.state.debt, CATCH_DEBT) });
    }
    flow.open("block");
  }

  #end(): void {
    const flow = this.#flow;
    if (flow.frames.length === 1) {
      this.#endFunction();
      return;
    }
    const frame = flow.close();
    if (frame.splitUnits !== undefined) this.#closeSplit(frame.splitUnits);
  }

  #endFunction(): void {
    this.#settleBefore();
    this.#flow.close();
    this.#copyTo(this.#reader.start);
    if (this.#fuel.isCached) {
      this.#out.byte(OP.end);
      if (this.#flow.state.dirty) this.#fuel.store();
    }
    this.#copyTo(this.#reader.offset);
    this.#flow.leave();
  }

  #conditionalBranch(key: number): void {
    const { index: label, start, offset, labelAt, labelEnd } = this.#reader;
    if (this.#flow.leavesFunction(label)) this.#settleBefore();
    this.#flow.branch(label);
    const shifted = this.#flow.shifted(label);
    if (shifted === label) return;
    if (key === OP.brOnCast || key === OP.brOnCastFail) {
      this.#copyTo(labelAt);
      this.#out.u32(shifted);
      this.#copied = labelEnd;
      return;
    }
    this.#copyTo(start);
    this.#out.byte(key);
    this.#out.u32(shifted);
    this.#copied = offset;
  }

  #branchTable(): void {
    const flow = this.#flow;
    const { labels, start, offset } = this.#reader;
    if (labels.some((label) => flow.leavesFunction(label))) this.#settleBefore();
    for (const label of labels) flow.branch(label);
    if (flow.extraBlocks > 0) {
      this.#copyTo(start);
      this.#out.byte(OP.brTable);
      this.#out.u32(labels.length - 1);
      for (const label of labels) this.#out.u32(flow.shifted(label));
      this.#copied = offset;
    }
    flow.leave();
  }

  #return(): void {
    const flow = this.#flow;
    this.#settleBefore();
    const outermost = flow.frames.length - 1;
    flow.branch(outermost);
    if (this.#fuel.isCached) {
      this.#copyTo(this.#reader.start);
      this.#out.byte(OP.br);
      this.#out.u32(flow.shifted(outermost));
      this.#copied = this.#reader.offset;
    }
    flow.leave();
  }

  #callee(): Reach {
    const callee = this.#context.facts.functions[this.#reader.index - this.#context.module.importedFunctions];
    return callee?.reach ?? "unbounded";
  }

  #call(reach: Reach): void {
    if (reach !== "returns") this.#beforeCall(reach);
    if (reach === "unbounded" && this.#fuel.isCached) {
      this.#copyTo(this.#reader.offset);
      this.#fuel.load();
    }
    this.#flow.state.debt += this.#costOfCallee();
  }

  #costOfCallee(): number {
    if (this.#reader.key !== OP.call) return EXIT_DEBT;
    return costOfCall(this.#context.facts.functions[this.#reader.index - this.#context.module.importedFunctions]);
  }

  #beforeCall(reach: Reach): void {
    const { state } = this.#flow;
    if (reach === "unbounded" && state.unchecked) {
      this.#copyTo(this.#reader.start);
      this.#payInAdvance();
    } else if (this.#context.facts.hasHandlers) this.#settleBefore();
    this.#storeBefore();
  }

  #tailCall(): void {
    this.#beforeCall("unbounded");
    this.#settleBefore();
    this.#storeBefore();
    this.#flow.leave();
  }

  #bulk(key: number): void {
    this.#spend();
    this.#copyTo(this.#reader.start);
    const owed = Math.max(0, Math.ceil(this.#flow.state.debt / COST_PER_UNIT));
    const cost = LENGTH_COSTS.get(bulkOf(key));
    if (cost === undefined) this.#fuel.check(MEMORY_GROW_COST + owed);
    else this.#fuel.checkBulk(BULK_COST + owed, cost);
    this.#checked(Math.min(0, this.#flow.state.debt));
  }
}
