// The core modules of a component pass the same wall and the same meter as a plugin that is a module. What each may have is what the ones before it have left,
// as often as it is instantiated.

import { HostError } from "../../core/errors.ts";
import { type AdmissionReport, type Admitted, admit, type ImportName } from "../admission.ts";
import { type AdmissionLimits, remedyOf } from "../admission-limits.ts";
import type { AdmissionRules } from "../admission-rules.ts";
import { admissionLimits, type ModuleLimits, refuseGarbageCollection } from "../admit-plugin.ts";
import type { WasmModule } from "../wasm/module.ts";
import { parseModule } from "../wasm/parse-module.ts";
import { MAX_CORE_INSTANCES } from "./binary/instance-count.ts";
import type { ParsedComponent } from "./binary/model.ts";
import { oddNames } from "./glue.ts";
import { refused } from "./refused.ts";

export interface CoreModules {
  readonly modules: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  readonly reports: readonly AdmissionReport[];
}

interface Source {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** How many instances of it there are in one of the component. */
  readonly instances: number;
}

const NUMBERS: ReadonlySet<string> = new Set(["i32", "i64", "f32", "f64"]);

/** Admits what jco took out of the component. Throws HostError `admission-refused`. */
export function admitCoreModules(
  files: readonly (readonly [name: string, bytes: Uint8Array])[],
  component: ParsedComponent,
  limits: ModuleLimits,
  rules: AdmissionRules,
): CoreModules {
  const sources = countInstances(files, component);
  let left = admissionLimits(limits, rules);
  const maxTableGrowth = tableGrowth(sources, left);
  const modules = new Map<string, Uint8Array<ArrayBuffer>>();
  const reports: AdmissionReport[] = [];
  for (const source of sources) {
    const { bytes, report } = admitCoreModule(source, left, maxTableGrowth);
    modules.set(source.name, bytes);
    reports.push(report);
    left = lessened(left, report, source.instances);
    checkSums(source, left, limits, rules);
  }
  return { modules, reports };
}

// What is none of the component's own was made by jco, once, to pass values from one nested component to another: it has neither memory nor table.
function countInstances(files: readonly (readonly [name: string, bytes: Uint8Array])[], component: ParsedComponent): readonly Source[] {
  const counts = component.instances.modules;
  const own = [...component.modules].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0));
  const sources = files.map(([name, bytes]) => {
    const place = own.findIndex((module) => Buffer.compare(module.bytes, bytes) === 0);
    const [module] = place < 0 ? [] : own.splice(place, 1);
    return { name, bytes, instances: module === undefined ? 1 : (counts.get(module) ?? 0), isAdapter: module === undefined };
  });
  const all = sources.reduce((sum, { instances }) => sum + instances, 0);
  if (sources.length > MAX_CORE_INSTANCES || all > MAX_CORE_INSTANCES) {
    throw refused([
      `it has ${sources.length} core modules and ${all} instances of them; the limit is ${MAX_CORE_INSTANCES} of either, with those that pass values between nested components`,
    ]);
  }
  const adapters = sources.filter(({ isAdapter }) => isAdapter);
  if (own.some((module) => counts.has(module)) || adapters.some(({ name, bytes }) => ownsMemory(read(name, bytes)))) {
    throw refused(["jco made other core modules of it than it has"]);
  }
  return sources;
}

const ownsMemory = ({ memories, tables }: WasmModule): boolean => memories.length + tables.length > 0;

/** How much each table may grow, so that all of them together stay within the limit. */
function tableGrowth(sources: readonly Source[], limits: AdmissionLimits): number {
  let elements = 0;
  let growing = 0;
  for (const { name, bytes, instances } of sources) {
    for (const { limits: size } of read(name, bytes).tables) {
      elements += instances * size.minimum;
      if (size.maximum === undefined || size.maximum > size.minimum) growing += instances;
    }
  }
  return Math.floor(Math.max(0, limits.maxTableElements - elements) / Math.max(1, growing));
}

const read = (name: string, bytes: Uint8Array): WasmModule =>
  inModule(name, () => parseModule(bytes, { maxModuleBytes: Number.POSITIVE_INFINITY, maxNameBytes: Number.POSITIVE_INFINITY }));

function admitCoreModule({ name, bytes }: Source, limits: AdmissionLimits, maxTableGrowth: number): Admitted {
  return inModule(name, () => {
    const admitted = admit(bytes, { limits, isAllowedImport: isSibling, hasGuestCallers: true, maxTableGrowth });
    refuseGarbageCollection(admitted.report);
    const odd = oddNames([
      ...admitted.report.imports.flatMap((entry) => [entry.module, entry.name]),
      ...admitted.report.exports.map((entry) => entry.name),
    ]);
    if (odd.length > 0) throw refused(odd);
    return admitted;
  });
}

function inModule<T>(name: string, work: () => T): T {
  try {
    return work();
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
function lessened(limits: AdmissionLimits, report: AdmissionReport, instances: number): AdmissionLimits {
  const elements = report.tables.reduce((sum, { minimum }) => sum + minimum, 0);
  return {
    ...limits,
    maxModuleBytes: limits.maxModuleBytes - report.sourceBytes,
    maxMemoryPages: limits.maxMemoryPages - instances * (report.memory?.minPages ?? 0),
    maxTableElements: limits.maxTableElements - instances * elements,
    maxImports: limits.maxImports - instances * report.imports.length,
    maxExports: limits.maxExports - instances * report.exports.length,
    maxGlobals: limits.maxGlobals - instances * report.globals,
    maxDataSegments: limits.maxDataSegments - report.dataSegments,
    maxFunctions: limits.maxFunctions - report.functions,
  };
}

// One instance of it was small enough; so many are not.
function checkSums(
  { name, instances }: Source,
  left: AdmissionLimits,
  { memoryBytes, tableElements }: ModuleLimits,
  { bounds }: AdmissionRules,
): void {
  if (left.maxMemoryPages < 0) {
    throw refused([
      `the memories of ${instances} instances of ${name}, and of those before, begin above the limit of ${memoryBytes} bytes in all (limits.memoryMiB)`,
    ]);
  }
  if (left.maxTableElements < 0) {
    throw refused([
      `the tables of ${instances} instances of ${name}, and of those before, begin above the limit of ${tableElements} elements in all (limits.tableElements)`,
    ]);
  }
  const tooMany = (["maxImports", "maxExports", "maxGlobals"] as const).find((limit) => left[limit] < 0);
  if (tooMany !== undefined) {
    throw refused([
      `${instances} instances of ${name}, with those before, are above the limit of ${bounds[tooMany]} in all (${remedyOf(tooMany).key})`,
    ]);
  }
}
