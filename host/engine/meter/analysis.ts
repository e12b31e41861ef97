// The meter's first pass: what each function may do and what its loops cost an iteration. It changes nothing. The module
// has been validated, so indices lead somewhere and the stack is not looked at.

import { InstructionReader } from "../wasm/instruction-reader.ts";
import { COST_PER_UNIT, OP } from "../wasm/instructions.ts";
import type { FunctionBody, WasmModule } from "../wasm/module.ts";
import type { TypeDefinition } from "../wasm/type-section.ts";
import { trapFollows, warmColdCalls } from "./cold-calls.ts";
import { type FunctionFacts, type LoopFacts, type ModuleFacts, markImpure } from "./facts.ts";
import { instructionCost, isBulk } from "./instruction-cost.ts";
import { classify } from "./reach.ts";
import { EXIT_DEBT_MAX } from "./tuning.ts";

export function analyse(module: WasmModule, hasGuestCallers: boolean): ModuleFacts {
  const functions = module.bodies.map((body) => new FunctionAnalysis(module, body).run());
  const hasHandlers = functions.some((facts) => facts.hasHandlers || (hasGuestCallers && facts.mayThrow));
  if (hasHandlers) functions.forEach(warmColdCalls);
  markReferenced(functions, module, hasGuestCallers);
  classify(functions, module.importedFunctions, hasHandlers);
  return { functions, hasHandlers };
}

function markReferenced(functions: readonly FunctionFacts[], module: WasmModule, hasGuestCallers: boolean): void {
  const { referenced, importedFunctions } = module;
  const exported = hasGuestCallers ? module.exports.filter(({ kind }) => kind === "function").map(({ index }) => index) : [];
  for (const index of [...referenced, ...exported, ...functions.flatMap(({ references }) => references)]) {
    const facts = functions[index - importedFunctions];
    if (facts !== undefined) facts.isReferenced = true;
  }
}

interface Frame {
  readonly isLoop: boolean;
  readonly parent: Frame | undefined;
  /** The innermost loop around what is in this frame. */
  readonly loop: LoopFacts | undefined;
  cost: number;
  /** Cost of the first arm of an `if`, once its `else` is reached. */
  otherArm: number;
}

class FunctionAnalysis {
  readonly #reader: InstructionReader;
  readonly #types: readonly TypeDefinition[];
  readonly #facts: FunctionFacts;
  #frame: Frame | undefined = { isLoop: false, parent: undefined, loop: undefined, cost: 0, otherArm: 0 };

  constructor(module: WasmModule, body: FunctionBody) {
    this.#reader = new InstructionReader(module.bytes, body.codeAt, body.end);
    this.#types = module.types;
    this.#facts = {
      body,
      cost: 0,
      loops: [],
      callees: [],
      coldCalls: [],
      indirectCalls: 0,
      references: [],
      isReferenced: false,
      hasBulk: false,
      mayThrow: false,
      hasHandlers: false,
      reach: "unbounded",
      total: 0,
    };
  }

  run(): FunctionFacts {
    while (this.#reader.offset < this.#reader.end) {
      const key = this.#reader.next();
      const frame = this.#frame;
      if (frame === undefined) break;
      frame.cost += instructionCost(this.#reader, this.#types);
      if (key <= OP.tryTable) this.#control(key, frame);
      else if (key === OP.refFunc) this.#facts.references.push(this.#reader.index);
      else if (isBulk(this.#reader)) this.#facts.hasBulk = true;
    }
    return this.#facts;
  }

  #control(key: number, frame: Frame): void {
    switch (key) {
      case OP.block:
      case OP.if:
        this.#open(frame, undefined);
        break;
      case OP.try:
      case OP.tryTable:
        this.#facts.hasHandlers = true;
        this.#open(frame, undefined);
        break;
      case OP.loop:
        this.#loop(frame);
        break;
      case OP.else:
        frame.otherArm = frame.cost;
        frame.cost = 0;
        break;
      case OP.end:
      case OP.delegate:
        this.#close(frame);
        break;
      case OP.throw:
      case OP.rethrow:
      case OP.throwRef:
        this.#facts.mayThrow = true;
        break;
      case OP.call:
        this.#directCall(frame);
        break;
      case OP.returnCall:
        this.#facts.callees.push(this.#reader.index);
        break;
      case OP.callIndirect:
      case OP.callRef:
        markImpure(frame.loop);
        frame.cost += EXIT_DEBT_MAX * COST_PER_UNIT;
        this.#facts.indirectCalls++;
        break;
      case OP.returnCallIndirect:
      case OP.returnCallRef:
        this.#facts.indirectCalls++;
        break;
    }
  }

  #open(parent: Frame, loop: LoopFacts | undefined): void {
    const isLoop = loop !== undefined;
    this.#frame = { isLoop, parent, loop: loop ?? parent.loop, cost: 0, otherArm: 0 };
  }

  #loop(frame: Frame): void {
    const loop: LoopFacts = { cost: 0, isInnermost: true, isPure: true, parent: frame.loop, calls: [] };
    if (frame.loop !== undefined) frame.loop.isInnermost = false;
    this.#facts.loops.push(loop);
    this.#open(frame, loop);
  }

  #close(frame: Frame): void {
    const cost = Math.max(frame.cost, frame.otherArm);
    if (frame.isLoop && frame.loop !== undefined) frame.loop.cost = cost;
    else if (frame.parent === undefined) this.#facts.cost = cost;
    else frame.parent.cost += cost;
    this.#frame = frame.parent;
  }

  #directCall(frame: Frame): void {
    const { index: callee } = this.#reader;
    if (trapFollows(this.#reader)) {
      this.#facts.coldCalls.push({ callee, loop: frame.loop });
      return;
    }
    this.#facts.callees.push(callee);
    frame.loop?.calls.push({ callee, isCold: false });
  }
}
