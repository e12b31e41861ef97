// What one instruction costs, where its opcode alone does not say it. Both passes of the meter must agree on it.

import type { InstructionReader } from "../wasm/instruction-reader.ts";
import { costOf, OP } from "../wasm/instructions.ts";
import type { TypeDefinition } from "../wasm/type-section.ts";

const COST_PER_FIELD = 8;

/** In eighths of a unit; callees and the length of bulk operations are not included. */
export function instructionCost(reader: InstructionReader, types: readonly TypeDefinition[]): number {
  const { key } = reader;
  const cost = costOf(key);
  if (key < OP.structNew || key > OP.arrayNewFixed) return cost;
  if (key === OP.arrayNewFixed) return cost + reader.second * COST_PER_FIELD;
  const type = types[reader.index];
  const isMade = key === OP.structNew || key === OP.structNewDefault;
  return isMade && type?.kind === "struct" ? cost + type.fields * COST_PER_FIELD : cost;
}
