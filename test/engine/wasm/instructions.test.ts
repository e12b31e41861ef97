// Holds the table of instructions against V8: what V8 accepts is read exactly as V8 reads it, or refused.

import { describe, expect, it } from "vitest";
import { HostError } from "../../../host/core/errors.ts";
import { InstructionReader } from "../../../host/engine/wasm/instruction-reader.ts";
import { pushesOf } from "../../../host/engine/wasm/instructions.ts";
import { leb, section, sized, vector, wasm } from "./build.ts";

// Kinds of type 0, since an immediate of zeros means that type.
const FUNCTION = [0x60, 0, 0];
const STRUCT = [0x5f, 1, 0x7f, 1];
const PACKED_STRUCT = [0x5f, 1, 0x78, 1];
const ARRAY = [0x5e, 0x7f, 1];
const PACKED_ARRAY = [0x5e, 0x78, 1];
const REFERENCES = [0x5e, 0x70, 1];
const TYPES = [FUNCTION, STRUCT, PACKED_STRUCT, ARRAY, PACKED_ARRAY, REFERENCES];

// Results that the instruction may leave: nothing, or a value of one of these types.
const RESULTS = [[], [0x7f], [0x7e], [0x7d], [0x7c], [0x7b], [0x70], [0x6f], [0x6e], [0x69], [0x63, 0], [0x64, 0]];

// What surrounds the code in a module of this type 0 and of a function with this result. It is made once for each, since a million modules are tried.
const AROUND = RESULTS.flatMap((result) =>
  TYPES.map((type0) => {
    const type1 = [0x60, 0, result.length === 0 ? 0 : 1, ...result];
    const head = wasm(
      section(1, vector([type0, type1, [0x60, 0, 0]])),
      section(3, vector([[1], [2]])),
      section(4, vector([[0x70, 0, 1]])),
      section(5, vector([[0, 1]])),
      section(13, vector([[0, 2]])),
      section(6, vector([[0x7f, 1, 0x41, 0, 0x0b]])),
      section(7, vector([[1, 0x66, 0, 0]])),
      section(9, vector([[1, 0, 1, 0]])),
      section(12, [1]),
    );
    return { head: Buffer.from(head), pushes: Math.sign(result.length) };
  }),
);
const TAIL = Buffer.from(section(11, vector([[1, 1, 0]])));

// Code after `unreachable` may pop anything; one i32 local lets local.get and its like stand. The `end` that closes the
// body follows the immediates directly, so that too few of them swallow it.
function codeWith(opcode: number[], immediates: number): Buffer {
  const code = [1, 1, 0x7f, 0x00, ...opcode, ...new Array(immediates).fill(0), 0x0b];
  return Buffer.concat([Buffer.from(section(10, vector([sized(code), sized([0, 0x0b])]))), TAIL]);
}

interface Shape {
  readonly immediates: number;
  readonly pushes: number;
}

/** The fewest zero bytes that V8 accepts as immediates, and how many values the instruction then leaves. */
function shapeInV8(opcode: number[]): Shape | undefined {
  for (let immediates = 0; immediates <= 18; immediates++) {
    const code = codeWith(opcode, immediates);
    const accepted = AROUND.find(({ head }) => WebAssembly.validate(Buffer.concat([head, code])));
    if (accepted !== undefined) return { immediates, pushes: accepted.pushes };
  }
  return undefined;
}

function shapeHere(opcode: number[]): Shape | undefined {
  const reader = new InstructionReader(Uint8Array.from([...opcode, ...new Array(18).fill(0)]));
  try {
    const key = reader.next();
    return { immediates: reader.offset - opcode.length, pushes: pushesOf(key) };
  } catch (error) {
    if (error instanceof HostError) return undefined;
    throw error;
  }
}

const single = Array.from({ length: 0xfb }, (_, opcode) => [opcode]);
const prefixed = (prefix: number, count: number): number[][] => Array.from({ length: count }, (_, code) => [prefix, ...leb(code)]);

// Structured control, and br_on_null with a reference to leave, cannot stand alone with immediates of zeros; the corpus has
// them.
const STRUCTURED = new Set([0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x09, 0x0b, 0x0e, 0x18, 0x19, 0x1c, 0x1f, 0xd5]);

describe("the table of instructions", () => {
  const all = [...single, ...prefixed(0xfb, 0x80), ...prefixed(0xfc, 0x60), ...prefixed(0xfd, 0x180)];

  it("reads every instruction that V8 accepts as V8 does", () => {
    const differences = all
      .filter(([first = 0]) => !STRUCTURED.has(first))
      .map((opcode) => ({ opcode, v8: shapeInV8(opcode), here: shapeHere(opcode) }))
      .filter(({ v8, here }) => v8 !== undefined && JSON.stringify(v8) !== JSON.stringify(here))
      .map(({ opcode, v8, here }) => `${opcode.map((byte) => byte.toString(16))} ${JSON.stringify({ v8, here })}`);
    expect(differences).toEqual([]);
  });

  it("lists nothing that V8 refuses", () => {
    const unknown = all
      .filter(([first = 0]) => !STRUCTURED.has(first))
      .filter((opcode) => shapeHere(opcode) !== undefined && shapeInV8(opcode) === undefined)
      .map((opcode) => opcode.map((byte) => byte.toString(16)).join(" "));
    expect(unknown).toEqual([]);
  });
});
