// A turn as the host knows it: one entry into one guest, from the moment when somebody asks for it to its one outcome; and what leads to one.

import type { HostError } from "./errors.ts";
import type { Permissions } from "./permissions.ts";
import { type Bytes, type Caller, type HandledEvents, NO_USAGE, type TurnOutcome } from "./types.ts";

/** What the host knows of a turn besides its input. */
export interface TurnContext {
  readonly caller: Caller;
  readonly traceparent: string;
  /** The step that has led to this one, as its traceparent. */
  readonly parent?: string | undefined;
  /** The service that it answers, the point that it extends, or the type of the events that it handles. */
  readonly subject?: string | undefined;
  /** On the host's monotonic clock; counts from the moment the turn is enqueued. */
  readonly deadline: number;
  /** The plugins that wait for this turn to end, outermost first. */
  readonly waiting: readonly string[];
  /** Whose permissions the turn needs besides those of the plugin that runs it. */
  readonly authorities: readonly Permissions[];
  /** Aborts when nobody waits for the outcome any more. */
  readonly cancelled?: AbortSignal | undefined;
  readonly handles?: HandledEvents | undefined;
}

/** The turn in which something is asked for, when a plugin asks. */
export interface CallScope {
  readonly plugin: { readonly name: string; readonly permissions: Permissions };
  readonly context: TurnContext;
}

export interface ServiceCall {
  readonly service: string;
  readonly payload: Bytes;
  readonly caller: Caller;
  /** Whose permissions a turn with its caller's authority needs too, besides those that `within` says. */
  readonly authorities?: readonly Permissions[] | undefined;
  readonly traceparent: string;
  readonly parent?: string | undefined;
  /** From now on; the provider's own limit holds when it is shorter. */
  readonly timeoutMs?: number | undefined;
  readonly within?: CallScope | undefined;
  /** Aborts when nobody waits for the answer any more; the provider's turn then ends as at its deadline. */
  readonly cancelled?: AbortSignal | undefined;
  /** Makes it a call for whose answer no turn waits: called once, as soon as the provider has taken it. It has the provider's own deadline. */
  readonly onTaken?: (() => void) | undefined;
}

/** What is asked of whoever extends a point; within, cancelled and time-out as for a call. */
export interface Question extends Omit<ServiceCall, "service" | "payload"> {
  readonly point: string;
  readonly input: Bytes;
  /** Does the host's own work on an answer when its time comes, for whoever pays for it. */
  readonly pace?: (<T>(piece: () => Promise<T>) => Promise<T>) | undefined;
}

export interface EndedTurn {
  readonly plugin: string;
  readonly entryPoint: string;
  readonly caller: Caller;
  readonly traceparent: string;
  readonly parent?: string | undefined;
  readonly subject?: string | undefined;
  /** On the host's monotonic clock. */
  readonly queuedAt: number;
  readonly outcome: TurnOutcome;
}

/** The outcome of a turn that never ran. */
export const failedTurn = (error: HostError): TurnOutcome => ({ ok: false, error, usage: NO_USAGE });
