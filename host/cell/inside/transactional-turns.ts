// What comes before and after a turn that is a transaction: events of earlier turns that are still to be handed out, the commit, and handing out what it published.

import { HostError, toHostError } from "../../core/errors.ts";
import { traceIdOf } from "../../core/trace.ts";
import type { Bytes } from "../../core/types.ts";
import { handledOf } from "../../drivers/events/delivered.ts";
import type { GuestResult } from "../../engine/engine.ts";
import { decodeError, decodeResult } from "../../engine/guest/blocks.ts";
import { OWN_CALLS } from "../wire/protocol.ts";
import type { ActiveTurn } from "./active-turn.ts";
import type { OutboxRow, TurnTransaction } from "./turn-transaction.ts";

/** Turns of one plugin as transactions, wherever its storage is. */
export interface TransactionalTurns {
  /** Whether something is to be done before this turn may run. Throws HostError. */
  isBehind(turn: ActiveTurn): boolean;
  /** Does that. Resolves with why nothing may run yet. */
  recover(turn: ActiveTurn): Promise<HostError | undefined>;
  /** Which of a turn's events were handled before. */
  handledBefore(turn: ActiveTurn): readonly number[];
  /** An event was published with these arguments; the answer is its id, or why it was not. */
  published(args: readonly Bytes[], answer: Bytes): void;
  /** Ends a turn by how its guest ended: with how the turn did, and whether the host is to be asked for the rest. */
  end(turn: ActiveTurn, result: GuestResult): { readonly result: GuestResult; readonly isToHandOut: boolean };
  /** Resolves with how the turn ended, once the host has what was published, or has it for later. Never rejects. */
  handOut(turn: ActiveTurn, result: GuestResult): Promise<GuestResult>;
  /** How a turn ends that is ended while that is under way. */
  endedEarly(result: GuestResult, error: HostError): GuestResult;
}

/** Asks the host something on behalf of a turn. */
export type AskForTurn = (turn: ActiveTurn, functionName: string, args: readonly Bytes[]) => Promise<Bytes>;

/** Hands out all events that were committed; a cell asks for it, and no guest can. */
const HAND_OUT = "transaction.hand-out";
/** Asks what of a turn's events was handled before, and for the commit at its end, where the storage is on the host's side. */
const BEGIN = "transaction.begin";
const COMMIT = "transaction.commit";
/** Hands out one event that was committed before the cell began. */
export const RECOVER = "transaction.recover";

/** Of a plugin whose storage is in its cell. */
export class TurnsInCell implements TransactionalTurns {
  readonly transaction: TurnTransaction;
  readonly #ask: AskForTurn;
  #left: OutboxRow[] | undefined;

  constructor(transaction: TurnTransaction, ask: AskForTurn) {
    this.transaction = transaction;
    this.#ask = ask;
  }

  isBehind(): boolean {
    this.#left ??= this.transaction.left();
    return this.#left.length > 0;
  }

  /** Hands out what earlier turns have published, as long as this one lasts. */
  async recover(turn: ActiveTurn): Promise<HostError | undefined> {
    const rows = this.#left ?? [];
    let problem: HostError | undefined;
    let done = 0;
    // As many as a host lets wait, and the last turn's, are fewer.
    for (const { parts } of rows.slice(0, OWN_CALLS - 1)) {
      if (turn.ended) break;
      problem = failureIn(await this.#ask(turn, RECOVER, parts));
      if (problem !== undefined) break;
      done += 1;
    }
    this.transaction.forget(rows.splice(0, done));
    return problem && waits(turn, problem);
  }

  handledBefore({ message: { handles } }: ActiveTurn): readonly number[] {
    return handles === undefined ? [] : this.transaction.handledBefore(handles);
  }

  published(args: readonly Bytes[], answer: Bytes): void {
    if (answer[0] === 0) this.transaction.publish(args, String(decodeResult("events.publish", answer)));
  }

  end(turn: ActiveTurn, result: GuestResult): ReturnType<TransactionalTurns["end"]> {
    const { handles, traceparent } = turn.message;
    const handled = handledIn(turn, result);
    if (handled === undefined) {
      this.transaction.rollback();
      return { result, isToHandOut: false };
    }
    try {
      return { result, isToHandOut: this.transaction.commit(traceIdOf(traceparent), handles, handled) };
    } catch (thrown) {
      return { result: notKept(toHostError(thrown)), isToHandOut: false };
    }
  }

  async handOut(turn: ActiveTurn, result: GuestResult): Promise<GuestResult> {
    if (failureIn(await this.#ask(turn, HAND_OUT, [])) === undefined) this.transaction.handedOut();
    return result;
  }

  // It is committed, so it has ended well whatever comes; whoever waits is answered when others can know of it.
  endedEarly(result: GuestResult): GuestResult {
    return result;
  }
}

/** Of a plugin whose storage is on the host's side, which commits then. */
export class TurnsOnHost implements TransactionalTurns {
  readonly #ask: AskForTurn;
  /** What was handled before, of turns that may run. */
  readonly #begun = new WeakMap<ActiveTurn, readonly number[]>();

  constructor(ask: AskForTurn) {
    this.#ask = ask;
  }

  isBehind(turn: ActiveTurn): boolean {
    return !this.#begun.has(turn);
  }

  async recover(turn: ActiveTurn): Promise<HostError | undefined> {
    const answer = await this.#ask(turn, BEGIN, []);
    const problem = failureIn(answer);
    if (problem === undefined) this.#begun.set(turn, [...answer.subarray(1)]);
    // Nothing was tried, so it is no attempt at the event.
    else if (turn.message.handles !== undefined) return waits(turn, problem);
    return problem;
  }

  handledBefore(turn: ActiveTurn): readonly number[] {
    return this.#begun.get(turn) ?? [];
  }

  published(): void {}

  end(turn: ActiveTurn, result: GuestResult): ReturnType<TransactionalTurns["end"]> {
    return { result, isToHandOut: this.#begun.has(turn) && handledIn(turn, result) !== undefined };
  }

  async handOut(turn: ActiveTurn, result: GuestResult): Promise<GuestResult> {
    const problem = failureIn(await this.#ask(turn, COMMIT, [Uint8Array.of(handledIn(turn, result) ?? 0)]));
    return problem === undefined ? result : notKept(problem);
  }

  endedEarly(_result: GuestResult, { code, message }: HostError): GuestResult {
    return { ok: false, code, message: `whether the turn was kept is not known: ${message}`, broken: true };
  }
}

/** How many of its events a turn has handled that ended well, undefined when nothing of it is to be kept. */
function handledIn({ message: { handles } }: ActiveTurn, result: GuestResult): number | undefined {
  if (!result.ok) return undefined;
  const all = handles?.ids.length ?? 0;
  return handles?.isBatch === true ? handledOf(result.output, all) : all;
}

/** The guest believes what it has not stored. */
const notKept = ({ code, message }: HostError): GuestResult => ({
  ...{ ok: false, code, broken: true },
  message: `nothing of the turn was kept: ${message}`,
});

const waits = ({ message: { plugin } }: ActiveTurn, { message }: HostError): HostError =>
  new HostError("plugin-not-running", `${plugin} waits until it is known what earlier turns have done: ${message}`);

const failureIn = (answer: Bytes): HostError | undefined => (answer[0] === 0 ? undefined : decodeError(answer));
