// What is written down of one turn while it runs, within a bound. It keeps what it is given; whoever gives bytes that change later gives a copy.

import { CALL_BYTES, CLOCK_BYTES, isMasked, MAX_TURN_BYTES, type TapedCall, type TapedTurn, TURN_BYTES } from "../../bounds/turn-tape.ts";
import type { ErrorShape } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import type { TurnMessage } from "./active-turn.ts";

const encoder = new TextEncoder();

interface NotedCall {
  readonly name: string;
  readonly args: readonly Bytes[] | undefined;
  readonly digest: string | undefined;
  answer: Bytes | undefined;
}

/** How a turn ended. */
export interface NotedEnd {
  readonly fuel: number;
  readonly failed?: ErrorShape | undefined;
  readonly refused?: ErrorShape | undefined;
}

export class TurnNotes {
  readonly message: TurnMessage;
  readonly isNew: boolean;
  readonly #input: Bytes;
  readonly #calls: NotedCall[] = [];
  readonly #now: number[] = [];
  readonly #monotonic: number[] = [];
  readonly #random: Bytes[] = [];
  #bytes = 0;
  #cut: string | undefined;
  #end: NotedEnd = { fuel: 0 };

  constructor(message: TurnMessage, isNew: boolean) {
    this.message = message;
    this.isNew = isNew;
    const { input } = message;
    // An input is a view on a batch of messages.
    if (this.#fits(TURN_BYTES + input.length)) this.#input = typeof input === "string" ? encoder.encode(input) : input.slice();
    else this.#input = new Uint8Array(0);
  }

  /** Of what it keeps. */
  get bytes(): number {
    return this.#bytes;
  }

  get cut(): string | undefined {
    return this.#cut;
  }

  get calls(): number {
    return this.#calls.length;
  }

  now(value: number): void {
    if (this.#fits(CLOCK_BYTES)) this.#now.push(value);
  }

  monotonic(value: number): void {
    if (this.#fits(CLOCK_BYTES)) this.#monotonic.push(value);
  }

  random(bytes: Bytes): void {
    if (this.#fits(bytes.length + CLOCK_BYTES)) this.#random.push(bytes.slice());
  }

  /** Returns what takes the answer. `digest` stands for arguments that are not to be kept. */
  call(name: string, args: readonly Bytes[], digest?: string): (answer: Bytes) => void {
    const kept = digest === undefined && !isMasked(name) ? args : undefined;
    const size = (kept ?? []).reduce((sum, { length }) => sum + length, CALL_BYTES);
    if (!this.#fits(size)) return () => {};
    const call: NotedCall = { name, args: kept, digest, answer: undefined };
    this.#calls.push(call);
    return (answer) => {
      if (!isMasked(name) && this.#fits(answer.length)) call.answer = answer.slice();
    };
  }

  ended(end: NotedEnd): void {
    this.#end = end;
  }

  taped(): TapedTurn {
    const { entryPoint, caller } = this.message;
    const { fuel, failed, refused } = this.#end;
    return {
      entryPoint,
      input: asBase64(this.#input),
      caller,
      isNew: this.isNew,
      calls: this.#calls.map(tapedCall),
      now: this.#now,
      monotonic: this.#monotonic,
      random: Buffer.concat(this.#random).toString("base64"),
      ...{ fuel, failed, refused, cut: this.#cut },
    };
  }

  #fits(more: number): boolean {
    if (this.#cut !== undefined) return false;
    this.#bytes += more;
    if (this.#bytes <= MAX_TURN_BYTES) return true;
    this.#cut = `it was told more than ${MAX_TURN_BYTES} bytes, which is as much as is kept of a turn`;
    return false;
  }
}

function tapedCall({ name, args, digest, answer }: NotedCall): TapedCall {
  if (isMasked(name)) return { name, masked: true };
  return { name, args: args?.map(asBase64), digest, answer: answer && asBase64(answer) };
}

const asBase64 = ({ buffer, byteOffset, byteLength }: Bytes): string => Buffer.from(buffer, byteOffset, byteLength).toString("base64");
