// The sizes up to which a module is admitted. The values come from modules that hurt and from the largest real ones; they
// bound what V8 spends on a module, not what the module does.

export interface AdmissionLimits {
  /** The source without its custom sections, but with its names. */
  readonly maxModuleBytes: number;
  /** The linear memory's minimum may not exceed it, and its maximum becomes it. 64 KiB each. */
  readonly maxMemoryPages: number;
  readonly maxTables: number;
  /** The minima of all tables together; also what each of them can grow to. */
  readonly maxTableElements: number;
  readonly maxTypes: number;
  readonly maxImports: number;
  readonly maxExports: number;
  readonly maxGlobals: number;
  readonly maxTags: number;
  /** Values that one exception carries. */
  readonly maxTagParams: number;
  /** Each name of an import or export. */
  readonly maxNameBytes: number;
  readonly maxDataSegments: number;
  readonly maxElementSegments: number;
  /** Entries of all element segments together. */
  readonly maxElementEntries: number;
  /** Elements of the GC arrays that constant expressions make, together. */
  readonly maxConstantArrayElements: number;
  readonly maxFunctions: number;
  readonly maxFunctionBytes: number;
  /** Parameters and locals of one function. */
  readonly maxLocals: number;
  /** Parameters and locals of all functions together. */
  readonly maxLocalsInAll: number;
  readonly maxLoopsPerFunction: number;
  readonly maxNesting: number;
  readonly maxBlockParams: number;
  readonly maxBlockResults: number;
  /** Targets of br_table, each times the values it carries. */
  readonly maxBranchTableValues: number;
  readonly maxBranchTableValuesInAll: number;
  /** Sum over the control instructions of a function of its locals plus the height of the operand stack there. */
  readonly maxSlots: number;
  readonly maxSlotsInAll: number;
  /** The same, summed over the blocks that are open at one point. */
  readonly maxNestSlots: number;
}

export const DEFAULT_ADMISSION_LIMITS: AdmissionLimits = Object.freeze({
  maxModuleBytes: 24 * 1024 * 1024,
  maxMemoryPages: 1_024,
  maxTables: 4,
  maxTableElements: 100_000,
  maxTypes: 10_000,
  maxImports: 10_000,
  maxExports: 10_000,
  maxGlobals: 10_000,
  maxTags: 1_000,
  maxTagParams: 16,
  maxNameBytes: 4_096,
  maxDataSegments: 65_536,
  maxElementSegments: 65_536,
  maxElementEntries: 200_000,
  maxConstantArrayElements: 100_000,
  maxFunctions: 50_000,
  maxFunctionBytes: 512 * 1024,
  maxLocals: 2_000,
  maxLocalsInAll: 10_000_000,
  maxLoopsPerFunction: 2_000,
  maxNesting: 10_000,
  maxBlockParams: 64,
  maxBlockResults: 16,
  maxBranchTableValues: 20_000,
  maxBranchTableValuesInAll: 200_000,
  maxSlots: 2_000_000,
  maxSlotsInAll: 20_000_000,
  maxNestSlots: 250_000,
});
