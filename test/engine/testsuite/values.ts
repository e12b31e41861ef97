// Values of the test suite, bit for bit: JavaScript has no vectors and keeps no NaN's bits, so numbers go in and out of a function through a memory.
// References go as JavaScript's values.

import { type Bytes, leb, section, sized, text, vector, wasm } from "../wasm/build.ts";
import type { Value } from "./commands.ts";

const CELL_BYTES = 16;
const RESULTS_AT = 1_024;

const NUMBERS: Readonly<Record<string, { code: number; load: number[]; store: number[] }>> = {
  i32: { code: 0x7f, load: [0x28], store: [0x36] },
  i64: { code: 0x7e, load: [0x29], store: [0x37] },
  f32: { code: 0x7d, load: [0x2a], store: [0x38] },
  f64: { code: 0x7c, load: [0x2b], store: [0x39] },
  v128: { code: 0x7b, load: [0xfd, 0x00], store: [0xfd, 0x0b] },
};
const WIDTHS: Readonly<Record<string, number>> = { i8: 8, i16: 16, i32: 32, i64: 64, f32: 32, f64: 64 };

const memory = new WebAssembly.Memory({ initial: 1 });
const view = new DataView(memory.buffer);
const wrappers = new Map<string, WebAssembly.Module>();

/** Calls a function that was exported, on a stack that can be suspended, and answers what each result is not, or undefined if all are as expected. */
export async function call(
  run: () => unknown,
  args: readonly Value[],
  expected: readonly Value[] | undefined,
): Promise<string | undefined> {
  args.forEach((value, i) => void write(i * CELL_BYTES, value));
  await run();
  const wrong = (expected ?? []).findIndex((value, i) => !matches(RESULTS_AT + i * CELL_BYTES, value));
  return wrong < 0 ? undefined : `result ${wrong} is not ${JSON.stringify(expected?.[wrong])} but ${hex(RESULTS_AT + wrong * CELL_BYTES)}`;
}

/**
 * A function without parameters and results that passes those of `exported` through the memory; undefined if one of them is a reference, or its type is
 * none that a module can write down by itself.
 */
export function throughMemory(exported: unknown, params: readonly string[], results: readonly string[]): (() => unknown) | undefined {
  if ([...params, ...results].some((type) => NUMBERS[type] === undefined)) return undefined;
  const key = `${params} -> ${results}`;
  const module = wrappers.get(key) ?? new WebAssembly.Module(wrapper(params, results));
  wrappers.set(key, module);
  try {
    return WebAssembly.promising(new WebAssembly.Instance(module, { w: { f: exported as never, m: memory } }).exports.r);
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === "LinkError") return undefined;
    throw thrown;
  }
}

function wrapper(params: readonly string[], results: readonly string[]): Uint8Array<ArrayBuffer> {
  const of = (type: string) => NUMBERS[type] ?? { code: 0, load: [], store: [] };
  const address = (at: number): Bytes => [0x41, (at % 0x80) | 0x80, Math.floor(at / 0x80)];
  const loads = params.map((type, i) => [address(i * CELL_BYTES), of(type).load, 0, 0]);
  const sets = results.map((_, i) => [0x21, leb(i)]).reverse();
  const stores = results.map((type, i) => [address(RESULTS_AT + i * CELL_BYTES), 0x20, leb(i), of(type).store, 0, 0]);
  const locals = vector(results.map((type) => [1, of(type).code]));
  const codes = (types: readonly string[]): Bytes => vector(types.map((type) => [of(type).code]));
  return wasm(
    section(
      1,
      vector([
        [0x60, codes(params), codes(results)],
        [0x60, 0, 0],
      ]),
    ),
    section(
      2,
      vector([
        [text("w"), text("f"), 0, 0],
        [text("w"), text("m"), 2, 0, 1],
      ]),
    ),
    section(3, vector([[1]])),
    section(7, vector([[text("r"), 0, 1]])),
    section(10, vector([sized([locals, loads, 0x10, 0, sets, stores, 0x0b])])),
  );
}

function lanes({ type, value = "0", lane_type = type }: Value): { width: number; all: readonly string[] } {
  return { width: WIDTHS[lane_type] ?? 0, all: typeof value === "string" ? [value] : value };
}

function write(at: number, value: Value): void {
  const { width, all } = lanes(value);
  all.forEach((lane, i) => void setBits(at + (i * width) / 8, width, BigInt(lane)));
}

function setBits(at: number, width: number, bits: bigint): void {
  for (let byte = 0; byte < width / 8; byte += 1) view.setUint8(at + byte, Number((bits >> BigInt(byte * 8)) & 0xffn));
}

function bitsAt(at: number, width: number): bigint {
  let bits = 0n;
  for (let byte = width / 8 - 1; byte >= 0; byte -= 1) bits = (bits << 8n) | BigInt(view.getUint8(at + byte));
  return bits;
}

function matches(at: number, value: Value): boolean {
  if (value.values !== undefined) return value.values.some((one) => matches(at, one));
  const { width, all } = lanes(value);
  return all.every((lane, i) => {
    const bits = bitsAt(at + (i * width) / 8, width);
    if (!lane.startsWith("nan:")) return bits === BigInt.asUintN(width, BigInt(lane));
    const quiet = width === 32 ? 0x7fc0_0000n : 0x7ff8_0000_0000_0000n;
    return lane === "nan:canonical" ? BigInt.asUintN(width - 1, bits) === quiet : (bits & quiet) === quiet;
  });
}

const hex = (at: number): string => `0x${bitsAt(at, 128).toString(16)}`;

const hostReferences = new Map<string, object>();

/** What a value of the suite is in JavaScript. */
export function toJs({ type, value = "null" }: Value): unknown {
  if (type === "i64") return BigInt.asIntN(64, BigInt(String(value)));
  if (type === "f32" || type === "f64") return floatOf(type, String(value));
  if (type === "i32") return Number(value) | 0;
  if (value === "null") return null;
  const known = hostReferences.get(String(value)) ?? { reference: value };
  hostReferences.set(String(value), known);
  return known;
}

/** Whether a value of JavaScript is the one of the suite; a reference without a value may be any of its type. */
export function isExpected(actual: unknown, expected: Value): boolean {
  if (expected.values !== undefined) return expected.values.some((one) => isExpected(actual, one));
  const { type, value } = expected;
  if (String(value).startsWith("nan:")) return Number.isNaN(actual);
  if (WIDTHS[type] !== undefined) return Object.is(actual, toJs(expected));
  if (value === undefined) return /^null|^refnull$/.test(type) ? actual === null : actual !== null;
  return actual === toJs(expected);
}

function floatOf(type: "f32" | "f64", bits: string): number {
  const cell = new DataView(new ArrayBuffer(8));
  if (type === "f32") cell.setUint32(0, Number(bits));
  else cell.setBigUint64(0, BigInt(bits));
  return type === "f32" ? cell.getFloat32(0) : cell.getFloat64(0);
}
