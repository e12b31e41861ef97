// One turn of a sandbox: a program is evaluated, its jobs run, what it asks of the host's program is asked and answered, until it has ended or nothing can end it.

import { type CallAnswer, type CallValue, declaredName, decodeAnswer, encodeCall } from "../../bounds/declared-call.ts";
import { HostError } from "../../core/errors.ts";
import type { Bytes, Limits } from "../../core/types.ts";
import { decodeError } from "../guest/blocks.ts";
import type { Driver, DriverPorts } from "../metered.ts";
import type { Machine } from "./machine.ts";
import { BEGIN, decodeRequest, NEXT, SANDBOX_MODULE } from "./request.ts";

const LAST_FUEL = 250_000;
/** QuickJS looks each 10,000 jumps whether it is to end, which is a few million units; what does not jump has no use for it. */
const LAST_PIECES = 24;
/** To look where it was, after a trap. */
const AFTERMATH_PIECES = 8;
const DOOMED = -1;
const MIB = 1_024 * 1_024;
const MAX_PLACE_BYTES = 16_384;
/** A memory with less than this left is full. */
const FULL_BYTES = 131_072;
/** Beside what it hands out. */
const OUTCOME_BYTES = 4_096;
// The handle of a block that is handed over, which stands for nothing here: the bytes go along.
const HANDLE = 8n;

const NOTHING: Bytes = new Uint8Array(0);
const decoder = new TextDecoder();
const encoder = new TextEncoder();

export class Program implements Driver {
  readonly entryPoints: Driver["entryPoints"];
  readonly #machine: Machine;
  readonly #ports: DriverPorts;
  readonly #functions: Bytes;
  #place: string | undefined;
  /** Where the function was called that was called last. */
  #lastCall = "";
  #evaluation = 0;
  #lastPieces = LAST_PIECES;
  #isInterrupted = false;
  #hasBegun = false;

  /** `functions` are the names of those that a stranger can call, in JSON. */
  constructor(machine: Machine, ports: DriverPorts, functions: Bytes) {
    this.#machine = machine;
    this.#ports = ports;
    this.#functions = functions;
    this.entryPoints = { on_load: () => this.#guarded(() => this.#begin()), evaluate: () => this.#guarded(() => this.#evaluate()) };
  }

  place(): string | undefined {
    return this.#place;
  }

  /** Whether QuickJS is to stop what it runs, and say where that was: once. */
  isInterrupted(): boolean {
    const isFirst = this.#ports.control.doomed && !this.#isInterrupted;
    this.#isInterrupted ||= isFirst;
    return isFirst;
  }

  async lastFuel(): Promise<number> {
    if (this.#lastPieces <= 0) return DOOMED;
    this.#lastPieces -= 1;
    // Whoever else waits for this thread goes first.
    await new Promise((resolve) => setImmediate(resolve));
    return LAST_FUEL;
  }

  async #begin(): Promise<void> {
    if (this.#hasBegun) return;
    await this.#machine.begin(this.#functions);
    this.#hasBegun = true;
  }

  async #evaluate(): Promise<void> {
    await this.#begin();
    const { id, file, given, source } = decodeRequest(this.#ports.input());
    this.#evaluation = id;
    if (await this.#machine.tell("b", given)) await this.#run(source, file);
    for (;;) {
      await this.#runJobs();
      const said = await this.#next();
      const rest = said.subarray(1);
      switch (String.fromCharCode(said[0] ?? 0)) {
        case "d":
          return this.#ports.output(rest);
        case "c":
          await this.#call(decoder.decode(rest));
          break;
        case "m":
          this.#place = decoder.decode(rest);
          throw outOfMemory(this.#ports.limits);
        case "w":
          await this.#awaitAnswer();
          break;
        default:
          return this.#ports.output(stuck(decoder.decode(rest)));
      }
    }
  }

  async #run(source: Bytes, file: Bytes): Promise<void> {
    const promise = await this.#machine.evaluate(source, file);
    await this.#take(promise === undefined ? "x" : "r", promise ?? (await this.#machine.exception()));
  }

  async #runJobs(): Promise<void> {
    for (;;) {
      const job = await this.#machine.runJob();
      await this.#stopIfDoomed();
      if (job === "none") return;
      if (job === "failed") await this.#take("x", await this.#machine.exception());
    }
  }

  /** What is to be done: what the prelude says, or what becomes of a value that is too large. */
  async #next(): Promise<Bytes> {
    try {
      const { payloadBytes, memoryBytes } = this.#ports.limits;
      const isFull = this.#machine.memoryBytes > memoryBytes - FULL_BYTES;
      return await this.#machine.ask(isFull ? "n!" : "n", payloadBytes + OUTCOME_BYTES);
    } catch (thrown) {
      if (!(thrown instanceof HostError) || thrown.code !== "quota-exceeded") throw thrown;
      const { code, message } = thrown;
      return encoder.encode(`d${JSON.stringify({ ok: false, code, name: "", message, stack: "" })}`);
    }
  }

  /** Hands a value to the prelude, for good. */
  async #take(op: "r" | "x", value: number): Promise<void> {
    await this.#stopIfDoomed(op === "x" ? value : undefined);
    await this.#machine.tell(op, NOTHING, value);
    await this.#machine.free(value);
  }

  /** Begins a call: its identity and name, the length of its place, the place, the arguments in JSON. */
  async #call(call: string): Promise<void> {
    const [, head = "", placed = ""] = /^(\d+ [\w$]{1,64} )(\d+) /.exec(call) ?? [];
    const from = head.length + placed.length + 1;
    this.#lastCall = call.slice(from, from + Number(placed));
    const args = encoder.encode(`${this.#evaluation} ${head}${call.slice(from + this.#lastCall.length)}`);
    await this.#askHost(BEGIN, [{ value: HANDLE, block: args }]);
  }

  async #awaitAnswer(): Promise<void> {
    this.#place = this.#lastCall;
    const answer = await this.#askHost(NEXT, [{ value: BigInt(this.#evaluation) }]);
    this.#place = undefined;
    await this.#machine.tell("a", answer instanceof Uint8Array ? answer : NOTHING);
  }

  async #askHost(name: string, values: readonly CallValue[]): Promise<CallAnswer> {
    const block = await this.#ports.wait(this.#ports.ask(declaredName(SANDBOX_MODULE, name), encodeCall(values)));
    if (block === undefined) throw new HostError("plugin-failed", "the sandbox was ended while it waited");
    if (block[0] !== 0) throw decodeError(block);
    return decodeAnswer(block.subarray(1));
  }

  // What is doomed has been interrupted by now, and says where.
  async #stopIfDoomed(thrown?: number): Promise<void> {
    if (!this.#ports.control.doomed) return;
    const last = thrown ?? (await this.#machine.exception());
    this.#place = decoder.decode((await this.#machine.stackOf(last, MAX_PLACE_BYTES)) ?? NOTHING);
    throw new HostError("plugin-failed", "the sandbox was ended");
  }

  async #guarded(work: () => Promise<void>): Promise<number> {
    try {
      await work();
      return 0;
    } catch (thrown) {
      this.#place ??= await this.#aftermath();
      throw thrown;
    }
  }

  async #aftermath(): Promise<string> {
    this.#lastPieces = AFTERMATH_PIECES;
    this.#isInterrupted = true;
    try {
      return decoder.decode((await this.#machine.lastPlace(MAX_PLACE_BYTES)) ?? NOTHING);
    } catch {
      // It is as broken as that: nothing can be said of it.
      return "";
    }
  }
}

// What QuickJS has of a program by then is half a state, so the next one gets another.
const outOfMemory = ({ memoryBytes }: Limits): HostError =>
  new HostError("memory-exhausted", `the sandbox needs more than ${memoryBytes / MIB} MiB of memory (limits.memoryMiB)`);

const stuck = (stack: string): Bytes =>
  encoder.encode(
    JSON.stringify({ ok: false, code: "plugin-failed", name: "", message: "it waits for a promise that nothing will settle", stack }),
  );
