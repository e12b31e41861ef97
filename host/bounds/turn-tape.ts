// What a cell writes down of turns so that they can be run again: what the guest was told from outside, in the order in which it asked. Loaded in each cell.

import type { ErrorShape } from "../core/errors.ts";
import type { Caller } from "../core/types.ts";

const KIB = 1_024;
const MIB = KIB * KIB;
/** What is kept of one turn: names, arguments, answers, random bytes, and 24 bytes for each look at a clock. */
export const MAX_TURN_BYTES: number = MIB;
/** What is kept of the turns before it that made its instance what it is, inputs included. */
export const MAX_BEFORE_BYTES: number = MIB;
/** Where that is too much, what is kept of what the instance is then: of its memory and blocks while it is looked at, and packed. */
export const MAX_STATE_MEMORY_BYTES: number = 8 * MIB;
export const MAX_STATE_BYTES: number = 2 * MIB;
/** How often that is looked at, at most: it takes a cell some ten milliseconds. */
export const STATE_INTERVAL_MS = 10_000;
/** All of a tape as text. */
export const MAX_TAPE_BYTES: number = 8 * MIB;
/** Tapes that leave a cell for one plugin in a minute; beyond that its failures are not kept. */
export const TAPES_PER_MINUTE = 30;
/** What is counted for a look at a clock, and for a call beside its bytes. */
export const CLOCK_BYTES = 24;
export const CALL_BYTES = 96;
/** What is counted for a turn beside what it was told. */
export const TURN_BYTES = 256;

/** A call of a host function. Bytes are in base64. */
export interface TapedCall {
  readonly name: string;
  /** Undefined where they are not kept. */
  readonly args?: readonly string[] | undefined;
  /** Instead of arguments that may hold what is never kept: SHA-256 of the tape's salt and them, in hex. */
  readonly digest?: string | undefined;
  /** Its answer is never kept. */
  readonly masked?: boolean | undefined;
  /** A tagged block; undefined when the turn ended before it came. */
  readonly answer?: string | undefined;
}

export interface TapedTurn {
  readonly entryPoint: string;
  /** In base64. */
  readonly input: string;
  readonly caller: Caller;
  /** Whether its instance was made for it. */
  readonly isNew: boolean;
  readonly calls: readonly TapedCall[];
  /** What the clocks said, and all random bytes, each in their order. */
  readonly now: readonly number[];
  readonly monotonic: readonly number[];
  readonly random: string;
  readonly fuel: number;
  /** How the host ended it although the guest had ended well: what it wrote was not committed. */
  readonly refused?: ErrorShape | undefined;
  /** How it ended; undefined when well. */
  readonly failed?: ErrorShape | undefined;
  /** Why not all of it is here. */
  readonly cut?: string | undefined;
}

export interface Tape {
  readonly salt: string;
  /** What its instance was before those turns, if they do not begin with it: of its very module, as the engine packs it, in base64. */
  readonly state?: string | undefined;
  /** From the making of its instance on, or from its state; empty when neither is known. */
  readonly before: readonly TapedTurn[];
  /** Why the turns before it are not here. */
  readonly lost?: string | undefined;
  readonly turn: TapedTurn;
  /** Of a turn that was run again: where it did something else than before. */
  readonly diverged?: Divergence | undefined;
}

export const DIVERGENCES = [
  "another-function",
  "other-arguments",
  "more-calls",
  "more-clock",
  "more-random",
  "masked",
  "not-kept",
] as const;

export interface Divergence {
  /** Which call, clock or piece of randomness, from 0 on. */
  readonly step: number;
  readonly why: (typeof DIVERGENCES)[number];
  /** The function that was asked for, or the clock. */
  readonly asked: string;
}

const MASKED = /^(crypto|secrets|mail)\./;
/** Whether nothing but its name is ever kept of a host function. */
export const isMasked = (functionName: string): boolean => MASKED.test(functionName);
