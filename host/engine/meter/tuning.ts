// The numbers the meter is tuned by, in units of fuel unless the name says otherwise. A unit is about one simple
// instruction; the costs of instructions are in ../wasm/instructions.ts, in eighths of it.

/** The most that one check charges in advance, so that a large body with short paths is not billed as a whole. */
export const PREPAY_MAX = 256;

/** Straight-line code may owe this much before a check is put into it. */
export const DEBT_MAX = 256;

/**
 * A function may return or throw owing up to this much, and each call of it is charged this much for it. It lets small
 * paths, such as the end of a recursion, go without a check, while no amount of them goes unpaid.
 */
export const EXIT_DEBT_MAX = 16;

/** A function without loops, whose callees are like it, and which costs no more than this, goes without checks. */
export const BOUNDED_COST_MAX = 1_000;

/** Entering and leaving the host. */
export const HOST_CALL_COST = 64;

/** memory.grow maps pages whatever their number; touching them is what costs, and that is metered. */
export const MEMORY_GROW_COST = 5_000;

/** What a bulk operation costs beside its length. */
export const BULK_COST = 20;

/** memory.fill and memory.copy move 16 bytes a unit or more. */
export const BYTES_SHIFT = 4;

/** Elements of tables and GC arrays are up to 16 bytes each and may need a write barrier. */
export const ELEMENTS_SHIFT = 2;
