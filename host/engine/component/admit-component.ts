// Admission of a component: jco splits it into core modules and glue, every core module passes the same wall and the same meter as any other,
// and what it imports and exports must be what the host has.

import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import { type AdmissionReport, type Admitted, admit, type ImportName } from "../admission.ts";
import type { AdmissionLimits } from "../admission-limits.ts";
import { type AdmittedModule, admissionLimits, type ModuleLimits, refuseGarbageCollection } from "../admit-plugin.ts";
import { SHAPES } from "../guest/wit-shapes.ts";
import { PACKAGE, SUSPENDING_FUNCTIONS } from "./bulkhead.ts";
import { encodeBundle } from "./bundle.ts";
import { oddNames, prepareGlue } from "./glue.ts";
import { SUPPORTED_INTERFACES } from "./supported.ts";
import { entriesOf, importsOf, mismatches } from "./world.ts";

/** jco's transpiler, with what admission needs of it. Throws whatever it says about a component that it does not take. */
export interface Transpiler {
  transpile(
    component: Uint8Array,
    options: { readonly suspending: readonly string[] },
  ): readonly (readonly [file: string, content: Uint8Array])[];
  /** The TypeScript of the interfaces in wit/, by file. */
  readonly world: ReadonlyMap<string, string>;
}

const MAX_MODULES = 64;
const NUMBERS: ReadonlySet<string> = new Set(["i32", "i64", "f32", "f64"]);
const decoder = new TextDecoder();

/** Throws HostError `admission-refused` with every reason in `detail`. */
export function admitComponent(component: Uint8Array<ArrayBuffer>, limits: ModuleLimits, transpiler: Transpiler): AdmittedModule {
  const files = transpiled(component, transpiler);
  const text = (name: string): string => decoder.decode(files.get(name));
  const imports = importsOf(text("component.d.ts"));
  const entries = entriesOf(text("component.d.ts"), files);
  const reasons = [
    ...imports.flatMap(refusalOfInterface),
    ...mismatches(files, transpiler.world),
    ...(entries === undefined
      ? ["it exports neither bulkhead:plugin/entry-points@0.1.0 nor a function that can be entered (docs/components.md)"]
      : []),
  ];
  const sources = [...files].filter(([name]) => name.endsWith(".wasm"));
  if (sources.length > MAX_MODULES) reasons.push(`it has ${sources.length} core modules; the limit is ${MAX_MODULES}`);
  if (reasons.length > 0) throw refused(reasons);

  const modules = new Map<string, Uint8Array<ArrayBuffer>>();
  const reports: AdmissionReport[] = [];
  let left = admissionLimits(limits);
  for (const [name, bytes] of sources) {
    const admitted = admitCoreModule(name, bytes, left);
    modules.set(name, admitted.bytes);
    reports.push(admitted.report);
    left = lessened(left, admitted.report);
  }
  const glue = prepareGlue(text("component.js"));
  const module = encodeBundle({ glue, modules, imports, entries: entries === "handle" ? {} : (entries ?? {}) });
  const entryPoints = entries === "handle" || entries === undefined ? "any" : Object.keys(entries);
  return { module, entryPoints, report: reportOf(component, imports, entryPoints, reports, module.length) };
}

function transpiled(component: Uint8Array, { transpile }: Transpiler): ReadonlyMap<string, Uint8Array> {
  try {
    return new Map(transpile(component, { suspending: [...SUSPENDING_FUNCTIONS, ...SUSPENDING_WASI] }));
  } catch (thrown) {
    if (thrown instanceof HostError) throw thrown;
    throw refused([
      `jco does not take it: ${printable(String((thrown as { payload?: unknown }).payload ?? (thrown as Error).message)).slice(0, 1_000)}`,
    ]);
  }
}

/** The standard functions that suspend the guest, by the names that jco gives them. */
const SUSPENDING_WASI = ["wasi:io/poll#poll", "wasi:io/poll#[method]pollable.block"];

function refusalOfInterface(name: string): string[] {
  const [bare = "", version = ""] = name.split("@");
  const supported = SUPPORTED_INTERFACES.get(bare);
  if (supported === undefined) return [`import ${printable(name)}: the host has no such interface`];
  return supported.test(version) ? [] : [`import ${printable(name)}: the host has another version of it (docs/components.md)`];
}

function admitCoreModule(name: string, bytes: Uint8Array, limits: AdmissionLimits): Admitted {
  try {
    const admitted = admit(bytes, { limits, isAllowedImport: isSibling, hasGuestCallers: true });
    refuseGarbageCollection(admitted.report);
    const odd = oddNames([
      ...admitted.report.imports.flatMap((entry) => [entry.module, entry.name]),
      ...admitted.report.exports.map((entry) => entry.name),
    ]);
    if (odd.length > 0) throw refused(odd);
    return admitted;
  } catch (thrown) {
    if (!(thrown instanceof HostError)) throw thrown;
    const detail = (thrown.detail ?? thrown.message).split("\n").map((reason) => `${name}: ${reason}`);
    throw new HostError(thrown.code, `the component is refused: ${detail[0]}`, { detail: detail.join("\n") });
  }
}

// What a core module imports is a sibling's export or a function of the glue's: numbers in, a number out.
function isSibling({ kind, params, results }: ImportName): true | string {
  if (kind === "tag") return "it is an exception tag, which siblings cannot share";
  return [...params, ...results].every((type) => NUMBERS.has(type)) || "it takes or answers references, which no canonical function does";
}

/** What is left for the next module of what all of them together may have. */
function lessened(limits: AdmissionLimits, report: AdmissionReport): AdmissionLimits {
  const elements = report.tables.reduce((sum, { minimum }) => sum + minimum, 0);
  return {
    ...limits,
    maxModuleBytes: limits.maxModuleBytes - report.sourceBytes,
    maxMemoryPages: limits.maxMemoryPages - (report.memory?.minPages ?? 0),
    maxTableElements: limits.maxTableElements - elements,
    maxImports: limits.maxImports - report.imports.length,
    maxExports: limits.maxExports - report.exports.length,
    maxGlobals: limits.maxGlobals - report.globals,
    maxDataSegments: limits.maxDataSegments - report.dataSegments,
    maxFunctions: limits.maxFunctions - report.functions,
  };
}

/** A component's report: its own imports and exports, and the sums of its modules. */
function reportOf(
  component: Uint8Array,
  imports: readonly string[],
  entryPoints: AdmittedModule["entryPoints"],
  reports: readonly AdmissionReport[],
  admittedBytes: number,
): AdmissionReport {
  const sum = (of: (report: AdmissionReport) => number): number => reports.reduce((total, report) => total + of(report), 0);
  const memories = reports.flatMap(({ memory }) => (memory === undefined ? [] : [memory]));
  return {
    imports: imports.flatMap((name) => {
      const face = /^bulkhead:plugin\/([a-z-]+)@/.exec(name)?.[1];
      const functions = Object.keys(SHAPES).filter((one) => one.startsWith(`${face}.`));
      return (face === undefined ? ["*"] : functions).map((one) => ({
        module: name,
        name: one,
        kind: "function",
        params: [],
        results: [],
      }));
    }),
    exports: (entryPoints === "any" ? [`${PACKAGE}/entry-points@0.1.0`] : entryPoints).map((name) => ({ name, kind: "function" })),
    memory:
      memories.length === 0
        ? undefined
        : {
            minPages: memories.reduce((pages, { minPages }) => pages + minPages, 0),
            maxPages: Math.max(...memories.map(({ maxPages }) => maxPages)),
          },
    tables: reports.flatMap(({ tables }) => tables),
    globals: sum(({ globals }) => globals),
    dataSegments: sum(({ dataSegments }) => dataSegments),
    functions: sum(({ functions }) => functions),
    largestFunctionBytes: Math.max(0, ...reports.map(({ largestFunctionBytes }) => largestFunctionBytes)),
    features: [...new Set(["component-model", ...reports.flatMap(({ features }) => features)])].sort(),
    hasStart: reports.some(({ hasStart }) => hasStart),
    sourceBytes: component.length,
    admittedBytes,
  };
}

function refused(reasons: readonly string[]): HostError {
  const more = reasons.length === 1 ? "" : ` (and ${reasons.length - 1} more)`;
  return new HostError("admission-refused", `the component is refused: ${reasons[0]}${more}`, { detail: reasons.join("\n") });
}
