// The meter's second pass: follows one function body instruction by instruction, copies it, and lets fuel be spent where
// analysis and flow say. Everything is copied but labels that shift and returns that must write the cached fuel back.
// What is owed and paid is in charges.ts.

import { InstructionReader } from "../wasm/instruction-reader.ts";
import { OP } from "../wasm/instructions.ts";
import { functionTypeAt, type WasmModule } from "../wasm/module.ts";
import type { Writer } from "../wasm/writer.ts";
import { Charges, EXIT_DEBT } from "./charges.ts";
import { trapFollows } from "./cold-calls.ts";
import type { FunctionFacts, ModuleFacts, Reach } from "./facts.ts";
import { Flow } from "./flow.ts";
import { type AddedIndices, FuelCode } from "./fuel-code.ts";
import { isBulk } from "./instruction-cost.ts";
import { costOfCall, runsLong } from "./reach.ts";
import { LAZY_CHECKS_MAX } from "./tuning.ts";

const I32 = 0x7f;
// An exception may pass a callee that owes EXIT_DEBT, out of a point where this function owes as much.
const CATCH_DEBT = 2 * EXIT_DEBT;

export interface InjectionContext {
  readonly module: WasmModule;
  readonly facts: ModuleFacts;
  readonly added: AddedIndices;
  /** The block type of a block with these results, as bytes; made on demand. */
  blockType(results: Uint8Array): Uint8Array;
}

/** Writes the metered body of an unbounded function and answers the offsets of its unlikely branches. */
export function injectFuel(context: InjectionContext, facts: FunctionFacts, out: Writer): readonly number[] {
  // A try block would need the global written before whatever may throw in it, so functions with handlers do without.
  const mayCache = !facts.hasHandlers && facts.loops.length > 0;
  const isCached = mayCache && facts.loops.some((loop) => loop.isPure);
  const injection = inject(context, facts, out, isCached);
  if (isCached || !mayCache || !injection.iteratesCallFree) return injection.unlikely;
  out.clear();
  return inject(context, facts, out, true).unlikely;
}

/** With a check before the first call that may be long on each path, so that short paths go without; where that would be many, with one at the start. */
function inject(context: InjectionContext, facts: FunctionFacts, out: Writer, isCached: boolean): Injection {
  const lazy = new Injection(context, facts, out, isCached);
  if (lazy.run("lazily")) return lazy;
  out.clear();
  const early = new Injection(context, facts, out, isCached);
  early.run("at the start");
  return early;
}

class Injection {
  readonly #context: InjectionContext;
  readonly #facts: FunctionFacts;
  readonly #out: Writer;
  readonly #reader: InstructionReader;
  readonly #fuel: FuelCode;
  readonly #flow = new Flow();
  readonly #resultBytes: Uint8Array;
  readonly #charges: Charges;
  #nextLoop = 0;
  #lazyChecks = 0;

  constructor(context: InjectionContext, facts: FunctionFacts, out: Writer, isCached: boolean) {
    const { body } = facts;
    const type = functionTypeAt(context.module, body.typeIndex);
    if (type === undefined) throw new RangeError("a function without a type");
    this.#context = context;
    this.#facts = facts;
    this.#out = out;
    this.#reader = new InstructionReader(context.module.bytes, body.codeAt, body.end);
    this.#resultBytes = type.resultBytes;
    const fuelLocal = type.params.length + body.declaredLocals;
    this.#fuel = new FuelCode(out, context.added, { fuelLocal, lengthLocal: fuelLocal + 1, isCached });
    const { module } = context;
    this.#charges = new Charges({ module, facts, reader: this.#reader, flow: this.#flow, fuel: this.#fuel, out });
  }

  get iteratesCallFree(): boolean {
    return this.#flow.iteratesCallFree;
  }

  get unlikely(): readonly number[] {
    return this.#fuel.unlikely;
  }

  /** False when it gave up, since it would take too many checks to pay lazily. */
  run(firstPays: "lazily" | "at the start"): boolean {
    this.#prologue();
    if (firstPays === "at the start") this.#charges.payInAdvance();
    this.#flow.open("block");
    while (this.#reader.offset < this.#reader.end && this.#lazyChecks <= LAZY_CHECKS_MAX) {
      this.#instruction(this.#reader.next());
    }
    return this.#lazyChecks <= LAZY_CHECKS_MAX;
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
    if (key <= OP.tryTable) this.#control(key);
    else if (isBulk(this.#reader)) this.#charges.bulk();
    else if (key === OP.brOnNull || key === OP.brOnNonNull || key === OP.brOnCast || key === OP.brOnCastFail) {
      this.#charges.owe();
      this.#conditionalBranch(key);
    } else this.#charges.owe();
    this.#charges.payIfLarge();
  }

  #control(key: number): void {
    const flow = this.#flow;
    if (key !== OP.loop) this.#charges.owe();
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
        this.#charges.settle();
        this.#charges.store();
        flow.leave();
        return;
      case OP.call:
        if (this.#facts.coldCalls.length > 0 && trapFollows(this.#reader)) this.#coldCall();
        else this.#call(this.#callee());
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

  #loop(): void {
    const loop = this.#facts.loops[this.#nextLoop++];
    if (loop === undefined) throw new RangeError("a loop that the analysis did not see");
    const type = functionTypeAt(this.#context.module, this.#reader.blockType);
    this.#charges.openLoop(loop, type !== undefined && type.params.length > 0);
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
    if (frame.splitUnits !== undefined) this.#charges.closeSplit(frame.splitUnits);
  }

  #endFunction(): void {
    this.#charges.settle();
    this.#flow.close();
    this.#charges.copyTo(this.#reader.start);
    if (this.#fuel.isCached) {
      this.#out.byte(OP.end);
      if (this.#flow.state.dirty) this.#fuel.store();
    }
    this.#charges.copyTo(this.#reader.offset);
    this.#flow.leave();
  }

  #conditionalBranch(key: number): void {
    const { index: label, start, offset, labelAt, labelEnd } = this.#reader;
    if (this.#flow.leavesFunction(label)) this.#charges.settle();
    this.#flow.branch(label);
    const shifted = this.#flow.shifted(label);
    if (shifted === label) return;
    if (key === OP.brOnCast || key === OP.brOnCastFail) {
      this.#charges.copyTo(labelAt);
      this.#out.u32(shifted);
      this.#charges.skipTo(labelEnd);
      return;
    }
    this.#charges.copyTo(start);
    this.#out.byte(key);
    this.#out.u32(shifted);
    this.#charges.skipTo(offset);
  }

  #branchTable(): void {
    const flow = this.#flow;
    const { labels, start, offset } = this.#reader;
    if (labels.some((label) => flow.leavesFunction(label))) this.#charges.settle();
    for (const label of labels) flow.branch(label);
    if (flow.extraBlocks > 0) {
      this.#charges.copyTo(start);
      this.#out.byte(OP.brTable);
      this.#out.u32(labels.length - 1);
      for (const label of labels) this.#out.u32(flow.shifted(label));
      this.#charges.skipTo(offset);
    }
    flow.leave();
  }

  #return(): void {
    const flow = this.#flow;
    this.#charges.settle();
    const outermost = flow.frames.length - 1;
    flow.branch(outermost);
    if (this.#fuel.isCached) {
      this.#charges.copyTo(this.#reader.start);
      this.#out.byte(OP.br);
      this.#out.u32(flow.shifted(outermost));
      this.#charges.skipTo(this.#reader.offset);
    }
    flow.leave();
  }

  #callee(): Reach {
    const callee = this.#context.facts.functions[this.#reader.index - this.#context.module.importedFunctions];
    return callee?.reach ?? "unbounded";
  }

  #call(reach: Reach): void {
    const cost = this.#costOfCallee();
    // Paid before the call, or a recursion through the callee would go down for nothing, and an exception out of it would be caught unpaid.
    const isPaidBefore = reach === "passes" || (reach === "throws" && this.#context.facts.hasHandlers);
    if (isPaidBefore) this.#flow.state.debt += cost;
    if (reach !== "returns") this.#beforeCall(reach);
    const { state } = this.#flow;
    if (!isPaidBefore) state.debt += cost;
    if (!runsLong(reach)) return;
    state.callFree = false;
    if (!this.#fuel.isCached) return;
    this.#charges.copyTo(this.#reader.offset);
    this.#fuel.load();
  }

  #coldCall(): void {
    this.#charges.askHost();
    // Nothing comes back that could owe, and a check before the trap would make the call look like any other.
    this.#flow.leave();
  }

  #costOfCallee(): number {
    if (this.#reader.key !== OP.call && this.#reader.key !== OP.returnCall) return EXIT_DEBT;
    return costOfCall(this.#context.facts.functions[this.#reader.index - this.#context.module.importedFunctions]);
  }

  #beforeCall(reach: Reach): void {
    const { state } = this.#flow;
    if (runsLong(reach) && state.unchecked) {
      this.#lazyChecks += 1;
      this.#charges.copyTo(this.#reader.start);
      this.#charges.payInAdvance();
    } else if (this.#context.facts.hasHandlers) this.#charges.settle();
    else this.#charges.payBeforeIfLarge();
    this.#charges.store();
  }

  #tailCall(): void {
    this.#beforeCall("unbounded");
    this.#flow.state.debt += this.#costOfCallee();
    this.#charges.settle();
    this.#charges.store();
    this.#flow.leave();
  }
}
