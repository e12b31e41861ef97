// Measures what metering costs: every kernel as it is and admitted, the latter really yielding to the event loop about
// once a millisecond. The rounds are interleaved, so that a noisy machine disturbs both alike. Run it with node.

import { admit, DEFAULT_ADMISSION_LIMITS, FUEL_EXPORT, REFUEL_EXPORT, START_EXPORT } from "../../../host/engine/admission.ts";
import { createRefuel } from "../../../host/engine/meter/refuel-trampoline.ts";
import { BENCH_SIZES, compileKernels } from "./compile.ts";
import { kernelLines } from "./report.ts";

const ROUNDS = 9;
const WARM_UP_ROUNDS = 3;
const SLICE_MS = 1;
const UNLIMITED_FUEL = 2 ** 31 - 1;
/** The garbage collection of the language's runtime, which otherwise never happens. */
const COLLECT = "__collect";
const LIMITS = { ...DEFAULT_ADMISSION_LIMITS, maxMemoryPages: 4_096 };

interface KernelRow {
  readonly kernel: string;
  readonly unmeteredMs: number;
  readonly meteredMs: number;
  readonly ratio: number;
  /** Yields of one metered run. */
  readonly yields: number;
  readonly unitsPerMs: number;
  /** The longest time that the kernel ran without a yield, the median of all measured runs: what only one of them has, the machine took. */
  readonly longestMs: number;
}

export interface KernelBench {
  readonly rows: readonly KernelRow[];
  readonly geometricMean: number;
}

type Kernel = (...size: number[]) => unknown;

export async function benchKernels(): Promise<KernelBench> {
  const source = await compileKernels();
  const { bytes } = admit(source, { limits: LIMITS, isAllowedImport: () => "kernels import nothing" });
  const exports = new WebAssembly.Instance(new WebAssembly.Module(source)).exports;
  const metered = new MeteredKernels(bytes);
  await metered.start();
  const rows: KernelRow[] = [];
  for (const [kernel, size] of Object.entries(BENCH_SIZES)) {
    rows.push(await benchKernel(kernel, size, exports, metered));
  }
  const logs = rows.map((row) => Math.log(row.ratio));
  return { rows, geometricMean: Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length) };
}

async function benchKernel(kernel: string, size: number, exports: WebAssembly.Exports, metered: MeteredKernels): Promise<KernelRow> {
  const plain = exported(exports, kernel);
  const run = metered.kernel(kernel);
  const collect = async (): Promise<void> => {
    exported(exports, COLLECT)();
    metered.begin(UNLIMITED_FUEL);
    await metered.kernel(COLLECT)();
  };
  let unitsPerMs = 1_000_000;
  for (let round = 0; round < WARM_UP_ROUNDS; round++) {
    plain(size);
    const start = performance.now();
    metered.begin(UNLIMITED_FUEL);
    await run(size);
    unitsPerMs = Math.max(1_000, metered.spent / (performance.now() - start));
    await collect();
  }
  const plainMs: number[] = [];
  const meteredMs: number[] = [];
  let yields = 0;
  const longestMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    let start = performance.now();
    const expected = plain(size);
    plainMs.push(performance.now() - start);
    metered.begin(Math.round(unitsPerMs * SLICE_MS));
    start = performance.now();
    const actual = await run(size);
    meteredMs.push(performance.now() - start);
    if (actual !== expected) throw new Error(`${kernel} answers ${actual} metered and ${expected} unmetered`);
    yields = metered.yields;
    longestMs.push(metered.endStretch());
    await collect();
  }
  const unmeteredMs = median(plainMs);
  const ratio = median(meteredMs) / unmeteredMs;
  return { kernel, unmeteredMs, meteredMs: median(meteredMs), ratio, yields, unitsPerMs, longestMs: median(longestMs) };
}

class MeteredKernels {
  readonly #exports: WebAssembly.Exports;
  readonly #fuel: WebAssembly.Global<number>;
  #slice = 0;
  #resumedAt = 0;
  #longestMs = 0;
  yields = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#exports = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
    this.#fuel = globalOf<number>(this.#exports, FUEL_EXPORT);
    globalOf<unknown>(this.#exports, REFUEL_EXPORT).value = createRefuel(() => this.#refuel());
  }

  async start(): Promise<void> {
    this.begin(UNLIMITED_FUEL);
    await this.kernel(START_EXPORT)();
  }

  kernel(name: string): (...size: number[]) => Promise<unknown> {
    return WebAssembly.promising(this.#exports[name]);
  }

  begin(slice: number): void {
    this.#slice = slice;
    this.#fuel.value = slice;
    this.yields = 0;
    this.#longestMs = 0;
    this.#resumedAt = performance.now();
  }

  /** Ends the last stretch of a run and answers the longest. */
  endStretch(): number {
    this.#longestMs = Math.max(this.#longestMs, performance.now() - this.#resumedAt);
    return this.#longestMs;
  }

  /** Units of fuel that a run which never yielded has spent. */
  get spent(): number {
    return this.#slice - this.#fuel.value;
  }

  async #refuel(): Promise<void> {
    this.yields++;
    this.endStretch();
    await new Promise(setImmediate);
    this.#fuel.value = this.#slice;
    this.#resumedAt = performance.now();
  }
}

function exported(exports: WebAssembly.Exports, name: string): Kernel {
  const value = exports[name];
  if (typeof value !== "function") throw new Error(`no kernel ${name}`);
  return value;
}

function globalOf<T>(exports: WebAssembly.Exports, name: string): WebAssembly.Global<T> {
  const value = exports[name];
  if (!(value instanceof WebAssembly.Global)) throw new Error(`no global ${name}`);
  return value as WebAssembly.Global<T>;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

if (import.meta.main) {
  for (const line of kernelLines(await benchKernels())) console.log(line);
}
