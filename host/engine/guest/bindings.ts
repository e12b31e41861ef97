// Builds the import object of one instance: blocks straight from the kernel, host functions through the core's table.
// No import throws: what must end the guest goes to `control`, and the meter's next check kills it, uncatchably; until then nothing it asks for is done.

import { HostError, toHostError } from "../../core/errors.ts";
import type { Bytes, Limits } from "../../core/types.ts";
import type { GuestEnvironment } from "../engine.ts";
import type { GuestState } from "../state/instance-state.ts";
import type { BlockMemory } from "./block-memory.ts";
import { blockFor, encodeError } from "./blocks.ts";
import { CELL_FUNCTIONS, type CellFunction, cellFunction, FREE_BYTES, FREE_FUNCTIONS } from "./cell-functions.ts";
import type { GuestControl } from "./control.ts";
import { declaredFunctions } from "./declared-functions.ts";
import { ExtismHttp } from "./extism-http.ts";
import type { DeclaredImport } from "./imported.ts";
import { BULK_MEMORY, EXTISM_ENV, EXTISM_USER, FUNCTION_BY_IMPORT } from "./imports.ts";
import { GuestVars } from "./vars.ts";
import { WASI_PREVIEW1, Wasi } from "./wasi.ts";

const NO_BLOCK = 0n;
const EMPTY: Bytes = new Uint8Array(0);
const INVALID_HANDLE = encodeError(new HostError("invalid-message", "an argument is not the handle of a block"));
// What Extism calls debug; our log has nothing below it.
const LOG_LEVEL_DEBUG = 1;
const UNCLOCKED_COPY_BYTES = 4_096;
/** Room for the arguments beside a payload: names, keys, media types. */
export const MAX_NAMES_BYTES = 4_096;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

export class Bindings {
  #hostCalls = 0;
  readonly #environment: GuestEnvironment;
  readonly #blocks: BlockMemory;
  readonly #control: GuestControl;
  readonly #vars: GuestVars;
  /** Only for a guest that imports it: most do not. */
  #wasi: Wasi | undefined;
  readonly #http: ExtismHttp;
  #memory: WebAssembly.Memory | undefined;
  #guestBytes: Bytes = EMPTY;

  readonly #declared: WebAssembly.Imports;

  /** `declared` are the functions of the host's program that the guest imports. */
  constructor(environment: GuestEnvironment, blocks: BlockMemory, control: GuestControl, declared: readonly DeclaredImport[]) {
    this.#environment = environment;
    this.#blocks = blocks;
    this.#control = control;
    this.#vars = new GuestVars(environment.limits.varBytes);
    this.#http = new ExtismHttp({
      view: (handle) => (control.doomed ? undefined : blocks.view(handle)),
      give: (bytes) => this.#give(bytes),
      fetch: (request, body) => {
        this.#hostCalls += 1;
        return this.#ask("http.fetch", [request, body]);
      },
      doom: (error) => control.doom(error),
    });
    this.#declared = declaredFunctions(declared, {
      view: (handle) => blocks.view(handle),
      give: (bytes) => this.#give(bytes),
      ask: (name, args) => {
        this.#hostCalls += 1;
        return this.#ask(name, args);
      },
      control,
      yieldWhenOverdue: () => this.#yieldWhenOverdue(),
    });
  }

  /** Made for the link and kept by nobody: what the guest does not import is garbage afterwards. */
  makeImports(): WebAssembly.Imports {
    const wasi = (): Wasi => this.#makeWasi();
    const user = Object.fromEntries([...FUNCTION_BY_IMPORT].map(([name, hostFunction]) => [name, this.#hostFunction(hostFunction)]));
    return {
      ...this.#declared,
      [EXTISM_ENV]: { ...this.#blocks.functions, length_unsafe: this.#blocks.functions.length, ...this.#extismFunctions() },
      [EXTISM_USER]: { ...this.#declared[EXTISM_USER], ...user },
      [BULK_MEMORY]: this.#bulkCopies(),
      get [WASI_PREVIEW1]() {
        return wasi().functions;
      },
    } as WebAssembly.Imports;
  }

  #makeWasi(): Wasi {
    this.#wasi ??= new Wasi({
      environment: this.#environment,
      control: this.#control,
      memory: () => this.#guest(),
      count: () => {
        this.#hostCalls += 1;
      },
      yieldWhenOverdue: () => this.#yieldWhenOverdue(),
    });
    return this.#wasi;
  }

  /** Host functions called since the instance was made. */
  get hostCalls(): number {
    return this.#hostCalls;
  }

  /** What it keeps for the guest from turn to turn. */
  kept(): Pick<GuestState, "vars" | "http"> {
    return { vars: this.#vars.entries(), http: this.#http.kept };
  }

  /** Throws HostError `quota-exceeded` for variables that do not fit. */
  keep({ vars, http }: Pick<GuestState, "vars" | "http">): void {
    for (const [key, value] of vars) this.#vars.set(key, value.slice());
    this.#http.kept = http;
  }

  /** To be called when a turn ends. */
  endTurn(): void {
    this.#wasi?.flush();
  }

  /** Gives bulk copies and WASI the guest's memory once there is an instance. */
  attach(memory: WebAssembly.Memory | undefined): void {
    this.#memory = memory;
  }

  #hostFunction(name: string): unknown {
    const inCell = cellFunction(name, this.#environment.storage);
    if (inCell !== undefined) return (...handles: bigint[]) => this.#answerInCell(inCell, FREE_FUNCTIONS.has(name), handles);
    return new WebAssembly.Suspending((...handles: bigint[]) => this.#answerInHost(name, handles));
  }

  #answerInCell(answer: CellFunction, isFree: boolean, handles: readonly bigint[]): bigint {
    const args = this.#arguments(handles);
    const answered = args === undefined ? INVALID_HANDLE : answer(this.#environment.scope, args);
    if (isFree) this.#countLong(answered.length);
    else this.#hostCalls += 1;
    const block = this.#give(answered);
    this.#yieldWhenOverdue();
    return block;
  }

  async #answerInHost(name: string, handles: readonly bigint[]): Promise<bigint> {
    this.#hostCalls += 1;
    const views = this.#arguments(handles);
    if (views === undefined) return this.#give(INVALID_HANDLE);
    const answer = await this.#ask(name, views);
    if (answer === undefined) return NO_BLOCK;
    const block = this.#give(blockFor(this.#environment.api, answer));
    this.#yieldWhenOverdue();
    return block;
  }

  /** The tagged answer, or undefined when the guest is to end. */
  async #ask(name: string, args: readonly Bytes[]): Promise<Bytes | undefined> {
    const { limits, pacer } = this.#environment;
    const refused = tooLargeFor(limits, name, args);
    return refused ?? pacer.wait(this.#send(name, args));
  }

  /** Asks the host without waiting for the answer; counts a host call. Resolves with the tagged block. */
  async ask(name: string, args: readonly Bytes[]): Promise<Bytes> {
    this.#hostCalls += 1;
    return tooLargeFor(this.#environment.limits, name, args) ?? this.#send(name, args);
  }

  // The arguments leave the guest's memory, which may change while they are under way.
  #send(name: string, args: readonly Bytes[]): Promise<Bytes> {
    return this.#environment.askHost(
      name,
      args.map((arg) => arg.slice()),
    );
  }

  // What a host function or a long copy does costs the guest no fuel, so the clock decides whether the slice is over. The CPU
  // limit hangs on it too: it is looked at when a slice ends.
  #yieldWhenOverdue(): void {
    if (this.#environment.pacer.overdue()) this.#control.forfeit();
  }

  #arguments(handles: readonly bigint[]): Bytes[] | undefined {
    if (this.#control.doomed) return undefined;
    const args: Bytes[] = [];
    for (const handle of handles) {
      const view = this.#blocks.view(handle);
      if (view === undefined) return undefined;
      args.push(view);
    }
    return args;
  }

  #give(bytes: Bytes): bigint {
    const handle = this.#blocks.write(bytes);
    if (handle !== undefined) return handle;
    this.#control.doom(blocksExhausted(this.#environment));
    return NO_BLOCK;
  }

  /** Of the plugin's own things, read or written in the cell: long ones count as a host call. */
  #countLong(bytes: number): void {
    if (bytes > FREE_BYTES) this.#hostCalls += 1;
  }

  #giveOwn(bytes: Bytes): bigint {
    this.#countLong(bytes.length);
    return this.#give(bytes);
  }

  #text(handle = NO_BLOCK): string {
    return decoder.decode(this.#blocks.view(handle) ?? EMPTY);
  }

  #extismFunctions(): Record<string, unknown> {
    const { scope } = this.#environment;
    const clocked =
      (answer: (...handles: bigint[]) => bigint) =>
      (...handles: bigint[]) => {
        if (this.#control.doomed) return NO_BLOCK;
        const block = answer(...handles);
        this.#yieldWhenOverdue();
        return block;
      };
    const logger = (level: string) => {
      const encodedLevel = encoder.encode(JSON.stringify(level));
      const write = CELL_FUNCTIONS.get("log.write");
      return clocked((handle = NO_BLOCK) => {
        this.#hostCalls += 1;
        write?.(scope, [encodedLevel, this.#blocks.view(handle) ?? EMPTY]);
        return NO_BLOCK;
      });
    };
    return {
      log_trace: logger("debug"),
      log_debug: logger("debug"),
      log_info: logger("info"),
      log_warn: logger("warning"),
      log_error: logger("error"),
      get_log_level: () => LOG_LEVEL_DEBUG,
      config_get: clocked((key) => {
        const name = this.#text(key);
        const found = Object.hasOwn(scope.config, name) ? scope.config[name] : undefined;
        return found === undefined ? NO_BLOCK : this.#giveOwn(encoder.encode(found));
      }),
      var_get: clocked((key) => {
        const value = this.#vars.get(this.#text(key));
        return value === undefined ? NO_BLOCK : this.#giveOwn(value);
      }),
      var_set: clocked((key, value = NO_BLOCK) => {
        try {
          const bytes = value === NO_BLOCK ? undefined : (this.#blocks.view(value) ?? EMPTY).slice();
          this.#countLong(bytes?.length ?? 0);
          this.#vars.set(this.#text(key), bytes);
        } catch (thrown) {
          this.#control.doom(toHostError(thrown));
        }
        return NO_BLOCK;
      }),
      http_request: new WebAssembly.Suspending((request: bigint, body: bigint) => this.#http.request(request, body)),
      http_status_code: () => this.#http.status,
      http_headers: clocked(() => {
        const { headers } = this.#http;
        return headers === undefined ? NO_BLOCK : this.#giveOwn(encoder.encode(headers));
      }),
    };
  }

  #bulkCopies(): Record<string, unknown> {
    const { plugin } = this.#environment;
    const copied = (inBounds: boolean, length: number): void => {
      if (!inBounds) this.#control.doom(new HostError("plugin-failed", `${plugin} copied outside of its memory or its blocks`));
      // A copy costs the guest the same fuel whatever its length; only a long one is worth a look at the clock.
      else if (length >>> 0 > UNCLOCKED_COPY_BYTES) this.#yieldWhenOverdue();
    };
    return {
      release: this.#blocks.functions.release,
      load: (offset: bigint, address: number, length: number) =>
        copied(this.#blocks.copyToGuest(offset, this.#guest(), address >>> 0, length >>> 0), length),
      store: (address: number, offset: bigint, length: number) =>
        copied(this.#blocks.copyFromGuest(this.#guest(), address >>> 0, offset, length >>> 0), length),
    };
  }

  // Growing the memory detaches the buffer that the view stands on, which leaves it empty.
  #guest(): Bytes {
    if (this.#memory !== undefined && this.#guestBytes.length === 0) this.#guestBytes = new Uint8Array(this.#memory.buffer);
    return this.#guestBytes;
  }
}

/** The refusal of arguments that are too large. */
/** The refusal of arguments that are too large; undefined for others. */
export function tooLargeFor({ payloadBytes }: Limits, name: string, args: readonly Bytes[]): Bytes | undefined {
  const size = args.reduce((sum, { length }) => sum + length, 0);
  if (size <= payloadBytes + MAX_NAMES_BYTES) return undefined;
  return encodeError(
    new HostError("quota-exceeded", `the arguments of ${name} have ${size} bytes; the limit is ${payloadBytes} (limits.payloadMiB)`),
  );
}

export function blocksExhausted({ plugin, limits }: GuestEnvironment): HostError {
  return new HostError("memory-exhausted", `${plugin} needs more than ${limits.blockBytes} bytes of blocks in one turn (limits.blockMiB)`);
}
