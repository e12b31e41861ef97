// The checker: proves of an ADMITTED module, from its bytes, that it pays for what it does. It uses the reader and the table of
// instructions and nothing of what wove the fuel in, so that a fault there refuses a module instead of freeing a guest. With
// the other verify-*.ts it is what has to be trusted; they prove
//
// 1. that the two globals, the helper and their exports are the only things added that guest code could name, that only checks
//    name them, and that there is no start section;
// 2. that each loop begins with a check, and that every round of every loop pays at least 8/17 of its work;
// 3. that on each path out of a call of a checked function what was done is at most 17/8 of what was paid, and 16 units, which the
//    caller pays;
// 4. that within a function no more than 1,513 units pass between two checks, one instruction, and operations whose length is paid
//    for right before them;
// 5. that functions without checks have no loops and no recursion among them, cost 1,000 units at most (16 if a table may hold
//    them), and are paid for by whoever calls them;
// 6. that whatever may run long is called behind a check, with at most 256 units owed (16 where exceptions are caught);
// 7. that the fuel is in the global whenever other code may look.
//
// They do not prove: that a metered module does what its original did (the corpus, the testsuite and the random modules compare); that an
// instruction costs what the table says; anything of a sum over frames: n calls may return or be unwound one after the other on what each paid
// in advance; what host functions cost, or work that an exception of an import passes by in a module that throws and catches nothing; and nothing of calls that a trap follows, before which the host is asked (cold-calls.ts).

import { HostError } from "../../core/errors.ts";
import { InstructionReader } from "../wasm/instruction-reader.ts";
import { OP } from "../wasm/instructions.ts";
import type { FunctionBody, WasmModule } from "../wasm/module.ts";
import { parseModule } from "../wasm/parse-module.ts";
import { type Callee, CHECKED_FUNCTION, HOST_FUNCTION } from "./verify-account.ts";
import { findAdded, type SizeMaxima, verifyExports, verifyHelper, verifySizes } from "./verify-added.ts";
import { verifyBody } from "./verify-body.ts";
import type { Added } from "./verify-emission.ts";
import { EXIT_WORK_MAX } from "./verify-policy.ts";

export interface VerifyOptions extends SizeMaxima {
  /** Its exports are called by other guests. */
  readonly hasGuestCallers: boolean;
}

/** Takes an admitted module that has been validated. Throws HostError `internal` if it does not prove what it must: a fault of the meter. */
export function verify(admitted: Uint8Array, options: VerifyOptions): void {
  const module = parseModule(admitted, { maxModuleBytes: Number.POSITIVE_INFINITY, maxNameBytes: Number.POSITIVE_INFINITY });
  const added = findAdded(module, refuse);
  verifySizes(module, options, refuse);
  verifyExports(module, added, refuse);
  verifyHelper(module, added, refuse);
  const scans = module.bodies.slice(0, -1).map((body) => scan(module, body, added));
  const hasHandlers = scans.some((each) => each.hasHandlers || (options.hasGuestCallers && each.throws));
  const referenced = new Set([...module.referenced, ...scans.flatMap(({ references }) => references)]);
  if (options.hasGuestCallers) for (const { kind, index } of module.exports) if (kind === "function") referenced.add(index);
  if (referenced.has(added.helper)) refuse("the helper can be called through a reference");

  const known = new Map<number, Callee>();
  const callee = (index: number): Callee => {
    if (index < module.importedFunctions) return HOST_FUNCTION;
    return (
      known.get(index) ??
      (scans[index - module.importedFunctions]?.isChecked
        ? CHECKED_FUNCTION
        : refuseFunction(index, "is called in a recursion without a check"))
    );
  };
  const verifyFunction = (position: number): void => {
    const index = module.importedFunctions + position;
    const body = module.bodies[position];
    const isUnchecked = !scans[position]?.isChecked;
    if (body === undefined) return;
    const result = verifyBody({ module, added, hasHandlers, isUnchecked, callee, refuse: (why) => refuseFunction(index, why) }, body);
    if (!isUnchecked) return;
    if (referenced.has(index) && result.work > EXIT_WORK_MAX)
      refuseFunction(index, "goes without checks though it can be called through a reference");
    known.set(index, result);
  };
  for (const position of calleesFirst(scans, module.importedFunctions)) verifyFunction(position);
  scans.forEach(({ isChecked }, position) => {
    if (isChecked) verifyFunction(position);
  });
}

/** What a first look at a body says. */
interface Scan {
  readonly isChecked: boolean;
  readonly hasHandlers: boolean;
  readonly throws: boolean;
  /** What it calls directly, but for calls that the host is asked about first. */
  readonly callees: readonly number[];
  readonly references: readonly number[];
}

function scan(module: WasmModule, { codeAt, end }: FunctionBody, { helper }: Added): Scan {
  const reader = new InstructionReader(module.bytes, codeAt, end);
  const callees = new Set<number>();
  const references: number[] = [];
  let isChecked = false;
  let hasHandlers = false;
  let throws = false;
  let isAllowed = false;
  while (reader.offset < end) {
    const key = reader.next();
    if (key === OP.try || key === OP.tryTable) hasHandlers = true;
    else if (key === OP.throw || key === OP.throwRef) throws = true;
    else if (key === OP.refFunc) references.push(reader.index);
    else if (key === OP.call && reader.index === helper) {
      if (reader.peek() !== OP.drop) isChecked = true;
      else if (reader.next() === OP.drop) isAllowed = true;
      continue;
    } else if ((key === OP.call && !(isAllowed && reader.peek() === OP.unreachable)) || key === OP.returnCall) callees.add(reader.index);
    isAllowed = false;
  }
  return { isChecked, hasHandlers, throws, callees: [...callees], references };
}

/** The functions without checks, each behind those of them that it calls. In a recursion among them, one comes before what it calls. */
function calleesFirst(scans: readonly Scan[], imported: number): number[] {
  const OPEN = 1;
  const DONE = 2;
  const state = new Uint8Array(scans.length);
  const order: number[] = [];
  scans.forEach((_, root) => {
    const path: { position: number; next: number }[] = [{ position: root, next: 0 }];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const { position } = top;
      const { isChecked = true, callees = [] } = scans[position] ?? {};
      if (isChecked || state[position] === DONE) {
        path.pop();
        continue;
      }
      state[position] = OPEN;
      const callee = callees[top.next++];
      if (callee === undefined) {
        state[position] = DONE;
        order.push(position);
        path.pop();
      } else if (callee >= imported) {
        if (state[callee - imported] !== OPEN) path.push({ position: callee - imported, next: 0 });
      }
    }
  });
  return order;
}

function refuseFunction(index: number, why: string): never {
  return refuse(`function ${index} ${why}`);
}

function refuse(why: string): never {
  throw new HostError("internal", `the meter made a module that the checker refuses: ${why}`);
}
