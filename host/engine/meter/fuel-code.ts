// Writes the pieces of code that spend fuel into a function body. It does not decide where they belong (injection.ts).

import { OP } from "../wasm/instructions.ts";
import type { Writer } from "../wasm/writer.ts";
import type { LengthCost } from "./tuning.ts";

/** Indices of what is appended to the module. */
export interface AddedIndices {
  readonly fuelGlobal: number;
  readonly refuelGlobal: number;
  /** The type of functions without parameters and results. */
  readonly plainType: number;
  /** The helper function `(fuel: i32) -> i32`, see helper-function.ts. */
  readonly helper: number;
}

const EMPTY_BLOCK = 0x40;

/** Asks the host for fuel although some is left. */
export function askHost(out: Writer, { fuelGlobal, helper }: AddedIndices): void {
  out.byte(OP.globalGet);
  out.u32(fuelGlobal);
  out.byte(OP.call);
  out.u32(helper);
  out.byte(OP.drop);
}

/**
 * A check is `fuel -= units; if (fuel < 0) fuel = helper(fuel)`. When `isCached` the fuel lives in the local `fuelLocal`
 * and the global is stale between load and store; otherwise the local only saves reading the global again.
 */
export class FuelCode {
  readonly #out: Writer;
  readonly #added: AddedIndices;
  readonly #fuelLocal: number;
  readonly #lengthLocal: number;
  readonly isCached: boolean;
  /** Offsets in the body of branches that are hardly ever taken. */
  readonly unlikely: number[] = [];

  constructor(out: Writer, added: AddedIndices, locals: { fuelLocal: number; lengthLocal: number; isCached: boolean }) {
    this.#out = out;
    this.#added = added;
    this.#fuelLocal = locals.fuelLocal;
    this.#lengthLocal = locals.lengthLocal;
    this.isCached = locals.isCached;
  }

  load(): void {
    this.#indexed(OP.globalGet, this.#added.fuelGlobal);
    this.#indexed(OP.localSet, this.#fuelLocal);
  }

  store(): void {
    this.#indexed(OP.localGet, this.#fuelLocal);
    this.#indexed(OP.globalSet, this.#added.fuelGlobal);
  }

  askHost(): void {
    askHost(this.#out, this.#added);
  }

  check(units: number): void {
    this.#fuel();
    this.#constant(units);
    this.#spend();
    this.#refuelIfNegative();
  }

  /** Spends `units` and what the length on top of the stack costs; leaves the length there. */
  checkBulk(units: number, cost: LengthCost): void {
    this.#indexed(OP.localSet, this.#lengthLocal);
    this.#fuel();
    this.#indexed(OP.localGet, this.#lengthLocal);
    if (cost.max !== undefined) this.#smaller(cost.max);
    this.#constant(Math.abs(cost.shift));
    this.#out.byte(cost.shift < 0 ? OP.i32ShrU : OP.i32Shl);
    this.#constant(units);
    this.#out.byte(OP.i32Add);
    this.#spend();
    this.#refuelIfNegative();
    this.#indexed(OP.localGet, this.#lengthLocal);
  }

  /** Spends `units` and branches to `label` when the fuel is negative. */
  checkOrBranch(units: number, label: number): void {
    this.#fuel();
    this.#constant(units);
    this.#spend();
    this.unlikely.push(this.#out.length);
    this.#indexed(OP.brIf, label);
  }

  /** Refuels the cached fuel and takes `units` back that the check before will spend again; they may wrap in between. */
  refuelAndReturn(units: number): void {
    this.#indexed(OP.localGet, this.#fuelLocal);
    this.#indexed(OP.call, this.#added.helper);
    this.#constant(units);
    this.#out.byte(OP.i32Add);
    this.#indexed(OP.localSet, this.#fuelLocal);
  }

  /** Makes of the length on the stack the smaller of it and `max`. */
  #smaller(max: number): void {
    this.#constant(max);
    this.#indexed(OP.localGet, this.#lengthLocal);
    this.#constant(max);
    this.#out.byte(OP.i32LtU);
    this.#out.byte(OP.select);
  }

  #fuel(): void {
    if (this.isCached) this.#indexed(OP.localGet, this.#fuelLocal);
    else this.#indexed(OP.globalGet, this.#added.fuelGlobal);
  }

  #spend(): void {
    this.#out.byte(OP.i32Sub);
    this.#indexed(OP.localTee, this.#fuelLocal);
    if (!this.isCached) {
      this.#indexed(OP.globalSet, this.#added.fuelGlobal);
      this.#indexed(OP.localGet, this.#fuelLocal);
    }
    this.#constant(0);
    this.#out.byte(OP.i32LtS);
  }

  #refuelIfNegative(): void {
    this.unlikely.push(this.#out.length);
    this.#out.byte(OP.if);
    this.#out.byte(EMPTY_BLOCK);
    this.#indexed(OP.localGet, this.#fuelLocal);
    this.#indexed(OP.call, this.#added.helper);
    this.#indexed(OP.localSet, this.#fuelLocal);
    this.#out.byte(OP.end);
  }

  #indexed(opcode: number, index: number): void {
    this.#out.byte(opcode);
    this.#out.u32(index);
  }

  #constant(value: number): void {
    this.#out.byte(OP.i32Const);
    this.#out.s32(value);
  }
}
