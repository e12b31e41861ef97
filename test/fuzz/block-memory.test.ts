// Random turns against the block memory: whatever handles, offsets and lengths a plugin makes up, it gets what the slow model of docs/abi.md
// gives, and never reaches the words that the host keeps in front of the arena.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlockMemory } from "../../host/engine/guest/block-memory.ts";
import { ARENA_START, kernelModule, PAGE_BYTES } from "../../host/engine/guest/kernel.ts";
import { BlockModel, TRAP } from "./block-model.ts";
import { check } from "./runs.ts";

const PAGES = 2;
const GUEST_BYTES = 512;

/** What the two sides of a comparison are, with the plugin's own memory that bulk copies work on. */
interface Sides {
  readonly real: BlockMemory;
  readonly model: BlockModel;
  readonly realGuest: Uint8Array;
  readonly modelGuest: Uint8Array;
}

interface Step {
  readonly does: keyof typeof OPERATIONS;
  readonly handle: Handle;
  readonly length: bigint;
  readonly value: bigint;
  readonly bytes: Uint8Array;
  readonly address: number;
}

/** A handle that was given out, perhaps in an earlier turn, moved by some bytes; or any number at all. */
type Handle = { readonly given: number; readonly plus: bigint } | { readonly number: bigint };

interface Values extends Omit<Step, "handle"> {
  readonly at: bigint;
}

const i32 = (value: bigint): number => Number(BigInt.asIntN(32, value));
const unsigned = (value: unknown): unknown => (typeof value === "bigint" ? BigInt.asUintN(64, value) : value);

/** Calls a function of the kernel as a plugin would. */
function guest(real: BlockMemory, name: string, ...values: (bigint | number)[]): unknown {
  const called: unknown = real.functions[name];
  if (typeof called !== "function") throw new Error(`the kernel has no ${name}`);
  try {
    return unsigned(called(...values));
  } catch (thrown) {
    if (!(thrown instanceof WebAssembly.RuntimeError)) throw thrown;
    return TRAP;
  }
}

const byte = (loaded: bigint | typeof TRAP): number | typeof TRAP => (loaded === TRAP ? TRAP : Number(loaded));
const bytesToCopy = ({ length }: Values): number => Number(length & 0xffff_ffffn);

/** Each answers what the real side and the model say, which must be equal. */
const OPERATIONS = {
  begin: ({ real, model }: Sides, { bytes }: Values) => [real.begin(bytes), model.begin(bytes)],
  alloc: ({ real, model }: Sides, { length }: Values) => [guest(real, "alloc", length), model.alloc(length)],
  free: ({ real, model }: Sides, { at }: Values) => [guest(real, "free", at), model.free(at)],
  release: ({ real, model }: Sides, { at }: Values) => [guest(real, "release", at), model.release(at)],
  length: ({ real, model }: Sides, { at }: Values) => [guest(real, "length", at), model.length(at)],
  loadU8: ({ real, model }: Sides, { at }: Values) => [guest(real, "load_u8", at), byte(model.load(at, 1))],
  loadU64: ({ real, model }: Sides, { at }: Values) => [guest(real, "load_u64", at), model.load(at, 8)],
  storeU8: ({ real, model }: Sides, { at, value }: Values) => [guest(real, "store_u8", at, i32(value)), model.store(at, 1, value)],
  storeU64: ({ real, model }: Sides, { at, value }: Values) => [guest(real, "store_u64", at, value), model.store(at, 8, value)],
  // What is_block looks for: a length, and the handle mixed with a constant that is no secret.
  forge: ({ real, model }: Sides, { at, length }: Values) => {
    const header = (length & 0xffff_ffffn) | (((at ^ 0x5b10c4edn) & 0xffff_ffffn) << 32n);
    return [guest(real, "store_u64", at - 8n, header), model.store(at - 8n, 8, header)];
  },
  inputLoadU8: ({ real, model }: Sides, { length }: Values) => [guest(real, "input_load_u8", length), byte(model.inputLoad(length, 1))],
  inputLoadU64: ({ real, model }: Sides, { length }: Values) => [guest(real, "input_load_u64", length), model.inputLoad(length, 8)],
  outputSet: ({ real, model }: Sides, { at, length }: Values) => [guest(real, "output_set", at, length), model.outputSet(at, length)],
  errorSet: ({ real, model }: Sides, { at }: Values) => [guest(real, "error_set", at), model.errorSet(at)],
  write: ({ real, model }: Sides, { bytes }: Values) => [real.write(bytes), model.write(bytes)],
  copyToGuest: ({ real, model, realGuest, modelGuest }: Sides, values: Values) => [
    real.copyToGuest(values.at, realGuest, values.address, bytesToCopy(values)),
    model.copyToGuest(values.at, modelGuest, values.address, bytesToCopy(values)),
  ],
  copyFromGuest: ({ real, model, realGuest, modelGuest }: Sides, values: Values) => [
    real.copyFromGuest(realGuest, values.address, values.at, bytesToCopy(values)),
    model.copyFromGuest(modelGuest, values.address, values.at, bytesToCopy(values)),
  ],
} satisfies Record<string, (sides: Sides, values: Values) => readonly [unknown, unknown]>;

const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const EDGES = [
  0n,
  1n,
  7n,
  8n,
  63n,
  64n,
  71n,
  72n,
  65_536n,
  131_072n,
  0x3fff_0000n,
  0x3fff_0001n,
  2n ** 31n,
  2n ** 32n,
  2n ** 63n - 1n,
  -1n,
  -8n,
];
const edges = fc.constantFrom(...EDGES);
const small = fc.bigInt({ min: 0n, max: 64n });
const step: fc.Arbitrary<Step> = fc.record({
  does: fc.constantFrom(...(Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[])),
  handle: fc.oneof(
    { weight: 6, arbitrary: fc.record({ given: fc.nat(20), plus: fc.constant(0n) }) },
    { weight: 2, arbitrary: fc.record({ given: fc.nat(20), plus: fc.bigInt({ min: -16n, max: 16n }) }) },
    { weight: 1, arbitrary: fc.record({ number: fc.oneof(edges, i64) }) },
  ),
  length: fc.oneof(
    { weight: 6, arbitrary: small },
    { weight: 1, arbitrary: fc.bigInt(0n, 70_000n) },
    { weight: 1, arbitrary: fc.oneof(edges, i64) },
  ),
  value: i64,
  bytes: fc.uint8Array({ maxLength: 40 }),
  address: fc.oneof(
    { weight: 4, arbitrary: fc.nat(GUEST_BYTES) },
    { weight: 4, arbitrary: fc.integer({ min: GUEST_BYTES - 16, max: GUEST_BYTES }) },
    { weight: 1, arbitrary: fc.nat(0xffff_ffff) },
  ),
});

function run(steps: readonly Step[]): void {
  const sides: Sides = {
    real: new BlockMemory(PAGES * PAGE_BYTES),
    model: new BlockModel(PAGES),
    realGuest: new Uint8Array(GUEST_BYTES).map((_, i) => i),
    modelGuest: new Uint8Array(GUEST_BYTES).map((_, i) => i),
  };
  const { real, model } = sides;
  real.begin(new Uint8Array(9).fill(1));
  model.begin(new Uint8Array(9).fill(1));
  const given = [model.inputOffset];
  steps.forEach(({ handle, ...rest }, i) => {
    const at = "number" in handle ? handle.number : (given[handle.given % given.length] ?? 0n) + handle.plus;
    const [actual, expected] = OPERATIONS[rest.does](sides, { ...rest, at });
    const what = `step ${i + 1}, ${rest.does} at ${at}`;
    expect(actual, what).toEqual(expected);
    if (typeof actual === "bigint" && (rest.does === "alloc" || rest.does === "write")) given.push(actual);
    if (rest.does === "begin") given.push(model.inputOffset);
    expect(real.view(at), `the block of ${what}`).toEqual(model.view(at));
    expect(guest(real, "length", at), `the length of the block of ${what}`).toBe(model.length(at));
    expectSameWords(sides, what);
  });
  expectSameBytes(sides);
}

/** What the host keeps in the words in front of the arena. */
function expectSameWords({ real, model }: Sides, what: string): void {
  const words = [
    guest(real, "input_offset"),
    guest(real, "input_length"),
    guest(real, "error_get"),
    real.outputLength,
    real.exhausted,
    real.size,
  ];
  const expected = [model.inputOffset, model.inputLength, model.errorHandle, model.outputLength, model.exhausted, model.size];
  expect(words, `the words after ${what}`).toEqual(expected);
}

function expectSameBytes({ real, model, realGuest, modelGuest }: Sides): void {
  const arena = new Uint8Array(model.top - ARENA_START);
  expect(real.copyToGuest(BigInt(ARENA_START), arena, 0, arena.length)).toBe(true);
  expect(Buffer.compare(arena, model.arena()), "the arena").toBe(0);
  expect(guest(real, "load_u8", BigInt(model.top)), "the first byte above the arena").toBe(TRAP);
  expect(Buffer.compare(realGuest, modelGuest), "the plugin's memory").toBe(0);
  expect(real.size).toBeLessThanOrEqual(PAGES * PAGE_BYTES);
  expect(Buffer.compare(real.output(), model.output()), "the output").toBe(0);
  expect(real.error(Number.POSITIVE_INFINITY)).toEqual(model.error());
}

describe("the block memory", () => {
  it("does what the model of docs/abi.md does, whatever handles a plugin makes up", async () => {
    await check(fc.array(step, { minLength: 1, maxLength: 60 }), 400, run);
  });

  it("lets no store of a plugin reach the words of the host", async () => {
    const stores = fc.array(fc.record({ at: fc.oneof(edges, i64, fc.bigInt(-80n, 200n)), value: i64, length: small }), { maxLength: 30 });
    await check(stores, 300, (each) => {
      const { memory, ...functions } = new WebAssembly.Instance(kernelModule(PAGES)).exports;
      if (!(memory instanceof WebAssembly.Memory)) throw new Error("the kernel exports no memory");
      const words = new Int32Array(memory.buffer, 0, ARENA_START / 4);
      words[0] = ARENA_START + 100;
      words.fill(0x1111_1111, 1);
      const before = words.slice();
      for (const { at, value, length } of each) {
        for (const [name, ...values] of [
          ["store_u8", at, i32(value)] as const,
          ["store_u64", at, value] as const,
          ["length", at + length] as const,
        ]) {
          const called = functions[name];
          if (typeof called !== "function") throw new Error(`the kernel has no ${name}`);
          try {
            called(...values);
          } catch (thrown) {
            if (!(thrown instanceof WebAssembly.RuntimeError)) throw thrown;
          }
        }
      }
      expect(words).toEqual(before);
    });
  });
});
