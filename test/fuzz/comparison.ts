// Runs a module as it is and metered, in slices of several sizes, and says where the two differ. It asserts nothing.

import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { exportedFunction, Metered } from "../engine/meter/metered.ts";

export interface Modules {
  readonly source: Uint8Array<ArrayBuffer>;
  readonly admitted: Uint8Array<ArrayBuffer>;
  /** They are called f0, f1 and so on. */
  readonly functions: number;
}

export interface Comparison {
  readonly differences: readonly string[];
  /** Of the calls of the original. */
  readonly results: readonly string[];
  readonly interruptions: number;
}

/** All that a caller can see after a call. */
interface Seen {
  readonly call: string;
  readonly result: string;
  readonly globals: readonly unknown[];
  readonly memory: string;
}

/** Iterations and calls until the originals give up. */
const BUDGET = 150;
/** With one unit every check suspends. */
const SLICES = [1, 23, 400, 10_000_000];
/** A hundred times what the originals may cost; one that has spent it would never end. */
const MAX_FUEL = 50_000_000;
const ARGUMENTS = [
  [0, 0],
  [5, -7],
] as const;

export async function compare({ source, admitted, functions }: Modules): Promise<Comparison> {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(source));
  const expected = await transcript(exports, functions, (name, a, b) => exportedFunction(exports, name)(a, b));
  const differences: string[] = [];
  const costs = new Set<string>();
  let interruptions = 0;
  for (const units of SLICES) {
    const guest = new Metered(admitted, { units });
    const spent: number[] = [];
    const actual = await transcript(guest.exports, functions, async (name, a, b) => {
      let whole = 0;
      guest.refuelWith(async () => {
        interruptions += 1;
        whole += units - guest.fuel;
        guest.fuel = whole > MAX_FUEL ? -1 : units;
      });
      return guest.call(name, a, b).finally(() => spent.push(whole + units - guest.fuel));
    });
    for (const [i, seen] of actual.entries()) {
      if (!isDeepStrictEqual(seen, expected[i])) differences.push(`slices of ${units}: ${show(seen)} instead of ${show(expected[i])}`);
    }
    // What a trap leaves in a local is never written back; the host bills by the clock.
    costs.add(spent.map((cost, i) => (expected[i]?.result.startsWith("trap") ? "trapped" : cost)).join());
  }
  if (costs.size > 1) differences.push(`the cost depends on the slices: ${[...costs].join(" or ")}`);
  return { differences, results: expected.map(({ result }) => result), interruptions };
}

async function transcript(
  exports: WebAssembly.Exports,
  functions: number,
  call: (name: string, a: number, b: number) => unknown,
): Promise<Seen[]> {
  const seen: Seen[] = [];
  const { memory } = exports;
  if (!(memory instanceof WebAssembly.Memory)) throw new Error("no memory");
  for (let i = 0; i < functions; i += 1) {
    for (const [a, b] of ARGUMENTS) {
      globalOf(exports, "budget").value = BUDGET;
      const result = await outcome(() => call(`f${i}`, a, b));
      const globals = ["g", "h", "budget"].map((name) => globalOf(exports, name).value);
      const hash = createHash("sha1").update(new Uint8Array(memory.buffer)).digest("hex");
      seen.push({ call: `f${i}(${a}, ${b})`, result, globals, memory: `${memory.buffer.byteLength} bytes, ${hash}` });
    }
  }
  return seen;
}

/** The outcome as text: an exception of the guest says only that it was one. */
async function outcome(run: () => unknown): Promise<string> {
  try {
    return String(await run());
  } catch (thrown) {
    if (thrown instanceof WebAssembly.Exception) return "exception";
    if (thrown instanceof WebAssembly.RuntimeError) return `trap: ${thrown.message}`;
    throw thrown;
  }
}

const show = (seen: Seen | undefined): string =>
  JSON.stringify(seen, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));

function globalOf(exports: WebAssembly.Exports, name: string): WebAssembly.Global {
  const found = exports[name];
  if (!(found instanceof WebAssembly.Global)) throw new Error(`no global ${name}`);
  return found;
}
