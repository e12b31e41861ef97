// Which exports of a module are entry points, and in words why the others are not.

import type { AdmissionReport } from "./admission.ts";

const SHOWN_MAX = 20;

const AS_LIBRARY =
  'a command, which runs once and cannot be called; build it as a library: Rust crate-type = ["cdylib"], TinyGo -buildmode=c-shared, Zig -fno-entry -rdynamic, clang -mexec-model=reactor';

type Exported = Pick<AdmissionReport, "exports">;
type Export = Exported["exports"][number];

/** Exports without parameters and with no result or one i32, but for what begins with an underscore, which belongs to toolchains. */
export function entryPointsIn({ exports }: Exported): readonly string[] {
  return exports.filter(isEntryPoint).map(({ name }) => name);
}

const isEntryPoint = (one: Export): boolean => !one.name.startsWith("_") && isEntered(one);

const isEntered = ({ params, results }: Export): boolean =>
  params?.length === 0 && (results?.length === 0 || (results?.length === 1 && results[0] === "i32"));

/** "its module exports …", with what cannot be called and why. */
export function describeExports(report: Exported): string {
  const entryPoints = entryPointsIn(report);
  const callable = `its module exports ${listed(entryPoints) || "no entry point"}`;
  const functions = report.exports.filter((one) => one.kind === "function" && !isEntryPoint(one));
  if (entryPoints.length === 0 && functions.some(({ name }) => name === "_start"))
    return `${callable}: it has _start, so it is ${AS_LIBRARY}`;
  const others = functions.filter(({ name }) => !name.startsWith("_")).map(signed);
  if (others.length === 0) return callable;
  return `${callable}; ${listed(others)} cannot be called, since an entry point has no parameters and no result or one i32: its input comes by input_load, its output goes by output_set`;
}

const signed = ({ name, params = [], results = [] }: Export): string => `${name} (${params.join(", ")}) -> (${results.join(", ")})`;

const listed = (names: readonly string[]): string =>
  names.length <= SHOWN_MAX ? names.join(", ") : `${names.slice(0, SHOWN_MAX).join(", ")} and ${names.length - SHOWN_MAX} more`;
