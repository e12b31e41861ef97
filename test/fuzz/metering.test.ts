// Random programs do the same metered as unmetered, wherever they are interrupted: result, traps, exceptions, globals and every byte of memory. Those
// that would never end are ended when the fuel stays negative.

import { createHash } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { assemble } from "../engine/corpus/text.ts";
import { admitAll, exportedFunction, Metered } from "../engine/meter/metered.ts";
import { GuestJobs } from "./guest-jobs.ts";
import { type RandomModule, randomModule } from "./random-modules.ts";
import { check } from "./runs.ts";

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
const jobs = new GuestJobs();
afterAll(() => jobs[Symbol.asyncDispose]());

function globalOf(exports: WebAssembly.Exports, name: string): WebAssembly.Global {
  const found = exports[name];
  if (!(found instanceof WebAssembly.Global)) throw new Error(`no global ${name}`);
  return found;
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

interface Seen {
  readonly call: string;
  readonly result: string;
  readonly globals: readonly unknown[];
  /** The bytes of the memory, hashed. */
  readonly memory: string;
}

/** All that a caller can see after each call of each function. */
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
      const bytes = createHash("sha1").update(new Uint8Array(memory.buffer)).digest("hex");
      seen.push({ call: `f${i}(${a}, ${b})`, result, globals, memory: `${memory.buffer.byteLength} bytes, ${bytes}` });
    }
  }
  return seen;
}

describe("a random program", () => {
  const kinds = { "returned a number": 0, trapped: 0, "threw an exception": 0, "was interrupted": 0 };

  it("does metered what it does unmetered, wherever it is interrupted", async () => {
    await check(randomModule, 300, async ({ counted, functions }: RandomModule) => {
      const source = assemble(counted);
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(source));
      const expected = await transcript(exports, functions, (name, a, b) => exportedFunction(exports, name)(a, b));
      const admitted = admitAll(source).bytes;
      const costs = new Set<string>();
      for (const units of SLICES) {
        const guest = new Metered(admitted, { units });
        const spent: number[] = [];
        const actual = await transcript(guest.exports, functions, async (name, a, b) => {
          let whole = 0;
          guest.refuelWith(async () => {
            kinds["was interrupted"] += 1;
            whole += units - guest.fuel;
            guest.fuel = whole > MAX_FUEL ? -1 : units;
          });
          return guest.call(name, a, b).finally(() => spent.push(whole + units - guest.fuel));
        });
        expect(actual, `in slices of ${units} units`).toEqual(expected);
        // What a trap leaves in a local is never written back; the host bills by the clock.
        costs.add(spent.map((cost, i) => (expected[i]?.result.startsWith("trap") ? "trapped" : cost)).join());
      }
      expect([...costs], "the cost, however it is cut into slices").toHaveLength(1);
      for (const { result } of expected) {
        if (result.startsWith("trap")) kinds.trapped += 1;
        else kinds[result === "exception" ? "threw an exception" : "returned a number"] += 1;
      }
    });
  });

  it("is not always the same kind of program", () => {
    for (const [kind, times] of Object.entries(kinds)) expect(times, kind).toBeGreaterThan(20);
  });

  it("without its counter ends all the same when there is no more fuel", async () => {
    let ended = 0;
    await check(randomModule, 300, async ({ endless, functions }) => {
      const module = admitAll(assemble(endless)).bytes;
      const entryPoints = Array.from({ length: functions }, (_, i) => `f${i}`);
      const slices = 20;
      for (const ending of await jobs.run({ module, entryPoints, as: "bare", unitsPerSlice: 1_000, slices })) {
        expect(ending.slices, ending.entryPoint).toBeLessThanOrEqual(slices + 1);
        if (ending.slices === slices + 1) {
          expect(ending.returned, `${ending.entryPoint} goes on without fuel`).toBe(false);
          ended += 1;
        }
      }
    });
    expect(ended).toBeGreaterThan(20);
  });
});
