// What the checker holds the meter to. These numbers stand in tuning.ts too: they are written a second time on purpose, so that a slip there is seen here.

import { BULK, COST_PER_UNIT } from "../wasm/instructions.ts";

/** All work is in eighths of a unit. */
const units = (count: number): number => count * COST_PER_UNIT;

/**
 * The work that one unit pays for at most: a little more than twice its worth, as a loop pays for no more than 256 units ahead
 * and may owe as much, and a branch, when it goes round.
 */
export const WORK_PER_UNIT = 17;

/** A call may return or throw owing so much, and its caller is charged as much for it. */
export const EXIT_WORK_MAX: number = units(16);

/** Of a call of the host. */
export const HOST_CALL_WORK: number = units(64);

/** What a frame may owe while something runs above it that may go on for long. */
export const FRAME_WORK_MAX: number = units(256);

/** A whole call of a function without checks. */
export const UNCHECKED_WORK_MAX: number = units(1_000);

/** Work since the last check when an instruction begins: a whole call that was paid before, what was paid ahead and what may be owed. */
export const STRETCH_WORK_MAX: number = UNCHECKED_WORK_MAX + 2 * FRAME_WORK_MAX + units(1);

/** What one check may spend, so that fuel of zero or more minus it cannot wrap around. */
export const CHECK_UNITS_MAX: number = 2 ** 30;

export const GROW_WORK: number = units(5_000);
export const BULK_WORK: number = units(20);
export const FIELD_WORK: number = units(1);

/** Copies of a constant length up to this are like any instruction, and cost BYTES_PER_UNIT. */
export const SHORT_BYTES_MAX = 256;
export const BYTES_PER_UNIT = 4;

export const TABLE_ELEMENTS_MAX: number = 2 ** 20;

/** How an operation is charged for the length that stands on the stack: min(length, max), shifted to the left, or to the right if negative. */
export interface LengthCharge {
  readonly shift: number;
  readonly max: number | undefined;
}

export const LENGTH_CHARGES: ReadonlyMap<number, LengthCharge> = new Map([
  [BULK.bytes, { shift: -2, max: undefined }],
  [BULK.tableElements, { shift: 8, max: TABLE_ELEMENTS_MAX }],
  [BULK.arrayElements, { shift: 4, max: 2 ** 26 }],
  [BULK.arrayCopy, { shift: 0, max: 2 ** 30 }],
]);
