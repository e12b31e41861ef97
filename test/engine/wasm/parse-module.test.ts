// What the parser refuses because it cannot read it, and what it finds in what it can.

import { describe, expect, it } from "vitest";
import { HostError } from "../../../host/core/errors.ts";
import type { WasmModule } from "../../../host/engine/wasm/module.ts";
import { parseModule } from "../../../host/engine/wasm/parse-module.ts";
import { StackScan } from "../../../host/engine/wasm/stack-scan.ts";
import { corpus } from "../corpus/corpus.ts";
import { body, section, sized, text, vector, wasm } from "./build.ts";

const parse = (bytes: Uint8Array): WasmModule => parseModule(bytes, { maxNameBytes: 100, maxModuleBytes: 1_000_000 });
const TYPE = section(1, vector([[0x60, 0, 0]]));
const FUNCTION = section(3, vector([[0]]));

function measure(code: number[]): unknown {
  const module = parse(wasm(TYPE, FUNCTION, section(10, vector([code]))));
  const scan = new StackScan(module);
  return module.bodies.map((each) => scan.measure(each));
}

describe("a module that cannot be read", () => {
  it.each([
    ["an unknown section", wasm(section(14, [])), "unknown section 14 at byte 8"],
    ["sections out of order", wasm(FUNCTION, TYPE), "section 1 is out of order"],
    ["a section twice", wasm(TYPE, TYPE), "section 1 is out of order"],
    ["a section that is cut", wasm([1, 100, 0]), "exceeds the bytes left"],
    ["a section longer than its content", wasm(section(1, [0, 0])), "section 1 is longer than its content"],
    ["an unknown form of type", wasm(section(1, vector([[0x4d, 0]]))), "unknown type form 0x4d"],
    ["an unknown value type", wasm(section(1, vector([[0x60, 1, 0x65, 0]]))), "unknown value type 0x65"],
    ["an unknown heap type", wasm(section(1, vector([[0x60, 1, 0x63, 0x5a, 0]]))), "unknown heap type 0x5a"],
    ["an abstract heap type in two bytes", wasm(section(1, vector([[0x60, 1, 0x63, 0xf0, 0x7f, 0]]))), "unknown heap type"],
    ["an unknown mutability of a field", wasm(section(1, vector([[0x5e, 0x7f, 2]]))), "unknown mutability 2"],
    ["an unknown kind of import", wasm(section(2, vector([[0, 0, 9]]))), "unknown kind of import or export 9"],
    ["an unknown kind of export", wasm(section(7, vector([[0, 9, 0]]))), "unknown kind of import or export 9"],
    ["an unknown form of table", wasm(section(4, vector([[0x40, 1, 0x70, 0, 0]]))), "unknown form of table"],
    ["unknown limits", wasm(section(5, vector([[16, 0, 0]]))), "unknown kind of limits 0x10"],
    ["pages of another size", wasm(section(5, vector([[8, 0, 0]]))), "proposal custom-page-sizes"],
    ["an unknown mutability", wasm(section(6, vector([[0x7f, 2, 0x41, 0, 0x0b]]))), "unknown mutability 2"],
    ["an unknown tag attribute", wasm(section(13, vector([[1, 0]]))), "unknown tag attribute 1"],
    ["an unknown element segment", wasm(section(9, vector([[8]]))), "unknown form of element segment 8"],
    ["unknown elements", wasm(section(9, vector([[1, 1, 0]]))), "unknown kind of elements"],
    ["an unknown data segment", wasm(section(11, vector([[3]]))), "unknown form of data segment 3"],
    ["a constant without an end", wasm(section(6, vector([[0x7f, 0, 0x41, 0]]))), "unexpected end"],
    ["a function without a body", wasm(TYPE, FUNCTION), "the function and code sections differ in length"],
    ["a body without a function", wasm(TYPE, section(10, vector([body()]))), "a body without a function"],
    ["a component", Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0), "not a WebAssembly core module"],
    ["nothing", new Uint8Array(), "not a WebAssembly core module"],
  ])("is refused: %s", (_, bytes, message) => {
    const attempt = (): unknown => parse(bytes);
    expect(attempt).toThrow(HostError);
    expect(attempt).toThrow(message);
  });
});

describe("a function body that cannot be read", () => {
  it.each([
    ["an unknown instruction", body(0x27), "unknown instruction 27"],
    ["an unknown prefix", body(0xff, 0), "unknown instruction ff"],
    ["an atomic instruction", body(0xfe, 3, 0), "unknown instruction fe"],
    ["an unknown GC instruction", body(0xfb, 0x80, 0x04), "unknown instruction fb 80 04"],
    ["an unknown vector instruction", body(0xfd, 0x94, 0x02), "unknown instruction fd 94 02"],
    ["an unlisted vector instruction", body(0xfd, 0x9a, 0x01), "unknown instruction fd 9a 01"],
    ["a block of an unknown type", body(0x02, 0x80, 0x7f), "unknown block type"],
    ["a block whose type is none", body(0x02, 5, 0x0b), "a block whose type is none"],
    ["an unknown catch clause", body(0x1f, 0x40, 1, 4, 0, 0x0b), "unknown catch clause 4"],
    ["a branch to no block", body(0x41, 0, 0x0e, 0, 7), "a branch to no block"],
    ["a call of no function", body(0x10, 9), "a call of no function"],
    ["an end too many", body(0x0b), "a function body goes on after its end"],
    ["no end", sized([0, 0x01]), "unexpected end"],
    ["too many labels", body(0x0e, 0xff, 0x7f), "exceeds the bytes left"],
  ])("is refused: %s", (_, code, message) => {
    expect(() => measure(code)).toThrow(message);
  });

  it("is refused if its function has no function type", () => {
    const module = parse(wasm(section(1, vector([[0x5f, 0]])), FUNCTION, section(10, vector([body()]))));
    expect(() => module.bodies.map((each) => new StackScan(module).measure(each))).toThrow("a function whose type is none");
  });
});

describe("the model", () => {
  it("has imports of every kind, with a type for functions", () => {
    const imports = [
      [...text("a"), ...text("f"), 0, 0],
      [...text("a"), ...text("t"), 1, 0x70, 1, 0, 5],
      [...text("a"), ...text("m"), 2, 0, 1],
      [...text("a"), ...text("g"), 3, 0x7f, 0],
      [...text("a"), ...text("e"), 4, 0, 0],
    ];
    const module = parse(wasm(TYPE, section(2, vector(imports))));
    expect(module.imports.map(({ kind, typeIndex }) => [kind, typeIndex])).toEqual([
      ["function", 0],
      ["table", undefined],
      ["memory", undefined],
      ["global", undefined],
      ["tag", undefined],
    ]);
    expect(module.importedFunctions).toBe(1);
    expect(module.tags).toEqual([0]);
  });

  it("counts types, not recursion groups", () => {
    const group = [0x4e, 2, 0x50, 0, 0x5f, 0, 0x4f, 1, 0, 0x5f, 1, 0x78, 1];
    expect(parse(wasm(section(1, vector([group, [0x60, 0, 0]])))).types.map(({ kind }) => kind)).toEqual(["struct", "struct", "function"]);
  });

  it("names value types as the text format does", () => {
    const params = [0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f, 0x6e, 0x71, 0x72, 0x73, 0x74, 0x63, 0, 0x64, 0x6b];
    const [type] = parse(wasm(section(1, vector([[0x60, 14, ...params, 0]])))).types;
    expect(type).toMatchObject({
      params: [
        ...["i32", "i64", "f32", "f64", "v128", "funcref", "externref", "anyref"],
        ...["nullref", "nullexternref", "nullfuncref", "nullexnref", "(ref null 0)", "(ref struct)"],
      ],
    });
  });
});

describe("the stack scan", () => {
  // Nothing but an instruction of a wrong height in the table could make a reachable block end too high.
  it.each(corpus)("follows $name without a height that nothing explains", ({ bytes }) => {
    const module = parse(bytes);
    const scan = new StackScan(module);
    for (const each of module.bodies) {
      const { slots } = scan.measure(each);
      expect(slots).toBeLessThan(5_000);
    }
  });
});
