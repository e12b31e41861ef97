// The checker notices when a byte of an admitted module is another one than the meter wrote.

import { describe, expect, it } from "vitest";
import { DEFAULT_ADMISSION_LIMITS } from "../../../host/engine/admission.ts";
import { OP } from "../../../host/engine/wasm/instructions.ts";
import { parseModule } from "../../../host/engine/wasm/parse-module.ts";
import { compileKernels } from "../../bench/kernels/compile.ts";
import { assemble } from "../corpus/text.ts";
import { section } from "../wasm/build.ts";
import { GUEST, metered, refusal } from "./verifying.ts";

type Edit = readonly [from: readonly number[], to: readonly number[]];

/** The first place of `from` behind `after` becomes `to`. */
function replaced(bytes: Uint8Array<ArrayBuffer>, [from, to]: Edit, after = 8): Uint8Array<ArrayBuffer> {
  const at = Buffer.from(bytes).indexOf(Buffer.from(from), after);
  if (at < 0) throw new Error(`nothing like ${from.join()} is there`);
  expect(to).toHaveLength(from.length);
  const edited = bytes.slice();
  edited.set(to, at);
  return edited;
}

describe("a byte of an admitted module that is another is noticed:", () => {
  const good = metered(assemble(GUEST));
  const { bodies, sections } = parseModule(good, DEFAULT_ADMISSION_LIMITS);
  const fuel = 2;
  const refuel = 3;
  const helper = 2;
  const code = bodies[0]?.start ?? 0;
  const at = (id: number): number => (sections.get(id)?.byteOffset ?? 0) - good.byteOffset;

  it("(the module is good without it)", () => {
    expect(refusal(good)).toBeUndefined();
  });

  it.each<[string, Edit, number]>([
    [
      "a guest writes the fuel",
      [
        [OP.globalSet, 0],
        [OP.globalSet, fuel],
      ],
      code,
    ],
    [
      "a guest reads the fuel",
      [
        [OP.globalGet, 1],
        [OP.globalGet, fuel],
      ],
      code,
    ],
    [
      "a guest calls the helper",
      [
        [OP.call, 1],
        [OP.call, helper],
      ],
      code,
    ],
    [
      "a guest makes a reference to the helper",
      [
        [OP.refFunc, 1],
        [OP.refFunc, helper],
      ],
      code,
    ],
    [
      "a guest names a type that was added",
      [
        [OP.callIndirect, 0],
        [OP.callIndirect, 2],
      ],
      code,
    ],
    [
      "a guest exports the fuel under a name of its own",
      [
        [1, 0x61, 3, 0],
        [1, 0x61, 3, fuel],
      ],
      at(7),
    ],
    [
      "a guest exports the refuel function under a name of its own",
      [
        [1, 0x61, 3, 0],
        [1, 0x61, 3, refuel],
      ],
      at(7),
    ],
    [
      "a guest exports the helper",
      [
        [1, 0x66, 0, 0],
        [1, 0x66, 0, helper],
      ],
      at(7),
    ],
    [
      "the fuel's export leads to a global of the guest's",
      [
        [3, fuel],
        [3, 1],
      ],
      at(7),
    ],
    [
      "the fuel is exported under another name",
      [
        [0x66, 0x75, 0x65, 0x6c],
        [0x66, 0x75, 0x65, 0x78],
      ],
      at(7),
    ],
    [
      "a table holds the helper",
      [
        [2, 0, 1],
        [2, 0, helper],
      ],
      at(9),
    ],
    [
      "the memory may grow beyond its limit",
      [
        [1, 1, 100],
        [1, 1, 101],
      ],
      at(5),
    ],
    [
      "a table may grow beyond its limit",
      [
        [0xe8, 7],
        [0xe9, 7],
      ],
      at(4),
    ],
    [
      "the fuel begins with something",
      [
        [0x7f, 1, OP.i32Const, 0, OP.end, 0x63],
        [0x7f, 1, OP.i32Const, 9, OP.end, 0x63],
      ],
      at(6),
    ],
    [
      "a split loop calls another function than the helper",
      [
        [OP.call, helper],
        [OP.call, 1],
      ],
      code,
    ],
    [
      "a check writes a local of the guest's",
      [
        [OP.i32Sub, OP.localTee, 1],
        [OP.i32Sub, OP.localTee, 0],
      ],
      code,
    ],
    [
      "a split loop goes on with a local of the guest's",
      [
        [OP.i32Add, OP.localSet, 1],
        [OP.i32Add, OP.localSet, 0],
      ],
      code,
    ],
    [
      "a split loop leaves to the wrong block",
      [
        [OP.i32LtS, OP.brIf, 1],
        [OP.i32LtS, OP.brIf, 2],
      ],
      code,
    ],
    [
      "a split loop goes round in its inner loop",
      [
        [OP.br, 2, OP.end],
        [OP.br, 1, OP.end],
      ],
      code,
    ],
    [
      "a check is never negative",
      [
        [OP.i32Const, 0, OP.i32LtS],
        [OP.i32Const, 0, OP.i32LtU],
      ],
      code,
    ],
    [
      "a check adds",
      [
        [OP.i32Sub, OP.localTee, 1],
        [OP.i32Add, OP.localTee, 1],
      ],
      code,
    ],
  ])("%s", (_, edit, after) => {
    const edited = replaced(good, edit, after);
    expect(refusal(edited) ?? (WebAssembly.validate(edited) ? undefined : "V8 refuses it")).toBeDefined();
  });

  it("there is a start section", () => {
    const from = at(9) - 2;
    const edited = Uint8Array.from([...good.subarray(0, from), ...section(8, [0]), ...good.subarray(from)]);
    expect(WebAssembly.validate(edited)).toBe(true);
    expect(refusal(edited)).toContain("start section");
  });

  it("something more is exported under a reserved name", () => {
    const source = assemble(`(module (memory 1) (func (export "__bulkhead_start") (param i32)) (func (export "__bulkhead_x")))`);
    expect(refusal(metered(source))).toContain("__bulkhead_x");
  });

  it("any one loop of the kernels has lost its check", async () => {
    const kernels = metered(await compileKernels());
    const { globals } = parseModule(kernels, DEFAULT_ADMISSION_LIMITS);
    let tried = 0;
    for (const edited of withoutOneCheck(kernels, globals - 2)) {
      expect(WebAssembly.validate(edited)).toBe(true);
      expect(refusal(edited)).toBeDefined();
      tried += 1;
    }
    expect(tried).toBeGreaterThan(20);
  });

  it("a module that was not metered", () => {
    expect(refusal(assemble(GUEST))).toBeDefined();
    expect(refusal(Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))).toBeDefined();
  });
});

/** The module without one check behind a `loop` each, which becomes `nop`s. */
function* withoutOneCheck(admitted: Uint8Array<ArrayBuffer>, fuelGlobal: number): Generator<Uint8Array<ArrayBuffer>> {
  const { bodies } = parseModule(admitted, DEFAULT_ADMISSION_LIMITS);
  for (const { codeAt, end } of bodies.slice(0, -1)) {
    for (let at = codeAt; at < end; at += 1) {
      if (admitted[at] !== OP.loop || admitted[at + 1] !== 0x40) continue;
      const from = at + 2;
      const local = admitted[from + 1] ?? 0;
      const isCheck = admitted[from] === OP.globalGet ? local === fuelGlobal : admitted[from] === OP.localGet;
      const spends = Buffer.from(admitted).indexOf(Buffer.from([OP.i32Const, 0, OP.i32LtS]), from);
      if (!isCheck || spends - from > 16) continue;
      const to = admitted[spends + 3] === OP.if ? admitted.indexOf(OP.end, spends) + 1 : spends + 5;
      const edited = admitted.slice();
      edited.fill(0x01, from, to);
      yield edited;
    }
  }
}
