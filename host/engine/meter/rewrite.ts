// Builds the admitted module: metered code, what the meter appends, patched maxima, no start section, no custom sections
// but names. Everything is appended behind what the guest has, so that no index shifts. It refuses nothing (admission.ts).

import { OP } from "../wasm/instructions.ts";
import { EXTERNAL_KINDS, type ExternalKind, SECTION, SECTION_ORDER, type SizeLimits, type WasmModule } from "../wasm/module.ts";
import { extended, HEADER_BYTES, leb, sleb, writeSection } from "../wasm/sections.ts";
import { Writer } from "../wasm/writer.ts";
import { FUEL_EXPORT, MEMORY_EXPORT, REFUEL_EXPORT, START_EXPORT } from "./added-exports.ts";
import { analyse } from "./analysis.ts";
import { buildCode } from "./code-section.ts";
import type { AddedIndices } from "./fuel-code.ts";
import { TABLE_ELEMENTS_COST } from "./tuning.ts";

export interface RewriteOptions {
  readonly maxMemoryPages: number;
  /** What each table can grow to. */
  readonly maxTableElements: number;
  /** How many elements each table can get beyond those that it begins with. */
  readonly maxTableGrowth: number;
  /** The encoding of exception handling that the guest uses; legacy if it uses none. */
  readonly exceptions: "legacy" | "try-table";
  /** Its exports are called by other guests. */
  readonly hasGuestCallers: boolean;
}

const FUNCTION_TYPE = 0x60;
const I32 = 0x7f;
const REF_NULL = 0x63;
const MUTABLE = 1;
const EMPTY_BLOCK = 0x40;
const HAS_MAXIMUM = 1;

/** Takes a module that has been validated and whose sizes are admitted, and answers the bytes to instantiate. */
export function rewrite(module: WasmModule, options: RewriteOptions): Uint8Array<ArrayBuffer> {
  const types = new AddedTypes(module);
  const plainType = types.add([0, 0]);
  const helperType = types.add([1, I32, 1, I32]);
  const fuelGlobal = module.globals;
  const helper = module.functionTypes.length;
  const added: AddedIndices = { fuelGlobal, refuelGlobal: fuelGlobal + 1, plainType, helper };
  const context = {
    module,
    facts: analyse(module, options.hasGuestCallers),
    added,
    blockType: (results: Uint8Array) => types.blockType(results),
  };
  const { code, hints } = buildCode(context, options.exceptions);

  const contents = new Map(module.sections);
  contents.delete(SECTION.start);
  contents.set(SECTION.type, extended(module, SECTION.type, types.count, types.content()));
  contents.set(SECTION.function, extended(module, SECTION.function, 1, leb(helperType)));
  contents.set(SECTION.table, tables(module, options));
  contents.set(SECTION.memory, memories(module, options.maxMemoryPages));
  contents.set(SECTION.global, extended(module, SECTION.global, 2, globals(added)));
  contents.set(SECTION.export, exportsOf(module, added));
  contents.set(SECTION.code, code);

  const out = new Writer(module.bytes.length + code.length);
  out.copy(module.bytes, 0, HEADER_BYTES);
  for (const id of SECTION_ORDER) {
    if (id === SECTION.code && hints !== undefined) writeSection(out, SECTION.custom, hints);
    const content = contents.get(id);
    if (content !== undefined && content.length > 0) writeSection(out, id, content);
  }
  if (module.nameSection !== undefined) out.bytes(module.nameSection);
  return out.view().slice();
}

/** The types behind the guest's, each a recursion group of its own, so that they equal the host's of the same shape. */
class AddedTypes {
  readonly #first: number;
  readonly #out = new Writer();
  readonly #blockTypes = new Map<string, Uint8Array>();
  count = 0;

  constructor(module: WasmModule) {
    this.#first = module.types.length;
  }

  /** `signature` is the parameters and the results, each as a counted vector of value types. */
  add(signature: Iterable<number>): number {
    this.#out.byte(FUNCTION_TYPE);
    this.#out.bytes([...signature]);
    return this.#first + this.count++;
  }

  blockType(results: Uint8Array): Uint8Array {
    if (results.length === 1) return Uint8Array.of(EMPTY_BLOCK);
    if (results[0] === 1) return results.subarray(1);
    const key = results.join();
    let type = this.#blockTypes.get(key);
    if (type === undefined) {
      type = sleb(this.add([0, ...results]));
      this.#blockTypes.set(key, type);
    }
    return type;
  }

  content(): Uint8Array {
    return this.#out.view();
  }
}

function globals({ plainType }: AddedIndices): Uint8Array {
  const out = new Writer();
  out.bytes([I32, MUTABLE, OP.i32Const, 0, OP.end]);
  out.byte(REF_NULL);
  out.s32(plainType);
  out.bytes([MUTABLE, OP.refNull]);
  out.s32(plainType);
  out.byte(OP.end);
  return out.view();
}

function exportsOf(module: WasmModule, added: AddedIndices): Uint8Array {
  const out = new Writer();
  let count = 0;
  const write = (name: string, kind: ExternalKind, index: number): void => {
    out.name(name);
    out.byte(EXTERNAL_KINDS.indexOf(kind));
    out.u32(index);
    count++;
  };
  write(FUEL_EXPORT, "global", added.fuelGlobal);
  write(REFUEL_EXPORT, "global", added.refuelGlobal);
  if (module.memories.length > 0) write(MEMORY_EXPORT, "memory", 0);
  if (module.start !== undefined) write(START_EXPORT, "function", module.start);
  return extended(module, SECTION.export, count, out.view());
}

function tables(module: WasmModule, { maxTableElements, maxTableGrowth }: RewriteOptions): Uint8Array {
  // Beyond that length the meter would charge less than it should.
  const maxElements = Math.min(maxTableElements, TABLE_ELEMENTS_COST.max ?? maxTableElements);
  const out = new Writer();
  out.u32(module.tables.length);
  for (const { head, limits, tail } of module.tables) {
    out.bytes(head);
    writeLimits(out, limits, Math.min(maxElements, limits.minimum + maxTableGrowth));
    out.bytes(tail);
  }
  return module.tables.length === 0 ? new Uint8Array() : out.view();
}

function memories(module: WasmModule, maxPages: number): Uint8Array {
  const out = new Writer();
  out.u32(module.memories.length);
  for (const limits of module.memories) writeLimits(out, limits, maxPages);
  return module.memories.length === 0 ? new Uint8Array() : out.view();
}

function writeLimits(out: Writer, limits: SizeLimits, max: number): void {
  out.byte(HAS_MAXIMUM);
  out.u32(limits.minimum);
  out.u32(Math.min(limits.maximum ?? max, max));
}
