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

/**
 * A function is checked before the first call that may be long on each path, so that short paths go without; where that takes more checks than
 * this, once at its start, since each is 30 bytes of code.
 */
export const LAZY_CHECKS_MAX = 3;

/** A function without loops, whose callees are like it, and which costs no more than this, goes without checks. */
export const BOUNDED_COST_MAX = 1_000;

/** Entering and leaving the host. */
export const HOST_CALL_COST = 64;

/** memory.grow maps pages whatever their number; touching them is what costs, and that is metered. */
export const MEMORY_GROW_COST = 5_000;

/** What a bulk operation costs beside its length. */
export const BULK_COST = 20;

/**
 * What bulk operations cost for their length `n`, measured: min(n, max) shifted to the left, or to the right if `shift` is
 * negative. None exceeds 2^30, so that fuel of zero or more minus it cannot wrap around.
 */
export interface LengthCost {
  readonly shift: number;
  readonly max: number | undefined;
}

/** Filling and copying memory that no cache has: 0.02 ns a byte and more. */
export const BYTES_COST: LengthCost = { shift: -2, max: undefined };

/** Of a length known to be no greater an operation is like any instruction. */
export const SHORT_BYTES_MAX = 256;

/** 5 to 18 ns an element. Tables are capped below the maximum, so a greater length traps. */
export const TABLE_ELEMENTS_COST: LengthCost = { shift: 8, max: 1 << 20 };

/** Making and filling arrays: 0.3 to 1.4 ns an element, garbage collection included. V8 refuses arrays of 2^27 and more. */
export const ARRAY_ELEMENTS_COST: LengthCost = { shift: 4, max: 1 << 26 };

/** 0.06 ns an element. */
export const ARRAY_COPY_COST: LengthCost = { shift: 0, max: 1 << 30 };
