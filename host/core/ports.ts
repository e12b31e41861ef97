// What the core asks of the world. Each interface is owned here and implemented in cell/ or adapters/.

import type { HostError } from "./errors.ts";
import type { Permission } from "./permissions.ts";
import type { Bytes, Caller, Limits, TurnInput, TurnOutcome } from "./types.ts";
import type { HttpResponse, LogLevel, StorageChange, WitFunction, WitParams, WitResult } from "./wit.ts";

/** Time. The only thing that tests fake. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds since an arbitrary moment; never goes back. */
  monotonicMs(): number;
  /** Calls once after `delayMs`, never before; the returned function cancels. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): () => void;
}

export type { LogLevel } from "./wit.ts";
export interface LogLine {
  readonly level: LogLevel;
  /** The plugin that wrote it, or "host". */
  readonly plugin: string;
  readonly message: string;
  readonly traceparent?: string | undefined;
  /** "guest" for what the plugin wrote itself; else the line is the host's, and `plugin` whom it is about. */
  readonly by?: "guest" | undefined;
  /** Of a line of the host's own: the plugin that it is about, or that brought it about. */
  readonly about?: string | undefined;
  /** What led to it, for the operator only: an error or a text. */
  readonly cause?: unknown;
}

/** Takes lines and never throws or waits. */
export interface LogSink {
  write(line: LogLine): void;
}

export interface KeyRange {
  readonly prefix: string;
  readonly after: string | undefined;
  readonly limit: number;
}

/** One plugin's durable key-value pairs; keys sort by their UTF-8 bytes. Throws HostError `storage-failed` or `quota-exceeded`. */
export interface StorageDriver {
  get(key: string): Bytes | undefined;
  set(key: string, value: Bytes): void;
  delete(key: string): boolean;
  /** All of them in this order, or none. */
  apply(changes: readonly StorageChange[]): void;
  keys(range: KeyRange): string[];
  close(): void;
}

/** How values look in the blocks of a guest. */
export interface BlockCodec {
  /** Throws HostError `invalid-message`. */
  decode<F extends WitFunction>(name: F, args: readonly Bytes[]): WitParams<F>;
  /** Whether the bytes are one JSON text. Of a long one every piece of the work goes through `pace`, which does it when its time comes. */
  isJson(data: Bytes, pace: <T>(piece: () => Promise<T>) => Promise<T>): boolean | Promise<boolean>;
  /** The block of a successful answer. */
  encode<F extends WitFunction>(name: F, value: WitResult<F>): Bytes;
}

/** The rules of one request. */
export interface HttpRules {
  readonly plugin: string;
  /** Throws HostError `permission-denied`; to be asked before each hop. */
  require(permission: Permission, resource: string): void;
  /** Aborts once something that was required is taken away. */
  readonly revoked: AbortSignal;
  /** On the host's monotonic clock. */
  readonly deadline: number;
  readonly maxAnswerBytes: number;
  /** Bills what the host itself works for the request, in milliseconds. */
  spend(ms: number): void;
}

/** Makes requests to the world, which it checks itself: `request` is a guest's, the answer is for the guest. Rejects with HostError. */
export interface HttpClient {
  fetch(request: unknown, body: Bytes, rules: HttpRules): Promise<HttpResponse>;
}

/** What a cell needs to run a plugin. Crosses to another thread or process, so plain data only. */
export interface PluginImage {
  readonly name: string;
  /** Admitted, ready to be compiled. */
  readonly module: Uint8Array<ArrayBuffer>;
  /** The exports that can be entered: no parameters, no result or one i32. */
  readonly entryPoints: readonly string[];
  readonly limits: Limits;
  readonly config: Readonly<Record<string, string>>;
  /** What runs it; the cell's default when undefined. */
  readonly engine?: string | undefined;
}

/** One entry into a guest as a cell sees it. */
export interface Turn {
  readonly plugin: string;
  readonly entryPoint: string;
  readonly input: TurnInput;
  readonly caller: Caller;
  readonly traceparent: string;
  /** On the host's monotonic clock. */
  readonly deadline: number;
  /** Answers a host function that is placed on the host's side with the tagged block. Rejects with HostError. */
  answer(functionName: string, args: readonly Bytes[]): Promise<Bytes>;
  /** Takes the one outcome; a cell that dies ends its turns with `plugin-failed`. */
  end(outcome: TurnOutcome): void;
}

/** The place in which instances run. Turns of one plugin run one at a time, in the order given. */
export interface Cell {
  /** Resolves with the reason once the cell is closed or has died. Never rejects. */
  readonly ended: Promise<HostError>;
  /** Compiles the module and opens the plugin's storage. Rejects with HostError. */
  load(image: PluginImage): Promise<void>;
  /** Runs one turn and ends it, later; never throws. */
  run(turn: Turn): void;
  /** Ends what still runs of the plugin, drops its instance and closes its storage. */
  unload(plugin: string): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
