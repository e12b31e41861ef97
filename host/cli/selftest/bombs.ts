// Modules that hurt whoever compiles them, made when they are needed: some have megabytes.

type Bytes = readonly number[];

const I32 = 0x7f;
const FUNCREF = 0x70;
const END = 0x0b;
const HEADER: Bytes = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return bytes;
}

/** Bytes put together piece by piece; arrays of millions of numbers would not do as arguments. */
class Piece {
  readonly #chunks: Uint8Array[] = [];
  length = 0;

  add(...pieces: readonly (Bytes | Piece)[]): this {
    for (const piece of pieces) {
      const chunk = piece instanceof Piece ? piece.bytes() : Uint8Array.from(piece);
      this.#chunks.push(chunk);
      this.length += chunk.length;
    }
    return this;
  }

  repeat(times: number, bytes: Bytes): this {
    const chunk = new Uint8Array(bytes.length * times);
    for (let i = 0; i < times; i += 1) chunk.set(bytes, i * bytes.length);
    this.#chunks.push(chunk);
    this.length += chunk.length;
    return this;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }
}

const piece = (): Piece => new Piece();
const sized = (content: Piece): Piece => piece().add(leb(content.length), content);
const section = (id: number, content: Piece): Piece => piece().add([id], sized(content));
const module = (...sections: readonly Piece[]): Uint8Array<ArrayBuffer> =>
  piece()
    .add(HEADER, ...sections)
    .bytes();
/** A section of so many times the same. */
const many = (id: number, count: number, bytes: Bytes): Piece => section(id, piece().add(leb(count)).repeat(count, bytes));
const oneType = section(1, piece().add([1, 0x60, 0, 0]));

/** A module with one function: its local variables, then its code. */
function withBody(locals: number, code: Piece): Uint8Array<ArrayBuffer> {
  const declared = locals === 0 ? [0] : [1, ...leb(locals), I32];
  const body = sized(piece().add(declared, code, [END]));
  return module(oneType, section(3, piece().add([1, 0])), section(10, piece().add([1], body)));
}

const nested = (depth: number, opening: Bytes): Piece => piece().repeat(depth, opening).repeat(depth, [END]);
const BLOCK: Bytes = [0x02, 0x40];
const LOOP: Bytes = [0x03, 0x40];
const ZERO: Bytes = [0x41, 0];
const NOP: Bytes = [0x01];

interface Bomb {
  readonly name: string;
  readonly limit: string;
  readonly make: () => Uint8Array<ArrayBuffer>;
  /** Matches the reasons of the refusal. */
  readonly expected: RegExp;
}

const bomb = (name: string, limit: string, make: Bomb["make"], expected = new RegExp(limit)): Bomb => ({ name, limit, make, expected });

/** None of them may be admitted. */
export const BOMBS: readonly Bomb[] = [
  bomb("one function of 8 MB", "maxFunctionBytes", () => withBody(0, piece().repeat(8_000_000, NOP))),
  bomb("300,000 small loops", "maxFunctionBytes", () => withBody(0, piece().repeat(300_000, [...LOOP, END]))),
  bomb("80,000 small loops", "maxLoopsPerFunction", () => withBody(0, piece().repeat(80_000, [...LOOP, END]))),
  bomb(
    "a million tiny functions",
    "maxFunctions",
    () => module(oneType, many(3, 1_000_000, [0]), many(10, 1_000_000, [2, 0, END])),
    /maxFunctions/,
  ),
  bomb(
    "a million nested blocks",
    "maxFunctionBytes, maxNesting",
    () => withBody(0, nested(1_000_000, BLOCK)),
    /maxFunctionBytes|maxNesting/,
  ),
  bomb("50,000 nested blocks", "maxNesting", () => withBody(0, nested(50_000, BLOCK))),
  bomb("br_table of 65,000 targets", "maxBranchTableValues", () =>
    withBody(0, piece().add(BLOCK, ZERO, [0x0e], leb(65_000)).repeat(65_001, [0]).add([END])),
  ),
  bomb("50,000 locals", "maxLocals", () => withBody(50_000, nested(1_000, BLOCK))),
  bomb("2,000 locals in 1,000 nested blocks", "maxNestSlots", () => withBody(2_000, nested(1_000, BLOCK))),
  bomb("2,000 locals at 5,000 blocks", "maxSlots", () => withBody(2_000, piece().repeat(5_000, [...BLOCK, END]))),
  bomb("20,000 values below 2,000 nested blocks", "maxNestSlots", () =>
    withBody(0, piece().repeat(20_000, ZERO).add(nested(2_000, BLOCK)).repeat(20_000, [0x1a])),
  ),
  bomb("a million globals", "maxGlobals", () => module(many(6, 1_000_000, [I32, 0, ...ZERO, END]))),
  bomb("100,000 data segments", "maxDataSegments", () =>
    module(section(5, piece().add([1, 0, 1])), many(11, 100_000, [0, ...ZERO, END, 0])),
  ),
  bomb("a data segment of 20 MB", "maxModuleBytes", () =>
    module(
      section(5, piece().add([1, 0, 1])),
      section(
        11,
        piece()
          .add([1, 0, ...ZERO, END], leb(20_000_000))
          .repeat(20_000_000, [0]),
      ),
    ),
  ),
  bomb("a million entries of tables", "maxElementEntries", () =>
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
  bomb("100,000 imports", "maxImports", () => module(oneType, many(2, 100_000, [1, 0x61, 1, 0x62, 0, 0]))),
  bomb("an export with a name of 1 MB", "maxNameBytes", () =>
    module(section(5, piece().add([1, 0, 1])), section(7, piece().add([1], leb(1_000_000)).repeat(1_000_000, [0x61]).add([2, 0]))),
  ),
  bomb("40 tables of 10 million elements", "maxTables", () => module(many(4, 40, [FUNCREF, 0, ...leb(10_000_000)]))),
  bomb("one table of 10 million elements", "maxTableElements", () => module(many(4, 1, [FUNCREF, 0, ...leb(10_000_000)]))),
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

/** As much work as a module may be: functions near every limit, all within it. */
export function heaviestAdmitted(functions: number): Uint8Array<ArrayBuffer> {
  const perFunction = 1_900;
  const counted: Bytes = [0x41, 1, 0x6a, 0x22, 0, 0x41, 0xe4, 0, 0x48, 0x0d, 0];
  // for (…; i < 100; i += 1), as often as one function may have it.
  const loops = piece().repeat(perFunction, [0x41, 0, 0x21, 0, ...LOOP, 0x20, 0, ...counted, END]);
  const body = sized(piece().add([1, 1, I32], loops, [END]));
  return module(
    oneType,
    section(3, piece().add(leb(functions)).repeat(functions, [0])),
    section(10, piece().add(leb(functions), ...Array.from({ length: functions }, () => body))),
  );
}
