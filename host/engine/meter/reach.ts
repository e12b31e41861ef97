// Finds the functions that need no check because a call of them is bounded, over the reverse call graph and without
// recursion, and adds to every cost what the callees cost. What it calls unbounded may well be short; it is then checked.

import { COST_PER_UNIT } from "../wasm/instructions.ts";
import { type FunctionFacts, type LoopFacts, markImpure } from "./analysis.ts";
import { BOUNDED_COST_MAX, EXIT_DEBT_MAX, HOST_CALL_COST } from "./tuning.ts";

/** How far a call may go: bounded and it always returns (or traps), bounded but it may throw, or unbounded. */
export type Reach = "returns" | "throws" | "unbounded";

const BOUNDED_MAX = BOUNDED_COST_MAX * COST_PER_UNIT;
const COST_LIMIT = 1e9;

/** Sets `reach`, `total` and `unboundedCalls` of each function, and completes the costs of functions and loops. */
export function classify(functions: readonly FunctionFacts[], imported: number): void {
  findBounded(functions, imported);
  for (const facts of functions) {
    facts.unboundedCalls = facts.indirectCalls;
    for (const index of facts.callees) {
      const callee = functions[index - imported];
      facts.cost += costOfCall(callee);
      if (callee === undefined || callee.reach === "unbounded") facts.unboundedCalls++;
    }
    facts.cost = Math.min(facts.cost, COST_LIMIT);
    for (const loop of facts.loops) completeLoop(loop, functions, imported);
  }
}

/** What a direct call costs beside the instruction, in eighths; `callee` is undefined for a host function. */
export function costOfCall(callee: FunctionFacts | undefined): number {
  if (callee === undefined) return HOST_CALL_COST * COST_PER_UNIT;
  return callee.reach === "unbounded" ? EXIT_DEBT_MAX * COST_PER_UNIT : callee.total;
}

function findBounded(functions: readonly FunctionFacts[], imported: number): void {
  const callers = new Map<FunctionFacts, FunctionFacts[]>();
  const calleesLeft = new Map<FunctionFacts, number>();
  const ready: FunctionFacts[] = [];
  for (const facts of functions) {
    if (!mayBeBounded(facts, imported)) continue;
    calleesLeft.set(facts, facts.callees.length);
    if (facts.callees.length === 0) ready.push(facts);
    for (const index of facts.callees) {
      const callee = functions[index - imported];
      if (callee === undefined) continue;
      const list = callers.get(callee);
      if (list === undefined) callers.set(callee, [facts]);
      else list.push(facts);
    }
  }
  for (let facts = ready.pop(); facts !== undefined; facts = ready.pop()) {
    if (!settle(facts, functions, imported)) continue;
    for (const caller of callers.get(facts) ?? []) {
      const left = (calleesLeft.get(caller) ?? 0) - 1;
      calleesLeft.set(caller, left);
      if (left === 0) ready.push(caller);
    }
  }
}

function mayBeBounded(facts: FunctionFacts, imported: number): boolean {
  if (facts.loops.length > 0 || facts.indirectCalls > 0 || facts.hasBulk || facts.cost > BOUNDED_MAX) return false;
  return facts.callees.every((callee) => callee >= imported);
}

/** All callees of `facts` are bounded; it is too, unless they sum up to too much. */
function settle(facts: FunctionFacts, functions: readonly FunctionFacts[], imported: number): boolean {
  let total = facts.cost;
  let throws = facts.mayThrow || facts.hasHandlers;
  for (const index of facts.callees) {
    const callee = functions[index - imported];
    total += callee?.total ?? 0;
    throws ||= callee?.reach === "throws";
  }
  if (total > BOUNDED_MAX) return false;
  facts.total = total;
  facts.reach = throws ? "throws" : "returns";
  return true;
}

function completeLoop(loop: LoopFacts, functions: readonly FunctionFacts[], imported: number): void {
  for (const { callee, isCold } of loop.calls) {
    const facts = functions[callee - imported];
    loop.cost += costOfCall(facts);
    if (!isCold && (facts === undefined || facts.reach === "unbounded")) markImpure(loop);
  }
  loop.cost = Math.min(loop.cost, COST_LIMIT);
}
