// The ABI of docs/abi.md from the guest's side, small enough to read at once: blocks in a byte array, storage in a map, everything
// synchronous. It keeps the SDK's tests independent of the host; limits and permissions are not its business.

import { randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { captureState, restoreState } from "../../../host/engine/state/instance-state.ts";
import { decodeState, encodeState } from "../../../host/engine/state/state-codec.ts";

const text = new TextEncoder();
const utf8 = new TextDecoder("utf-8", { fatal: true });

const HOST_PAGE_BYTES = 65_536;

export interface FakeError {
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
}

export interface Published {
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
}

export interface TurnResult {
  /** The entry point returned 0. */
  readonly ok: boolean;
  readonly output: Uint8Array;
  /** What the plugin gave to error_set; of a refusal its reason and its message. */
  readonly error: string | undefined;
  /** The instance is of no use any more. */
  readonly trapped: boolean;
}

export interface FakeHostOptions {
  readonly storage?: Map<string, Uint8Array>;
  readonly state?: Map<string, Uint8Array>;
  readonly config?: Readonly<Record<string, string>>;
  readonly caller?: { readonly kind: string; readonly name: string; readonly principal?: string };
  /** Takes what is sent and answers its id. */
  readonly send?: (service: string, payload: Uint8Array, options: { readonly durable: boolean; readonly id: string | null }) => string;
  /** Answers services.call; throwing a FakeError refuses the call. */
  readonly call?: (service: string, payload: Uint8Array, deadlineMs: number | null) => Uint8Array;
  /** Answers extensions.ask; `output` is base64 text. */
  readonly ask?: (point: string, input: Uint8Array, deadlineMs: number | null) => readonly { plugin: string; output: string }[];
  /** Answers http.fetch. */
  readonly fetch?: (request: unknown, body: Uint8Array) => { status: number; headers: { name: string; value: string }[]; body: string };
  readonly nowMs?: () => number;
  /** More functions by the names of their imports: blocks in, and out the value as it stands in a block. */
  readonly functions?: Readonly<Record<string, (...args: Uint8Array[]) => Uint8Array>>;
  /** Called before anything of the instance runs; admitted modules need their fuel. */
  readonly prepare?: (exports: WebAssembly.Exports) => void;
  /** The same for an instance that goes on. */
  readonly resume?: (exports: WebAssembly.Exports) => void;
}

const NOTHING_KEPT = { vars: [], http: undefined, clockMs: 0 };
const MAX_STATE = 128 * 1024 * 1024;

export class FakeHost {
  readonly scheduled: Set<string> = new Set();
  readonly logs: { level: string; message: string }[] = [];
  readonly events: Published[] = [];
  readonly storage: Map<string, Uint8Array>;
  readonly state: Map<string, Uint8Array>;
  /** Blocks allocated in the current turn, for tests of frugality. */
  blocks: [number, number][] = [];
  /** Set to make the next host function fail. */
  refuseNext: FakeError | undefined;
  caller: { readonly kind: string; readonly name: string; readonly principal?: string };
  #memory = new Uint8Array(HOST_PAGE_BYTES);
  #end = 8;
  #lengths = new Map<number, number>();
  #input: [number, number] = [0, 0];
  #output: [number, number] = [0, 0];
  #error = 0;
  #exports: WebAssembly.Exports;
  readonly #module: WebAssembly.Module;
  readonly #options: FakeHostOptions;

  constructor(module: WebAssembly.Module, options: FakeHostOptions = {}) {
    this.#options = options;
    this.storage = options.storage ?? new Map();
    this.state = options.state ?? new Map();
    this.caller = options.caller ?? { kind: "host", name: "bulkhead" };
    this.#module = module;
    this.#exports = this.#instantiate();
    options.prepare?.(this.#exports);
    this.#function("_initialize")?.();
  }

  /** Goes on in another instance, from the state of the one so far; the module has to be admitted for it. */
  sleep(): void {
    const state = decodeState(encodeState({ ...captureState(this.#exports, this.#instantiate()), ...NOTHING_KEPT }, MAX_STATE), MAX_STATE);
    this.#exports = this.#instantiate();
    restoreState(this.#exports, state);
    this.#options.resume?.(this.#exports);
  }

  #instantiate(): WebAssembly.Exports {
    return new WebAssembly.Instance(this.#module, this.#imports()).exports;
  }

  static fromFile(file: string, options?: FakeHostOptions): FakeHost {
    return new FakeHost(new WebAssembly.Module(readFileSync(file)), options);
  }

  /** Runs one turn. Input that is neither text nor bytes goes in as JSON. */
  turn(entryPoint: string, input: unknown = ""): TurnResult {
    this.#end = 8;
    this.#lengths.clear();
    this.blocks = [];
    this.#error = 0;
    this.#output = [0, 0];
    const bytes = input instanceof Uint8Array ? input : text.encode(typeof input === "string" ? input : JSON.stringify(input));
    this.#input = [this.#put(bytes), bytes.length];
    const run = this.#function(entryPoint);
    if (!run) throw new Error(`the plugin exports no ${entryPoint}`);
    let status = -1;
    let trapped = false;
    try {
      status = Number(run());
    } catch (thrown) {
      if (!(thrown instanceof WebAssembly.RuntimeError)) throw thrown;
      trapped = true;
    }
    const error = this.#error ? said(utf8.decode(this.#block(this.#error))) : undefined;
    return { ok: status === 0, output: this.#slice(...this.#output), error, trapped };
  }

  /** A turn that must succeed, its output parsed as JSON; undefined for an empty output. */
  json(entryPoint: string, input: unknown = {}): unknown {
    const { ok, output, error } = this.turn(entryPoint, input);
    if (!ok) throw new Error(error ?? "trapped without a message");
    return output.length > 0 ? JSON.parse(utf8.decode(output)) : undefined;
  }

  /** Delivers an event as the host would. */
  deliver(entryPoint: string, type: string, data: unknown, attributes: Readonly<Record<string, unknown>> = {}): TurnResult {
    const event = { specversion: "1.0", id: "1", source: "/plugins/other", type, time: "2026-01-02T03:04:05.678Z" };
    const trace = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", datacontenttype: "application/json" };
    return this.turn(entryPoint, { ...event, ...trace, ...(data === undefined ? {} : { data }), ...attributes });
  }

  /** The data of the published events of one type. */
  published(type: string): unknown[] {
    return this.events.filter((event) => event.type === type).map(({ data }) => JSON.parse(utf8.decode(data)));
  }

  memoryBytes(): number {
    const { memory } = this.#exports;
    return memory instanceof WebAssembly.Memory ? memory.buffer.byteLength : 0;
  }

  #function(name: string): ((...args: unknown[]) => unknown) | undefined {
    const found = this.#exports[name];
    return typeof found === "function" ? (...args) => found(...args) : undefined;
  }

  #linear(address: number, length: number): Uint8Array {
    const { memory } = this.#exports;
    if (!(memory instanceof WebAssembly.Memory)) throw new Error("the plugin exports no memory");
    return new Uint8Array(memory.buffer, address >>> 0, length);
  }

  #alloc(length: number): number {
    const at = this.#end;
    this.#end += Math.max(8, (length + 7) & ~7);
    if (this.#end > this.#memory.length) {
      const grown = new Uint8Array(this.#end * 2);
      grown.set(this.#memory);
      this.#memory = grown;
    }
    this.#lengths.set(at, length);
    this.blocks.push([at, length]);
    return at;
  }

  #put(bytes: Uint8Array): number {
    const at = this.#alloc(bytes.length);
    this.#memory.set(bytes, at);
    return at;
  }

  #block(handle: number): Uint8Array {
    const length = this.#lengths.get(handle);
    if (length === undefined) throw new Error(`${handle} is no block`);
    return this.#slice(handle, length);
  }

  #slice(offset: number, length: number): Uint8Array {
    if (offset + length > this.#end) throw new WebAssembly.RuntimeError(`${length} bytes at ${offset} are not in the blocks`);
    return this.#memory.slice(offset, offset + length);
  }

  /** One host function: decoded parameters in, value out, as rule 3 and 4 of docs/abi.md say. */
  #host(
    types: readonly ("text" | "bytes" | "json" | "option")[],
    run: (...args: never[]) => unknown,
    result: "bytes" | "option" | "json" | "none",
  ) {
    const decode = {
      text: (bytes: Uint8Array) => utf8.decode(bytes),
      bytes: (bytes: Uint8Array) => bytes,
      json: (bytes: Uint8Array) => JSON.parse(utf8.decode(bytes)),
      option: (bytes: Uint8Array) => (bytes[0] ? utf8.decode(bytes.subarray(1)) : undefined),
    };
    const encode = (value: unknown): Uint8Array => {
      if (result === "none") return new Uint8Array(0);
      if (result === "json") return text.encode(JSON.stringify(value));
      const bytes = typeof value === "string" ? text.encode(value) : value instanceof Uint8Array ? value : new Uint8Array(0);
      return result === "bytes" ? bytes : tagged(value === undefined ? 0 : 1, bytes);
    };
    return (...handles: bigint[]): bigint => {
      const args = handles.map((handle, i) => decode[types[i] ?? "bytes"](this.#block(Number(handle))));
      const answer = (): Uint8Array => {
        const refusal = this.refuseNext;
        this.refuseNext = undefined;
        if (refusal) return tagged(1, text.encode(JSON.stringify({ detail: null, ...refusal })));
        try {
          return tagged(0, encode(run(...(args as never[]))));
        } catch (thrown) {
          if (thrown instanceof Error) throw thrown;
          return tagged(1, text.encode(JSON.stringify(thrown)));
        }
      };
      return BigInt(this.#put(answer()));
    };
  }

  #imports(): WebAssembly.Imports {
    const keysOf = (map: Map<string, Uint8Array>, prefix: string) => [...map.keys()].filter((key) => key.startsWith(prefix)).sort();
    const store = (map: Map<string, Uint8Array>) => ({
      get: this.#host(["text"], (key: string) => map.get(key), "option"),
      set: this.#host(["text", "bytes"], (key: string, value: Uint8Array) => void map.set(key, value), "none"),
      delete: this.#host(["text"], (key: string) => map.delete(key), "json"),
    });
    const more = Object.entries(this.#options.functions ?? {});
    const prefixed = (prefix: string, functions: Record<string, (...handles: bigint[]) => bigint>) =>
      Object.fromEntries(Object.entries(functions).map(([name, value]) => [`${prefix}_${name}`, value]));
    return {
      "extism:host/env": {
        alloc: (length: bigint) => BigInt(this.#alloc(Number(length))),
        length: (block: bigint) => BigInt(this.#lengths.get(Number(block)) ?? 0),
        load_u8: (at: bigint) => this.#slice(Number(at), 1)[0] ?? 0,
        input_offset: () => BigInt(this.#input[0]),
        input_length: () => BigInt(this.#input[1]),
        output_set: (at: bigint, length: bigint) => {
          this.#output = [Number(at), Number(length)];
        },
        error_set: (block: bigint) => {
          this.#error = Number(block);
        },
      },
      "bulkhead:host/memory": {
        release: (block: bigint) => {
          const first = Number(block);
          if (!this.#lengths.has(first)) return;
          for (const at of this.#lengths.keys()) if (at >= first) this.#lengths.delete(at);
          this.#end = first;
        },
        load: (at: bigint, address: number, length: number) => this.#linear(address, length).set(this.#slice(Number(at), length)),
        store: (address: number, at: bigint, length: number) => this.#memory.set(this.#linear(address, length), Number(at)),
      },
      "extism:host/user": {
        log_write: this.#host(["json", "text"], (level: string, message: string) => void this.logs.push({ level, message }), "none"),
        events_publish: this.#host(
          ["text", "text", "bytes"],
          (type: string, contentType: string, data: Uint8Array) => `event-${this.events.push({ type, contentType, data })}`,
          "bytes",
        ),
        services_call: this.#host(
          ["text", "bytes", "json"],
          (service: string, payload: Uint8Array, deadlineMs: number | null) => {
            if (!this.#options.call) throw { code: "no-such-service", message: `nobody provides ${service}`, detail: null };
            return this.#options.call(service, payload, deadlineMs);
          },
          "bytes",
        ),
        services_send: this.#host(
          ["text", "bytes", "json"],
          (service: string, payload: Uint8Array, options: { readonly durable: boolean; readonly id: string | null }) => {
            if (!this.#options.send) throw { code: "no-such-service", message: `nobody provides ${service}`, detail: null };
            return this.#options.send(service, payload, options);
          },
          "bytes",
        ),
        services_current_caller: this.#host([], () => this.caller, "json"),
        services_current_principal: this.#host([], () => this.caller.principal, "option"),
        extensions_ask: this.#host(
          ["text", "bytes", "json"],
          (point: string, input: Uint8Array, deadlineMs: number | null) => this.#options.ask?.(point, input, deadlineMs) ?? [],
          "json",
        ),
        http_fetch: this.#host(
          ["json", "bytes"],
          (request: unknown, body: Uint8Array) => {
            if (!this.#options.fetch) throw { code: "permission-denied", message: "nobody may", detail: null };
            return this.#options.fetch(request, body);
          },
          "json",
        ),
        ...prefixed("state", { ...store(this.state), keys: this.#host(["text"], (prefix: string) => keysOf(this.state, prefix), "json") }),
        ...prefixed("storage", {
          ...store(this.storage),
          keys: this.#host(
            ["text", "option", "json"],
            (prefix: string, after: string | undefined, limit: number) =>
              keysOf(this.storage, prefix)
                .filter((key) => after === undefined || key > after)
                .slice(0, limit),
            "json",
          ),
        }),
        ...prefixed("schedules", {
          set: this.#host(["json"], ({ name }: { readonly name: string }) => this.scheduled.add(name).size, "json"),
          cancel: this.#host(["text"], (name: string) => this.scheduled.delete(name), "json"),
        }),
        config_get: this.#host(["text"], (key: string) => this.#options.config?.[key], "option"),
        clock_now: this.#host([], () => this.#options.nowMs?.() ?? 1_767_323_045_678, "json"),
        clock_monotonic: this.#host([], () => Math.floor(performance.now() * 1e6), "json"),
        ...Object.fromEntries(more.map(([name, run]) => [name, this.#host([], run, "bytes")])),
        random_bytes: this.#host(["json"], (length: number) => randomFillSync(new Uint8Array(length)), "bytes"),
      },
    };
  }
}

function tagged(tag: number, value: Uint8Array): Uint8Array {
  const block = new Uint8Array(value.length + 1);
  block[0] = tag;
  block.set(value, 1);
  return block;
}

function said(error: string): string {
  if (!error.startsWith("\u0001")) return error;
  const { code, message } = JSON.parse(error.slice(1)) as { readonly code: string; readonly message: string };
  return `${code}: ${message}`;
}
