// What the parser finds in a module: the facts that admission checks and the meter needs, with offsets into the source
// where bytes are copied unread. It is a model, not a faithful syntax tree.

import type { FunctionType, TypeDefinition } from "./type-section.ts";

export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** The order in which the specification wants sections; their numbers follow history instead. */
export const SECTION_ORDER: readonly number[] = [
  SECTION.type,
  SECTION.import,
  SECTION.function,
  SECTION.table,
  SECTION.memory,
  SECTION.tag,
  SECTION.global,
  SECTION.export,
  SECTION.start,
  SECTION.element,
  SECTION.dataCount,
  SECTION.code,
  SECTION.data,
];

/** The feature of a module that can keep exceptions in a table or global. */
export const STORED_EXCEPTIONS = "stored-exceptions";

export type ExternalKind = "function" | "table" | "memory" | "global" | "tag";
export const EXTERNAL_KINDS: readonly ExternalKind[] = ["function", "table", "memory", "global", "tag"];

export interface SizeLimits {
  readonly minimum: number;
  readonly maximum: number | undefined;
  readonly isShared: boolean;
  readonly is64Bit: boolean;
}

export interface ModuleImport {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternalKind;
  /** Only for functions. */
  readonly typeIndex: number | undefined;
  /** Only for memories and tables. */
  readonly limits?: SizeLimits | undefined;
}

export interface ModuleExport {
  readonly name: string;
  readonly kind: ExternalKind;
  readonly index: number;
}

export interface GlobalType {
  /** By its name in the text format. */
  readonly type: string;
  readonly isMutable: boolean;
}

export interface Table {
  readonly limits: SizeLimits;
  /** What stands before the limits (the type) and after them (the initial value). */
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

export interface FunctionBody {
  readonly typeIndex: number;
  /** Locals declared beside the parameters, and the number of runs in which they are declared. */
  readonly declaredLocals: number;
  /** What those take in a frame of V8's. */
  readonly localBytes: number;
  readonly localRuns: number;
  /** Offsets: the body, its first run of locals, its first instruction, its end. */
  readonly start: number;
  readonly runsAt: number;
  readonly codeAt: number;
  readonly end: number;
}

export interface WasmModule {
  readonly bytes: Uint8Array;
  /** The content of each section that is there, without identifier and size. */
  readonly sections: ReadonlyMap<number, Uint8Array>;
  /** The whole first `name` section, header included. */
  readonly nameSection: Uint8Array | undefined;
  readonly types: readonly TypeDefinition[];
  readonly imports: readonly ModuleImport[];
  readonly importedFunctions: number;
  /** The type index of each function, the imported ones first. */
  readonly functionTypes: readonly number[];
  /** Those of its own; what is imported is in `imports`. */
  readonly tables: readonly Table[];
  readonly memories: readonly SizeLimits[];
  /** The type index of each tag. */
  readonly tags: readonly number[];
  /** How many there are, imported ones included. */
  readonly globals: number;
  /** Of each of them. */
  readonly globalTypes: readonly GlobalType[];
  readonly exports: readonly ModuleExport[];
  readonly start: number | undefined;
  readonly elementSegments: number;
  readonly elementEntries: number;
  /** The functions that element segments and constant expressions refer to. */
  readonly referenced: ReadonlySet<number>;
  readonly dataSegments: number;
  readonly bodies: readonly FunctionBody[];
  /** Elements of arrays that constant expressions make, Infinity where the length is computed. */
  readonly constantArrayElements: number;
  readonly features: Set<string>;
}

/** The signature of a function, or undefined if the index leads nowhere: an invalid module that V8 will refuse. */
export function signatureOf(module: WasmModule, functionIndex: number): FunctionType | undefined {
  return functionTypeAt(module, module.functionTypes[functionIndex] ?? -1);
}

/** The function type at an index, or undefined if there is none. */
export function functionTypeAt(module: WasmModule, typeIndex: number): FunctionType | undefined {
  const type = module.types[typeIndex];
  return type?.kind === "function" ? type : undefined;
}
