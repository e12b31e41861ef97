// Measures what a function body will cost V8 to compile, by one linear scan that follows the height of the operand
// stack. It runs before validation, so it clamps what an invalid body would underflow and trusts no index.

import { BLOCK_BY_VALUE, InstructionReader } from "./instruction-reader.ts";
import { featureOf, KEYS, OP, popsOf, pushesOf } from "./instructions.ts";
import { type FunctionBody, functionTypeAt, signatureOf, type WasmModule } from "./module.ts";
import { malformed } from "./reader.ts";
import type { FunctionType } from "./type-section.ts";
import { bytesOfLocal } from "./value-type.ts";

export interface BodyMeasure {
  /** Parameters and declared locals. */
  locals: number;
  /** What they take in a frame of V8's. */
  localBytes: number;
  loops: number;
  /** The deepest nesting of blocks, the body itself included. */
  nesting: number;
  blockParams: number;
  blockResults: number;
  /** Targets of br_table and catch clauses, each times the values it carries. */
  branchTableValues: number;
  /** Sum over the control instructions of locals plus stack height. */
  slots: number;
}

interface Frame {
  readonly isLoop: boolean;
  /** Height of the operand stack below the block's parameters. */
  readonly base: number;
  readonly params: number;
  readonly results: number;
}

export class StackScan {
  readonly #module: WasmModule;
  readonly #seen = new Uint8Array(KEYS);
  #reader: InstructionReader;
  #frames: Frame[] = [];
  #measure: BodyMeasure = emptyMeasure(0, 0);
  #height = 0;
  #sawExceptionType = false;

  constructor(module: WasmModule) {
    this.#module = module;
    this.#reader = new InstructionReader(module.bytes);
  }

  /** The features of the instructions seen in all bodies measured so far, and of the types that they name. */
  features(): Set<string> {
    const features = new Set<string>();
    this.#seen.forEach((isSeen, key) => {
      if (isSeen === 1) features.add(featureOf(key));
    });
    if (this.#sawExceptionType) features.add("exceptions");
    return features;
  }

  measure(body: FunctionBody): BodyMeasure {
    const type = functionTypeAt(this.#module, body.typeIndex);
    if (type === undefined) throw malformed("a function whose type is none", body.start);
    this.#reader = new InstructionReader(this.#module.bytes, body.codeAt, body.end);
    const paramBytes = type.params.reduce((sum, param) => sum + bytesOfLocal(param), 0);
    this.#measure = emptyMeasure(type.params.length + body.declaredLocals, paramBytes + body.localBytes);
    this.#frames = [{ isLoop: false, base: 0, params: 0, results: type.results.length }];
    this.#height = 0;
    while (this.#frames.length > 0) {
      const key = this.#reader.next();
      this.#seen[key] = 1;
      this.#instruction(key);
    }
    if (this.#reader.offset !== body.end) throw malformed("a function body goes on after its end", this.#reader.offset);
    this.#sawExceptionType ||= this.#reader.sawExceptionType;
    return this.#measure;
  }

  #instruction(key: number): void {
    switch (key) {
      case OP.block:
      case OP.loop:
      case OP.if:
      case OP.try:
      case OP.tryTable:
        this.#open(key);
        return;
      case OP.else:
      case OP.catch:
      case OP.catchAll:
        this.#nextArm(key);
        return;
      case OP.end:
      case OP.delegate:
        this.#close();
        return;
      case OP.brIf:
      case OP.brOnNull:
      case OP.brOnNonNull:
      case OP.brOnCast:
      case OP.brOnCastFail:
        this.#adjust(popsOf(key), pushesOf(key));
        this.#countSlots(1);
        return;
      case OP.brTable:
        this.#adjust(1, 0);
        this.#countTargets();
        this.#leave();
        return;
      case OP.br:
      case OP.return:
      case OP.throw:
      case OP.rethrow:
      case OP.throwRef:
      case OP.unreachable:
      case OP.returnCall:
      case OP.returnCallIndirect:
      case OP.returnCallRef:
        this.#measure.slots++;
        this.#leave();
        return;
      case OP.call:
        this.#call(signatureOf(this.#module, this.#reader.index), 0);
        return;
      case OP.callIndirect:
      case OP.callRef:
        this.#call(functionTypeAt(this.#module, this.#reader.index), 1);
        return;
      case OP.structNew:
        this.#adjust(this.#fields(), 1);
        return;
      case OP.arrayNewFixed:
        this.#adjust(this.#reader.second, 1);
        return;
      default:
        this.#adjust(popsOf(key), pushesOf(key));
    }
  }

  #open(key: number): void {
    const { blockType, blockResults, labels } = this.#reader;
    const type = blockType === BLOCK_BY_VALUE ? undefined : this.#functionType(blockType);
    const params = type?.params.length ?? 0;
    const results = type?.results.length ?? blockResults;
    if (key === OP.tryTable) this.#countTargets();
    if (key === OP.if) this.#adjust(1, 0);
    this.#countSlots(1 + (key === OP.tryTable ? labels.length : 0));
    const parent = this.#frames.at(-1)?.base ?? 0;
    const base = Math.max(parent, this.#height - params);
    this.#frames.push({ isLoop: key === OP.loop, base, params, results });
    this.#height = base + params;
    const measure = this.#measure;
    if (key === OP.loop) measure.loops++;
    measure.nesting = Math.max(measure.nesting, this.#frames.length);
    measure.blockParams = Math.max(measure.blockParams, params);
    measure.blockResults = Math.max(measure.blockResults, results);
  }

  #nextArm(key: number): void {
    const frame = this.#frame(0);
    const carried = key === OP.else ? frame.params : key === OP.catch ? this.#tagParams() : 0;
    this.#height = frame.base + carried;
    this.#countSlots(1);
  }

  #close(): void {
    const frame = this.#frame(0);
    this.#frames.pop();
    this.#height = frame.base + frame.results;
  }

  #call(type: FunctionType | undefined, extra: number): void {
    if (type === undefined) throw malformed("a call of no function", this.#reader.start);
    this.#adjust(type.params.length + extra, type.results.length);
  }

  #countTargets(): void {
    let values = 0;
    for (const label of this.#reader.labels) {
      const target = this.#frame(label);
      values += 1 + (target.isLoop ? target.params : target.results);
    }
    this.#measure.branchTableValues += values;
    this.#countSlots(1);
  }

  #countSlots(times: number): void {
    this.#measure.slots += (1 + this.#measure.locals + this.#height) * times;
  }

  #adjust(popped: number, pushed: number): void {
    this.#height = Math.max(this.#frame(0).base, this.#height - popped) + pushed;
  }

  #leave(): void {
    this.#height = this.#frame(0).base;
  }

  #frame(label: number): Frame {
    const frame = this.#frames[this.#frames.length - 1 - label];
    if (frame === undefined) throw malformed("a branch to no block", this.#reader.start);
    return frame;
  }

  #functionType(index: number): FunctionType {
    const type = functionTypeAt(this.#module, index);
    if (type === undefined) throw malformed("a block whose type is none", this.#reader.start);
    return type;
  }

  #tagParams(): number {
    return functionTypeAt(this.#module, this.#module.tags[this.#reader.index] ?? -1)?.params.length ?? 0;
  }

  #fields(): number {
    const type = this.#module.types[this.#reader.index];
    return type?.kind === "struct" ? type.fields : 0;
  }
}

function emptyMeasure(locals: number, localBytes: number): BodyMeasure {
  return {
    locals,
    localBytes,
    loops: 0,
    nesting: 1,
    blockParams: 0,
    blockResults: 0,
    branchTableValues: 0,
    slots: 0,
  };
}
