// A turn inside a cell: what it has used so far and its one outcome. It does not run anything.

import { HostError } from "../core/errors.ts";
import type { TurnOutcome, Usage } from "../core/types.ts";
import type { ToCell } from "./protocol.ts";

export type TurnMessage = Extract<ToCell, { kind: "turn" }>;

/** A turn from its arrival in the cell to its one outcome. */
export class ActiveTurn {
  readonly message: TurnMessage;
  readonly expiresAt: number;
  cpuMs = 0;
  fuel = 0;
  slices = 0;
  hostCallsBefore = 0;
  readonly #abort: (turn: ActiveTurn, error: HostError) => void;
  readonly #end: (outcome: TurnOutcome) => void;
  #ended = false;

  constructor(
    message: TurnMessage,
    expiresAt: number,
    abort: (turn: ActiveTurn, error: HostError) => void,
    end: (outcome: TurnOutcome) => void,
  ) {
    this.message = message;
    this.expiresAt = expiresAt;
    this.#abort = abort;
    this.#end = end;
  }

  get ended(): boolean {
    return this.#ended;
  }

  expire(): void {
    const { plugin, entryPoint, remainingMs } = this.message;
    const spent = `it had ${Math.round(remainingMs)} ms when its cell got it and used ${this.cpuMs.toFixed(1)} ms of CPU (limits.deadlineMs)`;
    this.#abort(this, new HostError("deadline-exceeded", `${plugin} ${entryPoint} passed its deadline: ${spent}`));
  }

  fail(error: HostError): void {
    this.settle({ ok: false, error: error.toShape(), usage: this.usage(0, 0) });
  }

  settle(outcome: TurnOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#end(outcome);
  }

  usage(peakMemoryBytes: number, hostCalls: number): Usage {
    return { fuel: this.fuel, cpuUs: Math.round(this.cpuMs * 1_000), peakMemoryBytes, hostCalls };
  }
}
