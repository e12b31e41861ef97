// The port between a cell and what runs a guest. A cell knows guests only by this.

import type { ErrorShape, HostError } from "../core/errors.ts";
import type { Bytes, Limits, PluginImage, StorageSide, TurnInput } from "../core/types.ts";
import type { CellScope } from "./guest/cell-functions.ts";
import type { GuestState } from "./state/instance-state.ts";

/** How a cell paces a guest. The guest calls these from its own stack, one at a time. */
export interface Pacer {
  /** The fuel is spent. Answers with more while the slice's time is not over, else 0; then `refuel` is called. */
  extend(): number;
  /**
   * Like `extend`, where the guest cannot be suspended: more fuel beyond the slice, or 0 once it has taken too much, and then the guest
   * is doomed.
   */
  overrun(): number;
  /** The slice is spent. Resolves with the fuel of the next one, or -1 to end the guest. */
  refuel(): Promise<number>;
  /** A host function was answered in the cell; true when the slice's time is over. */
  overdue(): boolean;
  /** The guest waits for `answer`; resolves with it when the guest may run again, or undefined to end it. */
  wait(answer: Promise<Bytes>): Promise<Bytes | undefined>;
}

/** What an instance is given besides its code. */
export interface GuestEnvironment extends Pick<PluginImage, "api" | "reasons"> {
  readonly plugin: string;
  readonly limits: Limits;
  readonly scope: CellScope;
  readonly pacer: Pacer;
  /** On which side its storage is answered; in the cell when undefined. */
  readonly storage?: StorageSide | undefined;
  /** The turn that runs; for what runs elsewhere. */
  currentTurn?(): { readonly traceparent: string; readonly remainingMs: number } | undefined;
  /** Asks the host's side for a host function that is placed there; resolves with the tagged block. */
  askHost(functionName: string, args: readonly Bytes[]): Promise<Bytes>;
}

/** `broken` says that the instance must be thrown away. */
export type GuestResult = { readonly ok: true; readonly output: Bytes } | (ErrorShape & { readonly ok: false; readonly broken: boolean });

export interface GuestInstance {
  /** Enters an export with `fuel` for the first slice and calls `done` once, later. One at a time. Never throws. */
  run(entryPoint: string, input: TurnInput, fuel: number, done: (result: GuestResult) => void): void;
  /** Ends the guest at its next check with this error, and lets it do nothing more until then. The first error counts. */
  doom(error: HostError): void;
  /**
   * What it is between two turns; undefined when nothing has run in it. Rejects with HostError `plugin-failed` when that cannot be told from outside, and always
   * for a module that was not admitted for it.
   */
  capture?(): Promise<GuestState | undefined>;
  /** To be called before anything runs in it: it goes on from there. Rejects with HostError when the state is not one of its module; then it is good for nothing. */
  restore?(state: GuestState): Promise<void>;
  /** What the running slice has left; below 0 when it is overdrawn. A host function that took long forfeits the rest. */
  readonly fuelLeft: number;
  /** Fuel forfeited since the instance was made. */
  readonly fuelForfeited: number;
  /** Resident bytes of linear memory and blocks. */
  readonly memoryBytes: number;
  /** Host functions called since the instance was made. */
  readonly hostCalls: number;
}

/** An admitted and compiled module. */
export interface CompiledGuest {
  /** What an instance remembers is meant to last: it is made anew only when it is broken. */
  readonly isStateful?: boolean;
  /** The instance may link its module later; one that cannot be linked fails its first turn with `plugin-failed`. */
  instantiate(environment: GuestEnvironment): GuestInstance;
}

export interface Engine {
  /** Compiles an admitted module. Throws HostError `admission-refused` when it does not compile. */
  compile(module: Uint8Array<ArrayBuffer>): Promise<CompiledGuest>;
}
