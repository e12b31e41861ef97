// What host and cell say to each other. Turns and calls carry ids; every request has exactly one answer.

import type { ErrorShape } from "../../core/errors.ts";
import type { ProfiledStack } from "../../core/ports/cell.ts";
import type { LogLevel } from "../../core/ports/log.ts";
import type { Bytes, Caller, HandledEvents, PluginImage, TurnInput, TurnOutcome } from "../../core/types.ts";

/** Calls that a cell may make in a turn for itself, where turns are transactions, beside those of its guest. */
export const OWN_CALLS = 2_048;

export type ToCell =
  /** With `state` it goes on from there, or is not loaded. */
  | { readonly kind: "load"; readonly id: number; readonly image: PluginImage; readonly state?: Bytes | undefined }
  | { readonly kind: "unload"; readonly id: number; readonly plugin: string }
  | {
      readonly kind: "turn";
      readonly id: number;
      readonly plugin: string;
      readonly entryPoint: string;
      readonly caller: Caller;
      readonly traceparent: string;
      /** What is left of the deadline: clocks differ between threads, durations do not. */
      readonly remainingMs: number;
      readonly input: TurnInput;
      readonly handles?: HandledEvents | undefined;
    }
  /** Nobody waits for the turn any more; it ends as at its deadline, if it has not ended yet. */
  | { readonly kind: "cancel"; readonly id: number }
  | { readonly kind: "answer"; readonly id: number; readonly block: Bytes }
  /** Asks for nothing but an acknowledgement: is the cell's event loop alive? */
  | { readonly kind: "ping"; readonly id: number }
  /** Asks for the state of a plugin of which nothing runs. */
  | { readonly kind: "capture"; readonly id: number; readonly plugin: string }
  /** Begins to profile a plugin, or ends it. */
  | { readonly kind: "profile"; readonly id: number; readonly plugin: string; readonly on: boolean }
  /** What a plugin's next turn is told, as JSON text; only where it is loaded for that. */
  | { readonly kind: "replay"; readonly id: number; readonly plugin: string; readonly played: Bytes }
  | { readonly kind: "close"; readonly id: number };

export type FromCell =
  | { readonly kind: "acknowledged"; readonly id: number; readonly error: ErrorShape | undefined }
  | { readonly kind: "ended"; readonly id: number; readonly outcome: TurnOutcome }
  /** What a turn was told that ends next. */
  | { readonly kind: "recorded"; readonly id: number; readonly tape: Bytes }
  /** Answers `capture`; an error where the state cannot be told, no state where nothing has run. */
  | { readonly kind: "captured"; readonly id: number; readonly state: Bytes; readonly error: ErrorShape | undefined }
  /** Answers `profile`. */
  | { readonly kind: "profiled"; readonly id: number; readonly stacks: readonly ProfiledStack[] }
  | { readonly kind: "call"; readonly id: number; readonly turn: number; readonly functionName: string; readonly args: readonly Bytes[] }
  | {
      readonly kind: "log";
      readonly plugin: string;
      readonly level: LogLevel;
      readonly message: string;
      readonly traceparent: string | undefined;
      readonly cause: string | undefined;
    };

/** One end of a connection. Messages arrive in the order in which they were sent. */
export interface Channel<Out, In> {
  send(message: Out): void;
  /** Hands over what `send` has gathered. */
  flush(): void;
  /** Sets the one receiver; called once, before anything is sent. */
  receive(handler: (message: In) => void): void;
  close(): void;
}
