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

/** Asks the host something on behalf of a turn. */
export type AskForTurn = (turn: ActiveTurn, functionName: string, args: readonly Bytes[]) => Promise<Bytes>;

/** Hands out all events that were committed; a cell asks for it, and no guest can. */
const HAND_OUT = "transaction.hand-out";
/** Hands out one event that was committed before the cell began. */
export const RECOVER = "transaction.recover";

export class TransactionalTurns {
  readonly transaction: TurnTransaction;
  readonly #ask: AskForTurn;
  #left: OutboxRow[] | undefined;

  constructor(transaction: TurnTransaction, ask: AskForTurn) {
    this.transaction = transaction;
    this.#ask = ask;
  }

  /** Whether something is to be done before a turn may run. Throws HostError. */
  get isBehind(): boolean {
    this.#left ??= this.transaction.left();
    return this.#left.length > 0;
  }

  /** Hands out what earlier turns have published, as long as this one lasts. Resolves with why nothing may run yet. */
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
    if (problem === undefined) return undefined;
    return new HostError(
      "plugin-not-running",
      `${turn.message.plugin} waits until events of earlier turns are handed out: ${problem.message}`,
    );
  }

  /** Which of a turn's events were handled before. */
  handledBefore({ message: { handles } }: ActiveTurn): readonly number[] {
    return handles === undefined ? [] : this.transaction.handledBefore(handles);
  }

  /** An event was published with these arguments; the answer is its id, or why it was not. */
  published(args: readonly Bytes[], answer: Bytes): void {
    if (answer[0] === 0) this.transaction.publish(args, String(decodeResult("events.publish", answer)));
  }

  /** Ends a turn by how its guest ended: with how the turn did, and whether events are to be handed out. */
  end({ message }: ActiveTurn, result: GuestResult): { readonly result: GuestResult; readonly isToHandOut: boolean } {
    const { handles, traceparent } = message;
    const all = handles?.ids.length ?? 0;
    const handled = result.ok && handles?.isBatch === true ? handledOf(result.output, all) : all;
    if (!result.ok || handled === undefined) {
      this.transaction.rollback();
      return { result, isToHandOut: false };
    }
    try {
      return { result, isToHandOut: this.transaction.commit(traceIdOf(traceparent), handles, handled) };
    } catch (thrown) {
      const { code, message: why } = toHostError(thrown);
      // The guest believes what it has not stored.
      const failed: GuestResult = { ok: false, code, message: `nothing of the turn was kept: ${why}`, broken: true };
      return { result: failed, isToHandOut: false };
    }
  }

  /** Resolves once the host has what was published, or has it for later. Never rejects. */
  async handOut(turn: ActiveTurn): Promise<void> {
    if (failureIn(await this.#ask(turn, HAND_OUT, [])) === undefined) this.transaction.handedOut();
  }
}

const failureIn = (answer: Bytes): HostError | undefined => (answer[0] === 0 ? undefined : decodeError(answer));
