// What the meter knows of functions and loops before it writes anything: made by analysis.ts, completed by reach.ts.

import type { FunctionBody } from "../wasm/module.ts";

/**
 * How far a call may go: bounded and it always returns (or traps), bounded but it may throw, bounded but for unbounded functions
 * that it calls, or unbounded.
 */
export type Reach = "returns" | "throws" | "passes" | "unbounded";

/** All costs here are in eighths of a unit of fuel. */
export interface LoopFacts {
  /** The dearest path through one iteration, without the loops inside, which pay for themselves. */
  cost: number;
  isInnermost: boolean;
  /** Nothing called in it may run long, but on paths that end in a trap. */
  isPure: boolean;
  readonly parent: LoopFacts | undefined;
  readonly calls: LoopCall[];
}

interface LoopCall {
  readonly callee: number;
  readonly isCold: boolean;
}

interface ColdCall {
  readonly callee: number;
  /** The innermost loop around it. */
  readonly loop: LoopFacts | undefined;
}

export interface FunctionFacts {
  readonly body: FunctionBody;
  /** The dearest path without loops and callees; the callees are added by classify. */
  cost: number;
  /** In the order in which they begin. */
  readonly loops: LoopFacts[];
  /** Direct callees, once for each call that is not cold. */
  readonly callees: number[];
  /** Calls that a trap follows: see cold-calls.ts. */
  readonly coldCalls: ColdCall[];
  /** Calls through a table or a reference. */
  indirectCalls: number;
  /** Functions that its instructions make references to. */
  readonly references: number[];
  /** It can be called through a table, a reference or by another guest, where a call is charged EXIT_DEBT_MAX for whatever it leads to. */
  isReferenced: boolean;
  hasBulk: boolean;
  mayThrow: boolean;
  hasHandlers: boolean;
  /** Set by classify: how far a call of it may go, and what the whole call costs if that is bounded. */
  reach: Reach;
  total: number;
}

export interface ModuleFacts {
  readonly functions: readonly FunctionFacts[];
  /** Whether anything in the module can catch an exception, or a guest that calls it can catch one of its own. */
  readonly hasHandlers: boolean;
}

/** Marks the loop and those around it. Around an impure loop all are, which keeps deep nests of calls linear. */
export function markImpure(innermost: LoopFacts | undefined): void {
  for (let loop = innermost; loop?.isPure === true; loop = loop.parent) loop.isPure = false;
}
