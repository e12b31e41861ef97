// What of a module changes while it runs, beside its memory: which globals, whether its tables, which segments. It reads, and decides only what is too much.

import { InstructionReader, readConstantExpression } from "../wasm/instruction-reader.ts";
import { OP } from "../wasm/instructions.ts";
import { SECTION, type WasmModule } from "../wasm/module.ts";
import { Reader } from "../wasm/reader.ts";
import { readValueType } from "../wasm/value-type.ts";

/** Numbers of globals that can be read and written one by one. A module beyond these bounds is not kept: reading it would take longer than making it anew. */
const MAX_NUMBERS = 4_096;
const MAX_REFERENCES = 256;
const MAX_FUNCTIONS = 16_384;
const MAX_SEGMENTS = 256;

const NUMERIC: ReadonlySet<string> = new Set(["i32", "i64", "f32", "f64", "v128"]);
const TABLE_CHANGES: ReadonlySet<number> = new Set([OP.tableSet, OP.tableInit, OP.tableCopy, OP.tableGrow, OP.tableFill]);

/** A segment that code drops and may look at afterwards. */
export interface DroppableSegment {
  readonly index: number;
  readonly length: number;
  /** Of a table that it can be compared with; 0 for data. */
  readonly table: number;
}

export interface StateFacts {
  /** The mutable globals that hold numbers, by index. */
  readonly numbers: readonly number[];
  /** The mutable globals that hold references. */
  readonly references: readonly number[];
  /** The tables that can change: all or none. */
  readonly tables: readonly number[];
  /** Functions that a table or global can come to hold; none if nothing can change that holds them. */
  readonly functions: readonly number[];
  readonly data: readonly DroppableSegment[];
  readonly elements: readonly DroppableSegment[];
}

/** What keeps the state of a module from being read, as the end of a sentence that begins with "it"; or what there is to read. */
export function stateFactsOf(module: WasmModule): StateFacts | string {
  const shared = module.imports.find(({ kind }) => kind === "memory" || kind === "table");
  if (shared !== undefined) return `imports a ${shared.kind}`;
  const imported = module.imports.filter(({ kind }) => kind === "global").length;
  if (module.globalTypes.slice(0, imported).some(({ isMutable }) => isMutable)) return "imports a global that changes";
  if (module.features.has("gc")) return "makes garbage-collected objects";
  const code = readCode(module);
  const mutable = module.globalTypes.flatMap(({ isMutable }, index) => (isMutable ? [index] : []));
  const isNumeric = (index: number): boolean => NUMERIC.has(module.globalTypes[index]?.type ?? "");
  const numbers = mutable.filter(isNumeric);
  const references = mutable.filter((index) => !isNumeric(index));
  const tables = code.changesTables ? module.tables.map((_, index) => index) : [];
  const holdsFunctions = references.length > 0 || tables.length > 0;
  const functions = holdsFunctions ? [...new Set([...module.referenced, ...code.functions])].sort((a, b) => a - b) : [];
  const data = droppable(dataLengths(module), code.data);
  const elements = droppable(elementLengths(module), code.elements);
  if (numbers.length > MAX_NUMBERS) return `has ${numbers.length} globals that change, and ${MAX_NUMBERS} can be kept`;
  if (references.length > MAX_REFERENCES)
    return `has ${references.length} globals of references that change, and ${MAX_REFERENCES} can be kept`;
  if (functions.length > MAX_FUNCTIONS)
    return `has ${functions.length} functions that its tables can hold, and ${MAX_FUNCTIONS} can be told apart`;
  const segments = data.length + elements.length;
  if (segments > MAX_SEGMENTS) return `drops ${segments} segments that it reads, and ${MAX_SEGMENTS} can be watched`;
  return { numbers, references, tables, functions, data, elements };
}

/** By segment: a table with which it is used, and whether it is dropped. */
interface SegmentUse {
  readonly read: Map<number, number>;
  readonly dropped: Set<number>;
}

interface CodeFacts {
  readonly changesTables: boolean;
  readonly functions: ReadonlySet<number>;
  readonly data: SegmentUse;
  readonly elements: SegmentUse;
}

function readCode(module: WasmModule): CodeFacts {
  const functions = new Set<number>();
  const data: SegmentUse = { read: new Map(), dropped: new Set() };
  const elements: SegmentUse = { read: new Map(), dropped: new Set() };
  let changesTables = false;
  for (const { codeAt, end } of module.bodies) {
    const reader = new InstructionReader(module.bytes, codeAt, end);
    while (reader.offset < end) {
      const key = reader.next();
      if (TABLE_CHANGES.has(key)) changesTables = true;
      if (key === OP.refFunc) functions.add(reader.index);
      else if (key === OP.memoryInit) data.read.set(reader.index, 0);
      else if (key === OP.dataDrop) data.dropped.add(reader.index);
      else if (key === OP.tableInit) elements.read.set(reader.index, reader.second);
      else if (key === OP.elemDrop) elements.dropped.add(reader.index);
    }
  }
  return { changesTables, functions, data, elements };
}

/** What is both dropped and read; an active segment is dropped before any code runs. */
function droppable(passive: ReadonlyMap<number, number>, { read, dropped }: SegmentUse): DroppableSegment[] {
  return [...dropped].flatMap((index) => {
    const length = passive.get(index) ?? 0;
    const table = read.get(index);
    return length === 0 || table === undefined ? [] : [{ index, length, table }];
  });
}

function dataLengths({ sections }: WasmModule): Map<number, number> {
  const PASSIVE = 1;
  const WITH_MEMORY = 2;
  const reader = new Reader(sections.get(SECTION.data) ?? Uint8Array.of(0));
  const lengths = new Map<number, number>();
  const count = reader.u32();
  for (let index = 0; index < count; index++) {
    const flags = reader.u32();
    if (flags === WITH_MEMORY) reader.u32();
    if (flags !== PASSIVE) readConstantExpression(reader, () => {});
    const length = reader.count();
    reader.skip(length);
    if (flags === PASSIVE) lengths.set(index, length);
  }
  return lengths;
}

function elementLengths({ sections }: WasmModule): Map<number, number> {
  const reader = new Reader(sections.get(SECTION.element) ?? Uint8Array.of(0));
  const lengths = new Map<number, number>();
  const count = reader.u32();
  for (let index = 0; index < count; index++) {
    const flags = reader.u32();
    const isActive = (flags & 1) === 0;
    const isExplicit = (flags & 2) !== 0;
    const hasExpressions = (flags & 4) !== 0;
    if (isActive && isExplicit) reader.u32();
    if (isActive) readConstantExpression(reader, () => {});
    if (!isActive || isExplicit) {
      if (hasExpressions) readValueType(reader);
      else reader.byte();
    }
    const length = reader.count();
    for (let left = length; left > 0; left--) {
      if (hasExpressions) readConstantExpression(reader, () => {});
      else reader.u32();
    }
    if (!isActive && !isExplicit) lengths.set(index, length);
  }
  return lengths;
}
