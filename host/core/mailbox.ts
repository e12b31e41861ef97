// The turns of one plugin: queued within its limits, handed to its cell in order, ended at their deadlines. Every entry into a guest passes `#hand` in
// this file, those of its lifecycle too. It does not know what a plugin is for or whether it should run.

import { Deadlines } from "./deadlines.ts";
import { HostError } from "./errors.ts";
import type { Cell, Turn } from "./ports/cell.ts";
import type { Clock } from "./ports/clock.ts";
import { type EndedTurn, failedTurn, type TurnContext } from "./turn.ts";
import type { Bytes, Limits, TurnInput, TurnOutcome } from "./types.ts";

// Turns handed to the cell ahead of time, so that a thread hop is paid per batch and not per turn.
const MAX_IN_FLIGHT = 256;
// How long after its deadline a turn may stay unanswered before the host stops waiting for the cell.
const ANSWER_GRACE_MS = 1_000;

export interface MailboxPorts {
  readonly plugin: string;
  readonly cell: Cell;
  readonly clock: Clock;
  limits(): Limits;
  /** Answers the host functions that are placed in the host; `isOver` says whether the turn that asks has ended. Rejects with HostError. */
  answer(context: TurnContext, isOver: () => boolean, functionName: string, args: readonly Bytes[]): Promise<Bytes>;
  /** Called once for each turn that ended. */
  onTurn(turn: EndedTurn): void;
  /** A turn has come while the mailbox is held. */
  onHeldTurn(): void;
  /** Nothing runs any more, and nothing waits that may run. */
  onIdle(): void;
}

interface PendingTurn extends Turn {
  input: TurnInput;
  /** When the host stops waiting; later than the deadline once the cell has the turn. */
  expiresAt: number;
  place?: number | undefined;
  inFlight: boolean;
  ended: boolean;
  /** Answers whoever asked; only the first time counts. */
  settle(outcome: TurnOutcome): void;
}

export class Mailbox {
  readonly #ports: MailboxPorts;
  #waiting: PendingTurn[] = [];
  readonly #deadlines: Deadlines<PendingTurn>;
  readonly #holds = new Set<object>();
  #inFlight = 0;
  #waitingCount = 0;
  #bytes = 0;
  #onIdle: (() => void) | undefined;

  constructor(ports: MailboxPorts) {
    this.#ports = ports;
    this.#deadlines = new Deadlines(ports.clock, (turn) => this.#expire(turn));
  }

  /** Turns waiting or running. */
  get length(): number {
    return this.#waitingCount + this.#inFlight;
  }

  /** Why one more turn may not come: `queue-full`, `quota-exceeded` (input size), `deadline-exceeded`; undefined when it may. */
  refusal(input: TurnInput, { deadline, cancelled }: TurnContext): HostError | undefined {
    const { plugin, clock } = this.#ports;
    const { mailboxLength, mailboxBytes, payloadBytes } = this.#ports.limits();
    const { length } = this;
    if (length >= mailboxLength)
      return new HostError("queue-full", `${plugin} has ${length} turns queued; the limit is ${mailboxLength} (limits.mailboxLength)`);
    if (length > 0 && this.#bytes + input.length > mailboxBytes)
      return new HostError("queue-full", `${plugin} has ${this.#bytes} bytes queued; the limit is ${mailboxBytes} (limits.mailboxMiB)`);
    if (input.length > payloadBytes) {
      const size = `${input.length} ${typeof input === "string" ? "characters" : "bytes"}`;
      return new HostError("quota-exceeded", `the input has ${size}; ${plugin} takes at most ${payloadBytes} (limits.payloadMiB)`);
    }
    if (cancelled?.aborted === true) return new HostError("deadline-exceeded", `nobody waits for ${plugin} any more`);
    if (deadline > clock.monotonicMs()) return undefined;
    return new HostError("deadline-exceeded", `the deadline had passed before ${plugin} was asked`);
  }

  /** Queues one turn and calls `done` once with how it ended. */
  add(entryPoint: string, input: TurnInput, context: TurnContext, done: (outcome: TurnOutcome) => void): void {
    const turn = this.#turn(entryPoint, input, context, done);
    // Only when it is twice as long as the limit, so that the answered ones need clearing out only now and then.
    if (this.#waiting.length >= 2 * this.#ports.limits().mailboxLength) this.#waiting = this.#waiting.filter(({ ended }) => !ended);
    this.#waiting.push(turn);
    this.#waitingCount += 1;
    if (this.#holds.size > 0) this.#ports.onHeldTurn();
    else if (this.#inFlight < MAX_IN_FLIGHT) this.#handNext();
  }

  /** Hands one turn over at once, whatever waits and whether the mailbox is held: the plugin's own lifecycle. */
  pass(entryPoint: string, input: TurnInput, context: TurnContext): Promise<TurnOutcome> {
    return new Promise((resolve) => this.#hand(this.#turn(entryPoint, input, context, resolve)));
  }

  /** Lets turns wait until every hold has been undone; returns the undo of this one. */
  hold(): () => void {
    const hold = {};
    this.#holds.add(hold);
    return () => {
      if (!this.#holds.delete(hold) || this.#holds.size > 0) return;
      while (this.#inFlight < MAX_IN_FLIGHT && this.#waitingCount > 0) this.#handNext();
      if (this.#inFlight === 0) this.#ports.onIdle();
    };
  }

  /** Answers whatever waits. */
  refuse(error: HostError): void {
    // Counted first: who hears of it may add the next.
    this.#waitingCount = 0;
    for (const turn of this.#waiting.splice(0)) turn.settle(failedTurn(error));
  }

  /** Resolves once nothing runs, nor waits unless the mailbox is held; after `drainMs` at the latest. */
  async drained(drainMs: number): Promise<void> {
    if (this.#inFlight === 0 && (this.#holds.size > 0 || this.#waitingCount === 0)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    const cancel = this.#ports.clock.after(drainMs, resolve);
    await promise;
    this.#onIdle = undefined;
    cancel();
  }

  #turn(entryPoint: string, input: TurnInput, context: TurnContext, done: (outcome: TurnOutcome) => void): PendingTurn {
    const { caller, traceparent, parent, subject, deadline, cancelled, handles } = context;
    const { plugin, clock } = this.#ports;
    const queuedAt = clock.monotonicMs();
    const turn: PendingTurn = {
      plugin,
      entryPoint,
      input,
      caller,
      traceparent,
      deadline,
      cancelled,
      handles,
      expiresAt: deadline,
      inFlight: false,
      ended: false,
      answer: (functionName, args) => this.#ports.answer(context, () => turn.ended || clock.monotonicMs() > deadline, functionName, args),
      settle: (outcome) => {
        if (turn.ended) return;
        turn.ended = true;
        this.#bytes -= turn.input.length;
        turn.input = "";
        this.#deadlines.delete(turn);
        if (cancelled !== undefined) cancelled.removeEventListener("abort", cancel);
        done(outcome);
        this.#ports.onTurn({ plugin, entryPoint, caller, traceparent, parent, subject, queuedAt, outcome });
      },
      end: (outcome) => {
        this.#inFlight -= 1;
        turn.settle(outcome);
        this.#handNext();
      },
    };
    const cancel = (): void => {
      // What runs is ended by its cell.
      if (!turn.inFlight) this.#giveUp(turn, "nobody waits for it any more");
    };
    if (cancelled !== undefined) cancelled.addEventListener("abort", cancel, { once: true });
    this.#bytes += input.length;
    this.#deadlines.add(turn);
    return turn;
  }

  #handNext(): void {
    let turn = this.#holds.size > 0 ? undefined : this.#waiting.shift();
    // Those that expired in the queue are answered already; finding them there one by one would cost a scan each.
    while (turn?.ended) turn = this.#waiting.shift();
    if (turn !== undefined) {
      this.#waitingCount -= 1;
      this.#hand(turn);
    } else if (this.#inFlight === 0) {
      this.#onIdle?.();
      this.#ports.onIdle();
    }
  }

  #hand(turn: PendingTurn): void {
    turn.inFlight = true;
    this.#inFlight += 1;
    this.#ports.cell.run(turn);
  }

  // The cell ends a turn that overruns. The host only answers for turns still waiting here and for a silent cell.
  #expire(turn: PendingTurn): void {
    if (turn.inFlight && turn.expiresAt === turn.deadline) {
      turn.expiresAt += ANSWER_GRACE_MS;
      this.#deadlines.add(turn);
    } else this.#giveUp(turn, turn.inFlight ? "its cell did not answer" : `it waited behind ${this.length - 1} others`);
  }

  #giveUp(turn: PendingTurn, why: string): void {
    if (!turn.inFlight) this.#waitingCount -= 1;
    turn.settle(failedTurn(new HostError("deadline-exceeded", `${turn.plugin} ${turn.entryPoint} passed its deadline: ${why}`)));
  }
}
