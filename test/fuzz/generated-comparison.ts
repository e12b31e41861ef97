// Runs a generated module as it is and metered, and says where the two differ. It asserts nothing.

import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { exportedFunction, Metered } from "../engine/meter/metered.ts";
import { MEMORY } from "./generated-modules.ts";

export interface GeneratedModules {
  readonly source: Uint8Array<ArrayBuffer>;
  readonly admitted: Uint8Array<ArrayBuffer>;
  /** The functions that are called, with the types of their parameters. */
  readonly functions: readonly { readonly name: string; readonly params: readonly string[] }[];
}

export interface GeneratedComparison {
  readonly differences: readonly string[];
  /** Of the calls of the original that were compared. */
  readonly results: readonly string[];
  readonly interruptions: number;
}

const SLICES = [1, 300, 1_000_000];
/** Of one module; one that has had so many would never end. Fuel is no measure: a copy of 4 GiB that traps at once is charged for all of it. */
const MAX_REFUELS = 2_000_000;
const OVERFLOW = "stack overflow";

interface Seen {
  readonly name: string;
  readonly result: string;
  readonly logged: readonly string[];
  readonly memory: string;
}

export async function compareGenerated({ source, admitted, functions }: GeneratedModules): Promise<GeneratedComparison> {
  const original = await transcript(functions, (imports) => {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(source), imports(source));
    return { exports, call: (name, values) => exportedFunction(exports, name)(...values) };
  });
  const differences: string[] = [];
  let interruptions = 0;
  for (const units of SLICES) {
    const metered = await transcript(functions, (imports) => {
      const guest = new Metered(admitted, { units }, imports(admitted));
      let refuels = 0;
      guest.refuelWith(async () => {
        refuels += 1;
        interruptions += 1;
        guest.fuel = refuels > MAX_REFUELS ? -1 : units;
      });
      return { exports: guest.exports, start: () => guest.start(), call: (name, values) => guest.call(name, ...values) };
    });
    for (const [i, seen] of metered.entries()) {
      // A metered frame is larger, so it overflows earlier; nothing after that can be compared.
      if (seen.result === OVERFLOW || original[i]?.result === OVERFLOW) break;
      if (!isDeepStrictEqual(seen, original[i])) differences.push(`slices of ${units}: ${show(seen)} instead of ${show(original[i])}`);
    }
  }
  return { differences, results: original.map(({ result }) => result), interruptions };
}

interface Running {
  readonly exports: WebAssembly.Exports;
  readonly start?: () => Promise<void>;
  readonly call: (name: string, values: readonly unknown[]) => unknown;
}

type Imports = (module: Uint8Array<ArrayBuffer>) => WebAssembly.Imports;

async function transcript(functions: GeneratedModules["functions"], begin: (imports: Imports) => Running): Promise<Seen[]> {
  const logged: string[] = [];
  const seen: Seen[] = [];
  const look = (name: string, result: string, exports: WebAssembly.Exports): void => {
    const memory = exports[MEMORY];
    const bytes = memory instanceof WebAssembly.Memory ? new Uint8Array(memory.buffer) : new Uint8Array();
    seen.push({
      name,
      result,
      logged: logged.splice(0),
      memory: `${bytes.length} bytes, ${createHash("sha1").update(bytes).digest("hex")}`,
    });
  };
  let running: Running | undefined;
  const begun = await outcome(async () => {
    running = begin((module) => importsOf(module, logged));
    await running.start?.();
  });
  // An original whose start function traps gives nothing to look at.
  const exports = begun === "undefined" ? running?.exports : undefined;
  look("the start", begun, exports ?? {});
  if (running === undefined || exports === undefined) return seen;
  const { call } = running;
  for (const { name, params } of functions) {
    const values = params.map((type) => (type === "i64" ? 7n : /^[if]/.test(type) ? 7 : null));
    look(name, await outcome(() => call(name, values)), exports);
  }
  return seen;
}

/** What it prints is logged; everything else that it imports does nothing. */
function importsOf(module: Uint8Array<ArrayBuffer>, logged: string[]): WebAssembly.Imports {
  const imports: Record<string, Record<string, unknown>> = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(new WebAssembly.Module(module))) {
    const log = (...values: unknown[]): number => {
      logged.push(`${name} ${values.map((value) => String(value)).join()}`);
      return 0;
    };
    const value = kind === "function" ? log : new WebAssembly.Global({ value: "externref" }, name);
    imports[from] = { ...imports[from], [name]: value };
  }
  return imports;
}

async function outcome(run: () => unknown): Promise<string> {
  try {
    return String(await run());
  } catch (thrown) {
    if (thrown instanceof RangeError) return OVERFLOW;
    return thrown instanceof WebAssembly.RuntimeError ? `trap: ${thrown.message}` : `thrown: ${(thrown as Error).name}`;
  }
}

const show = (seen: Seen | undefined): string => JSON.stringify(seen);
