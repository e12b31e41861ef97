// QuickJS as quickjs-wasi exports it, one call at a time, each on a stack that can be suspended. Every address and length that comes back is a stranger's word.

import { HostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import { MEMORY_EXPORT } from "../meter/added-exports.ts";
import { PRELUDE, PRELUDE_FILE } from "./prelude.ts";

/** A value of QuickJS: the address of what holds it. */
type Value = number;

const ALL_INTRINSICS = 0xffff_ffff | 0;
/** Top-level await, and the value of the last expression in a promise. */
const EVAL_ASYNC = 1 << 7;
// Its own stack is 1 MiB of linear memory; deeper it is V8's that would end first, which nothing can tell a stranger.
const STACK_BYTES = 256 * 1_024;
const ARGUMENT_BYTES = 4;
const ROOM_BYTES = 16_384;
const VALUE_BYTES = 8;
const TAG_OFFSET = 4;
const UNDEFINED = 3;
const EXCEPTION = 6;
const STACK = new TextEncoder().encode("stack");
const encoder = new TextEncoder();

type Enter = (...args: unknown[]) => Promise<unknown>;

export class Machine {
  readonly #exports: WebAssembly.Exports;
  readonly #entered = new Map<string, Enter>();
  #entry: Value = 0;
  #undefined: Value = 0;
  /** Where arguments and lengths are put. */
  #scratch = 0;
  #room = { at: 0, length: 0 };

  constructor(exports: WebAssembly.Exports) {
    this.#exports = exports;
  }

  /** Makes a runtime, runs the prelude and declares functions of these names. */
  async begin(functions: Bytes): Promise<void> {
    if ((await this.#call("qjs_init2", ALL_INTRINSICS)) !== 0) throw outOfMemory();
    await this.#call("qjs_set_max_stack_size", STACK_BYTES);
    await this.#call("qjs_set_interrupt_handler", 1);
    this.#scratch = await this.#allocate(4 * ARGUMENT_BYTES);
    this.#undefined = await this.#call("qjs_get_undefined");
    this.#entry = await this.#eval(encoder.encode(PRELUDE), encoder.encode(PRELUDE_FILE), 0);
    await this.tell("f", functions);
  }

  /** Evaluates a program; a promise, or undefined when it threw, which it does for what is no program. */
  async evaluate(source: Bytes, file: Bytes): Promise<Value | undefined> {
    const value = await this.#eval(source, file, EVAL_ASYNC);
    return this.#tagOf(value) === EXCEPTION ? undefined : value;
  }

  /** Tells the prelude something; false when it refuses. Throws HostError `memory-exhausted` when there is no room for that. */
  async tell(op: string, rest: Bytes, value?: Value): Promise<boolean> {
    const said = await this.#main(op, rest, value);
    const isFine = this.#tagOf(said) === UNDEFINED;
    await this.free(said);
    return isFine;
  }

  /** Asks the prelude. Throws HostError like `tell`, and `quota-exceeded` for an answer of more than `maxBytes`. */
  async ask(op: string, maxBytes: number): Promise<Bytes> {
    const said = await this.#main(op, EMPTY);
    const answer = await this.#text(said, maxBytes);
    await this.free(said);
    if (answer === undefined)
      throw new HostError("quota-exceeded", `the value has more than ${maxBytes} bytes in JSON, which is the limit (limits.payloadMiB)`);
    return answer;
  }

  async #main(op: string, rest: Bytes, value: Value = this.#undefined): Promise<Value> {
    const text = new Uint8Array(op.length + rest.length);
    encoder.encodeInto(op, text);
    text.set(rest, op.length);
    const room = await this.#roomFor(text.length + 1);
    this.#write(room, text);
    const given = await this.#call("qjs_new_string", room, text.length);
    if (this.#tagOf(given) === EXCEPTION) throw outOfMemory();
    const view = this.#view(this.#scratch, 2 * ARGUMENT_BYTES);
    view.setUint32(0, given, true);
    view.setUint32(ARGUMENT_BYTES, value, true);
    const said = await this.#call("qjs_call", this.#entry, this.#undefined, 2, this.#scratch);
    await this.free(given);
    if (this.#tagOf(said) === EXCEPTION) throw outOfMemory();
    return said;
  }

  /** Bytes of its linear memory. */
  get memoryBytes(): number {
    return (this.#exports[MEMORY_EXPORT] as WebAssembly.Memory).buffer.byteLength;
  }

  /** Runs one job that is due. One that fails has no program to hear it: it was ended, or has no memory left. */
  async runJob(): Promise<"ran" | "failed" | "none"> {
    const ran = await this.#call("qjs_execute_pending_job");
    return ran === 0 ? "none" : ran > 0 ? "ran" : "failed";
  }

  /** What was thrown last; taken away by that. */
  exception(): Promise<Value> {
    return this.#call("qjs_get_exception");
  }

  async free(value: Value): Promise<void> {
    await this.#call("qjs_free_value", value);
  }

  /** Where what was thrown was thrown, as it says itself. */
  async stackOf(thrown: Value, maxBytes: number): Promise<Bytes | undefined> {
    const name = await this.#roomFor(STACK.length + 1);
    this.#write(name, STACK);
    const stack = await this.#call("qjs_get_prop_string", thrown, name);
    return this.#text(stack, maxBytes);
  }

  /** Where a runtime is that a trap has ended in the midst of something. */
  async lastPlace(maxBytes: number): Promise<Bytes | undefined> {
    const value = await this.#eval(encoder.encode("new Error().stack"), encoder.encode(PRELUDE_FILE), 0);
    return this.#text(value, maxBytes);
  }

  /** A copy of the text of a value; undefined for one that is longer. */
  async #text(value: Value, maxBytes: number = Number.POSITIVE_INFINITY): Promise<Bytes | undefined> {
    const at = await this.#call("qjs_get_string_len", value, this.#scratch);
    if (at === 0) throw outOfMemory();
    const length = this.#view(this.#scratch, ARGUMENT_BYTES).getUint32(0, true);
    const bytes = length > maxBytes ? undefined : this.#bytes(at, length).slice();
    await this.#call("qjs_free_cstring", at);
    return bytes;
  }

  async #eval(source: Bytes, file: Bytes, flags: number): Promise<Value> {
    const room = await this.#roomFor(source.length + file.length + 2);
    const name = room + source.length + 1;
    this.#write(room, source);
    this.#write(name, file);
    return this.#call("qjs_eval", room, source.length, name, flags);
  }

  /** For what is copied on at once: the same again, as long as the longest so far. */
  async #roomFor(length: number): Promise<number> {
    if (length <= this.#room.length) return this.#room.at;
    if (this.#room.at !== 0) await this.#call("wasm_free", this.#room.at);
    this.#room = { at: 0, length: 0 };
    const at = await this.#allocate(Math.max(length, ROOM_BYTES));
    this.#room = { at, length: Math.max(length, ROOM_BYTES) };
    return at;
  }

  /** With a zero after it, as C has its texts. */
  #write(at: number, bytes: Bytes): void {
    const room = this.#bytes(at, bytes.length + 1);
    room.set(bytes);
    room[bytes.length] = 0;
  }

  /** What kind of value it is: QuickJS keeps that in the upper half, in memory of 32 bits. */
  #tagOf(value: Value): number {
    return this.#view(value, VALUE_BYTES).getUint32(TAG_OFFSET, true);
  }

  async #allocate(length: number): Promise<number> {
    const at = await this.#call("wasm_malloc", length);
    if (at === 0) throw outOfMemory();
    return at;
  }

  async #call(name: string, ...args: readonly number[]): Promise<number> {
    let enter = this.#entered.get(name);
    if (enter === undefined) {
      enter = WebAssembly.promising(this.#exports[name]);
      this.#entered.set(name, enter);
    }
    return ((await enter(...args)) as number | undefined) ?? 0;
  }

  #bytes(at: number, length: number): Bytes {
    const { buffer, byteOffset } = this.#view(at, length);
    return new Uint8Array(buffer, byteOffset, length);
  }

  #view(at: number, length: number): DataView {
    const { buffer } = this.#exports[MEMORY_EXPORT] as WebAssembly.Memory;
    const start = at >>> 0;
    if (start + length > buffer.byteLength) throw new HostError("plugin-failed", "the sandbox names what is not in its memory");
    return new DataView(buffer, start, length);
  }
}

const EMPTY: Bytes = new Uint8Array(0);
const outOfMemory = (): HostError => new HostError("memory-exhausted", "the sandbox has no memory left (limits.memoryMiB)");
