// The block memory of an instance as a small Wasm module, so that a guest's loads and stores of blocks never leave Wasm.
// It implements the block functions of docs/abi.md over a bump arena and bounds every access. It decides nothing else.

/** Offsets of the words (i32) at the start of the memory that host and kernel share. No guest access reaches them. */
export const WORD = { top: 0, inputOffset: 4, inputLength: 8, outputOffset: 12, outputLength: 16, error: 20, exhausted: 24 } as const;

export const PAGE_BYTES = 65_536;
export const HEADER_BYTES = 8;
/** Where the arena begins; the first block's data stands behind its header. */
export const ARENA_START = 64;
/** A block's header is its length and its offset mixed with this, which tells a handle from a stray number. */
export const CHECK = 0x5b10c4ed;

const I32 = 0x7f;
const I64 = 0x7e;

// Opcodes, by their names in the specification.
const UNREACHABLE = 0x00;
const IF = 0x04;
const ELSE = 0x05;
const END = 0x0b;
const RETURN = 0x0f;
const VOID = 0x40;
const MEMORY_SIZE = [0x3f, 0];
const MEMORY_GROW = [0x40, 0];
const I32_EQZ = 0x45;
const I32_EQ = 0x46;
const I32_NE = 0x47;
const I32_GT_U = 0x4b;
const I64_EQZ = 0x50;
const I64_LT_U = 0x54;
const I64_GT_U = 0x56;
const I32_ADD = 0x6a;
const I32_SUB = 0x6b;
const I32_AND = 0x71;
const I32_OR = 0x72;
const I32_XOR = 0x73;
const I32_SHL = 0x74;
const I32_SHR_U = 0x76;
const I64_ADD = 0x7c;
const I64_SUB = 0x7d;
const WRAP = 0xa7;
const EXTEND_U = 0xad;

type Code = readonly (number | readonly number[])[];

const unsigned = (value: number): number[] => {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return bytes;
};

const signed = (value: number): number[] => {
  const bytes: number[] = [];
  for (let rest = value; ; ) {
    const low = rest & 0x7f;
    rest >>= 7;
    const last = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(last ? low : low | 0x80);
    if (last) return bytes;
  }
};

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const tee = (local: number): number[] => [0x22, local];
const i32 = (value: number): number[] => [0x41, ...signed(value)];
const i64 = (value: number): number[] => [0x42, ...signed(value)];
const call = (index: number): number[] => [0x10, index];
/** load/store with the word's address as the static offset; the dynamic address is 0. */
const loadWord = (address: number): number[] => [...i32(0), 0x28, 2, ...unsigned(address)];
const loadI32 = [0x28, 2, 0];
const storeI32 = [0x36, 2, 0];
const loadU8 = [0x2d, 0, 0];
const loadU64 = [0x29, 0, 0];
const storeU8 = [0x3a, 0, 0];
const storeU64 = [0x37, 0, 0];
const storeWord = (address: number, value: Code): Code => [...i32(0), ...value, 0x36, 2, ...unsigned(address)];
const trapIf = [IF, VOID, UNREACHABLE, END];
const topAsI64 = [...loadWord(WORD.top), EXTEND_U];

/** Traps unless `size` bytes from the i64 in local 0 lie in the arena. Unsigned, so a negative handle is a large one. */
const requireAccess = (size: number): Code => [
  ...[...get(0), ...i64(ARENA_START), I64_LT_U],
  ...[...get(0), ...topAsI64, I64_GT_U, I32_OR],
  ...[...get(0), ...i64(size), I64_ADD, ...topAsI64, I64_GT_U, I32_OR],
  ...trapIf,
];

const roundUp8 = [...i32(7), I32_ADD, ...i32(-8), I32_AND];

interface KernelFunction {
  readonly name: string;
  readonly params: readonly number[];
  readonly results: readonly number[];
  readonly locals?: number;
  readonly code: Code;
}

const IS_BLOCK = 0;

const FUNCTIONS: readonly KernelFunction[] = [
  {
    // Whether the i64 is the handle of a block of this turn, as far as its header tells.
    name: "is_block",
    params: [I64],
    results: [I32],
    code: [
      ...[...get(0), ...i64(ARENA_START + HEADER_BYTES), I64_LT_U, ...get(0), ...topAsI64, I64_GT_U, I32_OR],
      ...[...get(0), WRAP, ...i32(7), I32_AND, I32_OR],
      ...[IF, VOID, ...i32(0), RETURN, END],
      ...[...get(0), WRAP, ...i32(4), I32_SUB, ...loadI32, ...get(0), WRAP, ...i32(CHECK), I32_XOR, I32_EQ],
    ],
  },
  {
    // Locals: 1 the arena's top, 2 its new top, 3 bytes that are missing.
    name: "alloc",
    params: [I64],
    results: [I64],
    locals: 3,
    code: [
      ...[...get(0), I64_EQZ, IF, VOID, ...i64(0), RETURN, END],
      ...[...get(0), ...i64(0x3fff_0000), I64_GT_U, IF, VOID, ...storeWord(WORD.exhausted, i32(1)), UNREACHABLE, END],
      ...[...loadWord(WORD.top), ...tee(1), ...get(0), WRAP, ...roundUp8, I32_ADD, ...i32(HEADER_BYTES), I32_ADD, ...set(2)],
      ...[...get(2), ...MEMORY_SIZE, ...i32(16), I32_SHL, I32_GT_U, IF, VOID],
      ...[...get(2), ...MEMORY_SIZE, ...i32(16), I32_SHL, I32_SUB, ...set(3)],
      ...[...get(3), ...i32(PAGE_BYTES - 1), I32_ADD, ...i32(16), I32_SHR_U, ...MEMORY_GROW, ...i32(-1), I32_EQ],
      ...[IF, VOID, ...storeWord(WORD.exhausted, i32(1)), UNREACHABLE, END, END],
      ...[...get(1), ...get(0), WRAP, ...storeI32],
      ...[...get(1), ...i32(4), I32_ADD, ...get(1), ...i32(HEADER_BYTES), I32_ADD, ...i32(CHECK), I32_XOR, ...storeI32],
      ...storeWord(WORD.top, get(2)),
      ...[...get(1), ...i32(HEADER_BYTES), I32_ADD, EXTEND_U],
    ],
  },
  {
    // An arena frees nothing but its last block; that is enough for the usual alloc, use, free.
    name: "free",
    params: [I64],
    results: [],
    code: [
      ...[...get(0), ...call(IS_BLOCK), I32_EQZ, IF, VOID, RETURN, END],
      ...[...get(0), WRAP, ...i32(HEADER_BYTES), I32_SUB, ...loadI32, ...roundUp8, ...get(0), WRAP, I32_ADD],
      ...[...loadWord(WORD.top), I32_NE, IF, VOID, RETURN, END],
      ...storeWord(WORD.top, [...get(0), WRAP, ...i32(HEADER_BYTES), I32_SUB]),
    ],
  },
  {
    // Forgets this block and all that came after it: our SDKs give back the blocks of a host call in one go.
    name: "release",
    params: [I64],
    results: [],
    code: [...[...get(0), ...call(IS_BLOCK), IF, VOID], ...[...storeWord(WORD.top, [...get(0), WRAP, ...i32(HEADER_BYTES), I32_SUB]), END]],
  },
  {
    name: "length",
    params: [I64],
    results: [I64],
    code: [
      ...[...get(0), ...call(IS_BLOCK), IF, I64],
      ...[...get(0), WRAP, ...i32(HEADER_BYTES), I32_SUB, ...loadI32, EXTEND_U, ELSE, ...i64(0), END],
    ],
  },
  { name: "load_u8", params: [I64], results: [I32], code: [...requireAccess(1), ...get(0), WRAP, ...loadU8] },
  { name: "load_u64", params: [I64], results: [I64], code: [...requireAccess(8), ...get(0), WRAP, ...loadU64] },
  { name: "store_u8", params: [I64, I32], results: [], code: [...requireAccess(1), ...get(0), WRAP, ...get(1), ...storeU8] },
  { name: "store_u64", params: [I64, I64], results: [], code: [...requireAccess(8), ...get(0), WRAP, ...get(1), ...storeU64] },
  { name: "input_offset", params: [], results: [I64], code: [...loadWord(WORD.inputOffset), EXTEND_U] },
  { name: "input_length", params: [], results: [I64], code: [...loadWord(WORD.inputLength), EXTEND_U] },
  {
    name: "input_load_u8",
    params: [I64],
    results: [I32],
    code: [
      ...[...loadWord(WORD.inputLength), EXTEND_U, ...get(0), I64_GT_U, I32_EQZ, ...trapIf],
      ...[...get(0), WRAP, ...loadWord(WORD.inputOffset), I32_ADD, ...loadU8],
    ],
  },
  {
    name: "input_load_u64",
    params: [I64],
    results: [I64],
    code: [
      ...[...get(0), ...loadWord(WORD.inputLength), EXTEND_U, I64_GT_U],
      ...[...get(0), ...i64(8), I64_ADD, ...loadWord(WORD.inputLength), EXTEND_U, I64_GT_U, I32_OR, ...trapIf],
      ...[...get(0), WRAP, ...loadWord(WORD.inputOffset), I32_ADD, ...loadU64],
    ],
  },
  {
    // The subtraction cannot wrap: the offset was found to be at most top.
    name: "output_set",
    params: [I64, I64],
    results: [],
    code: [
      ...[...get(1), I64_EQZ, I32_EQZ, IF, VOID],
      ...[...get(0), ...i64(ARENA_START), I64_LT_U, ...get(0), ...topAsI64, I64_GT_U, I32_OR, ...trapIf],
      ...[...get(1), ...topAsI64, ...get(0), I64_SUB, I64_GT_U, ...trapIf, END],
      ...storeWord(WORD.outputOffset, [...get(0), WRAP]),
      ...storeWord(WORD.outputLength, [...get(1), WRAP]),
    ],
  },
  {
    name: "error_set",
    params: [I64],
    results: [],
    code: storeWord(WORD.error, [...get(0), ...call(IS_BLOCK), IF, I32, ...get(0), WRAP, ELSE, ...i32(0), END]),
  },
  { name: "error_get", params: [], results: [I64], code: [...loadWord(WORD.error), EXTEND_U] },
];

const name = (text: string): number[] => [text.length, ...new TextEncoder().encode(text)];
const vector = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()];
const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content];
const sized = (content: readonly number[]): number[] => [...unsigned(content.length), ...content];

function assemble(maxPages: number): Uint8Array<ArrayBuffer> {
  const types = FUNCTIONS.map(({ params, results }) => [0x60, ...vector(params.map((p) => [p])), ...vector(results.map((r) => [r]))]);
  const exports = FUNCTIONS.map((f, i) => [...name(f.name), 0, i]);
  const bodies = FUNCTIONS.map((f) => sized([...(f.locals ? [1, f.locals, I32] : [0]), ...f.code.flat(), END]));
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(3, vector(FUNCTIONS.map((_, i) => unsigned(i)))),
    ...section(5, vector([[1, 1, ...unsigned(maxPages)]])),
    ...section(7, vector([...exports, [...name("memory"), 2, 0]])),
    ...section(10, vector(bodies)),
  ]);
}

const modules = new Map<number, WebAssembly.Module>();

/** The kernel with a memory of at most `maxPages` pages of 64 KiB; compiled once per size. */
export function kernelModule(maxPages: number): WebAssembly.Module {
  let module = modules.get(maxPages);
  if (module === undefined) {
    module = new WebAssembly.Module(assemble(maxPages));
    modules.set(maxPages, module);
  }
  return module;
}
