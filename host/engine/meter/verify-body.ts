// Walks one admitted body and refuses it unless it pays: what a path does is added up against what its checks spend. Which
// invariants that proves is said in verify.ts, which knows the other functions.

import { BLOCK_BY_VALUE } from "../wasm/instruction-reader.ts";
import { costOf, OP } from "../wasm/instructions.ts";
import type { FunctionBody } from "../wasm/module.ts";
import { Account, type BodyContext, type Callee, CHECKED_FUNCTION } from "./verify-account.ts";
import { EmissionReader } from "./verify-emission.ts";
import { VerifiedFlow } from "./verify-flow.ts";
import { STRETCH_WORK_MAX } from "./verify-policy.ts";

/** Answers what a caller pays for; throws through `context.refuse`. */
export function verifyBody(context: BodyContext, body: FunctionBody): Callee {
  return new BodyWalk(context, body).run();
}

class BodyWalk {
  readonly #context: BodyContext;
  readonly #reader: EmissionReader;
  readonly #flow: VerifiedFlow;
  readonly #account: Account;
  readonly #codeAt: number;
  #guestLocals = -1;
  #isAllowed = false;

  constructor(context: BodyContext, { codeAt, end }: FunctionBody) {
    this.#context = context;
    this.#reader = new EmissionReader(context.module.bytes, codeAt, end, context.added);
    this.#flow = new VerifiedFlow(
      (why) => context.refuse(why),
      () => this.#reader.isCached,
    );
    this.#account = new Account(context, this.#reader, this.#flow);
    this.#codeAt = codeAt;
  }

  run(): Callee {
    const reader = this.#reader;
    const flow = this.#flow;
    flow.open("block");
    while (reader.offset < reader.end) {
      const key = reader.next();
      if (this.#isMeters(key)) continue;
      this.#names(key);
      if (flow.state.stretch > STRETCH_WORK_MAX) this.#refuse("goes on for too long without a check");
      if (key <= OP.tryTable) this.#control(key);
      else if (key === OP.brOnNull || key === OP.brOnNonNull || key === OP.brOnCast || key === OP.brOnCastFail) this.#branch(costOf(key));
      else this.#account.plain(key);
      this.#account.constant = key === OP.i32Const ? reader.index : -1;
      this.#account.check = undefined;
      this.#isAllowed = false;
    }
    if (this.#guestLocals >= Math.min(reader.fuelLocal < 0 ? Number.POSITIVE_INFINITY : reader.fuelLocal, reader.lengthLocal)) {
      this.#refuse("uses a local of the meter's");
    }
    return this.#account.result();
  }

  #isMeters(key: number): boolean {
    const reader = this.#reader;
    if (key === OP.globalGet && reader.index === this.#context.added.fuelGlobal) {
      const isFirst = reader.start === this.#codeAt;
      if (reader.isLoad(isFirst)) this.#account.loads(isFirst);
      else if (reader.isQuestion()) this.#isAllowed = true;
      else this.#account.pays(reader.isCached ? undefined : reader.check());
      return true;
    }
    if (key === OP.localGet && reader.isCached && reader.index === reader.fuelLocal) {
      if (reader.isStore()) this.#account.stores();
      else this.#account.pays(reader.check());
      return true;
    }
    const check = key === OP.localSet ? reader.lengthCheck() : undefined;
    if (check !== undefined) this.#account.pays(check);
    return check !== undefined;
  }

  /** A guest's instruction names nothing that was added. */
  #names(key: number): void {
    const { index } = this.#reader;
    const { fuelGlobal, helper, plainType } = this.#context.added;
    if (key === OP.localGet || key === OP.localSet || key === OP.localTee) this.#guestLocals = Math.max(this.#guestLocals, index);
    else if ((key === OP.globalGet || key === OP.globalSet) && index >= fuelGlobal) this.#refuse("names a global of the meter's");
    else if ((key === OP.call || key === OP.returnCall || key === OP.refFunc) && index === helper) this.#refuse("names the helper");
    else if ((key === OP.callIndirect || key === OP.callRef) && index >= plainType) this.#refuse("names a type of the meter's");
    else if ((key === OP.returnCallIndirect || key === OP.returnCallRef) && index >= plainType) this.#refuse("names a type of the meter's");
  }

  #control(key: number): void {
    const flow = this.#flow;
    switch (key) {
      case OP.block:
        this.#account.spend(costOf(key));
        this.#block();
        return;
      case OP.if:
        this.#account.spend(costOf(key));
        this.#ownType();
        flow.open("if");
        return;
      case OP.try:
        this.#account.spend(costOf(key));
        this.#ownType();
        this.#account.mayThrow = true;
        flow.open("try");
        return;
      case OP.tryTable: {
        this.#account.spend(costOf(key));
        this.#ownType();
        this.#account.mayThrow = true;
        const targets = this.#reader.labels.map((label) => flow.target(label));
        flow.open("table").targets = targets;
        return;
      }
      case OP.loop:
        this.#ownType();
        this.#loop();
        return;
      case OP.else:
        this.#account.spend(costOf(key));
        flow.else();
        return;
      case OP.catch:
      case OP.catchAll:
        this.#account.spend(costOf(key));
        flow.catch();
        return;
      case OP.end:
      case OP.delegate:
        this.#end(costOf(key));
        return;
      case OP.unreachable:
        flow.leave();
        return;
      case OP.brIf:
        this.#branch(costOf(key));
        return;
      case OP.br:
        // A return of the guest's is written as a branch to the block around everything.
        this.#branch(costOf(this.#reader.isCached && flow.target(this.#reader.index) === flow.blocks[1] ? OP.return : key));
        flow.leave();
        return;
      case OP.brTable:
        this.#account.spend(costOf(key));
        for (const label of this.#reader.labels) flow.branch(label);
        flow.leave();
        return;
      case OP.return:
        this.#account.spend(costOf(key));
        this.#account.exit(0);
        return;
      case OP.throw:
      case OP.rethrow:
      case OP.throwRef:
        this.#account.spend(costOf(key));
        this.#account.mayThrow = true;
        flow.throw(0);
        this.#account.exit(0);
        return;
      case OP.call:
      case OP.returnCall:
        this.#account.spend(costOf(key));
        if (flow.isReached) this.#directCall(key);
        return;
      case OP.callIndirect:
      case OP.callRef:
      case OP.returnCallIndirect:
      case OP.returnCallRef:
        this.#account.spend(costOf(key));
        if (!flow.isReached) return;
        if (this.#context.isUnchecked) this.#refuse("has no check and calls it is not known what");
        this.#account.call(CHECKED_FUNCTION, key === OP.callIndirect || key === OP.callRef);
        return;
      default:
        this.#account.spend(costOf(key));
    }
  }

  #block(): void {
    const units = this.#reader.splitUnits();
    if (units === undefined) {
      this.#ownType();
      this.#flow.open("block");
      return;
    }
    for (const kind of ["block", "hidden", "hidden"] as const) this.#flow.open(kind);
    const loop = this.#flow.open("loop");
    loop.isChecked = true;
    loop.splitUnits = units;
    this.#account.pays({ units });
  }

  #ownType(): void {
    const { blockType } = this.#reader;
    if (blockType !== BLOCK_BY_VALUE && blockType >= this.#context.added.plainType) this.#refuse("names a type of the meter's");
  }

  #loop(): void {
    const loop = this.#flow.open("loop");
    const reader = this.#reader;
    const from = reader.offset;
    if (from >= reader.end) return;
    const key = reader.next();
    if (this.#isMeters(key)) loop.isChecked = this.#account.check !== undefined && this.#account.check.length === undefined;
    else reader.offset = from;
  }

  #end(work: number): void {
    const flow = this.#flow;
    const isLast = flow.blocks.length === 1;
    // The end of the block around everything stands for the function's.
    if (!isLast || !this.#reader.isCached) this.#account.spend(work);
    const { splitUnits } = flow.close();
    if (isLast) {
      this.#account.exit(0);
      return;
    }
    if (splitUnits === undefined) return;
    if (!this.#reader.endsSplit(splitUnits)) this.#refuse("has a split loop without its other half");
    for (let left = 3; left > 0; left--) flow.close();
  }

  #branch(work: number): void {
    this.#account.spend(work);
    this.#flow.branch(this.#reader.index);
  }

  #directCall(key: number): void {
    if (this.#isAllowed && key === OP.call && this.#reader.peek() === OP.unreachable) {
      // The host was asked, and what is called ends in a trap.
      if (this.#context.hasHandlers) this.#refuse("has a call that goes unpaid although its exception can be caught");
      this.#flow.leave();
      return;
    }
    this.#account.call(this.#context.callee(this.#reader.index), key === OP.call);
  }

  #refuse(why: string): never {
    return this.#context.refuse(why);
  }
}
