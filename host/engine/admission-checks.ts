// Compares a parsed module with the limits and the fixed rules of admission, and says every way in which it exceeds them.
// It neither validates nor rewrites.

import { type AdmissionLimits, remedyOf } from "./admission-limits.ts";
import { RESERVED_PREFIX } from "./meter/added-exports.ts";
import { functionTypeAt, type SizeLimits, STORED_EXCEPTIONS, type WasmModule } from "./wasm/module.ts";
import { StackScan } from "./wasm/stack-scan.ts";

/** Enough to understand what is wrong with a module, and not a flood to store. */
const REASONS_MAX = 50;
const REASON_LENGTH_MAX = 300;

export interface Findings {
  /** Every reason not to admit the module. */
  readonly reasons: string[];
  /** Of the function that takes most memory to compile. */
  readonly largestSlots: number;
}

/** Adds the features of its code to `module.features`. */
export function examine(module: WasmModule, limits: AdmissionLimits): Findings {
  const refusals = new Refusals(limits);
  checkCounts(module, refusals);
  checkMemory(module, refusals);
  checkTables(module, refusals);
  for (const { name } of module.exports) {
    if (name.startsWith(RESERVED_PREFIX)) refusals.add(`export ${name} uses the reserved prefix ${RESERVED_PREFIX}`);
  }
  const largestSlots = checkCode(module, refusals);
  if (module.features.has(STORED_EXCEPTIONS)) {
    refusals.add("a table or global keeps exceptions (exnref), which live outside of every memory limit");
  }
  if (module.features.has("exceptions") && module.features.has("legacy-exceptions")) {
    refusals.add("the module mixes legacy and current exception handling");
  }
  return { reasons: refusals.reasons, largestSlots };
}

class Refusals {
  readonly reasons: string[] = [];
  readonly #limits: AdmissionLimits;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  add(reason: string): void {
    if (this.reasons.length < REASONS_MAX) this.reasons.push(reason.slice(0, REASON_LENGTH_MAX));
  }

  /** Adds a reason and answers false if `value` is above the limit of that name. */
  check(limit: keyof AdmissionLimits, value: number, what: string): boolean {
    const max = this.#limits[limit];
    if (value <= max) return true;
    this.add(exceeded(limit, value, max, what));
    return false;
  }
}

/** The sentence for a size beyond its limit: with the key, and with what to do. */
export function exceeded(limit: keyof AdmissionLimits, value: number, max: number, what: string): string {
  const { key, remedy } = remedyOf(limit);
  return `${what} is ${value}; the limit is ${max} (${key})${remedy === undefined ? "" : `; ${remedy}`}`;
}

function checkCounts(module: WasmModule, refusals: Refusals): void {
  refusals.check("maxTypes", module.types.length, "the number of types");
  refusals.check("maxImports", module.imports.length, "the number of imports");
  refusals.check("maxExports", module.exports.length, "the number of exports");
  refusals.check("maxGlobals", module.globals, "the number of globals");
  refusals.check("maxTags", module.tags.length, "the number of exception tags");
  const tagParams = module.tags.map((index) => functionTypeAt(module, index)?.params.length ?? 0);
  refusals.check("maxTagParams", Math.max(0, ...tagParams), "the number of values of an exception");
  refusals.check("maxDataSegments", module.dataSegments, "the number of data segments");
  refusals.check("maxElementSegments", module.elementSegments, "the number of element segments");
  refusals.check("maxElementEntries", module.elementEntries, "the number of entries in element segments");
  refusals.check("maxConstantArrayElements", module.constantArrayElements, "the number of array elements in constant expressions");
  refusals.check("maxFunctions", module.bodies.length, "the number of functions");
}

function checkMemory(module: WasmModule, refusals: Refusals): void {
  const imported = module.imports.filter(({ kind }) => kind === "memory");
  const count = imported.length + module.memories.length;
  if (count > 1) refusals.add(`the module has ${count} memories (proposal multi-memory); one is allowed`);
  for (const { limits } of imported) if (limits !== undefined) checkWidth(limits, "the imported memory", refusals);
  for (const memory of module.memories) {
    checkWidth(memory, "the memory", refusals);
    refusals.check("maxMemoryPages", memory.minimum, "the memory's minimum in pages");
  }
}

function checkTables(module: WasmModule, refusals: Refusals): void {
  refusals.check("maxTables", module.tables.length, "the number of tables");
  let elements = 0;
  for (const { kind, limits } of module.imports)
    if (kind === "table" && limits !== undefined) checkWidth(limits, "an imported table", refusals);
  for (const { limits } of module.tables) {
    checkWidth(limits, "a table", refusals);
    elements += limits.minimum;
  }
  refusals.check("maxTableElements", elements, "the minimum of all tables");
}

function checkWidth(limits: SizeLimits, what: string, refusals: Refusals): void {
  if (limits.isShared) refusals.add(`${what} is shared (proposal threads), and a plugin has one thread; build without threads and atomics`);
  if (limits.is64Bit) refusals.add(`${what} is 64-bit (proposal memory64), which this host does not serve; build for wasm32`);
}

/** Answers the most slots that a function has. */
function checkCode(module: WasmModule, refusals: Refusals): number {
  const scan = new StackScan(module);
  let largestSlots = 0;
  module.bodies.forEach((body, position) => {
    const name = `of function ${module.importedFunctions + position}`;
    // What is too large is not scanned, so that its refusal costs nothing.
    if (!refusals.check("maxFunctionBytes", body.end - body.start, `the size ${name}`)) return;
    const measure = scan.measure(body);
    refusals.check("maxLocalBytes", measure.localBytes, `the size of the ${measure.locals} locals ${name}`);
    refusals.check("maxLoopsPerFunction", measure.loops, `the number of loops ${name}`);
    refusals.check("maxNesting", measure.nesting, `the nesting ${name}`);
    refusals.check("maxBlockParams", measure.blockParams, `the number of a block's parameters ${name}`);
    refusals.check("maxBlockResults", measure.blockResults, `the number of a block's results ${name}`);
    refusals.check("maxBranchTableValues", measure.branchTableValues, `the number of values in branch tables ${name}`);
    largestSlots = Math.max(largestSlots, measure.slots);
    refusals.check("maxSlots", measure.slots, `the sum of slots ${name}`);
  });
  for (const feature of scan.features()) module.features.add(feature);
  return largestSlots;
}
