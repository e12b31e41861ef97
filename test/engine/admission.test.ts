// Each limit admits what meets it and refuses what exceeds it, naming the limit and the value; the modules known to hurt
// are refused.

import { describe, expect, it } from "vitest";
import { HostError } from "../../host/core/errors.ts";
import {
  type AdmissionLimits,
  admit,
  DEFAULT_ADMISSION_LIMITS,
  type ImportName,
  MEMORY_EXPORT,
  START_EXPORT,
} from "../../host/engine/admission.ts";
import { remedyOf } from "../../host/engine/admission-limits.ts";
import { admitPlugin } from "../../host/engine/admit-plugin.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { assemble, assembleWithGc } from "./corpus/text.ts";
import { admitAll, Metered } from "./meter/metered.ts";
import { body, leb, section, sized, text, vector, wasm } from "./wasm/build.ts";

const repeated = (count: number, piece: string): string => piece.repeat(count);
const plain = (source: string): Uint8Array<ArrayBuffer> => assemble(`(module ${source})`);

/** The reasons for which a module is refused, one an entry; fails if it is admitted or something else is thrown. */
function reasons(source: Uint8Array, limits: Partial<AdmissionLimits> = {}): string[] {
  try {
    admitAll(source, limits);
  } catch (error) {
    if (error instanceof HostError && error.code === "admission-refused") return (error.detail ?? "").split("\n");
    throw error;
  }
  throw new Error("the module was admitted");
}

interface LimitCase {
  readonly limit: keyof AdmissionLimits;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What the module measures by that limit. */
  readonly value: number;
}

const nested = (depth: number): string => `(func ${repeated(depth, "(block ")} ${repeated(depth, ")")})`;
const custom = section(0, [...text("junk"), ...new Array(500).fill(7)]);

const CASES: readonly LimitCase[] = [
  { limit: "maxModuleBytes", bytes: wasm(custom, section(1, vector([[0x60, 0, 0]]))), value: 14 },
  { limit: "maxMemoryPages", bytes: plain("(memory 3)"), value: 3 },
  { limit: "maxTables", bytes: plain("(table 1 funcref) (table 1 funcref)"), value: 2 },
  { limit: "maxTableElements", bytes: plain("(table 10 funcref) (table 20 externref)"), value: 30 },
  { limit: "maxTypes", bytes: plain("(type (func)) (type (func (param i32))) (type (func (param i64)))"), value: 3 },
  { limit: "maxImports", bytes: plain('(import "a" "b" (func)) (import "a" "c" (func))'), value: 2 },
  { limit: "maxExports", bytes: plain('(func (export "a") (export "b") (export "c"))'), value: 3 },
  { limit: "maxGlobals", bytes: plain("(global i32 (i32.const 0)) (global i32 (i32.const 0))"), value: 2 },
  { limit: "maxTags", bytes: plain("(tag) (tag)"), value: 2 },
  { limit: "maxTagParams", bytes: plain("(tag) (tag (param i32 i64 f32))"), value: 3 },
  { limit: "maxDataSegments", bytes: plain('(memory 1) (data "a") (data "b")'), value: 2 },
  { limit: "maxElementSegments", bytes: plain("(func) (elem func 0) (elem func 0)"), value: 2 },
  { limit: "maxElementEntries", bytes: plain("(func) (elem func 0 0 0) (elem func 0 0)"), value: 5 },
  {
    limit: "maxConstantArrayElements",
    bytes: assembleWithGc(`(module (type $a (array i32)) (global (ref $a) (array.new_default $a (i32.const 70)))
      (global (ref $a) (array.new $a (i32.const 1) (i32.const 30))))`),
    value: 100,
  },
  { limit: "maxFunctions", bytes: plain("(func) (func) (func)"), value: 3 },
  { limit: "maxFunctionBytes", bytes: plain("(func (drop (i32.const 1)))"), value: 5 },
  { limit: "maxLocalBytes", bytes: plain("(func (param i32 f32) (local i64 f64 v128 funcref))"), value: 48 },
  { limit: "maxLoopsPerFunction", bytes: plain("(func (loop) (loop (loop)))"), value: 3 },
  { limit: "maxNesting", bytes: plain(nested(4)), value: 5 },
  {
    limit: "maxBlockParams",
    bytes: plain("(func (i32.const 1) (i32.const 2) (block (param i32 i32) (drop) (drop)))"),
    value: 2,
  },
  {
    limit: "maxBlockResults",
    bytes: plain("(func (block (result i32 i32 i32) (unreachable)) (drop) (drop) (drop))"),
    value: 3,
  },
  { limit: "maxBranchTableValues", bytes: plain("(func (block (br_table 0 0 0 (i32.const 0))))"), value: 3 },
  // Five slots each: two locals, two values on the stack, and the block itself.
  {
    limit: "maxSlots",
    bytes: plain("(func (local i32 i32) (i32.const 1) (i32.const 1) (block) (block) (drop) (drop))"),
    value: 10,
  },
];

describe.each(CASES)("the limit $limit", ({ limit, bytes, value }) => {
  it("admits what meets it", () => {
    expect(WebAssembly.validate(admitAll(bytes, { [limit]: value }).bytes)).toBe(true);
  });

  it("refuses what exceeds it, with its name and the value", () => {
    const [reason, ...others] = reasons(bytes, { [limit]: value - 1 });
    expect(reason).toContain(`is ${value}; the limit is ${value - 1} (${remedyOf(limit).key})`);
    expect(others).toEqual([]);
  });
});

describe("the limit maxNameBytes", () => {
  const bytes = plain('(func (export "name"))');

  it("admits what meets it", () => {
    expect(admitAll(bytes, { maxNameBytes: 4 }).report.exports).toHaveLength(1);
  });

  it("refuses what exceeds it, with its name and the value", () => {
    expect(reasons(bytes, { maxNameBytes: 3 })).toEqual([
      expect.stringContaining("a name has 4 bytes; the limit is 3 (admission.nameBytes)"),
    ]);
  });
});

it("has a case for every limit", () => {
  const tested = [...CASES.map(({ limit }) => limit), "maxNameBytes"];
  expect(tested.sort()).toEqual(Object.keys(DEFAULT_ADMISSION_LIMITS).sort());
});

describe("modules known to hurt", () => {
  const minimum = (elements: number): number[] => [0x70, 0, ...leb(elements)];
  const locals = (count: number, ...code: (number | number[])[]): number[] => sized([1, leb(count), 0x7f, code, 0x0b]);
  const functions = (...bodies: number[][]): Uint8Array<ArrayBuffer> =>
    wasm(section(1, vector([[0x60, 0, 0]])), section(3, vector(bodies.map(() => [0]))), section(10, vector(bodies)));

  it.each([
    ["40 tables of 10 million elements", wasm(section(4, vector(new Array(40).fill(minimum(10_000_000))))), "maxTables"],
    ["a memory that begins with 4 GB", wasm(section(5, vector([[0, ...leb(65_536)]]))), "maxMemoryPages"],
    ["a function of 2.1 MB", functions(body(new Array(2_100_000).fill(0x01))), "maxFunctionBytes"],
    ["80,000 loops", functions(body(new Array(80_000).fill([0x03, 0x40, 0x0b]))), "maxLoopsPerFunction"],
    ["50,000 locals", functions(locals(50_000)), "maxLocalBytes"],
    [
      "16,000 locals in 1,100 nested blocks",
      functions(locals(16_000, new Array(1_100).fill([0x02, 0x40]), new Array(1_100).fill(0x0b))),
      "maxSlots",
    ],
    ["16,000 locals at 1,100 blocks", functions(locals(16_000, new Array(1_100).fill([0x02, 0x40, 0x0b]))), "maxSlots"],
    [
      "20,000 values on the stack of nested blocks",
      functions(body(new Array(20_000).fill([0x41, 0]), new Array(2_000).fill([0x02, 0x40]), new Array(2_000).fill(0x0b))),
      "maxSlots",
    ],
    [
      "a branch table of 65,000 targets",
      functions(body([0x02, 0x40, 0x41, 0, 0x0e, ...leb(65_000)], new Array(65_001).fill(0), [0x0b])),
      "maxBranchTableValues",
    ],
    ["nesting of 50,000", functions(body(new Array(50_000).fill([0x02, 0x40]), new Array(50_000).fill(0x0b))), "maxNesting"],
    ["60,000 functions", functions(...new Array(60_000).fill(body())), "maxFunctions"],
    [
      "a constant array of a computed length",
      assembleWithGc(`(module (type $a (array i32)) (global (ref $a)
        (array.new_default $a (i32.mul (i32.const 100000) (i32.const 1000)))))`),
      "maxConstantArrayElements",
    ],
  ] as const)("are refused: %s", (_, bytes, limit) => {
    expect(reasons(bytes)).toContainEqual(expect.stringContaining(`(${remedyOf(limit).key})`));
  });

  it("are told all reasons, and not more than can be read", () => {
    const many = reasons(wasm(section(4, vector(new Array(40).fill(minimum(10_000_000)))), section(5, vector([[0, ...leb(65_536)]]))));
    expect(many).toHaveLength(3);
    const exports = section(7, vector(Array.from({ length: 100 }, (_, at) => [...text(`__bulkhead_${at}`), 0, 0])));
    expect(reasons(wasm(exports))).toHaveLength(50);
  });
});

describe("rules without a limit", () => {
  it.each([
    ["a shared memory", wasm(section(5, vector([[3, 1, 2]]))), "the memory is shared"],
    ["a 64-bit memory", wasm(section(5, vector([[4, 1]]))), "the memory is 64-bit"],
    ["a 64-bit table", wasm(section(4, vector([[0x70, 4, 1]]))), "a table is 64-bit"],
    [
      "two memories",
      wasm(
        section(
          5,
          vector([
            [0, 1],
            [0, 1],
          ]),
        ),
      ),
      "the module has 2 memories (proposal multi-memory); one is allowed",
    ],
    ["the name of a global that is added", plain('(func (export "__bulkhead_fuel"))'), "uses the reserved prefix"],
    ["any reserved name", plain('(func (export "__bulkhead_"))'), "uses the reserved prefix"],
    [
      "an invalid module",
      wasm(section(1, vector([[0x60, 0, 1, 0x7f]])), section(3, [1, 0]), section(10, vector([body()]))),
      "the module is not valid",
    ],
    ["no module", Uint8Array.of(1, 2, 3), ""],
    ["a component", Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0), ""],
  ])("refuse %s", (_, bytes, reason) => {
    expect(reasons(bytes).join("\n")).toContain(reason);
  });

  it.each([
    ["memory", "(memory 1)"],
    ["table", "(table 1 funcref)"],
    ["global", "(global i32)"],
    ["tag", "(tag)"],
  ])("refuse a plugin that imports a %s, under a name of the host too", (kind, type) => {
    for (const name of ['"m" "n"', '"extism:host/env" "alloc"']) {
      const bytes = plain(`(import ${name} ${type})`);
      const refusal = expect.stringContaining(`it is a ${kind}; only functions can be imported`);
      expect(() => admitPlugin(bytes, DEFAULT_LIMITS)).toThrow(expect.objectContaining({ code: "admission-refused", detail: refusal }));
    }
  });

  it.each([
    ["table", section(4, vector([[0x69, 0, 1]]))],
    ["table of the long form", section(4, vector([[0x63, 0x69, 0, 1]]))],
    ["global", section(6, vector([[0x69, 1, 0xd0, 0x69, 0x0b]]))],
  ])("refuse a %s that keeps exceptions, which no memory limit counts", (_, content) => {
    const bytes = wasm(content);
    expect(WebAssembly.validate(bytes)).toBe(true);
    expect(reasons(bytes)).toEqual(["a table or global keeps exceptions (exnref), which live outside of every memory limit"]);
  });

  it("refuse a mix of the two encodings of exception handling", () => {
    // try … end, then try_table … end.
    const code = [0x06, 0x40, 0x0b, 0x1f, 0x40, 0, 0x0b];
    const bytes = wasm(section(1, vector([[0x60, 0, 0]])), section(3, vector([[0]])), section(10, vector([body(code)])));
    expect(reasons(bytes)).toEqual(["the module mixes legacy and current exception handling"]);
  });

  it("refuse an invalid module that the added global would make valid", () => {
    const code = [0x41, 0x00, 0x24, 0x00];
    const bytes = wasm(section(1, vector([[0x60, 0, 0]])), section(3, vector([[0]])), section(10, vector([body(code)])));
    expect(reasons(bytes)).toEqual([expect.stringContaining("not valid")]);
  });

  it("refuse an invalid module that the added local or type would make valid", () => {
    const types = section(1, vector([[0x60, 0, 0]]));
    const local = wasm(types, section(3, vector([[0]])), section(10, vector([body([0x03, 0x40, 0x20, 0, 0x1a, 0x0b])])));
    expect(reasons(local)).toEqual([expect.stringContaining("not valid")]);
    const type = wasm(types, section(3, vector([[0]])), section(10, vector([body([0x02, 1, 0x0b])])));
    expect(reasons(type)).toEqual([expect.stringContaining("a block whose type is none")]);
    const call = wasm(types, section(3, vector([[0]])), section(10, vector([body([0x41, 0, 0x10, 1, 0x1a])])));
    expect(reasons(call)).toEqual([expect.stringContaining("a call of no function")]);
  });
});

describe("imports", () => {
  const bytes = plain(`(import "host" "known" (func (param i32 i64) (result f64)))
    (import "host" "unknown" (func)) (func (export "run"))`);

  it("are asked about one by one, with their signatures", () => {
    const asked: ImportName[] = [];
    const { report } = admit(bytes, {
      limits: DEFAULT_ADMISSION_LIMITS,
      isAllowedImport: (entry) => {
        asked.push(entry);
        return true;
      },
    });
    expect(asked).toEqual([
      { module: "host", name: "known", kind: "function", params: ["i32", "i64"], results: ["f64"] },
      { module: "host", name: "unknown", kind: "function", params: [], results: [] },
    ]);
    expect(report.imports).toEqual(asked);
  });

  it("are refused with the reason given", () => {
    const attempt = (): unknown =>
      admit(bytes, {
        limits: DEFAULT_ADMISSION_LIMITS,
        isAllowedImport: ({ name }) => (name === "known" ? true : "there is no such host function"),
      });
    expect(attempt).toThrow("import host unknown: there is no such host function");
  });
});

describe("the admitted module", () => {
  it("cannot grow its memory above the limit, though it declared more", async () => {
    const { bytes, report } = admitAll(
      plain('(memory 1 100) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))'),
      { maxMemoryPages: 5 },
    );
    const guest = new Metered(bytes, { units: 1_000_000 });
    expect(await guest.call("grow", 4)).toBe(1);
    expect(await guest.call("grow", 1)).toBe(-1);
    expect(report.memory).toEqual({ minPages: 1, maxPages: 5 });
  });

  it("keeps a maximum of its own that is smaller", () => {
    expect(admitAll(plain("(memory 1 2)"), { maxMemoryPages: 5 }).report.memory).toEqual({ minPages: 1, maxPages: 2 });
  });

  it("cannot grow a table above the limit", () => {
    const { bytes } = admitAll(plain('(table (export "t") 1 funcref)'), { maxTableElements: 10 });
    const { t } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
    if (!(t instanceof WebAssembly.Table)) throw new Error("no table");
    expect(t.grow(9)).toBe(1);
    expect(() => t.grow(1)).toThrow(RangeError);
  });

  it("exports its memory and its former start function", () => {
    const { bytes, report } = admitAll(plain("(memory 1) (start 0) (func)"));
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    expect(exports[MEMORY_EXPORT]).toBeInstanceOf(WebAssembly.Memory);
    expect(exports[START_EXPORT]).toBeInstanceOf(Function);
    expect(report).toMatchObject({ hasStart: true, exports: [] });
  });

  it("exports neither if there is none", () => {
    const { bytes } = admitAll(wasm());
    const names = Object.keys(new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports);
    expect(names.sort()).toEqual(["__bulkhead_fuel", "__bulkhead_refuel"]);
  });

  it("keeps function names, and no other custom section of its own", () => {
    const names = section(0, [...text("name"), 1, ...sized([1, 0, ...text("main")])]);
    const hints = section(0, [...text("metadata.code.branch_hint"), 1, 0, 1, 2, 1, 1]);
    const base = wasm(
      custom,
      section(1, vector([[0x60, 0, 0]])),
      section(3, vector([[0]])),
      hints,
      section(10, vector([body(0x03, 0x40, 0x0b)])),
      names,
      names,
    );
    const compiled = new WebAssembly.Module(admitAll(base).bytes);
    expect(WebAssembly.Module.customSections(compiled, "name")).toHaveLength(1);
    expect(WebAssembly.Module.customSections(compiled, "junk")).toHaveLength(0);
    expect(WebAssembly.Module.customSections(compiled, "metadata.code.branch_hint")).toHaveLength(1);
  });

  it("is reported with the guest's exports and both sizes", () => {
    const source = plain('(func (export "f") (param i32) (result i64) (i64.const 1)) (global (export "g") i32 (i32.const 1))');
    const { bytes, report } = admitAll(source);
    expect(report.exports).toEqual([
      { name: "f", kind: "function", params: ["i32"], results: ["i64"] },
      { name: "g", kind: "global" },
    ]);
    expect(report).toMatchObject({ functions: 1, hasStart: false, sourceBytes: source.length, admittedBytes: bytes.length });
  });

  it("does not change when the source does afterwards", () => {
    const source = plain('(func (export "f") (result i32) (i32.const 1))');
    const { bytes } = admitAll(source);
    source.fill(0);
    expect(WebAssembly.validate(bytes)).toBe(true);
  });
});
