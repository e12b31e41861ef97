// Reads value types and gives them the names of the text format, for reports and allow-lists. Whether a type fits where
// it stands is for V8's validation to decide.

import { malformed, type Reader } from "./reader.ts";

const NUMERIC: ReadonlyMap<number, string> = new Map([
  [0x7f, "i32"],
  [0x7e, "i64"],
  [0x7d, "f32"],
  [0x7c, "f64"],
  [0x7b, "v128"],
]);

const ABSTRACT: ReadonlyMap<number, string> = new Map([
  [0x74, "noexn"],
  [0x73, "nofunc"],
  [0x72, "noextern"],
  [0x71, "none"],
  [0x70, "func"],
  [0x6f, "extern"],
  [0x6e, "any"],
  [0x6d, "eq"],
  [0x6c, "i31"],
  [0x6b, "struct"],
  [0x6a, "array"],
  [0x69, "exn"],
]);

/** The short names of nullable references; the bottom types have names of their own. */
const SHORTHAND: ReadonlyMap<string, string> = new Map([
  ["none", "nullref"],
  ["nofunc", "nullfuncref"],
  ["noextern", "nullexternref"],
  ["noexn", "nullexnref"],
]);

const PACKED: ReadonlyMap<number, string> = new Map([
  [0x78, "i8"],
  [0x77, "i16"],
]);

const REF_NULL = 0x63;
const REF = 0x64;

function abstractType(reader: Reader, code: number): string | undefined {
  const name = ABSTRACT.get(code);
  if (name === "exn" || name === "noexn") reader.sawExceptionType = true;
  return name;
}

/** A type index as its number, an abstract heap type by name. */
export function readHeapType(reader: Reader): string {
  const first = reader.peek();
  if ((first & 0xc0) === 0x40) {
    const name = abstractType(reader, first);
    if (name === undefined) throw malformed(`unknown heap type 0x${first.toString(16)}`, reader.offset);
    reader.offset++;
    return name;
  }
  const start = reader.offset;
  const index = reader.s33();
  if (index < 0) throw malformed("unknown heap type", start);
  return String(index);
}

export function readValueType(reader: Reader): string {
  const start = reader.offset;
  const code = reader.byte();
  const numeric = NUMERIC.get(code);
  if (numeric !== undefined) return numeric;
  if (code === REF_NULL) return `(ref null ${readHeapType(reader)})`;
  if (code === REF) return `(ref ${readHeapType(reader)})`;
  const name = abstractType(reader, code);
  if (name === undefined) throw malformed(`unknown value type 0x${code.toString(16)}`, start);
  return SHORTHAND.get(name) ?? `${name}ref`;
}

/** What a local of this type takes in a frame. */
export const bytesOfLocal = (type: string): number => (type === "v128" ? 16 : type === "i32" || type === "f32" ? 4 : 8);

/** A value type or one of the packed types that only fields and array elements have. */
export function readStorageType(reader: Reader): string {
  const packed = PACKED.get(reader.peek());
  if (packed === undefined) return readValueType(reader);
  reader.offset++;
  return packed;
}

/** Says whether the byte begins a value type (or the empty block type 0x40) rather than a type index. */
export function beginsValueType(byte: number): boolean {
  return (byte & 0xc0) === 0x40;
}
