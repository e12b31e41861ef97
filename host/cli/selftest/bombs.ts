// Modules that hurt whoever compiles them, made when they are needed: some have megabytes.

import {
  BLOCK,
  type Bytes,
  END,
  FUNCREF,
  I32,
  LOOP,
  leb,
  many,
  module,
  NOP,
  nested,
  oneType,
  piece,
  section,
  sized,
  withBodies,
  withBody,
  ZERO,
} from "./assemble.ts";

export interface Bomb {
  readonly name: string;
  readonly limit: string;
  readonly make: () => Uint8Array<ArrayBuffer>;
  /** Matches the reasons of the refusal. */
  readonly expected: RegExp;
}

const bomb = (name: string, limit: string, make: Bomb["make"], expected = new RegExp(limit)): Bomb => ({ name, limit, make, expected });

/** None of them may be admitted. */
export const BOMBS: readonly Bomb[] = [
  bomb("one function of 8 MB", "admission.functionKiB", () => withBody(0, piece().repeat(8_000_000, NOP))),
  bomb("300,000 small loops", "admission.loops", () => withBody(0, piece().repeat(300_000, [...LOOP, END]))),
  bomb("80,000 small loops", "admission.loops", () => withBody(0, piece().repeat(80_000, [...LOOP, END]))),
  bomb(
    "a million tiny functions",
    "admission.functions",
    () => module(oneType, many(3, 1_000_000, [0]), many(10, 1_000_000, [2, 0, END])),
    /admission\.functions/,
  ),
  bomb(
    "a million nested blocks",
    "admission.functionKiB, admission.nesting",
    () => withBody(0, nested(1_000_000, BLOCK)),
    /admission\.(functionKiB|nesting)/,
  ),
  bomb("50,000 nested blocks", "admission.nesting", () => withBody(0, nested(50_000, BLOCK))),
  bomb("br_table of 65,000 targets", "admission.branchTargets", () =>
    withBody(0, piece().add(BLOCK, ZERO, [0x0e], leb(65_000)).repeat(65_001, [0]).add([END])),
  ),
  bomb("50,000 locals", "admission.localKiB", () => withBody(50_000, nested(1_000, BLOCK))),
  bomb("16,000 locals in 1,100 nested blocks", "admission.slots", () => withBody(16_000, nested(1_100, BLOCK))),
  bomb("16,000 locals at 1,100 blocks", "admission.slots", () => withBody(16_000, piece().repeat(1_100, [...BLOCK, END]))),
  bomb("20,000 values below 2,000 nested blocks", "admission.slots", () =>
    withBody(0, piece().repeat(20_000, ZERO).add(nested(2_000, BLOCK)).repeat(20_000, [0x1a])),
  ),
  bomb("a million globals", "admission.globals", () => module(many(6, 1_000_000, [I32, 0, ...ZERO, END]))),
  bomb("100,001 data segments", "admission.dataSegments", () =>
    module(section(5, piece().add([1, 0, 1])), many(11, 100_001, [0, ...ZERO, END, 0])),
  ),
  bomb("100,000 element segments", "admission.elementSegments", () =>
    module(section(4, piece().add([1, FUNCREF, 0, 1])), many(9, 100_000, [0, ...ZERO, END, 0])),
  ),
  bomb("a data segment of 30 MB", "limits.moduleMiB", () =>
    module(
      section(5, piece().add([1, 0, 1])),
      section(
        11,
        piece()
          .add([1, 0, ...ZERO, END], leb(30_000_000))
          .repeat(30_000_000, [0]),
      ),
    ),
  ),
  bomb("a million entries of tables", "admission.elementEntries", () =>
    module(
      oneType,
      section(3, piece().add([1, 0])),
      section(4, piece().add([1, FUNCREF, 0], leb(10))),
      section(
        9,
        piece()
          .add([1, 0, ...ZERO, END], leb(1_000_000))
          .repeat(1_000_000, [0]),
      ),
      section(10, piece().add([1, 2, 0, END])),
    ),
  ),
  bomb("100,000 imports", "admission.imports", () => module(oneType, many(2, 100_000, [1, 0x61, 1, 0x62, 0, 0]))),
  bomb("100,000 exports", "admission.exports", () =>
    module(oneType, section(3, piece().add([1, 0])), many(7, 100_000, [1, 0x61, 0, 0]), section(10, piece().add([1, 2, 0, END]))),
  ),
  bomb("100,000 types", "admission.types", () => module(many(1, 100_000, [0x60, 0, 0]))),
  bomb(
    "an export that takes the place of its fuel",
    "reserved names",
    () => {
      const name = [...new TextEncoder().encode("__bulkhead_fuel")];
      return module(section(6, piece().add([1, I32, 1, ...ZERO, END])), section(7, piece().add([1, name.length, ...name, 3, 0])));
    },
    /reserved prefix/,
  ),
  bomb("an export with a name of 1 MB", "admission.nameBytes", () =>
    module(section(5, piece().add([1, 0, 1])), section(7, piece().add([1], leb(1_000_000)).repeat(1_000_000, [0x61]).add([2, 0]))),
  ),
  bomb("40 tables of 10 million elements", "admission.tables", () => module(many(4, 40, [FUNCREF, 0, ...leb(10_000_000)]))),
  bomb("one table of 10 million elements", "limits.tableElements", () => module(many(4, 1, [FUNCREF, 0, ...leb(10_000_000)]))),
  bomb("memory of 4 GiB from the start", "memoryMiB", () => module(section(5, piece().add([1, 0], leb(65_536)))), /memory's minimum/),
  bomb("two memories", "allow-list", () => module(section(5, piece().add([2, 0, 1, 0, 1]))), /one is allowed/),
  bomb("shared memory", "allow-list", () => module(section(5, piece().add([1, 3, 1, 1]))), /is shared/),
  bomb(
    "waiting on an atomic",
    "allow-list",
    () =>
      module(
        oneType,
        section(3, piece().add([1, 0])),
        section(5, piece().add([1, 3, 1, 1])),
        section(10, piece().add([1], sized(piece().add([0], ZERO, ZERO, [0x42, 0x7f, 0xfe, 0x01, 2, 0, 0x1a, END])))),
      ),
    /unknown instruction fe/,
  ),
  bomb("64-bit memory", "allow-list", () => module(section(5, piece().add([1, 4, 1]))), /64-bit/),
  bomb("no module at all", "parser", () => Uint8Array.from({ length: 1_000 }, (_, i) => i % 251), /./),
  bomb("a module that is cut off", "parser", () => withBody(0, piece().repeat(100, NOP)).slice(0, 60), /./),
];

/** The least that is admitted. */
export const smallest = (): Uint8Array<ArrayBuffer> => module();

const mostFunctions = (): Uint8Array<ArrayBuffer> => module(oneType, many(3, 50_000, [0]), many(10, 50_000, [2, 0, END]));

/** Blocks nested as deep as they may be, in many functions. */
function deepestNests(functions: number): Uint8Array<ArrayBuffer> {
  const body = sized(piece().add([0], nested(9_998, BLOCK), [END]));
  return withBodies(functions, body);
}

/** Branch tables as large as they may be together. */
function widestTables(): Uint8Array<ArrayBuffer> {
  const table = piece().add(BLOCK, ZERO, [0x0e], leb(19_000)).repeat(19_001, [0]).add([END]);
  return withBodies(10, sized(piece().add([0], table, [END])));
}

/** Loops, as many as functions and module may have. */
function mostLoops(functions: number): Uint8Array<ArrayBuffer> {
  const perFunction = 1_900;
  const counted: Bytes = [0x41, 1, 0x6a, 0x22, 0, 0x41, 0xe4, 0, 0x48, 0x0d, 0];
  // for (…; i < 100; i += 1), as often as one function may have it.
  const loops = piece().repeat(perFunction, [0x41, 0, 0x21, 0, ...LOOP, 0x20, 0, ...counted, END]);
  const body = sized(piece().add([1, 1, I32], loops, [END]));
  return withBodies(functions, body);
}

/** 15 MB of loops, which keep a compiler busy for seconds. */
export const heaviest = (): Uint8Array<ArrayBuffer> => mostLoops(400);

/** Within every limit, and as much work as that leaves: admission has to get through them. */
export const WORST_ADMITTED: readonly { readonly name: string; readonly make: () => Uint8Array<ArrayBuffer> }[] = [
  { name: "as many functions as are admitted", make: mostFunctions },
  { name: "blocks nested as deep as is admitted", make: () => deepestNests(100) },
  { name: "branch tables as wide as are admitted", make: widestTables },
  { name: "as many loops as are admitted", make: heaviest },
];
