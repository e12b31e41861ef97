// One session with a host: says Hello, runs its turns one after the other, and tells how it ended.

import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { failureOf } from "./handlers.ts";
import { HostError } from "./host-error.ts";
import { type ConnectRequest, ConnectRequestSchema, ConnectResponseSchema, type Hello, type Turn as TurnMessage } from "./remote_pb.ts";
import { type AskingTurn, running } from "./turn.ts";

export type HostStream = ClientDuplexStream<Uint8Array, Uint8Array>;
export type EntryPoints = ReadonlyMap<string, (input: Uint8Array) => Promise<Uint8Array>>;

export interface SessionOptions {
  readonly hello: Omit<Hello, "$typeName" | "$unknown">;
  readonly entryPoints: EntryPoints;
  /** The host has let the plugin in. */
  onWelcome(session: string): void;
}

/** A host that says nothing for so many of its own beats is gone. */
const SILENT_BEATS = 20;
const FIRST_WORD_MS = 15_000;

interface Waiting {
  readonly turn: number;
  resolve(block: Uint8Array): void;
  reject(error: HostError): void;
}

interface RunningTurn {
  readonly id: number;
  readonly aborting: AbortController;
  isOver: boolean;
}

/** Resolves with why it is over. */
export function runSession(stream: HostStream, options: SessionOptions): Promise<Error> {
  return new Session(stream, options).over;
}

class Session {
  readonly #stream: HostStream;
  readonly #options: SessionOptions;
  readonly #over = Promise.withResolvers<Error>();
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #turn: RunningTurn | undefined;
  #silentMs = FIRST_WORD_MS;
  #silence: NodeJS.Timeout | undefined;
  #why = new Error("the host ended the stream");

  constructor(stream: HostStream, options: SessionOptions) {
    this.#stream = stream;
    this.#options = options;
    stream.on("data", (bytes) => this.#receive(bytes));
    stream.on("error", (error) => this.#end(error));
    stream.on("end", () => this.#end(this.#why));
    this.#listen();
    this.#send({ case: "hello", value: { $typeName: "bulkhead.remote.v1.Hello", ...options.hello } });
  }

  get over(): Promise<Error> {
    return this.#over.promise;
  }

  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#end(new Error(`the host said nothing for ${this.#silentMs} ms`));
      this.#stream.cancel();
    }, this.#silentMs);
  }

  #receive(bytes: Uint8Array): void {
    this.#listen();
    const { message } = fromBinary(ConnectResponseSchema, bytes, { readUnknownFields: false });
    switch (message.case) {
      case "welcome":
        this.#silentMs = SILENT_BEATS * message.value.pingIntervalMs;
        this.#options.onWelcome(message.value.session);
        break;
      case "ping":
        this.#send({ case: "pong", value: { $typeName: "bulkhead.remote.v1.Pong", nonce: message.value.nonce } });
        break;
      case "turn":
        void this.#run(message.value);
        break;
      case "hostCallEnded":
        this.#waiting.get(message.value.callId)?.resolve(message.value.block);
        this.#waiting.delete(message.value.callId);
        break;
      case "cancel":
        this.#cancel(message.value.turnId, message.value.code);
        break;
      case "drain":
        this.#why = new Error(message.value.why);
        break;
      default:
    }
  }

  async #run(message: TurnMessage): Promise<void> {
    const turn: RunningTurn = { id: message.turnId, aborting: new AbortController(), isOver: false };
    this.#turn = turn;
    const began = performance.now();
    const context: AskingTurn = {
      entryPoint: message.entryPoint,
      traceparent: message.traceparent,
      signal: turn.aborting.signal,
      get remainingMs() {
        return Math.max(0, message.remainingMs - (performance.now() - began));
      },
      ask: (functionName, args) => this.#ask(turn, functionName, args),
    };
    let result: Extract<ConnectRequest["message"], { case: "turnEnded" }>["value"]["result"];
    try {
      const enter = this.#options.entryPoints.get(message.entryPoint);
      if (enter === undefined) throw new Error(`the plugin has no entry point ${message.entryPoint}`);
      result = { case: "output", value: await running.run(context, () => enter(message.input)) };
    } catch (thrown) {
      result = { case: "failure", value: failureOf(thrown) };
    }
    this.#ended(turn, result);
  }

  #ended(turn: RunningTurn, result: Extract<ConnectRequest["message"], { case: "turnEnded" }>["value"]["result"]): void {
    if (turn.isOver) return;
    turn.isOver = true;
    this.#turn = undefined;
    this.#send({ case: "turnEnded", value: { $typeName: "bulkhead.remote.v1.TurnEnded", turnId: turn.id, result } });
  }

  #ask(turn: RunningTurn, functionName: string, args: readonly Uint8Array[]): Promise<Uint8Array> {
    if (turn.isOver) return Promise.reject(new HostError("plugin-not-running", "the turn that asked has ended"));
    this.#calls = (this.#calls + 1) >>> 0;
    const callId = this.#calls;
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    this.#waiting.set(callId, { turn: turn.id, resolve, reject });
    const value = { turnId: turn.id, callId, function: functionName, args: [...args] };
    this.#send({ case: "hostCall", value: { $typeName: "bulkhead.remote.v1.HostCall", ...value } });
    return promise;
  }

  /** Nobody waits for it any more: what it asked fails, and what it still answers is dropped. */
  #cancel(turnId: number, code: string): void {
    const turn = this.#turn;
    if (turn?.id !== turnId) return;
    const error = new HostError("deadline-exceeded", `the host has ended the turn: ${code}`);
    this.#reject(error, turnId);
    turn.aborting.abort(error);
    this.#ended(turn, { case: "failure", value: failureOf(error) });
  }

  #reject(error: HostError, turnId?: number): void {
    for (const [id, one] of this.#waiting) {
      if (turnId !== undefined && one.turn !== turnId) continue;
      this.#waiting.delete(id);
      one.reject(error);
    }
  }

  #send(message: ConnectRequest["message"]): void {
    this.#stream.write(toBinary(ConnectRequestSchema, { $typeName: "bulkhead.remote.v1.ConnectRequest", message }));
  }

  #end(why: Error): void {
    clearTimeout(this.#silence);
    const error = new HostError("plugin-not-running", `the session with the host is over: ${why.message}`);
    this.#reject(error);
    if (this.#turn !== undefined) {
      this.#turn.isOver = true;
      this.#turn.aborting.abort(error);
    }
    this.#over.resolve(why);
  }
}
