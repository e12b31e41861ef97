// Makes a module export what of its own things changes while it runs, under reserved names, so that the host can read its state between two turns and write it into a
// new instance. It is done to the source, before the meter: what is added is metered and verified like a guest's own code, which it could be.

import { STATE_PREFIX } from "../meter/added-exports.ts";
import { OP } from "../wasm/instructions.ts";
import { EXTERNAL_KINDS, type ExternalKind, SECTION, SECTION_ORDER, type WasmModule } from "../wasm/module.ts";
import { extended, HEADER_BYTES, leb, sleb, writeSection } from "../wasm/sections.ts";
import { Writer } from "../wasm/writer.ts";
import type { DroppableSegment, StateFacts } from "./state-facts.ts";

/** The names behind STATE_PREFIX; each is followed by an underscore and a number. */
export const EXPOSED = {
  /** Functions without parameters that answer the bits of up to NUMBERS_PER_GROUP globals, and their opposite. There is always a group 0. */
  get: "get",
  set: "set",
  /** By index in the module. */
  global: "global",
  table: "table",
  function: "function",
  /** Functions that trap if the segment was dropped, and functions that drop it. */
  data: "data",
  dropData: "dropdata",
  elements: "elements",
  dropElements: "dropelements",
} as const;

/** Few enough for a function to go without a check of its fuel. A vector counts twice. */
const NUMBERS_PER_GROUP = 64;

const FUNCTION_TYPE = 0x60;
const I64 = 0x7e;
const PREFIX_BULK = 0xfc;
const PREFIX_VECTOR = 0xfd;

const I64_EXTEND_I32_U = 0xad;
const I32_WRAP_I64 = 0xa7;
const REINTERPRET = { i32OfF32: 0xbc, i64OfF64: 0xbd, f32OfI32: 0xbe, f64OfI64: 0xbf } as const;
const VECTOR = { splat: 0x12, extractLane: 0x1d, replaceLane: 0x1e } as const;

interface AddedFunction {
  readonly name: string;
  readonly params: number;
  readonly results: number;
  readonly code: readonly number[];
}

/** The same module with these exports more. It has to be valid, and to export nothing with the reserved prefix. */
export function exposeState(module: WasmModule, facts: StateFacts): Uint8Array<ArrayBuffer> {
  const functions = [...numberFunctions(module, facts.numbers), ...segmentFunctions(facts)];
  const types = typesOf(functions, module.types.length);
  const contents = new Map(module.sections);
  contents.set(SECTION.type, extended(module, SECTION.type, types.count, types.content));
  contents.set(SECTION.function, extended(module, SECTION.function, functions.length, types.indices));
  contents.set(SECTION.export, exportsOf(module, facts, functions));
  contents.set(SECTION.code, extended(module, SECTION.code, functions.length, bodiesOf(functions)));
  const out = new Writer(module.bytes.length + 1_024);
  out.copy(module.bytes, 0, HEADER_BYTES);
  for (const id of SECTION_ORDER) {
    const content = contents.get(id);
    if (content !== undefined) writeSection(out, id, content);
  }
  if (module.nameSection !== undefined) out.bytes(module.nameSection);
  return out.view().slice();
}

function numberFunctions(module: WasmModule, numbers: readonly number[]): AddedFunction[] {
  const typeOf = (index: number): string => module.globalTypes[index]?.type ?? "";
  const widthOf = (group: readonly number[]): number => group.reduce((sum, index) => sum + (typeOf(index) === "v128" ? 2 : 1), 0);
  return inGroups(numbers).flatMap((group, at) => {
    const width = widthOf(group);
    let local = 0;
    const stores = group.flatMap((index) => {
      const first = local;
      local += typeOf(index) === "v128" ? 2 : 1;
      return storeOf(typeOf(index), index, first);
    });
    return [
      { name: `${EXPOSED.get}_${at}`, params: 0, results: width, code: group.flatMap((index) => loadOf(typeOf(index), index)) },
      { name: `${EXPOSED.set}_${at}`, params: width, results: 0, code: stores },
    ];
  });
}

function inGroups(numbers: readonly number[]): (readonly number[])[] {
  const groups: (readonly number[])[] = [numbers.slice(0, NUMBERS_PER_GROUP)];
  for (let at = NUMBERS_PER_GROUP; at < numbers.length; at += NUMBERS_PER_GROUP) groups.push(numbers.slice(at, at + NUMBERS_PER_GROUP));
  return groups;
}

function loadOf(type: string, index: number): number[] {
  const get = [OP.globalGet, ...leb(index)];
  switch (type) {
    case "i64":
      return get;
    case "f32":
      return [...get, REINTERPRET.i32OfF32, I64_EXTEND_I32_U];
    case "f64":
      return [...get, REINTERPRET.i64OfF64];
    case "v128":
      return [...get, PREFIX_VECTOR, VECTOR.extractLane, 0, ...get, PREFIX_VECTOR, VECTOR.extractLane, 1];
    default:
      return [...get, I64_EXTEND_I32_U];
  }
}

function storeOf(type: string, index: number, local: number): number[] {
  const set = [OP.globalSet, ...leb(index)];
  const value = [OP.localGet, ...leb(local)];
  switch (type) {
    case "i64":
      return [...value, ...set];
    case "f32":
      return [...value, I32_WRAP_I64, REINTERPRET.f32OfI32, ...set];
    case "f64":
      return [...value, REINTERPRET.f64OfI64, ...set];
    case "v128":
      return [...value, PREFIX_VECTOR, VECTOR.splat, OP.localGet, ...leb(local + 1), PREFIX_VECTOR, VECTOR.replaceLane, 1, ...set];
    default:
      return [...value, I32_WRAP_I64, ...set];
  }
}

function segmentFunctions({ data, elements }: StateFacts): AddedFunction[] {
  const drop = (name: string, key: number, index: number): AddedFunction => ({
    name: `${name}_${index}`,
    params: 0,
    results: 0,
    code: [PREFIX_BULK, key & 0xff, ...leb(index)],
  });
  // Nothing is copied, from behind the last byte: that is out of bounds only if there are none any more.
  const probe = (name: string, key: number, { index, length, table }: DroppableSegment): AddedFunction => ({
    name: `${name}_${index}`,
    params: 0,
    results: 0,
    code: [OP.i32Const, 0, OP.i32Const, ...sleb(length), OP.i32Const, 0, PREFIX_BULK, key & 0xff, ...leb(index), ...leb(table)],
  });
  return [
    ...data.flatMap((one) => [probe(EXPOSED.data, OP.memoryInit, one), drop(EXPOSED.dropData, OP.dataDrop, one.index)]),
    ...elements.flatMap((one) => [probe(EXPOSED.elements, OP.tableInit, one), drop(EXPOSED.dropElements, OP.elemDrop, one.index)]),
  ];
}

function typesOf(functions: readonly AddedFunction[], first: number): { count: number; content: Uint8Array; indices: Uint8Array } {
  const known = new Map<string, number>();
  const content = new Writer();
  const indices = new Writer();
  for (const { params, results } of functions) {
    const key = `${params} ${results}`;
    const index = known.get(key) ?? first + known.size;
    if (!known.has(key)) {
      known.set(key, index);
      content.byte(FUNCTION_TYPE);
      for (const count of [params, results]) {
        content.u32(count);
        content.bytes(new Array<number>(count).fill(I64));
      }
    }
    indices.u32(index);
  }
  return { count: known.size, content: content.view(), indices: indices.view() };
}

function bodiesOf(functions: readonly AddedFunction[]): Uint8Array {
  const out = new Writer();
  for (const { code } of functions) out.sized(Uint8Array.of(0, ...code, OP.end));
  return out.view();
}

function exportsOf(module: WasmModule, facts: StateFacts, functions: readonly AddedFunction[]): Uint8Array {
  const out = new Writer();
  let count = 0;
  const write = (name: string, kind: ExternalKind, index: number): void => {
    out.name(STATE_PREFIX + name);
    out.byte(EXTERNAL_KINDS.indexOf(kind));
    out.u32(index);
    count++;
  };
  functions.forEach(({ name }, position) => {
    write(name, "function", module.functionTypes.length + position);
  });
  for (const index of facts.references) write(`${EXPOSED.global}_${index}`, "global", index);
  for (const index of facts.tables) write(`${EXPOSED.table}_${index}`, "table", index);
  for (const index of facts.functions) write(`${EXPOSED.function}_${index}`, "function", index);
  return extended(module, SECTION.export, count, out.view());
}
