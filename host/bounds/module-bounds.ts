// The sizes up to which a module is admitted, beside those that each plugin has limits for: the one table of them, and what follows from it. They bound what V8
// spends on a module, not what the module does; how each was measured is in docs/decisions/0019. The comparison is engine/admission-checks.ts.

const REMEDIES = {
  unoptimised:
    "an unoptimised build: build with -O1 or higher (clang -O1, zig -O ReleaseSmall, cargo build --release), or split the function",
  split: "split the function",
  merge: "merge them, by wasm-opt --memory-packing for one",
  smaller: "build with -Oz and link-time optimisation",
} as const;

interface Bound {
  /** Below `admission` in the configuration, and in messages. */
  readonly key: string;
  /** How many of the host's units one of the key's is. */
  readonly factor: 1 | 1_024;
  /** Of the key's unit, like the maximum; both are whole numbers. */
  readonly default: number;
  readonly maximum: number;
  readonly meaning: string;
  readonly protects: string;
  /** What to do about a module beyond it; undefined where nothing but a greater bound helps. */
  readonly remedy?: keyof typeof REMEDIES;
}

/** In the order in which they are documented. */
const TABLE = {
  maxFunctionBytes: {
    key: "functionKiB",
    factor: 1_024,
    default: 2_048,
    maximum: 7_000,
    meaning: "the code of one function",
    protects:
      "the pause in which the cell compiles it: 12 ms for 2 MiB, and 130 MiB of memory when V8 optimises it; V8 itself takes 7.3 MiB",
    remedy: "unoptimised",
  },
  maxLocalBytes: {
    key: "localKiB",
    factor: 1_024,
    default: 64,
    maximum: 180,
    meaning: "parameters and locals of one function: 4 bytes each for i32 and f32, 16 for v128, 8 for all others",
    protects:
      "the stack, and that the function is entered as fast as fuel says: each call clears its locals, which takes 0.2 µs for 40 KiB and 3 µs for 180 KiB",
    remedy: "unoptimised",
  },
  maxSlots: {
    key: "slots",
    factor: 1,
    default: 16_000_000,
    maximum: 200_000_000,
    meaning: "locals and operands of one function, counted again at each of its branches and blocks",
    protects:
      "memory while the function is compiled: 8 bytes each as compilers make them, at worst 24 in the first tier and 35 in the optimising one",
    remedy: "unoptimised",
  },
  maxLoopsPerFunction: {
    key: "loops",
    factor: 1,
    default: 2_000,
    maximum: 2_000,
    meaning: "loops of one function",
    protects: "the optimising tier, which takes 7 s and 1.2 GiB for 2,000 loops one behind the other and dies of 5,000",
    remedy: "split",
  },
  maxNesting: {
    key: "nesting",
    factor: 1,
    default: 10_000,
    maximum: 20_000,
    meaning: "blocks within each other",
    protects: "the optimising tier, whose time grows with its square: 5 s for 9,000 loops",
    remedy: "split",
  },
  maxBlockParams: {
    key: "blockParams",
    factor: 1,
    default: 64,
    maximum: 1_000,
    meaning: "parameters of one block",
    protects: "what each branch to it moves",
  },
  maxBlockResults: {
    key: "blockResults",
    factor: 1,
    default: 16,
    maximum: 1_000,
    meaning: "results of one block",
    protects: "what each branch out of it moves",
  },
  maxBranchTableValues: {
    key: "branchTargets",
    factor: 1,
    default: 20_000,
    maximum: 200_000,
    meaning: "targets of the branch tables of one function, each times the values that it carries",
    protects: "the size of the compiled function",
    remedy: "split",
  },
  maxFunctions: {
    key: "functions",
    factor: 1,
    default: 50_000,
    maximum: 1_000_000,
    meaning: "functions with code",
    protects: "the tables that V8 keeps of them in the cell",
    remedy: "smaller",
  },
  maxTypes: {
    key: "types",
    factor: 1,
    default: 10_000,
    maximum: 1_000_000,
    meaning: "types",
    protects: "V8's table of types, which all modules of a process share and which is never made smaller",
  },
  maxImports: {
    key: "imports",
    factor: 1,
    default: 10_000,
    maximum: 100_000,
    meaning: "imports",
    protects: "the time to link an instance",
  },
  maxExports: {
    key: "exports",
    factor: 1,
    default: 10_000,
    maximum: 100_000,
    meaning: "exports",
    protects: "the object that each instance makes of them",
  },
  maxGlobals: { key: "globals", factor: 1, default: 10_000, maximum: 1_000_000, meaning: "globals", protects: "memory of each instance" },
  maxTags: {
    key: "tags",
    factor: 1,
    default: 1_000,
    maximum: 100_000,
    meaning: "exception tags",
    protects: "objects of V8's heap in each instance",
  },
  maxTagParams: {
    key: "tagParams",
    factor: 1,
    default: 16,
    maximum: 1_000,
    meaning: "values that one exception carries",
    protects: "objects of V8's heap at each throw",
  },
  maxTables: {
    key: "tables",
    factor: 1,
    default: 4,
    maximum: 1_000,
    meaning: "tables",
    protects: "memory: each can grow to `limits.tableElements`",
  },
  maxNameBytes: {
    key: "nameBytes",
    factor: 1,
    default: 4_096,
    maximum: 100_000,
    meaning: "the name of one import or export",
    protects: "what is shown and kept of names",
  },
  maxDataSegments: {
    key: "dataSegments",
    factor: 1,
    default: 100_000,
    maximum: 100_000,
    meaning: "data segments",
    protects: "the time of each instantiation: 1 ms for 100,000; V8 takes no more",
    remedy: "merge",
  },
  maxElementSegments: {
    key: "elementSegments",
    factor: 1,
    default: 65_536,
    maximum: 1_000_000,
    meaning: "element segments",
    protects: "the time of each instantiation",
  },
  maxElementEntries: {
    key: "elementEntries",
    factor: 1,
    default: 200_000,
    maximum: 10_000_000,
    meaning: "entries of all element segments",
    protects: "time and memory of each instantiation",
  },
  maxConstantArrayElements: {
    key: "constantArrayElements",
    factor: 1,
    default: 100_000,
    maximum: 10_000_000,
    meaning: "elements of the arrays that constant expressions make",
    protects: "V8's heap, which no memory limit of a guest holds",
  },
} as const;

type Table = typeof TABLE;

/** In bytes and counts. */
export type ModuleBounds = { readonly [N in keyof Table]: number };
/** Below `admission` in the configuration. */
export type ModuleBoundsInput = { readonly [N in keyof Table as Table[N]["key"]]?: number | undefined };

export const MODULE_BOUNDS: Readonly<Record<keyof ModuleBounds, Bound>> = TABLE;

export const remedyFor = (name: keyof ModuleBounds): string | undefined => {
  const { remedy } = MODULE_BOUNDS[name];
  return remedy === undefined ? undefined : REMEDIES[remedy];
};

const NAMES = Object.keys(TABLE) as (keyof ModuleBounds)[];

/** What the configuration says, and the default where it says nothing. */
export function toModuleBounds(input: ModuleBoundsInput): ModuleBounds {
  const entries = NAMES.map((name) => [name, (input[TABLE[name].key] ?? TABLE[name].default) * TABLE[name].factor]);
  return Object.freeze(Object.fromEntries(entries) as Record<keyof ModuleBounds, number>);
}

export const DEFAULT_MODULE_BOUNDS: ModuleBounds = toModuleBounds({});
