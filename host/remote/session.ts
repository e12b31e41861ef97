// What one peer and the host say to each other, and in which order: a machine of messages that knows no sockets. Whatever a peer sends is counted before it is parsed,
// and what nobody asked for ends the session, so that nothing can be sent in floods.

import { fromBinary, toBinary } from "../adapters/gateway/grpc/packages.ts";
import { HostError, toHostError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Bytes } from "../core/types.ts";
import { encodeError } from "../engine/guest/blocks.ts";
import { fieldsIn } from "./field-count.ts";
import {
  ConnectRequestSchema,
  type ConnectResponse,
  ConnectResponseSchema,
  type Hello,
  type HostCall,
  type TurnEnded,
} from "./remote_pb.ts";

const KIB = 1_024;
const PING_INTERVAL_MS = 250;
const PING_TIMEOUT_MS = 2_000;
/** For a peer to end a turn that was cancelled. */
const CANCEL_GRACE_MS = 2_000;
/** Of a Hello. */
const MAX_HELLO_BYTES: number = 64 * KIB;
const MAX_HELLO_FIELDS = 2_048;
/** Of any other message: no host function has so many parameters. */
const MAX_FIELDS = 32;
/** What a message has beside its payload. */
export const ENVELOPE_BYTES: number = 64 * KIB;
/** That one turn has asked and are not answered. */
const MAX_CALLS_UNDER_WAY = 16;
/** Handed to the peer's connection and not taken by it. */
const MAX_UNREAD_BYTES: number = 32 * KIB * KIB;

/** What holds for a peer that was let in. */
export interface SessionLimits {
  readonly payloadBytes: number;
  /** Of one turn. */
  readonly hostCalls: number;
}

export interface SessionPorts {
  readonly clock: Clock;
  /** Judges whoever says Hello, and takes the session. Throws HostError. */
  admit(hello: Hello, session: Session): SessionLimits;
  /** Hands a message to the peer's connection; it is to be told by `taken` when that has it. */
  send(message: Bytes): void;
  /** Ends the peer's stream, once: with an error that the peer is told, or for no other reason than that it is over. */
  close(error: HostError | undefined): void;
}

/** What comes next of a turn. */
export type Step =
  | { readonly kind: "call"; readonly call: HostCall }
  | { readonly kind: "ended"; readonly result: TurnEnded["result"] }
  /** The session is over. */
  | { readonly kind: "lost"; readonly why: string };

interface RunningTurn {
  readonly id: number;
  calls: number;
  /** Asked and not answered. */
  underWay: number;
  bytes: number;
  readonly steps: Step[];
  wake: (() => void) | undefined;
  isCancelled: boolean;
  hasEnded: boolean;
}

type Message = ConnectResponse["message"];

export class Session {
  readonly id: string = crypto.randomUUID();
  readonly #ports: SessionPorts;
  #limits: SessionLimits | undefined;
  #lost: HostError | undefined;
  #turn: RunningTurn | undefined;
  #turns = 0;
  #unreadBytes = 0;
  #nonce: number | undefined;
  #askedAt = 0;
  #cancelBeat = (): void => {};
  #cancelGrace = (): void => {};
  readonly #freed: (() => void)[] = [];
  readonly #onLost: ((why: HostError) => void)[] = [];

  constructor(ports: SessionPorts) {
    this.#ports = ports;
  }

  get isOver(): boolean {
    return this.#lost !== undefined;
  }

  /** Whether it owes a Pong for longer than two beats. */
  get isSilent(): boolean {
    return this.#nonce !== undefined && this.#ports.clock.monotonicMs() - this.#askedAt > 2 * PING_INTERVAL_MS;
  }

  /** Calls once when the session is over, at once where it is. */
  onLost(listener: (why: HostError) => void): void {
    if (this.#lost === undefined) this.#onLost.push(listener);
    else listener(this.#lost);
  }

  /** One message of the peer, as it came. Never throws. */
  receive(bytes: Bytes): void {
    if (this.isOver) return;
    try {
      this.#handle(bytes);
    } catch (thrown) {
      this.cut(toHostError(thrown));
    }
  }

  /** The peer's connection has taken so much. */
  taken(bytes: number): void {
    this.#unreadBytes -= bytes;
  }

  /** The peer's connection is gone. */
  gone(why: string): void {
    this.#end(new HostError("plugin-failed", why), () => {});
  }

  /** Ends the session for what the peer did. */
  cut(error: HostError): void {
    this.#end(error, () => this.#ports.close(error));
  }

  /** Ends the session for the host's own reasons. */
  drain(why: string): void {
    if (this.isOver) return;
    this.#send({ case: "drain", value: { $typeName: "bulkhead.remote.v1.Drain", why } });
    this.#end(new HostError("plugin-failed", why), () => this.#ports.close(undefined));
  }

  /** Whether the peer can take a turn: it has ended the last one. */
  get isFree(): boolean {
    return this.#turn === undefined;
  }

  /** Resolves once it is free, or over. */
  free(): Promise<void> {
    if (this.isFree || this.isOver) return Promise.resolve();
    return new Promise((resolve) => this.#freed.push(resolve));
  }

  /** To be called of a session that is free. */
  begin(turn: { readonly entryPoint: string; readonly input: Bytes; readonly traceparent: string; readonly remainingMs: number }): void {
    this.#turns = (this.#turns + 1) >>> 0;
    const { entryPoint, input, traceparent } = turn;
    const id = this.#turns;
    this.#turn = { id, calls: 0, underWay: 0, bytes: 0, steps: [], wake: undefined, isCancelled: false, hasEnded: false };
    const remainingMs = Math.min(Math.floor(turn.remainingMs), 0xffff_ffff);
    this.#send({ case: "turn", value: { $typeName: "bulkhead.remote.v1.Turn", turnId: id, entryPoint, input, traceparent, remainingMs } });
  }

  /** Of the turn that was begun last. */
  async next(): Promise<Step> {
    const turn = this.#turn;
    if (turn !== undefined && turn.steps.length === 0 && !this.isOver)
      await new Promise<void>((resolve) => {
        turn.wake = resolve;
      });
    const step = turn?.steps.shift();
    if (step?.kind === "ended") this.#free();
    return step ?? { kind: "lost", why: this.#lost?.message ?? "its session is over" };
  }

  /** Of a call that `next` gave. */
  answer({ turnId, callId, args }: HostCall, block: Bytes): void {
    const turn = this.#turn;
    // What a turn asked that has ended since was refused then, and counts for no other one.
    if (turn?.id !== turnId || this.isOver) return;
    turn.underWay -= 1;
    turn.bytes -= sizeOf(args);
    this.#answer(callId, block);
  }

  /** The turn is over for the host; what it has asked is refused, and it has to end. */
  cancel(code: string): void {
    const turn = this.#turn;
    if (turn === undefined || turn.isCancelled || this.isOver) return;
    turn.isCancelled = true;
    const isEnded = turn.hasEnded;
    for (const step of turn.steps.splice(0)) if (step.kind === "call") this.#refuse(step.call);
    if (isEnded) return this.#free();
    this.#send({ case: "cancel", value: { $typeName: "bulkhead.remote.v1.Cancel", turnId: turn.id, code } });
    const late = `it did not end a turn within ${CANCEL_GRACE_MS} ms that was cancelled`;
    this.#cancelGrace = this.#ports.clock.after(CANCEL_GRACE_MS, () => this.cut(new HostError("plugin-failed", late)));
  }

  #handle(bytes: Bytes): void {
    const limits = this.#limits;
    const maxBytes = limits === undefined ? MAX_HELLO_BYTES : limits.payloadBytes + ENVELOPE_BYTES;
    if (bytes.length > maxBytes)
      throw new HostError("quota-exceeded", `it sent a message of ${bytes.length} bytes; the limit is ${maxBytes} (limits.payloadMiB)`);
    const maxFields = limits === undefined ? MAX_HELLO_FIELDS : MAX_FIELDS;
    if (fieldsIn(bytes, maxFields) > maxFields)
      throw new HostError("invalid-message", `it sent no message of the protocol, or one with more than ${maxFields} fields`);
    const { message } = parsed(bytes);
    if (limits === undefined) {
      if (message.case !== "hello") throw new HostError("invalid-message", "it did not say Hello first");
      this.#begin(message.value);
    } else if (message.case === "pong") this.#pong(message.value.nonce);
    else if (message.case === "hostCall") this.#call(message.value);
    else if (message.case === "turnEnded") this.#ended(message.value);
    else throw new HostError("invalid-message", `it sent ${message.case ?? "nothing"} in a session`);
  }

  #begin(hello: Hello): void {
    const limits = this.#ports.admit(hello, this);
    this.#limits = limits;
    const value = {
      session: this.id,
      maxMessageBytes: limits.payloadBytes + ENVELOPE_BYTES,
      pingIntervalMs: PING_INTERVAL_MS,
      pingTimeoutMs: PING_TIMEOUT_MS,
      cancelGraceMs: CANCEL_GRACE_MS,
    };
    this.#send({ case: "welcome", value: { $typeName: "bulkhead.remote.v1.Welcome", ...value } });
    this.#beat();
  }

  #beat(): void {
    const { clock } = this.#ports;
    let lookedAt = clock.monotonicMs();
    const look = (): void => {
      if (this.isOver) return;
      const now = clock.monotonicMs();
      // A host that was held up itself says nothing about its peer.
      const lateMs = now - lookedAt - PING_INTERVAL_MS;
      lookedAt = now;
      if (lateMs > PING_INTERVAL_MS) this.#askedAt += lateMs;
      if (this.#nonce === undefined) this.#ping(now);
      else if (now - this.#askedAt > PING_TIMEOUT_MS)
        return this.cut(new HostError("plugin-failed", `it did not answer for ${PING_TIMEOUT_MS} ms`));
      this.#cancelBeat = clock.after(PING_INTERVAL_MS, look);
    };
    look();
  }

  // Who could guess it could answer before it was asked, and seem alive.
  #ping(now: number): void {
    const [nonce = 0] = crypto.getRandomValues(new Uint32Array(1));
    this.#nonce = nonce;
    this.#askedAt = now;
    this.#send({ case: "ping", value: { $typeName: "bulkhead.remote.v1.Ping", nonce } });
  }

  #pong(nonce: number): void {
    if (this.#nonce !== nonce) throw new HostError("invalid-message", "it sent a Pong that nobody asked for");
    this.#nonce = undefined;
  }

  #call(call: HostCall): void {
    const turn = this.#turn;
    if (turn === undefined || turn.id !== call.turnId || turn.hasEnded) throw unknownTurn(call.turnId);
    const { hostCalls = 0, payloadBytes = 0 } = this.#limits ?? {};
    turn.calls += 1;
    // The limit itself is held where the turn runs; who goes on beyond that does not listen.
    if (turn.calls > hostCalls + MAX_CALLS_UNDER_WAY)
      throw new HostError("quota-exceeded", `it called the host more than ${hostCalls} times in a turn (limits.hostCalls)`);
    if (turn.isCancelled) return this.#refuse(call);
    turn.underWay += 1;
    turn.bytes += sizeOf(call.args);
    if (turn.underWay > MAX_CALLS_UNDER_WAY)
      throw new HostError("rate-limited", `it has more than ${MAX_CALLS_UNDER_WAY} calls of the host under way, which is the limit`);
    if (turn.bytes > payloadBytes + ENVELOPE_BYTES)
      throw new HostError(
        "quota-exceeded",
        `its calls under way have ${turn.bytes} bytes; the limit is ${payloadBytes} (limits.payloadMiB)`,
      );
    put(turn, { kind: "call", call });
  }

  #ended({ turnId, result }: TurnEnded): void {
    const turn = this.#turn;
    if (turn === undefined || turn.id !== turnId || turn.hasEnded) throw unknownTurn(turnId);
    turn.hasEnded = true;
    if (turn.isCancelled) this.#free();
    else put(turn, { kind: "ended", result });
  }

  #free(): void {
    this.#cancelGrace();
    this.#turn = undefined;
    for (const one of this.#freed.splice(0)) one();
  }

  #refuse({ callId }: HostCall): void {
    this.#answer(callId, REFUSED);
  }

  #answer(callId: number, block: Bytes): void {
    this.#send({ case: "hostCallEnded", value: { $typeName: "bulkhead.remote.v1.HostCallEnded", callId, block } });
  }

  #send(message: Message): void {
    if (this.isOver) return;
    const bytes = toBinary(ConnectResponseSchema, { $typeName: "bulkhead.remote.v1.ConnectResponse", message });
    this.#unreadBytes += bytes.length;
    if (this.#unreadBytes > MAX_UNREAD_BYTES)
      this.cut(new HostError("quota-exceeded", `it has not read ${this.#unreadBytes} bytes; the limit is ${MAX_UNREAD_BYTES}`));
    else this.#ports.send(bytes);
  }

  #end(error: HostError, close: () => void): void {
    if (this.isOver) return;
    this.#lost = error;
    this.#cancelBeat();
    this.#cancelGrace();
    // What it still asks for is not done any more; how its turn has ended stands.
    const turn = this.#turn;
    if (turn !== undefined) turn.steps.splice(0, turn.steps.length, ...turn.steps.filter(({ kind }) => kind === "ended"));
    turn?.wake?.();
    for (const one of this.#freed.splice(0)) one();
    close();
    for (const listener of this.#onLost.splice(0)) listener(error);
  }
}

const REFUSED = encodeError(new HostError("plugin-not-running", "the turn that asked has ended"));

const unknownTurn = (id: number): HostError => new HostError("invalid-message", `it spoke of turn ${id}, which does not run`);

const sizeOf = (args: readonly Bytes[]): number => args.reduce((sum, { length }) => sum + length, 0);

function put(turn: RunningTurn, step: Step): void {
  turn.steps.push(step);
  const { wake } = turn;
  turn.wake = undefined;
  wake?.();
}

function parsed(bytes: Bytes): ReturnType<typeof fromBinary<typeof ConnectRequestSchema>> {
  try {
    return fromBinary(ConnectRequestSchema, bytes, { readUnknownFields: false });
  } catch {
    throw new HostError("invalid-message", "it sent what is no message of the protocol");
  }
}
