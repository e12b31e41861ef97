// The first wall: decides whether a stranger's module may be instantiated, and makes of it what will be. Everything
// wrong with it is said at once. It never compiles the module, but validates it: call it where that may cost (a process
// that can be killed). It grants nothing; which imports exist is the caller's answer.

import { HostError } from "../core/errors.ts";
import { examine, exceeded, type Findings } from "./admission-checks.ts";
import type { AdmissionLimits } from "./admission-limits.ts";
import { rewrite } from "./meter/rewrite.ts";
import { verify } from "./meter/verify.ts";
import { exposeState } from "./state/expose.ts";
import { stateFactsOf } from "./state/state-facts.ts";
import { type ExternalKind, functionTypeAt, signatureOf, type WasmModule } from "./wasm/module.ts";
import { parseModule } from "./wasm/parse-module.ts";

export { type AdmissionLimits, DEFAULT_ADMISSION_LIMITS } from "./admission-limits.ts";
export { FUEL_EXPORT, MEMORY_EXPORT, REFUEL_EXPORT, START_EXPORT } from "./meter/added-exports.ts";

/** What V8's first tier takes where all locals hold values: 390 MiB for 16 million slots (docs/decisions/0019). */
const COMPILE_BYTES_PER_SLOT = 25;

/** kV8MaxWasmFunctionSize of V8. */
const V8_MAX_FUNCTION_BYTES = 7_654_321;

const UNBOUNDED = { maxModuleBytes: Number.POSITIVE_INFINITY, maxNameBytes: Number.POSITIVE_INFINITY };

export interface ImportName {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternalKind;
  /** Value types by their names in the text format; empty for what is not a function. */
  readonly params: readonly string[];
  readonly results: readonly string[];
}

interface ExportName {
  readonly name: string;
  readonly kind: ExternalKind;
  /** Only for functions. */
  readonly params?: readonly string[];
  readonly results?: readonly string[];
}

export interface AdmissionReport {
  readonly imports: readonly ImportName[];
  /** The guest's own, without what admission adds. */
  readonly exports: readonly ExportName[];
  /** As admitted: the maximum is the smaller of the declared and the limit. */
  readonly memory: { readonly minPages: number; readonly maxPages: number } | undefined;
  readonly tables: readonly { readonly minimum: number; readonly maximum: number | undefined }[];
  readonly globals: number;
  readonly dataSegments: number;
  readonly functions: number;
  readonly largestFunctionBytes: number;
  /** What V8 may take for a moment to compile one of its functions. */
  readonly compileBytes: number;
  /** Proposals that the module uses, sorted, such as "simd" and "gc". */
  readonly features: readonly string[];
  readonly hasStart: boolean;
  /** Why its state cannot be kept, where that was asked for, and of every component; the end of a sentence that begins with "it". */
  readonly cannotKeep?: string | undefined;
  readonly sourceBytes: number;
  readonly admittedBytes: number;
}

export interface Admitted {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly report: AdmissionReport;
}

export interface AdmissionOptions {
  readonly limits: AdmissionLimits;
  /** Whether the module may import this: true, or the reason why not. */
  readonly isAllowedImport: (entry: ImportName) => true | string;
  /** Its exports are called by other guests, where a call is charged as one through a table is. */
  readonly hasGuestCallers?: boolean;
  /** How many elements each of its tables can get beyond its minimum, where that is less than maxTableElements allows. */
  readonly maxTableGrowth?: number;
  /** Whether the host is to read and write its state between turns (state/). What cannot be so read is admitted all the same. */
  readonly keepsState?: boolean;
}

/**
 * Answers the module to instantiate and what it is. Throws HostError `admission-refused`, whose `detail` lists every
 * reason found, one a line, and `internal` if the rewritten module is not valid or not proven to pay, which would be a bug of the meter.
 */
export function admit(source: Uint8Array, options: AdmissionOptions): Admitted {
  // A copy, since the caller's bytes may be shared memory that changes between the check and the use.
  const bytes = new Uint8Array(source);
  const module = parseModule(bytes, options.limits);
  const imports = importsOf(module);
  const findings = examine(module, options.limits);
  const { reasons } = findings;
  for (const entry of imports) {
    const reason = refusalOf(entry, options);
    if (reason !== undefined) reasons.push(reason);
  }
  if (reasons.length > 0) throw refused(reasons);
  if (!WebAssembly.validate(bytes)) throw refused(["WebAssembly.validate: the module is not valid"]);
  const { maxMemoryPages, maxTableElements } = options.limits;
  const maxTableGrowth = options.maxTableGrowth ?? maxTableElements;
  const settings = { maxMemoryPages, maxTableElements, maxTableGrowth, hasGuestCallers: options.hasGuestCallers === true };
  const facts = options.keepsState === true ? stateFactsOf(module) : undefined;
  const exposed = typeof facts === "object" ? parseModule(exposeState(module, facts), UNBOUNDED) : module;
  const admitted = rewrite(exposed, { ...settings, exceptions: module.features.has("exceptions") ? "try-table" : "legacy" });
  if (!WebAssembly.validate(admitted)) {
    const outgrown = findOutgrown(admitted, module.importedFunctions);
    if (outgrown !== undefined) throw refused([outgrown]);
    throw new HostError("internal", "metering made an invalid module of a valid one");
  }
  verify(admitted, settings);
  const report = reportOf(module, imports, findings, admitted.length, options.limits);
  return { bytes: admitted, report: typeof facts === "string" ? { ...report, cannotKeep: facts } : report };
}

/** A function that the meter made larger than V8 takes. */
function findOutgrown(admitted: Uint8Array, importedFunctions: number): string | undefined {
  const { bodies } = parseModule(admitted, UNBOUNDED);
  const position = bodies.findIndex(({ start, end }) => end - start > V8_MAX_FUNCTION_BYTES);
  const body = bodies[position];
  if (body === undefined) return undefined;
  return exceeded(
    "maxFunctionBytes",
    body.end - body.start,
    V8_MAX_FUNCTION_BYTES,
    `the size of function ${importedFunctions + position} with its meter`,
  );
}

/**
 * What a module is, admitted or not; `admittedBytes` is 0. Reads it with our own parser and compiles nothing. Throws HostError
 * `admission-refused` when it cannot be read at all.
 */
export function inspect(source: Uint8Array, limits: AdmissionLimits): AdmissionReport {
  const module = parseModule(new Uint8Array(source), limits);
  // Reading the code finds the features that it uses.
  const findings = examine(module, limits);
  return reportOf(module, importsOf(module), findings, 0, limits);
}

function refused(reasons: readonly string[]): HostError {
  const [first, ...others] = reasons;
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  return new HostError("admission-refused", `the module is refused: ${first}${more}`, { detail: reasons.join("\n") });
}

function refusalOf(entry: ImportName, { isAllowedImport }: AdmissionOptions): string | undefined {
  const answer = isAllowedImport(entry);
  return answer === true ? undefined : `import ${entry.module} ${entry.name}: ${answer}`;
}

function importsOf(module: WasmModule): ImportName[] {
  return module.imports.map(({ module: from, name, kind, typeIndex }) => {
    const type = typeIndex === undefined ? undefined : functionTypeAt(module, typeIndex);
    return { module: from, name, kind, params: type?.params ?? [], results: type?.results ?? [] };
  });
}

function reportOf(
  module: WasmModule,
  imports: readonly ImportName[],
  { largestSlots }: Findings,
  admittedBytes: number,
  limits: AdmissionLimits,
): AdmissionReport {
  const [memory] = module.memories;
  return {
    imports,
    exports: module.exports.map(({ name, kind, index }) => {
      const type = kind === "function" ? signatureOf(module, index) : undefined;
      return type === undefined ? { name, kind } : { name, kind, params: type.params, results: type.results };
    }),
    memory: memory && {
      minPages: memory.minimum,
      maxPages: Math.min(memory.maximum ?? limits.maxMemoryPages, limits.maxMemoryPages),
    },
    tables: module.tables.map(({ limits: { minimum, maximum } }) => ({ minimum, maximum })),
    globals: module.globals,
    dataSegments: module.dataSegments,
    functions: module.bodies.length,
    largestFunctionBytes: module.bodies.reduce((largest, { start, end }) => Math.max(largest, end - start), 0),
    compileBytes: largestSlots * COMPILE_BYTES_PER_SLOT,
    features: [...module.features].filter((feature) => feature !== "" && feature !== "mvp").sort(),
    hasStart: module.start !== undefined,
    sourceBytes: module.bytes.length,
    admittedBytes,
  };
}
