// Reads the type section into one entry per type index. Recursion groups and subtyping are flattened, since only the
// shape of a type matters to counting stack heights and carrying block results.

import { malformed, type Reader } from "./reader.ts";
import { readStorageType, readValueType } from "./value-type.ts";

export interface FunctionType {
  readonly kind: "function";
  readonly params: readonly string[];
  readonly results: readonly string[];
  /** The results as they stand in the binary, count included, for block types made from them. */
  readonly resultBytes: Uint8Array;
}

interface StructType {
  readonly kind: "struct";
  readonly fields: number;
}

interface ArrayType {
  readonly kind: "array";
}

export type TypeDefinition = FunctionType | StructType | ArrayType;

const REC_GROUP = 0x4e;
const SUB_FINAL = 0x4f;
const SUB = 0x50;
const FUNCTION = 0x60;
const STRUCT = 0x5f;
const ARRAY = 0x5e;

export function readTypeSection(reader: Reader): TypeDefinition[] {
  const types: TypeDefinition[] = [];
  for (let left = reader.count(); left > 0; left--) {
    if (reader.peek() !== REC_GROUP) {
      types.push(readSubtype(reader));
      continue;
    }
    reader.offset++;
    for (let members = reader.count(); members > 0; members--) types.push(readSubtype(reader));
  }
  return types;
}

function readSubtype(reader: Reader): TypeDefinition {
  const form = reader.peek();
  if (form === SUB || form === SUB_FINAL) {
    reader.offset++;
    for (let supertypes = reader.count(); supertypes > 0; supertypes--) reader.u32();
  }
  const start = reader.offset;
  const code = reader.byte();
  if (code === FUNCTION) return readFunctionType(reader);
  if (code === STRUCT) {
    const fields = reader.count();
    for (let left = fields; left > 0; left--) readField(reader);
    return { kind: "struct", fields };
  }
  if (code === ARRAY) {
    readField(reader);
    return { kind: "array" };
  }
  throw malformed(`unknown type form 0x${code.toString(16)}`, start);
}

function readFunctionType(reader: Reader): FunctionType {
  const params = readValueTypes(reader);
  const from = reader.offset;
  const results = readValueTypes(reader);
  return { kind: "function", params, results, resultBytes: reader.bytes.subarray(from, reader.offset) };
}

function readValueTypes(reader: Reader): string[] {
  const types: string[] = [];
  for (let left = reader.count(); left > 0; left--) types.push(readValueType(reader));
  return types;
}

function readField(reader: Reader): void {
  readStorageType(reader);
  const mutability = reader.byte();
  if (mutability > 1) throw malformed(`unknown mutability ${mutability}`, reader.offset - 1);
}
