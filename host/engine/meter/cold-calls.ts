// Calls that an `unreachable` follows, such as those of `abort`: what enters one ends in a trap, unless it throws and
// something catches that. In a module that catches nothing they do not make their function unbounded, so that one which
// only checks a bound costs little. The callee may find the global stale by what a caller has cached, up to a slice for
// each such call on the stack; therefore the host, which goes by the clock, is asked before each.

import { InstructionReader } from "../wasm/instruction-reader.ts";
import { OP } from "../wasm/instructions.ts";
import type { WasmModule } from "../wasm/module.ts";
import type { Writer } from "../wasm/writer.ts";
import type { FunctionFacts } from "./facts.ts";
import { type AddedIndices, askHost } from "./fuel-code.ts";

/** Whether the current instruction is followed by a trap. */
export function trapFollows(reader: InstructionReader): boolean {
  return reader.peek() === OP.unreachable;
}

/** Counts cold calls among the others, as a module with handlers needs it. */
export function warmColdCalls(facts: FunctionFacts): void {
  for (const { callee, loop } of facts.coldCalls.splice(0)) {
    facts.callees.push(callee);
    loop?.calls.push({ callee, isCold: true });
  }
}

/** Copies the body of a bounded function. */
export function copyBounded(module: WasmModule, facts: FunctionFacts, added: AddedIndices, out: Writer): void {
  const { body } = facts;
  const reader = new InstructionReader(module.bytes, body.codeAt, body.end);
  let copied = body.start;
  while (facts.coldCalls.length > 0 && reader.offset < reader.end) {
    if (reader.next() !== OP.call || !trapFollows(reader)) continue;
    out.copy(module.bytes, copied, reader.start);
    askHost(out, added);
    copied = reader.start;
  }
  out.copy(module.bytes, copied, body.end);
}
