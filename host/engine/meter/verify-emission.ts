// Recognises in admitted code what only the meter writes, byte for byte. What looks nearly like it is not recognised, and then names
// what no guest may name, for which the walk (verify-body.ts) refuses it. It judges nothing else.

import { InstructionReader } from "../wasm/instruction-reader.ts";
import { OP } from "../wasm/instructions.ts";
import type { LengthCharge } from "./verify-policy.ts";

const EMPTY_BLOCK = 0x40;

/** Where what was appended stands. */
export interface Added {
  readonly fuelGlobal: number;
  readonly helper: number;
  /** The first of the types. */
  readonly plainType: number;
}

/** `units` are spent; with `length` also what the length on the stack costs, for the instruction that comes next. */
export interface Check {
  readonly units: number;
  readonly length?: LengthCharge;
}

export class EmissionReader extends InstructionReader {
  readonly #added: Added;
  /** The local that holds the fuel, -1 until something shows which it is. */
  fuelLocal = -1;
  /** The lowest local that the meter uses beside it. */
  lengthLocal: number = Number.POSITIVE_INFINITY;
  /** Whether the fuel lives in the local, which a function says by loading it first. */
  isCached = false;

  constructor(bytes: Uint8Array, from: number, end: number, added: Added) {
    super(bytes, from, end);
    this.#added = added;
  }

  /** The fuel is loaded from the global: `global.get` of it has been read. */
  isLoad(isFirst: boolean): boolean {
    const from = this.offset;
    if (!this.#opcode(OP.localSet)) return false;
    const local = this.u32();
    if (isFirst) {
      this.isCached = true;
      this.fuelLocal = local;
    }
    return (this.isCached && local === this.fuelLocal) || this.#back(from);
  }

  /** The host is asked for leave: `global.get` of the fuel has been read. */
  isQuestion(): boolean {
    const from = this.offset;
    return (this.#indexed(OP.call, this.#added.helper) && this.#opcode(OP.drop)) || this.#back(from);
  }

  /** The fuel is stored into the global: `local.get` of it has been read. */
  isStore(): boolean {
    const from = this.offset;
    return (this.isCached && this.#indexed(OP.globalSet, this.#added.fuelGlobal)) || this.#back(from);
  }

  /** A check; what pushes the fuel has been read. */
  check(): Check | undefined {
    const from = this.offset;
    const units = this.#constant();
    if (units !== undefined && this.#spends() && this.#refuels()) return { units };
    this.offset = from;
    return undefined;
  }

  /** A check that pays for a length too: the `local.set` of the length has been read. */
  lengthCheck(): Check | undefined {
    const from = this.offset;
    const length = this.index;
    const check = this.#isFuel() ? this.#lengthCheck(length) : undefined;
    if (check === undefined) this.offset = from;
    else this.lengthLocal = Math.min(this.lengthLocal, length);
    return check;
  }

  #lengthCheck(local: number): Check | undefined {
    if (local === this.fuelLocal || !this.#indexed(OP.localGet, local)) return undefined;
    let max = this.#constant();
    let shift = max;
    if (max !== undefined && this.#indexed(OP.localGet, local)) {
      if (this.#constant() !== max || !this.#opcode(OP.i32LtU) || !this.#opcode(OP.select)) return undefined;
      shift = this.#constant();
    } else max = undefined;
    const direction = this.byte();
    const units = this.#constant();
    if (shift === undefined || units === undefined || (direction !== OP.i32Shl && direction !== OP.i32ShrU)) return undefined;
    if (!this.#opcode(OP.i32Add) || !this.#spends() || !this.#refuels() || !this.#indexed(OP.localGet, local)) return undefined;
    return local === this.fuelLocal ? undefined : { units, length: { shift: direction === OP.i32Shl ? shift : -shift, max } };
  }

  /** The units of a loop that was split, whose outermost `block` has been read: `block loop block loop`, then a check that leaves the inner two. */
  splitUnits(): number | undefined {
    const from = this.offset;
    const opensLoops = this.isCached && this.#bytes(OP.loop, EMPTY_BLOCK, OP.block, EMPTY_BLOCK, OP.loop) && this.#repeatsBlockType();
    const units = opensLoops && this.#indexed(OP.localGet, this.fuelLocal) ? this.#constant() : undefined;
    if (units !== undefined && this.#spends() && this.#indexed(OP.brIf, 1)) return units;
    this.offset = from;
    return undefined;
  }

  /** The rest of such a loop, behind the `end` of what the guest wrote: out of all of it, or to the refuelling and round again. */
  endsSplit(units: number): boolean {
    return (
      this.#indexed(OP.br, 2) &&
      this.#opcode(OP.end) &&
      this.#indexed(OP.localGet, this.fuelLocal) &&
      this.#indexed(OP.call, this.#added.helper) &&
      this.#constant() === units &&
      this.#opcode(OP.i32Add) &&
      this.#indexed(OP.localSet, this.fuelLocal) &&
      this.#indexed(OP.br, 0) &&
      this.#bytes(OP.end, OP.unreachable, OP.end)
    );
  }

  #isFuel(): boolean {
    return this.isCached ? this.#indexed(OP.localGet, this.fuelLocal) : this.#indexed(OP.globalGet, this.#added.fuelGlobal);
  }

  /** What was on the stack is taken from the fuel, and the stack says whether that is negative. */
  #spends(): boolean {
    if (!this.#opcode(OP.i32Sub) || !this.#opcode(OP.localTee)) return false;
    const local = this.u32();
    if (this.fuelLocal < 0) this.fuelLocal = local;
    if (local !== this.fuelLocal) return false;
    if (!this.isCached && !(this.#indexed(OP.globalSet, this.#added.fuelGlobal) && this.#indexed(OP.localGet, local))) return false;
    return this.#constant() === 0 && this.#opcode(OP.i32LtS);
  }

  #refuels(): boolean {
    return (
      this.#bytes(OP.if, EMPTY_BLOCK) &&
      this.#indexed(OP.localGet, this.fuelLocal) &&
      this.#indexed(OP.call, this.#added.helper) &&
      this.#indexed(OP.localSet, this.fuelLocal) &&
      this.#opcode(OP.end)
    );
  }

  #repeatsBlockType(): boolean {
    for (let at = this.immediatesAt; at < this.blockTypeEnd; at++) if (this.byte() !== this.bytes[at]) return false;
    return true;
  }

  #constant(): number | undefined {
    return this.#opcode(OP.i32Const) ? this.s32() : undefined;
  }

  #indexed(opcode: number, index: number): boolean {
    return this.#opcode(opcode) && this.u32() === index;
  }

  #bytes(...expected: readonly number[]): boolean {
    return expected.every((byte) => this.#opcode(byte));
  }

  #opcode(expected: number): boolean {
    if (this.offset >= this.end || this.bytes[this.offset] !== expected) return false;
    this.offset++;
    return true;
  }

  #back(offset: number): false {
    this.offset = offset;
    return false;
  }
}
