// Admission of a component: its binary is judged before jco sees it, then jco splits it into core modules and glue, every core module passes the same wall and
// the same meter as any other, and the glue is looked through.

import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { StorageSide } from "../../core/types.ts";
import type { AdmissionReport } from "../admission.ts";
import { type AdmissionRules, DEFAULT_RULES } from "../admission-rules.ts";
import type { AdmittedModule, ModuleLimits } from "../admit-plugin.ts";
import { messageOf } from "../failures.ts";
import { SHAPES } from "../guest/wit-shapes.ts";
import { parseComponent } from "./binary/parse-component.ts";
import { suspendingFunctions } from "./bulkhead.ts";
import { encodeBundle } from "./bundle.ts";
import { admitCoreModules } from "./core-modules.ts";
import { prepareGlue } from "./glue.ts";
import { refused } from "./refused.ts";
import { ENTRY_POINTS } from "./standard/own.ts";
import { KEYVALUE_FUNCTIONS } from "./wasi-keyvalue.ts";
import { apiOfComponent, entriesOf, importsOf, refusalsOfImports } from "./world.ts";

/** jco's transpiler, with what admission needs of it. Throws whatever it says about a component that it does not take. */
export interface Transpiler {
  readonly version: string;
  transpile(
    component: Uint8Array,
    options: { readonly suspending: readonly string[] },
  ): readonly (readonly [file: string, content: Uint8Array])[];
}

const JCO = "@bytecodealliance/jco-transpile";
const decoder = new TextDecoder();

/** Rejects with HostError `admission-refused` with every reason in `detail`; also when jco, which is loaded for what its binary says nothing against, is not there. */
export async function admitComponent(
  component: Uint8Array<ArrayBuffer>,
  limits: ModuleLimits,
  loadTranspiler: () => Promise<Transpiler>,
  rules: AdmissionRules = DEFAULT_RULES,
  storage: StorageSide = "cell",
): Promise<AdmittedModule> {
  const parsed = parseComponent(component);
  const imports = importsOf(parsed);
  const entries = entriesOf(parsed);
  const reasons = [...refusalsOfImports(parsed), ...(entries.of === "nothing" ? entries.reasons : [])];
  if (reasons.length > 0) throw refused(reasons);

  const { version, transpile } = await loadTranspiler();
  const suspending = [...suspendingFunctions(storage), ...SUSPENDING_WASI, ...(storage === "host" ? KEYVALUE_FUNCTIONS : [])];
  const files = byJco(version, () => new Map(transpile(component, { suspending })));
  const { modules, reports } = admitCoreModules(
    [...files].filter(([name]) => name.endsWith(".wasm")),
    parsed,
    limits,
    rules,
  );
  const glue = byJco(version, () => prepareGlue(decoder.decode(files.get("component.js"))));
  const entered = entries.of === "exports" ? entries.entries : {};
  const module = encodeBundle({ glue, modules, imports, entries: entered });
  const entryPoints = entries.of === "exports" ? Object.keys(entered) : "any";
  const exported = entryPoints === "any" ? ENTRY_POINTS.filter((name) => parsed.exports.has(name)) : entryPoints;
  const said = `its component exports ${exported.join(", ") || "no entry point"}`;
  return {
    module,
    entryPoints,
    exported: said,
    api: apiOfComponent(parsed),
    report: reportOf(component, imports, exported, reports, module.length),
  };
}

// Whatever is thrown by it or over what it made, a panic of its own included, says that this version of it cannot take this component: that is no fault of the host's.
function byJco<T>(version: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof HostError) throw thrown;
    const said = (thrown as { payload?: unknown } | undefined)?.payload ?? messageOf(thrown);
    throw refused([
      `jco (${JCO} ${version}) does not take it: ${printable(String(said)).slice(0, 1_000)}; if the component is valid, that is a fault of jco's`,
    ]);
  }
}

/** The standard functions that suspend the guest, by the names that jco gives them. */
const SUSPENDING_WASI = ["wasi:io/poll#poll", "wasi:io/poll#[method]pollable.block"];

/** A component's report: its own imports and exports, and the sums of its modules. */
function reportOf(
  component: Uint8Array,
  imports: readonly string[],
  exported: readonly string[],
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
    exports: exported.map((name) => ({ name, kind: "function" })),
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
    compileBytes: Math.max(0, ...reports.map(({ compileBytes }) => compileBytes)),
    features: [...new Set(["component-model", ...reports.flatMap(({ features }) => features)])].sort(),
    cannotKeep: "is a component",
    hasStart: reports.some(({ hasStart }) => hasStart),
    sourceBytes: component.length,
    admittedBytes,
  };
}
