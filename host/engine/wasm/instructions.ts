// The one table of instructions: which immediates each has, what it does to the operand stack, what it costs and which
// feature it belongs to. An instruction that is not here is refused, so a new proposal enters by a row, not by accident.
// It does not decode (instruction-reader.ts) and does not decide how costs are charged (../meter).

/** What follows an opcode. */
export const IMMEDIATE = {
  unknown: 0,
  none: 1,
  index: 2,
  twoIndices: 3,
  label: 4,
  blockType: 5,
  memoryArgument: 6,
  memoryArgumentAndLane: 7,
  i32: 8,
  i64: 9,
  fourBytes: 10,
  eightBytes: 11,
  sixteenBytes: 12,
  lane: 13,
  heapType: 14,
  valueTypes: 15,
  labelTable: 16,
  catches: 17,
  castBranch: 18,
} as const;

/** Instructions whose work grows with an operand, which stands on top of the stack. */
export const BULK = { none: 0, memoryGrow: 1, bytes: 2, tableElements: 3, arrayElements: 4, arrayCopy: 5 } as const;

/** Keys of the instructions that the parser, the scan and the meter treat by name. A prefixed one is prefix base + code. */
export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  try: 0x06,
  catch: 0x07,
  throw: 0x08,
  rethrow: 0x09,
  throwRef: 0x0a,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  callRef: 0x14,
  returnCallRef: 0x15,
  delegate: 0x18,
  catchAll: 0x19,
  drop: 0x1a,
  select: 0x1b,
  tryTable: 0x1f,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  tableSet: 0x26,
  i32Const: 0x41,
  i32LtS: 0x48,
  i32LtU: 0x49,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Shl: 0x74,
  i32ShrU: 0x76,
  refNull: 0xd0,
  refFunc: 0xd2,
  brOnNull: 0xd5,
  brOnNonNull: 0xd6,
  structNew: 0x100,
  structNewDefault: 0x101,
  arrayNew: 0x106,
  arrayNewDefault: 0x107,
  arrayNewFixed: 0x108,
  brOnCast: 0x118,
  brOnCastFail: 0x119,
  memoryInit: 0x208,
  dataDrop: 0x209,
  tableInit: 0x20c,
  elemDrop: 0x20d,
  tableCopy: 0x20e,
  tableGrow: 0x20f,
  tableFill: 0x211,
} as const;

/** Where the codes behind each prefix byte begin among the keys. */
export const PREFIX_BASE: ReadonlyMap<number, number> = new Map([
  [0xfb, 0x100],
  [0xfc, 0x200],
  [0xfd, 0x300],
]);

/** The number of keys: the vector instructions end at 0x300 + 0x113. */
export const KEYS = 0x414;

/** Costs are counted in eighths of a unit of fuel, so that instructions that compile to nothing are not quite free. */
export const COST_PER_UNIT = 8;

// Weights follow measurements on V8: 1 ms is 5 to 40 million units for nearly every instruction, with a simple arithmetic
// one costing a unit. What waits for memory that no cache has is the exception, down to a hundredth of that.
const FREE = 2;
const SIMPLE = 8;
const FLOAT = 24;
const DIVIDE = 96;
const ROOT = 64;
const VECTOR = 16;
const CALL = 24;
const DISPATCH = 64;
const ALLOCATE = 64;
const THROW = 3_200;
// Calls of V8's runtime, measured at 20 to 90 ns.
const RUNTIME = 1_600;

const F = "mvp";
const EH = "exceptions";
const TAGS = "exception-tags";
const LEGACY_EH = "legacy-exceptions";
const TAIL = "tail-calls";
const REFS = "reference-types";
const TYPED = "typed-function-references";
const BULK_MEMORY = "bulk-memory";
const SIMD = "simd";
const RELAXED = "relaxed-simd";
const GC = "gc";

type Row = readonly [
  first: number,
  last: number,
  immediate: number,
  pops: number,
  pushes: number,
  cost: number,
  feature: string,
  bulk?: number,
];

const I = IMMEDIATE;

// Pops and pushes of calls, structured control and the instructions that depend on a type are in stack-scan.ts; here they
// hold what is fixed, such as the condition of an `if`.
const ROWS: readonly Row[] = [
  [0x00, 0x01, I.none, 0, 0, FREE, F],
  [0x02, 0x03, I.blockType, 0, 0, FREE, F],
  [0x04, 0x04, I.blockType, 1, 0, SIMPLE, F],
  [0x05, 0x05, I.none, 0, 0, FREE, F],
  [0x06, 0x06, I.blockType, 0, 0, FREE, LEGACY_EH],
  [0x07, 0x07, I.index, 0, 0, FREE, LEGACY_EH],
  [0x08, 0x08, I.index, 0, 0, THROW, TAGS],
  [0x09, 0x09, I.label, 0, 0, THROW, LEGACY_EH],
  [0x0a, 0x0a, I.none, 1, 0, THROW, EH],
  [0x0b, 0x0b, I.none, 0, 0, FREE, F],
  [0x0c, 0x0c, I.label, 0, 0, SIMPLE, F],
  [0x0d, 0x0d, I.label, 1, 0, SIMPLE, F],
  [0x0e, 0x0e, I.labelTable, 1, 0, SIMPLE * 2, F],
  [0x0f, 0x0f, I.none, 0, 0, FREE, F],
  [0x10, 0x10, I.index, 0, 0, CALL, F],
  [0x11, 0x11, I.twoIndices, 1, 0, DISPATCH, F],
  [0x12, 0x12, I.index, 0, 0, CALL, TAIL],
  [0x13, 0x13, I.twoIndices, 1, 0, DISPATCH, TAIL],
  [0x14, 0x14, I.index, 1, 0, DISPATCH, TYPED],
  [0x15, 0x15, I.index, 1, 0, DISPATCH, TAIL],
  [0x18, 0x18, I.label, 0, 0, FREE, LEGACY_EH],
  [0x19, 0x19, I.none, 0, 0, FREE, LEGACY_EH],
  [0x1a, 0x1a, I.none, 1, 0, FREE, F],
  [0x1b, 0x1b, I.none, 3, 1, SIMPLE, F],
  [0x1c, 0x1c, I.valueTypes, 3, 1, SIMPLE, REFS],
  [0x1f, 0x1f, I.catches, 0, 0, FREE, EH],
  [0x20, 0x20, I.index, 0, 1, FREE, F],
  [0x21, 0x21, I.index, 1, 0, FREE, F],
  [0x22, 0x22, I.index, 1, 1, FREE, F],
  [0x23, 0x23, I.index, 0, 1, SIMPLE, F],
  [0x24, 0x24, I.index, 1, 0, SIMPLE, F],
  [0x25, 0x25, I.index, 1, 1, SIMPLE * 2, REFS],
  [0x26, 0x26, I.index, 2, 0, RUNTIME, REFS],
  [0x28, 0x35, I.memoryArgument, 1, 1, SIMPLE, F],
  [0x36, 0x3e, I.memoryArgument, 2, 0, SIMPLE, F],
  [0x3f, 0x3f, I.index, 0, 1, SIMPLE, F],
  [0x40, 0x40, I.index, 1, 1, SIMPLE, F, BULK.memoryGrow],
  [0x41, 0x41, I.i32, 0, 1, FREE, F],
  [0x42, 0x42, I.i64, 0, 1, FREE, F],
  [0x43, 0x43, I.fourBytes, 0, 1, FREE, F],
  [0x44, 0x44, I.eightBytes, 0, 1, FREE, F],
  [0x45, 0x45, I.none, 1, 1, SIMPLE, F],
  [0x46, 0x4f, I.none, 2, 1, SIMPLE, F],
  [0x50, 0x50, I.none, 1, 1, SIMPLE, F],
  [0x51, 0x66, I.none, 2, 1, SIMPLE, F],
  [0x67, 0x69, I.none, 1, 1, SIMPLE, F],
  [0x6a, 0x6c, I.none, 2, 1, SIMPLE, F],
  [0x6d, 0x70, I.none, 2, 1, DIVIDE, F],
  [0x71, 0x78, I.none, 2, 1, SIMPLE, F],
  [0x79, 0x7b, I.none, 1, 1, SIMPLE, F],
  [0x7c, 0x7e, I.none, 2, 1, SIMPLE, F],
  [0x7f, 0x82, I.none, 2, 1, DIVIDE, F],
  [0x83, 0x8a, I.none, 2, 1, SIMPLE, F],
  [0x8b, 0x90, I.none, 1, 1, FLOAT, F],
  [0x91, 0x91, I.none, 1, 1, ROOT, F],
  [0x92, 0x94, I.none, 2, 1, FLOAT, F],
  [0x95, 0x95, I.none, 2, 1, ROOT, F],
  [0x96, 0x98, I.none, 2, 1, FLOAT, F],
  [0x99, 0x9e, I.none, 1, 1, FLOAT, F],
  [0x9f, 0x9f, I.none, 1, 1, ROOT, F],
  [0xa0, 0xa2, I.none, 2, 1, FLOAT, F],
  [0xa3, 0xa3, I.none, 2, 1, ROOT, F],
  [0xa4, 0xa6, I.none, 2, 1, FLOAT, F],
  [0xa7, 0xbf, I.none, 1, 1, SIMPLE, F],
  [0xc0, 0xc4, I.none, 1, 1, SIMPLE, "sign-extension"],
  [0xd0, 0xd0, I.heapType, 0, 1, FREE, REFS],
  [0xd1, 0xd1, I.none, 1, 1, SIMPLE, REFS],
  [0xd2, 0xd2, I.index, 0, 1, SIMPLE * 2, REFS],
  [0xd3, 0xd3, I.none, 2, 1, SIMPLE, GC],
  [0xd4, 0xd4, I.none, 1, 1, SIMPLE, TYPED],
  [0xd5, 0xd5, I.label, 1, 1, SIMPLE, TYPED],
  [0xd6, 0xd6, I.label, 1, 0, SIMPLE, TYPED],

  [0x100, 0x100, I.index, 0, 1, ALLOCATE, GC],
  [0x101, 0x101, I.index, 0, 1, ALLOCATE, GC],
  [0x102, 0x104, I.twoIndices, 1, 1, SIMPLE, GC],
  [0x105, 0x105, I.twoIndices, 2, 0, SIMPLE * 2, GC],
  [0x106, 0x106, I.index, 2, 1, ALLOCATE, GC, BULK.arrayElements],
  [0x107, 0x107, I.index, 1, 1, ALLOCATE, GC, BULK.arrayElements],
  [0x108, 0x108, I.twoIndices, 0, 1, ALLOCATE, GC],
  [0x109, 0x10a, I.twoIndices, 2, 1, RUNTIME, GC, BULK.arrayElements],
  [0x10b, 0x10d, I.index, 2, 1, SIMPLE, GC],
  [0x10e, 0x10e, I.index, 3, 0, SIMPLE * 2, GC],
  [0x10f, 0x10f, I.none, 1, 1, SIMPLE, GC],
  [0x110, 0x110, I.index, 4, 0, SIMPLE, GC, BULK.arrayElements],
  [0x111, 0x111, I.twoIndices, 5, 0, SIMPLE, GC, BULK.arrayCopy],
  [0x112, 0x113, I.twoIndices, 4, 0, RUNTIME, GC, BULK.arrayElements],
  [0x114, 0x117, I.heapType, 1, 1, SIMPLE * 2, GC],
  [0x118, 0x119, I.castBranch, 1, 1, SIMPLE * 2, GC],
  [0x11a, 0x11b, I.none, 1, 1, SIMPLE * 4, GC],
  [0x11c, 0x11e, I.none, 1, 1, SIMPLE, GC],

  [0x200, 0x207, I.none, 1, 1, SIMPLE, "saturating-conversions"],
  [0x208, 0x208, I.twoIndices, 3, 0, RUNTIME, BULK_MEMORY, BULK.bytes],
  [0x209, 0x209, I.index, 0, 0, SIMPLE * 2, BULK_MEMORY],
  [0x20a, 0x20a, I.twoIndices, 3, 0, SIMPLE, BULK_MEMORY, BULK.bytes],
  [0x20b, 0x20b, I.index, 3, 0, SIMPLE, BULK_MEMORY, BULK.bytes],
  [0x20c, 0x20c, I.twoIndices, 3, 0, RUNTIME, BULK_MEMORY, BULK.tableElements],
  [0x20d, 0x20d, I.index, 0, 0, SIMPLE * 2, BULK_MEMORY],
  [0x20e, 0x20e, I.twoIndices, 3, 0, RUNTIME, BULK_MEMORY, BULK.tableElements],
  [0x20f, 0x20f, I.index, 2, 1, RUNTIME, REFS, BULK.tableElements],
  [0x210, 0x210, I.index, 0, 1, SIMPLE, REFS],
  [0x211, 0x211, I.index, 3, 0, RUNTIME, REFS, BULK.tableElements],

  [0x300, 0x30a, I.memoryArgument, 1, 1, VECTOR, SIMD],
  [0x30b, 0x30b, I.memoryArgument, 2, 0, VECTOR, SIMD],
  [0x30c, 0x30c, I.sixteenBytes, 0, 1, FREE, SIMD],
  [0x30d, 0x30d, I.sixteenBytes, 2, 1, VECTOR, SIMD],
  [0x30e, 0x30e, I.none, 2, 1, VECTOR, SIMD],
  [0x30f, 0x314, I.none, 1, 1, VECTOR, SIMD],
  [0x315, 0x316, I.lane, 1, 1, VECTOR, SIMD],
  [0x317, 0x317, I.lane, 2, 1, VECTOR, SIMD],
  [0x318, 0x319, I.lane, 1, 1, VECTOR, SIMD],
  [0x31a, 0x31a, I.lane, 2, 1, VECTOR, SIMD],
  [0x31b, 0x31b, I.lane, 1, 1, VECTOR, SIMD],
  [0x31c, 0x31c, I.lane, 2, 1, VECTOR, SIMD],
  [0x31d, 0x31d, I.lane, 1, 1, VECTOR, SIMD],
  [0x31e, 0x31e, I.lane, 2, 1, VECTOR, SIMD],
  [0x31f, 0x31f, I.lane, 1, 1, VECTOR, SIMD],
  [0x320, 0x320, I.lane, 2, 1, VECTOR, SIMD],
  [0x321, 0x321, I.lane, 1, 1, VECTOR, SIMD],
  [0x322, 0x322, I.lane, 2, 1, VECTOR, SIMD],
  [0x323, 0x34c, I.none, 2, 1, VECTOR, SIMD],
  [0x34d, 0x34d, I.none, 1, 1, VECTOR, SIMD],
  [0x34e, 0x351, I.none, 2, 1, VECTOR, SIMD],
  [0x352, 0x352, I.none, 3, 1, VECTOR, SIMD],
  [0x353, 0x353, I.none, 1, 1, VECTOR, SIMD],
  [0x354, 0x357, I.memoryArgumentAndLane, 2, 1, VECTOR, SIMD],
  [0x358, 0x35b, I.memoryArgumentAndLane, 2, 0, VECTOR, SIMD],
  [0x35c, 0x35d, I.memoryArgument, 1, 1, VECTOR, SIMD],
  [0x35e, 0x364, I.none, 1, 1, VECTOR, SIMD],
  [0x365, 0x366, I.none, 2, 1, VECTOR, SIMD],
  [0x367, 0x36a, I.none, 1, 1, VECTOR, SIMD],
  [0x36b, 0x373, I.none, 2, 1, VECTOR, SIMD],
  [0x374, 0x375, I.none, 1, 1, VECTOR, SIMD],
  [0x376, 0x379, I.none, 2, 1, VECTOR, SIMD],
  [0x37a, 0x37a, I.none, 1, 1, VECTOR, SIMD],
  [0x37b, 0x37b, I.none, 2, 1, VECTOR, SIMD],
  [0x37c, 0x381, I.none, 1, 1, VECTOR, SIMD],
  [0x382, 0x382, I.none, 2, 1, VECTOR, SIMD],
  [0x383, 0x384, I.none, 1, 1, VECTOR, SIMD],
  [0x385, 0x386, I.none, 2, 1, VECTOR, SIMD],
  [0x387, 0x38a, I.none, 1, 1, VECTOR, SIMD],
  [0x38b, 0x393, I.none, 2, 1, VECTOR, SIMD],
  [0x394, 0x394, I.none, 1, 1, VECTOR, SIMD],
  [0x395, 0x399, I.none, 2, 1, VECTOR, SIMD],
  [0x39b, 0x39f, I.none, 2, 1, VECTOR, SIMD],
  [0x3a0, 0x3a1, I.none, 1, 1, VECTOR, SIMD],
  [0x3a3, 0x3a4, I.none, 1, 1, VECTOR, SIMD],
  [0x3a7, 0x3aa, I.none, 1, 1, VECTOR, SIMD],
  [0x3ab, 0x3ae, I.none, 2, 1, VECTOR, SIMD],
  [0x3b1, 0x3b1, I.none, 2, 1, VECTOR, SIMD],
  [0x3b5, 0x3ba, I.none, 2, 1, VECTOR, SIMD],
  [0x3bc, 0x3bf, I.none, 2, 1, VECTOR, SIMD],
  [0x3c0, 0x3c1, I.none, 1, 1, VECTOR, SIMD],
  [0x3c3, 0x3c4, I.none, 1, 1, VECTOR, SIMD],
  [0x3c7, 0x3ca, I.none, 1, 1, VECTOR, SIMD],
  [0x3cb, 0x3ce, I.none, 2, 1, VECTOR, SIMD],
  [0x3d1, 0x3d1, I.none, 2, 1, VECTOR, SIMD],
  [0x3d5, 0x3df, I.none, 2, 1, VECTOR, SIMD],
  [0x3e0, 0x3e1, I.none, 1, 1, VECTOR, SIMD],
  [0x3e3, 0x3e3, I.none, 1, 1, ROOT, SIMD],
  [0x3e4, 0x3e6, I.none, 2, 1, FLOAT, SIMD],
  [0x3e7, 0x3e7, I.none, 2, 1, ROOT, SIMD],
  [0x3e8, 0x3eb, I.none, 2, 1, FLOAT, SIMD],
  [0x3ec, 0x3ed, I.none, 1, 1, VECTOR, SIMD],
  [0x3ef, 0x3ef, I.none, 1, 1, ROOT, SIMD],
  [0x3f0, 0x3f2, I.none, 2, 1, FLOAT, SIMD],
  [0x3f3, 0x3f3, I.none, 2, 1, ROOT, SIMD],
  [0x3f4, 0x3f7, I.none, 2, 1, FLOAT, SIMD],
  [0x3f8, 0x3ff, I.none, 1, 1, FLOAT, SIMD],

  [0x400, 0x400, I.none, 2, 1, VECTOR, RELAXED],
  [0x401, 0x404, I.none, 1, 1, FLOAT, RELAXED],
  [0x405, 0x40c, I.none, 3, 1, FLOAT, RELAXED],
  [0x40d, 0x412, I.none, 2, 1, FLOAT, RELAXED],
  [0x413, 0x413, I.none, 3, 1, FLOAT, RELAXED],
];

const immediates = new Uint8Array(KEYS);
const pops = new Uint8Array(KEYS);
const pushes = new Uint8Array(KEYS);
const costs = new Uint16Array(KEYS);
const bulk = new Uint8Array(KEYS);
const features: string[] = new Array(KEYS).fill("");
for (const [first, last, immediate, popped, pushed, cost, feature, bulkKind] of ROWS) {
  immediates.fill(immediate, first, last + 1);
  pops.fill(popped, first, last + 1);
  pushes.fill(pushed, first, last + 1);
  costs.fill(cost, first, last + 1);
  bulk.fill(bulkKind ?? BULK.none, first, last + 1);
  features.fill(feature, first, last + 1);
}

export const immediateOf = (key: number): number => immediates[key] ?? IMMEDIATE.unknown;
export const popsOf = (key: number): number => pops[key] ?? 0;
export const pushesOf = (key: number): number => pushes[key] ?? 0;
/** In eighths of a unit of fuel. */
export const costOf = (key: number): number => costs[key] ?? 0;
export const bulkOf = (key: number): number => bulk[key] ?? BULK.none;
export const featureOf = (key: number): string => features[key] ?? "";

/** The proposal that an instruction is of which is not in the table, by its first byte and its key; undefined for what nobody has proposed. */
export function unservedProposal(opcode: number, key: number): string | undefined {
  if (opcode === 0xfe) return "threads";
  if (opcode >= 0xe0 && opcode <= 0xe6) return "stack-switching";
  if (opcode === 0xfc && key >= 0x213 && key <= 0x216) return "wide-arithmetic";
  return opcode === 0xfd && key >= 0x420 ? "half-precision" : undefined;
}
