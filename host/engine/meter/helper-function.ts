// The function that every check calls when the fuel is negative: it asks the host for more and traps if there is none.
// A trap cannot be caught by the guest, unlike an exception that the host would throw.

import { OP } from "../wasm/instructions.ts";
import { Writer } from "../wasm/writer.ts";
import type { AddedIndices } from "./fuel-code.ts";

const EMPTY_BLOCK = 0x40;
const CATCH_ALL_CLAUSE = 0x02;

/**
 * The body of `(fuel: i32) -> i32`. What the refuel function throws (a SuspendError above all) becomes a trap too. The
 * encoding of that handler follows the guest's, as V8 refuses a module that mixes the two; without a guest's choice it is the
 * legacy one, because Node 24 (V8 13.6) does not run the other.
 */
export function helperBody(added: AddedIndices, exceptions: "legacy" | "try-table"): Uint8Array {
  const out = new Writer();
  out.byte(0);
  out.byte(OP.localGet);
  out.u32(0);
  out.byte(OP.globalSet);
  out.u32(added.fuelGlobal);
  if (exceptions === "legacy") {
    out.bytes([OP.try, EMPTY_BLOCK]);
    callRefuel(out, added);
    out.bytes([OP.catchAll, OP.unreachable, OP.end]);
  } else {
    // block { try_table (catch_all 0) { refuel; br 1 } } unreachable, in a block that the good path leaves.
    out.bytes([OP.block, EMPTY_BLOCK, OP.block, EMPTY_BLOCK]);
    out.bytes([OP.tryTable, EMPTY_BLOCK, 1, CATCH_ALL_CLAUSE, 0]);
    callRefuel(out, added);
    out.bytes([OP.br, 2, OP.end, OP.end, OP.unreachable, OP.end]);
  }
  out.byte(OP.globalGet);
  out.u32(added.fuelGlobal);
  out.bytes([OP.localTee, 0, OP.i32Const, 0, OP.i32LtS]);
  out.bytes([OP.if, EMPTY_BLOCK, OP.unreachable, OP.end, OP.localGet, 0, OP.end]);
  return out.view();
}

function callRefuel(out: Writer, added: AddedIndices): void {
  out.byte(OP.globalGet);
  out.u32(added.refuelGlobal);
  out.byte(OP.callRef);
  out.u32(added.plainType);
}
