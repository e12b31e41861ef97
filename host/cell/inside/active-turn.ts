// A turn inside a cell: what it has used so far and its one outcome. It does not run anything.

import { HostError } from "../../core/errors.ts";
import type { TurnOutcome, Usage } from "../../core/types.ts";
import type { ToCell } from "../wire/protocol.ts";

export type TurnMessage = Extract<ToCell, { kind: "turn" }>;

/** Whoever is told what becomes of a turn. */
export interface TurnOwner {
  /** The turn must end early with this error. */
  abort(turn: ActiveTurn, error: HostError): void;
  /** The turn has its outcome. */
  ended(turn: ActiveTurn, outcome: TurnOutcome): void;
}

/** A turn from its arrival in the cell to its one outcome. */
export class ActiveTurn {
  message: TurnMessage;
  readonly expiresAt: number;
  place: number | undefined;
  cpuMs = 0;
  /** When its first slice began. */
  startedAt = 0;
  fuel = 0;
  slices = 0;
  hostCallsBefore = 0;
  readonly #owner: TurnOwner;
  #ended = false;
  #isCancelled = false;

  constructor(message: TurnMessage, expiresAt: number, owner: TurnOwner) {
    this.message = message;
    this.expiresAt = expiresAt;
    this.#owner = owner;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether whoever asked has ended it. */
  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  expire(): void {
    const { plugin, entryPoint, remainingMs } = this.message;
    const limit = entryPoint === "on_load" || entryPoint === "on_start" ? "startMs" : "deadlineMs";
    const spent = `it had ${Math.round(remainingMs)} ms when its cell got it and used ${this.cpuMs.toFixed(1)} ms of CPU (limits.${limit})`;
    this.#owner.abort(this, new HostError("deadline-exceeded", `${plugin} ${entryPoint} passed its deadline: ${spent}`));
  }

  cancel(): void {
    this.#isCancelled = true;
    const { plugin, entryPoint } = this.message;
    this.#owner.abort(this, new HostError("deadline-exceeded", `${plugin} ${entryPoint} was ended: nobody waits for its answer any more`));
  }

  /** Ends a turn that has not begun. */
  fail(error: HostError): void {
    this.settle({ ok: false, error, usage: this.usage(0, 0) });
    // It may stand in the queue for a while yet; its input need not.
    this.message = { ...this.message, input: "" };
  }

  settle(outcome: TurnOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#owner.ended(this, outcome);
  }

  usage(peakMemoryBytes: number, hostCalls: number, endedAt: number = this.startedAt): Usage {
    const { fuel, cpuMs, startedAt } = this;
    const [cpuUs, runUs] = [Math.round(cpuMs * 1_000), Math.round((endedAt - startedAt) * 1_000)];
    return { fuel, cpuUs, runUs, peakMemoryBytes, hostCalls };
  }
}
