// The turn that code runs in: by it the host knows on whose behalf it is asked.

import { AsyncLocalStorage } from "node:async_hooks";
import { Failure } from "./host-error.ts";

/** What code of the plugin may know of the turn that it runs in. */
export interface Turn {
  readonly entryPoint: string;
  /** W3C trace context. */
  readonly traceparent: string;
  /** What is left of its deadline, in milliseconds. */
  readonly remainingMs: number;
  /** Aborts when the host has ended the turn, or is gone: nobody waits for its answer. */
  readonly signal: AbortSignal;
}

export interface AskingTurn extends Turn {
  /** Resolves with the tagged block. */
  ask(functionName: string, args: readonly Uint8Array[]): Promise<Uint8Array>;
}

export const running: AsyncLocalStorage<AskingTurn> = new AsyncLocalStorage();

/** Throws Failure outside of a turn. */
export function currentTurn(): Turn {
  return current();
}

export function current(): AskingTurn {
  const turn = running.getStore();
  if (turn === undefined) throw new Failure("the host is asked within turns only, by what a handler calls");
  return turn;
}
