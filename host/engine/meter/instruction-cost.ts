// What one instruction costs, where its opcode alone does not say it. Both passes of the meter must agree on it.

import type { InstructionReader } from "../wasm/instruction-reader.ts";
import { BULK, bulkOf, COST_PER_UNIT, costOf, OP } from "../wasm/instructions.ts";
import type { TypeDefinition } from "../wasm/type-section.ts";
import { BULK_COST, BYTES_COST, SHORT_BYTES_MAX } from "./tuning.ts";

const COST_PER_FIELD = 8;

/** Whether the current instruction costs what a length says that is not known before. */
export function isBulk(reader: InstructionReader): boolean {
  return bulkOf(reader.key) !== BULK.none && !isShort(reader);
}

/** An operation on a few bytes, as compilers write for clearing a frame or moving a structure. */
function isShort({ key, constant }: InstructionReader): boolean {
  return bulkOf(key) === BULK.bytes && constant >= 0 && constant <= SHORT_BYTES_MAX;
}

/** In eighths of a unit; callees and what isBulk are not included. */
export function instructionCost(reader: InstructionReader, types: readonly TypeDefinition[]): number {
  const { key } = reader;
  const cost = costOf(key);
  if (isShort(reader)) return cost + (BULK_COST + 2 ** BYTES_COST.shift * reader.constant) * COST_PER_UNIT;
  if (key < OP.structNew || key > OP.arrayNewFixed) return cost;
  if (key === OP.arrayNewFixed) return cost + reader.second * COST_PER_FIELD;
  const type = types[reader.index];
  const isMade = key === OP.structNew || key === OP.structNewDefault;
  return isMade && type?.kind === "struct" ? cost + type.fields * COST_PER_FIELD : cost;
}
