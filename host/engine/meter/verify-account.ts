// The account of one admitted body: what its instructions do, what its checks pay, and whether the fuel is where other code may look for it. Each
// rule that a function can break is here; which instruction means what is in verify-body.ts.

import { BULK, bulkOf, COST_PER_UNIT, costOf, OP } from "../wasm/instructions.ts";
import type { WasmModule } from "../wasm/module.ts";
import type { Added, Check, EmissionReader } from "./verify-emission.ts";
import type { VerifiedFlow } from "./verify-flow.ts";
import * as policy from "./verify-policy.ts";

/** What a caller has to know of a function. */
export interface Callee {
  /** What a call of it costs that it does not pay for itself. */
  readonly work: number;
  /** It has no checks; the caller pays for the whole call. */
  readonly isUnchecked: boolean;
  /** It may run for long: it is checked, the host's, or calls such a one. */
  readonly runsLong: boolean;
  readonly mayThrow: boolean;
}

export const HOST_FUNCTION: Callee = { work: policy.HOST_CALL_WORK, isUnchecked: false, runsLong: true, mayThrow: true };
export const CHECKED_FUNCTION: Callee = { work: policy.EXIT_WORK_MAX, isUnchecked: false, runsLong: true, mayThrow: true };

export interface BodyContext {
  readonly module: WasmModule;
  readonly added: Added;
  /** Whether anything in the module catches exceptions, or a guest that calls it may catch its own. */
  readonly hasHandlers: boolean;
  readonly isUnchecked: boolean;
  callee(index: number): Callee;
  refuse(why: string): never;
}

export class Account {
  readonly #context: BodyContext;
  readonly #reader: EmissionReader;
  readonly #flow: VerifiedFlow;
  /** What the last guest instruction pushed if it was an i32.const, else -1. */
  constant = -1;
  /** The check that ends where the current instruction begins. */
  check: Check | undefined;
  mayThrow = false;
  #most = 0;
  /** The most that is owed where the function is left or may be long in another; what only leads to a trap ends the turn. */
  #handedOn = 0;
  #runsLong = false;

  constructor(context: BodyContext, reader: EmissionReader, flow: VerifiedFlow) {
    this.#context = context;
    this.#reader = reader;
    this.#flow = flow;
  }

  /** What a caller of the function pays, when all of it has been walked. */
  result(): Callee {
    if (!this.#context.isUnchecked) return CHECKED_FUNCTION;
    if (this.#most > policy.UNCHECKED_WORK_MAX) this.#refuse("is too dear to go without checks");
    return { work: this.#handedOn, isUnchecked: true, runsLong: this.#runsLong, mayThrow: this.mayThrow };
  }

  loads(isFirst: boolean): void {
    const { state } = this.#flow;
    if (state.dirty) this.#refuse("loads stale fuel");
    state.loaded = true;
    if (!isFirst) return;
    // Around all that the guest wrote stands a block to whose end its returns go, behind which the fuel is stored.
    this.#reader.next();
    if (this.#reader.key !== OP.block) this.#refuse("loads the fuel and opens no block");
    this.#flow.open("block");
  }

  stores(): void {
    const { state } = this.#flow;
    if (this.#flow.isReached && !state.loaded) this.#refuse("stores stale fuel");
    state.dirty = false;
  }

  pays(check: Check | undefined): void {
    if (check === undefined) this.#refuse("names the fuel");
    const { units } = check;
    if (units < 1 || units > policy.CHECK_UNITS_MAX) this.#refuse(`has a check of ${units} units`);
    this.check = check;
    const { state } = this.#flow;
    if (!this.#flow.isReached) return;
    if (this.#reader.isCached) {
      if (!state.loaded) this.#refuse("checks stale fuel");
      state.dirty = true;
    }
    state.owed -= units * policy.WORK_PER_UNIT;
    state.stretch = 0;
    state.checked = true;
  }

  spend(work: number): void {
    const { state } = this.#flow;
    state.owed += work;
    state.stretch += work;
    if (state.owed > this.#most) this.#most = state.owed;
  }

  plain(key: number): void {
    const { second, index } = this.#reader;
    const kind = bulkOf(key);
    this.spend(costOf(key));
    if (kind !== BULK.none) this.#bulk(kind);
    else if (key === OP.arrayNewFixed) this.spend(second * policy.FIELD_WORK);
    else if (key === OP.structNew || key === OP.structNewDefault) {
      const type = this.#context.module.types[index];
      this.spend(type?.kind === "struct" ? type.fields * policy.FIELD_WORK : 0);
    }
  }

  #bulk(kind: number): void {
    const bytes = this.constant;
    if (kind === BULK.bytes && this.check?.length === undefined && bytes >= 0 && bytes <= policy.SHORT_BYTES_MAX) {
      this.spend(policy.BULK_WORK + (bytes / policy.BYTES_PER_UNIT) * COST_PER_UNIT);
      return;
    }
    const work = kind === BULK.memoryGrow ? policy.GROW_WORK : policy.BULK_WORK;
    const wanted = policy.LENGTH_CHARGES.get(kind);
    const { units = 0, length } = this.check ?? {};
    if (units * COST_PER_UNIT < work || length?.shift !== wanted?.shift || length?.max !== wanted?.max) {
      this.#refuse("has an operation on many elements that no check before it pays for");
    }
    this.#flow.state.owed += work;
  }

  /** The function is left here, by something that costs `work` more than it pays. */
  exit(work: number): void {
    const flow = this.#flow;
    if (flow.state.dirty) this.#refuse("is left while the global has stale fuel");
    if (!this.#context.isUnchecked && flow.state.owed + work > policy.EXIT_WORK_MAX) this.#refuse("is left owing too much");
    this.spend(work);
    this.#handOn(0);
    flow.leave();
  }

  call(callee: Callee, returns: boolean): void {
    this.#beforeCall(callee);
    if (!returns) {
      this.exit(callee.work);
      return;
    }
    const workOfThrow = callee.isUnchecked ? callee.work : policy.EXIT_WORK_MAX;
    if (callee.runsLong || callee.mayThrow) this.#handOn(workOfThrow);
    if (callee.mayThrow) this.#flow.throw(workOfThrow);
    this.spend(callee.work);
    if (callee.runsLong) this.#flow.state.loaded = false;
  }

  #beforeCall({ work, isUnchecked, runsLong, mayThrow }: Callee): void {
    this.#runsLong ||= runsLong;
    this.mayThrow ||= mayThrow;
    const { owed, dirty, checked } = this.#flow.state;
    if (dirty && (runsLong || mayThrow)) this.#refuse("calls while the global has stale fuel");
    if (!this.#flow.isReached || this.#context.isUnchecked) return;
    if (runsLong && !checked) this.#refuse("calls what may run long before its first check");
    const owedAbove = owed + (isUnchecked ? work : 0);
    if (runsLong && owedAbove > policy.FRAME_WORK_MAX) this.#refuse("calls what may run long while it owes too much");
    if (this.#context.hasHandlers && mayThrow && owedAbove > policy.EXIT_WORK_MAX) {
      this.#refuse("calls what may throw while it owes too much");
    }
  }

  #handOn(work: number): void {
    this.#handedOn = Math.max(this.#handedOn, this.#flow.state.owed + work);
  }

  #refuse(why: string): never {
    return this.#context.refuse(why);
  }
}
