// Finds the functions that need no check because a call of them is bounded, but for callees that pay themselves, over the
// reverse call graph and without recursion, and adds to every cost what the callees cost. What it calls unbounded may well be
// short; it is then checked.

import { COST_PER_UNIT } from "../wasm/instructions.ts";
import { type FunctionFacts, type LoopFacts, markImpure, type Reach } from "./facts.ts";
import { BOUNDED_COST_MAX, EXIT_DEBT_MAX, HOST_CALL_COST } from "./tuning.ts";

const BOUNDED_MAX = BOUNDED_COST_MAX * COST_PER_UNIT;
const COST_LIMIT = 1e9;

/** Sets `reach` and `total` of each function, and completes the costs of functions and loops. */
export function classify(functions: readonly FunctionFacts[], imported: number, hasHandlers: boolean): void {
  findUnchecked(functions, imported, hasHandlers);
  for (const facts of functions) {
    for (const index of facts.callees) facts.cost += costOfCall(functions[index - imported]);
    facts.cost = Math.min(facts.cost, COST_LIMIT);
    for (const loop of facts.loops) completeLoop(loop, functions, imported);
  }
}

/** Whether a call that goes so far may spend fuel and call the host. */
export const runsLong = (reach: Reach): boolean => reach === "unbounded" || reach === "passes";

/** The same of a direct call; `callee` is undefined for a host function. */
const mayRunLong = (callee: FunctionFacts | undefined): boolean => runsLong(callee?.reach ?? "unbounded");

/** What a direct call costs beside the instruction, in eighths; `callee` is undefined for a host function. */
export function costOfCall(callee: FunctionFacts | undefined): number {
  if (callee === undefined) return HOST_CALL_COST * COST_PER_UNIT;
  return callee.reach === "unbounded" ? EXIT_DEBT_MAX * COST_PER_UNIT : callee.total;
}

function findUnchecked(functions: readonly FunctionFacts[], imported: number, hasHandlers: boolean): void {
  const callers = new Map<FunctionFacts, FunctionFacts[]>();
  const calleesLeft = new Map<FunctionFacts, number>();
  const ready: FunctionFacts[] = [];
  for (const facts of functions) {
    const callees = mayGoUnchecked(facts) ? facts.callees.filter((index) => index >= imported) : [];
    calleesLeft.set(facts, callees.length);
    if (callees.length === 0) ready.push(facts);
    for (const index of callees) {
      const callee = functions[index - imported];
      if (callee === undefined) continue;
      const list = callers.get(callee);
      if (list === undefined) callers.set(callee, [facts]);
      else list.push(facts);
    }
  }
  // Those of a recursion never get ready and remain unbounded.
  for (let facts = ready.pop(); facts !== undefined; facts = ready.pop()) {
    if (mayGoUnchecked(facts)) settle(facts, functions, imported, hasHandlers);
    for (const caller of callers.get(facts) ?? []) {
      const left = (calleesLeft.get(caller) ?? 0) - 1;
      calleesLeft.set(caller, left);
      if (left === 0) ready.push(caller);
    }
  }
}

function mayGoUnchecked(facts: FunctionFacts): boolean {
  return facts.loops.length === 0 && facts.indirectCalls === 0 && !facts.hasBulk && facts.cost <= BOUNDED_MAX;
}

/** What all callees of `facts` are is known; it needs no check either, unless the costs sum up to too much. */
function settle(facts: FunctionFacts, functions: readonly FunctionFacts[], imported: number, hasHandlers: boolean): void {
  let total = facts.cost;
  let throws = facts.mayThrow || facts.hasHandlers;
  let passes = false;
  for (const index of facts.callees) {
    const callee = functions[index - imported];
    total += costOfCall(callee);
    throws ||= callee?.reach === "throws";
    passes ||= mayRunLong(callee);
  }
  // An exception of the callee would leave unpaid what was done here.
  if (passes && hasHandlers) return;
  if (total > (facts.isReferenced ? EXIT_DEBT_MAX * COST_PER_UNIT : BOUNDED_MAX)) return;
  facts.total = total;
  if (passes) facts.reach = "passes";
  else facts.reach = throws ? "throws" : "returns";
}

function completeLoop(loop: LoopFacts, functions: readonly FunctionFacts[], imported: number): void {
  for (const { callee, isCold } of loop.calls) {
    const facts = functions[callee - imported];
    loop.cost += costOfCall(facts);
    if (!isCold && mayRunLong(facts)) markImpure(loop);
  }
  loop.cost = Math.min(loop.cost, COST_LIMIT);
}
