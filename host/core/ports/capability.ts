// Functions of wit/ that the host answers beyond what the core knows itself: each with the permission that it needs.

import type { CallScope } from "../turn.ts";
import type { Limits, Permission } from "../types.ts";
import type { WitFunction, WitParams, WitResult } from "../wit.ts";

/** One call of one plugin, whose permission of the row's kind was asked for before its arguments were read. */
export interface CheckedCall {
  readonly plugin: string;
  readonly limits: Limits;
  /** Throws HostError `permission-denied`; to be asked for whatever the call reaches, at the moment when it does. */
  require(permission: Permission, resource: string): void;
  /** Aborts once something that was required is taken away, or the call has been answered. */
  readonly ended: AbortSignal;
  /** On the host's monotonic clock. */
  readonly deadline: number;
  /** Bills what the host itself works for the call, in milliseconds. */
  spend(ms: number): void;
  /** The turn that asks. */
  readonly within: CallScope;
}

/** One function. It checks its resources itself, with `call.require`. */
export interface CapabilityFunction<F extends WitFunction = WitFunction> {
  /** Absent for what touches the plugin's own things only. */
  readonly needs?: Permission | undefined;
  /** Resolves with the answer for the guest. Rejects with HostError. */
  answer(call: CheckedCall, ...args: WitParams<F>): Promise<WitResult<F>>;
}

/** What answers which function. */
export type CapabilityFunctions = { readonly [F in WitFunction]?: CapabilityFunction<F> };
